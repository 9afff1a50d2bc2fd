package coverage

import (
	"slices"
	"strings"

	"dtsim/sim/trace"
)

// committed makes a matcher for a command of a name.
func committed(name string, is func(s *story, c *command) bool) func(*story, *trace.Event) bool {
	return func(s *story, _ *trace.Event) bool { return s.command.name == name && is(s, s.command) }
}

// refused makes a matcher for a command of a name that was rejected with these words.
func refused(name, words string) func(*story, *trace.Event) bool {
	return committed(name, func(_ *story, c *command) bool { return strings.Contains(c.outcome, words) })
}

var answerGoals = []Goal{
	{
		Name: "duplicate request recognised by its id", on: trace.Committed,
		About:   "a request is in the log twice, and the second time it gets the first answer again",
		reached: func(s *story, _ *trace.Event) bool { return s.command.duplicate },
	},
	{
		Name: "ambiguous outcome of a committed command", on: trace.Returned,
		About: "a caller is told that nobody knows, of a command that has taken effect",
		reached: func(s *story, _ *trace.Event) bool {
			c := s.called
			return c != nil && c.returned == ambiguous && c.committed != nil && c.committed.accepted
		},
	},
	{
		Name: "ambiguous outcome later known committed", on: trace.Committed,
		About: "a command takes effect after its caller was told that nobody knows",
		reached: func(s *story, _ *trace.Event) bool {
			c := s.command.call
			return s.command.accepted && c != nil && c.returned == ambiguous
		},
	},
	{
		Name: "ambiguous outcome never committed", on: trace.RunEnded,
		About: "a caller was told that nobody knows, and the command never came into the log",
		reached: func(s *story, _ *trace.Event) bool {
			for _, c := range s.calls {
				if c.returned == ambiguous && c.committed == nil {
					return true
				}
			}
			return false
		},
	},
	{
		Name: "command committed after its caller is gone", on: trace.Committed,
		About: "a command takes effect after the incarnation that proposed it has ended",
		reached: func(s *story, _ *trace.Event) bool {
			return s.command.accepted && s.command.call != nil && s.command.call.orphaned
		},
	},
	{
		Name: "another ack after the first", on: trace.Committed,
		About: "a node acknowledges again what it has acknowledged, as itself in a new request",
		reached: func(s *story, _ *trace.Event) bool {
			c := s.command
			return (c.name == preparationAck || c.name == postAck) && c.acked && !c.duplicate
		},
	},
	{
		Name: "ack with another outcome than before", on: trace.Committed,
		About: "a node's second ack says the opposite of its first",
		reached: func(s *story, _ *trace.Event) bool {
			c := s.command
			return (c.name == preparationAck || c.name == postAck) && c.acked && c.success != c.ackedSuccess
		},
	},
}

// ambiguous is the outcome of a call whose command may or may not take effect.
const ambiguous = "ambiguous"

// pendingOn returns a call that is under way, of a kind and about the run of a
// command; nil when there is none.
func (s *story) pendingOn(c *command, do string) *call {
	for _, other := range s.calls {
		if other.do == do && other.returned == "" && !other.orphaned && other.committed == nil &&
			other.run.Namespace == c.run.Namespace && other.run.Task == c.run.Task {
			return other
		}
	}
	return nil
}

// pendingElsewhere says whether another submission was made, at another node and
// before the command was in the log, and has come into the log since it was made.
func (s *story) pendingElsewhere(c *command) bool {
	if c.call == nil {
		return false
	}
	for _, other := range s.order {
		winner := other.submitter
		if !other.gone && winner != nil && winner.node != c.call.node && winner.run != c.call.run &&
			other.id.Version > c.call.since {
			return true
		}
	}
	return false
}

// changedBy makes a matcher for a command of a name that took a task from one status
// to another.
func changedBy(name, before, after string, is func(s *story, r *run) bool) func(*story, *trace.Event) bool {
	return func(s *story, _ *trace.Event) bool {
		ch := s.changed
		return ch != nil && s.command.name == name && ch.before == before && ch.after == after && (is == nil || is(s, ch.run))
	}
}

