package goals

import (
	"slices"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// committed makes a matcher for a command of a name.
func committed(name string, is func(s *state, c *command) bool) func(*state, *trace.Event) bool {
	return func(s *state, _ *trace.Event) bool { return s.command.Name == name && is(s, s.command) }
}

// refused makes a matcher for a command of a name that was rejected for a reason.
func refused(name, reason string) func(*state, *trace.Event) bool {
	return committed(name, func(_ *state, c *command) bool { return c.Verdict.Reason == reason })
}

var answerGoals = []goal{
	{
		Name: "duplicate request recognised by its id", on: trace.Committed,
		About:   "a request is in the log twice, and the second time it gets the first answer again",
		reached: func(s *state, _ *trace.Event) bool { return s.command.Duplicate },
	},
	{
		Name: "ambiguous outcome of a committed command", on: trace.Returned,
		About: "the outcome is unknown to the caller of a command that has taken effect",
		reached: func(s *state, _ *trace.Event) bool {
			c := s.called
			return c != nil && c.returned == event.Ambiguous && c.committed != nil && c.committed.Accepted
		},
	},
	{
		Name: "ambiguous outcome later known committed", on: trace.Committed,
		About: "a command takes effect after its outcome was reported as unknown to its caller",
		reached: func(s *state, _ *trace.Event) bool {
			c := s.command.call
			return s.command.Accepted && c != nil && c.returned == event.Ambiguous
		},
	},
	{
		Name: "ambiguous outcome never committed", on: trace.RunEnded,
		About: "the outcome is unknown to the caller, and the command never came into the log",
		reached: func(s *state, _ *trace.Event) bool {
			for _, c := range s.calls {
				if c.returned == event.Ambiguous && c.committed == nil {
					return true
				}
			}
			return false
		},
	},
	{
		Name: "command committed after its caller is gone", on: trace.Committed,
		About: "a command takes effect after the incarnation that proposed it has ended",
		reached: func(s *state, _ *trace.Event) bool {
			return s.command.Accepted && s.command.call != nil && s.command.call.orphaned
		},
	},
	{
		Name: "another ack after the first", on: trace.Committed,
		About: "a node acknowledges again what it has acknowledged, as itself in a new request",
		reached: func(s *state, _ *trace.Event) bool {
			c := s.command
			return (c.Name == preparationAck || c.Name == postAck) && c.acked && !c.Duplicate
		},
	},
	{
		Name: "ack with another outcome than before", on: trace.Committed,
		About: "a node's second ack is the opposite of its first",
		reached: func(s *state, _ *trace.Event) bool {
			c := s.command
			return (c.Name == preparationAck || c.Name == postAck) && c.acked && c.Success != c.ackedSuccess
		},
	},
}

// pendingOn returns a call that is under way, of a kind and about the run of a
// command; nil when there is none.
func (s *state) pendingOn(c *command, do string) *call {
	for _, other := range s.calls {
		if other.do == do && other.returned == "" && !other.orphaned && other.committed == nil &&
			other.run.Key() == c.Run().Key() {
			return other
		}
	}
	return nil
}

// pendingElsewhere reports whether another submission was made, at another node and
// before the command was in the log, and has come into the log since it was made.
func (s *state) pendingElsewhere(c *command) bool {
	if c.call == nil {
		return false
	}
	for _, known := range s.Order {
		other := s.of(known)
		winner := other.submitter
		if !other.Gone && winner != nil && winner.node != c.call.node && winner.run != c.call.run &&
			other.ID.Version > c.call.since {
			return true
		}
	}
	return false
}

// changedBy makes a matcher for a command of a name that took a task from one status
// to another.
func changedBy(name string, before, after taskevent.TaskStatus, is func(s *state, r *run) bool) func(*state, *trace.Event) bool {
	return func(s *state, _ *trace.Event) bool {
		ch := s.changed
		return ch != nil && s.command.Name == name && ch.before == before && ch.after == after && (is == nil || is(s, ch.run))
	}
}

var commandGoals = []goal{
	{
		Name: "cancel racing the last unit", on: trace.Committed,
		About: "one unit is open, its completion and the cancellation of the task are both under way, and one of them comes into the log",
		reached: func(s *state, _ *trace.Event) bool {
			c := s.command
			r := s.run(c.Run())
			if r == nil || !c.Accepted || r.Unfinished != 1 {
				return false
			}
			return c.Name == cancelTask && s.pendingOn(c, taskevent.CompleteUnit) != nil ||
				c.Name == unitCompletion && s.pendingOn(c, string(taskplan.CancelTask)) != nil
		},
	},
	{
		Name: "cancel too late", on: trace.Committed,
		About:   "a cancellation is refused: the task has left STARTED",
		reached: refused(cancelTask, taskevent.TaskNotRunning),
	},
	{
		Name: "two nodes' conflicting submissions in one instant", on: trace.Committed,
		About: "two nodes submit conflicting tasks, neither knowing of the other, and the second in the log is refused",
		reached: committed(addTask, func(s *state, c *command) bool {
			return c.Verdict.Reason == taskevent.TaskConflict && s.pendingElsewhere(c)
		}),
	},
	{
		Name: "same id submitted while it is active", on: trace.Committed,
		About:   "a submission is refused: a run of that id is active",
		reached: refused(addTask, taskevent.TaskActive),
	},
	{
		Name: "same id submitted again after the end", on: trace.TaskChanged,
		About: "a new run takes the place of a terminal record",
		reached: func(s *state, _ *trace.Event) bool {
			return s.command.Name == addTask && s.changed != nil && s.changed.before == "" && s.changed.run.replaces
		},
	},
	{
		Name: "late report refused", on: trace.Committed,
		About:   "a unit reports to a task that has left STARTED",
		reached: refused(unitCompletion, taskevent.TaskNotRunning),
	},
	{
		Name: "claim lost", on: trace.Committed,
		About: "a node reports on a unit that another node has claimed",
		reached: func(s *state, _ *trace.Event) bool {
			return (s.command.Name == unitCompletion || s.command.Name == unitProgress) && s.command.Verdict.Reason == taskevent.UnitWrongNode
		},
	},
	{
		Name: "unit claimed by the report of its end", on: trace.TaskChanged,
		About: "a unit that no node has claimed is reported as done or failed",
		reached: func(s *state, _ *trace.Event) bool {
			return s.command.Name == unitCompletion && s.changed != nil && s.changed.claims
		},
	},
	{
		Name: "failed prepare ack", on: trace.TaskChanged,
		About:   "a node cannot prepare, and the task fails before any node has swapped",
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
		reached: changedBy(unitCompletion, started, failed, func(_ *state, r *run) bool { return r.Unfinished > 0 }),
	},
	{
		Name: "bad submission refused for ever", on: trace.Committed,
		About:   "a submission is refused that is bad in itself",
		reached: refused(addTask, taskevent.InvalidCommand),
	},
	{
		Name: "task failed for a payload that nobody can read", on: trace.TaskChanged,
		About:   "a payload comes into the log that no provider can read, and the task fails",
		reached: changedBy(unitCompletion, started, failed, func(_ *state, r *run) bool { return r.Unreadable }),
	},
	{
		Name: "finalized by two nodes", on: trace.Committed,
		About: "a task that is FINISHED is finished again in another request",
		reached: committed(markFinalized, func(s *state, c *command) bool {
			r := s.run(c.Run())
			return c.Accepted && r != nil && r.Status == finished
		}),
	},
	{
		Name: "fail-task of a task whose owner left during PREPARING", on: trace.TaskChanged,
		About: "a node left for good and owed a preparation ack; an operator gives the task up",
		reached: changedBy(markFailed, preparing, failed, func(_ *state, r *run) bool {
			return r.leftIn[preparing]
		}),
	},
	{
		Name: "fail-task of a task whose owner left during SWAPPING", on: trace.TaskChanged,
		About: "a node left for good and owed a post-completion ack; an operator gives the task up",
		reached: changedBy(markFailed, swapping, failed, func(_ *state, r *run) bool {
			return r.leftIn[swapping]
		}),
	},
	{
		Name: "fail-task refused after the last ack", on: trace.Committed,
		About: "an operator gives up a task that every owning node has swapped, and is refused",
		reached: committed(markFailed, func(s *state, c *command) bool {
			r := s.run(c.Run())
			return r != nil && !r.Gone && r.Status == swapping && c.Verdict.Reason == taskevent.TaskNotFinalizing && len(r.Missing(r.Swapped)) == 0
		}),
	},
	{
		Name: "clean-up refused as too fresh", on: trace.Committed,
		About:   "a record is to be removed before its time",
		reached: refused(cleanUpTask, taskevent.TaskTooFresh),
	},
	{
		Name: "clean-up of a record that is gone", on: trace.Committed,
		About:   "a record is to be removed that another command has removed",
		reached: committed(cleanUpTask, func(s *state, c *command) bool { r := s.run(c.Run()); return r != nil && r.Gone && !c.Duplicate }),
	},
	{
		Name: "collection dropped under an active task, refused", on: trace.Committed,
		About:   "a collection is to be dropped while a task works on it",
		reached: refused(dropCollection, taskevent.TaskConflict),
	},
	{
		Name: "record dropped with its collection", on: trace.TaskChanged,
		About: "a collection takes the record of an ended task with it",
		reached: func(s *state, _ *trace.Event) bool {
			return s.command.Name == dropCollection && s.changed != nil && s.changed.after == ""
		},
	},
	{
		Name: "record dropped with its collection while another task is SWAPPING", on: trace.TaskChanged,
		About: "a collection takes the record of an ended task with it, in the middle of the swap of another",
		reached: func(s *state, _ *trace.Event) bool {
			return s.command.Name == dropCollection && s.changed != nil && s.changed.after == "" && s.active(swapping)
		},
	},
	{
		Name: "property updated under an active task, refused", on: trace.Committed,
		About: "a user changes a property while a task works on it",
		reached: committed(updateProperty, func(_ *state, c *command) bool {
			return c.Migration == nil && c.Verdict.Reason == taskevent.TaskConflict
		}),
	},
	{
		Name: "schema flip refused for another task", on: trace.Committed,
		About: "a task that has swapped everywhere cannot change the schema while a task of another kind works on the collection",
		reached: committed(updateProperty, func(_ *state, c *command) bool {
			return c.Migration != nil && c.Verdict.Reason == taskevent.TaskConflict
		}),
	},
	{
		Name: "tenants deleted under an active task, refused", on: trace.Committed,
		About:   "tenants are to be deleted while a task works on their collection",
		reached: refused(deleteTenants, taskevent.TaskConflict),
	},
}

var providerGoals = []goal{
	{
		Name: "provider asked LocalCallbacksDone and said no", on: trace.RecoveryAsked,
		About:   "a task was terminal at the start of a scheduler, and its provider has not done its part",
		reached: func(_ *state, e *trace.Event) bool { return !e.Body.(*taskevent.RecoveryAsked).Done },
	},
	{
		Name: "callback tried again after an error", on: trace.CallbackStarted,
		About:   "a callback that has returned an error runs again in the same incarnation",
		reached: callbackAgain(func(cb *callback) bool { return cb.failures > 0 }),
	},
	{
		Name: "swap tried again after a crash", on: trace.CallbackStarted,
		About: "the callback that swaps runs again in a later incarnation",
		reached: func(s *state, e *trace.Event) bool {
			b := e.Body.(*taskevent.CallbackStarted)
			r := s.run(b.Run)
			return r != nil && r.Status == swapping && b.Name == r.swapCallback() &&
				callbackAgain(func(cb *callback) bool { return cb.again })(s, e)
		},
	},
	{
		Name: "group completed while others are at work", on: trace.CallbackStarted,
		About: "a group is done and swaps while units of other groups are open",
		reached: func(s *state, e *trace.Event) bool {
			b := e.Body.(*taskevent.CallbackStarted)
			r := s.run(b.Run)
			return r != nil && b.Name == taskevent.GroupCompleted && r.Status == started && r.Unfinished > 0
		},
	},
	{
		Name: "task failed under a callback", on: trace.TaskChanged,
		About: "a task fails in PREPARING or SWAPPING while a node is inside the callback of that phase",
		reached: func(s *state, _ *trace.Event) bool {
			ch := s.changed
			return ch != nil && ch.after == failed && (ch.before == preparing || ch.before == swapping) &&
				slices.ContainsFunc(s.nodes.Names(), func(node string) bool {
					return s.nodes.Of(node).Up && ch.running(node, ch.callbackOf(ch.before))
				})
		},
	},
	{
		Name: "swap of two tasks at once", on: trace.CallbackStarted,
		About: "a node swaps for a task while another task is SWAPPING",
		reached: func(s *state, e *trace.Event) bool {
			b := e.Body.(*taskevent.CallbackStarted)
			r := s.run(b.Run)
			return r != nil && r.Status == swapping && b.Name == r.swapCallback() &&
				s.any(func(other *run) bool { return other != r && other.Status == swapping }) != nil
		},
	},
}

// callbackAgain makes a matcher for the beginning of a callback that meets a
// predicate.
func callbackAgain(is func(*callback) bool) func(*state, *trace.Event) bool {
	return func(s *state, e *trace.Event) bool {
		b := e.Body.(*taskevent.CallbackStarted)
		r := s.run(b.Run)
		if r == nil {
			return false
		}
		cb := r.callbacks[callbackKey{e.Node, b.Name, b.Group}]
		return cb != nil && is(cb)
	}
}