var commandGoals = []Goal{
	{
		Name: "cancel racing the last unit", on: trace.Committed,
		About: "one unit is open, its completion and the cancellation of the task are both under way, and one of them comes into the log",
		reached: func(s *story, _ *trace.Event) bool {
			c := s.command
			r := s.runs[c.run]
			if r == nil || !c.accepted || len(r.open) != 1 {
				return false
			}
			return c.name == cancelTask && s.pendingOn(c, "complete-unit") != nil ||
				c.name == unitCompletion && s.pendingOn(c, "cancel-task") != nil
		},
	},
	{
		Name: "cancel too late", on: trace.Committed,
		About:   "a cancellation is refused: the task has left STARTED",
		reached: refused(cancelTask, "no longer running"),
	},
	{
		Name: "two nodes' conflicting submissions in one instant", on: trace.Committed,
		About: "two nodes submit conflicting tasks, neither knowing of the other, and the second in the log is refused",
		reached: committed(addTask, func(s *story, c *command) bool {
			return strings.Contains(c.outcome, "conflicts with") && s.pendingElsewhere(c)
		}),
	},
	{
		Name: "same id submitted while it is active", on: trace.Committed,
		About:   "a submission is refused: a run of that id is active",
		reached: refused(addTask, "is already running"),
	},
	{
		Name: "same id submitted again after the end", on: trace.TaskChanged,
		About: "a new run takes the place of a terminal record",
		reached: func(s *story, _ *trace.Event) bool {
			return s.command.name == addTask && s.changed != nil && s.changed.before == "" && s.changed.run.replaces
		},
	},
	{
		Name: "late report refused", on: trace.Committed,
		About:   "a unit reports to a task that has left STARTED",
		reached: refused(unitCompletion, "no longer running"),
	},
	{
		Name: "claim lost", on: trace.Committed,
		About: "a node reports on a unit that another node has claimed",
		reached: func(s *story, _ *trace.Event) bool {
			return (s.command.name == unitCompletion || s.command.name == unitProgress) && strings.Contains(s.command.outcome, "belongs to node")
		},
	},
	{
		Name: "unit claimed by the report of its end", on: trace.TaskChanged,
		About: "nobody has claimed a unit that is reported as done or failed",
		reached: func(s *story, _ *trace.Event) bool {
			return s.command.name == unitCompletion && s.changed != nil && s.changed.claims
		},
	},
	{
		Name: "failed prepare ack", on: trace.TaskChanged,
		About:   "a node cannot prepare, and the task fails before anybody has swapped",
		reached: changedBy(preparationAck, preparing, failed, nil),
	},
	{
		Name: "failed post ack", on: trace.TaskChanged,
		About:   "a node cannot swap, and the task fails with others swapped",
		reached: changedBy(postAck, swapping, failed, nil),
	},
	{
		Name: "unit failed while others are at work", on: trace.TaskChanged,
		About:   "a unit fails the task, and other units are open",
		reached: changedBy(unitCompletion, started, failed, func(_ *story, r *run) bool { return len(r.open) > 0 }),
	},
	{
		Name: "bad submission refused for ever", on: trace.Committed,
		About:   "a submission is refused that is bad in itself",
		reached: refused(addTask, "[dtm-perm/invalid-command]"),
	},
	{
		Name: "task failed for a payload that nobody can read", on: trace.TaskChanged,
		About:   "a payload comes into the log that no provider can read, and the task fails",
		reached: changedBy(unitCompletion, started, failed, func(_ *story, r *run) bool { return r.unreadable }),
	},
	{
		Name: "finalized by two nodes", on: trace.Committed,
		About: "a task that is FINISHED is finished again in another request",
		reached: committed(markFinalized, func(s *story, c *command) bool {
			r := s.runs[c.run]
			return c.accepted && r != nil && r.status == finished
		}),
	},
	{
		Name: "fail-task of a task whose owner left during PREPARING", on: trace.TaskChanged,
		About: "a node left for good and owed a preparation ack; an operator gives the task up",
		reached: changedBy(markFailed, preparing, failed, func(_ *story, r *run) bool {
			return r.leftIn[preparing]
		}),
	},
	{
		Name: "fail-task of a task whose owner left during SWAPPING", on: trace.TaskChanged,
		About: "a node left for good and owed a post-completion ack; an operator gives the task up",
		reached: changedBy(markFailed, swapping, failed, func(_ *story, r *run) bool {
			return r.leftIn[swapping]
		}),
	},
	{
		Name: "fail-task refused after the last ack", on: trace.Committed,
		About:   "an operator gives up a task that every owning node has swapped, and is refused",
		reached: refused(markFailed, "every owning node has acknowledged its swap"),
	},
	{
		Name: "clean-up refused as too fresh", on: trace.Committed,
		About:   "a record is to be removed before its time",
		reached: refused(cleanUpTask, "too fresh"),
	},
	{
		Name: "clean-up of a record that is gone", on: trace.Committed,
		About:   "a record is to be removed that another command has removed",
		reached: committed(cleanUpTask, func(s *story, c *command) bool { r := s.runs[c.run]; return r != nil && r.gone && !c.duplicate }),
	},
	{
		Name: "collection dropped under an active task, refused", on: trace.Committed,
		About:   "a collection is to be dropped while a task works on it",
		reached: refused(dropCollection, "conflicts with active task"),
	},
	{
		Name: "record dropped with its collection", on: trace.TaskChanged,
		About: "a collection takes the record of an ended task with it",
		reached: func(s *story, _ *trace.Event) bool {
			return s.command.name == dropCollection && s.changed != nil && s.changed.after == ""
		},
	},
	{
		Name: "record dropped with its collection while another task is SWAPPING", on: trace.TaskChanged,
		About: "a collection takes the record of an ended task with it, in the middle of the swap of another",
		reached: func(s *story, _ *trace.Event) bool {
			return s.command.name == dropCollection && s.changed != nil && s.changed.after == "" && s.active(swapping)
		},
	},
	{
		Name: "property updated under an active task, refused", on: trace.Committed,
		About: "a user changes a property while a task works on it",
		reached: committed(updateProperty, func(_ *story, c *command) bool {
			return !c.flip && strings.Contains(c.outcome, "conflicts with active task")
		}),
	},
	{
		Name: "schema flip refused for another task", on: trace.Committed,
		About: "a task that has swapped everywhere cannot change the schema while a task of another kind works on the collection",
		reached: committed(updateProperty, func(_ *story, c *command) bool {
			return c.flip && strings.Contains(c.outcome, "conflicts with active task")
		}),
	},
	{
		Name: "tenants deleted under an active task, refused", on: trace.Committed,
		About:   "tenants are to be deleted while a task works on their collection",
		reached: refused(deleteTenants, "conflicts with active task"),
	},
}

var providerGoals = []Goal{
	{
		Name: "provider asked LocalCallbacksDone and said no", on: trace.RecoveryAsked,
		About:   "a task was terminal at the start of a scheduler, and its provider has not done its part",
		reached: func(_ *story, e *trace.Event) bool { return !e.Bool("done") },
	},
	{
		Name: "callback tried again after an error", on: trace.CallbackStarted,
		About:   "a callback that has returned an error runs again in the same incarnation",
		reached: callbackAgain(func(cb *callback) bool { return cb.failures > 0 }),
	},
	{
		Name: "swap tried again after a crash", on: trace.CallbackStarted,
		About: "the callback that swaps runs again in a later incarnation",
		reached: func(s *story, e *trace.Event) bool {
			r := s.runs[runOf(e)]
			return r != nil && r.status == swapping && e.Str("callback") == r.swapCallback() &&
				callbackAgain(func(cb *callback) bool { return cb.again })(s, e)
		},
	},
	{
		Name: "group completed while others are at work", on: trace.CallbackStarted,
		About: "a group is done and swaps while units of other groups are open",
		reached: func(s *story, e *trace.Event) bool {
			r := s.runs[runOf(e)]
			return r != nil && e.Str("callback") == groupCompleted && r.status == started && len(r.open) > 0
		},
	},
	{
		Name: "task failed under a callback", on: trace.TaskChanged,
		About: "a task fails in PREPARING or SWAPPING while a node is inside the callback of that phase",
		reached: func(s *story, _ *trace.Event) bool {
			ch := s.changed
			return ch != nil && ch.after == failed && (ch.before == preparing || ch.before == swapping) &&
				slices.ContainsFunc(s.names, func(node string) bool {
					return s.nodes[node].up && ch.run.running(node, ch.run.callbackOf(ch.before))
				})
		},
	},
	{
		Name: "swap of two tasks at once", on: trace.CallbackStarted,
		About: "a node swaps for a task while another task is SWAPPING",
		reached: func(s *story, e *trace.Event) bool {
			r := s.runs[runOf(e)]
			return r != nil && r.status == swapping && e.Str("callback") == r.swapCallback() &&
				s.any(func(other *run) bool { return other != r && other.status == swapping }) != nil
		},
	},
}

// callbackAgain makes a matcher for the beginning of a callback that is as a predicate
// says.
func callbackAgain(is func(*callback) bool) func(*story, *trace.Event) bool {
	return func(s *story, e *trace.Event) bool {
		r := s.runs[runOf(e)]
		if r == nil {
			return false
		}
		cb := r.callbacks[callbackKey{e.Node, e.Str("callback"), e.Str("group")}]
		return cb != nil && is(cb)
	}
}
