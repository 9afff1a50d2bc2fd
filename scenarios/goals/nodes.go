package goals

import (
	"strings"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/coverage"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// crashed makes a matcher for the crash of a node.
func crashed(is func(s *state, n *coverage.Node) bool) func(*state, *trace.Event) bool {
	return func(s *state, e *trace.Event) bool {
		return e.Body.(*event.NodeStopped).How == event.Crash && is(s, s.node(e))
	}
}

// beforeReply makes a matcher for a crash between apply and reply.
func beforeReply(is func(*call) bool) func(*state, *trace.Event) bool {
	return crashed(func(s *state, n *coverage.Node) bool { return s.unanswered(n, is) })
}

// during makes a matcher for a crash of a node on which an active run is in the middle
// of something.
func during(is func(r *run, node string) bool) func(*state, *trace.Event) bool {
	return crashed(func(s *state, n *coverage.Node) bool {
		return s.any(func(r *run) bool { return r.working() && is(r, n.Name) }) != nil
	})
}

var crashGoals = []goal{
	{
		Name: "crash between apply and reply of the last prepare ack", on: trace.NodeStopped,
		About: "the ack that lifts the barrier is in the log; its sender, or the leader that owes the answer, crashes before the sender knows",
		reached: beforeReply(func(c *call) bool {
			return c.do == "ack-preparation" && c.committed.lastAck
		}),
	},
	{
		Name: "crash between apply and reply of the last post ack", on: trace.NodeStopped,
		About:   "the same with the post-completion ack that makes the task ready to finish",
		reached: beforeReply(func(c *call) bool { return c.do == "ack-swap" && c.committed.lastAck }),
	},
	{
		Name: "crash between apply and reply of a submission", on: trace.NodeStopped,
		About:   "a task is on record and its submitter does not know",
		reached: beforeReply(func(c *call) bool { return c.do == "add-task" }),
	},
	{
		Name: "crash between apply and reply of a completion", on: trace.NodeStopped,
		About:   "a unit is COMPLETED and its worker does not know",
		reached: beforeReply(func(c *call) bool { return c.do == "complete-unit" }),
	},
	{
		Name: "crash between apply and reply of a finalize", on: trace.NodeStopped,
		About:   "the task is FINISHED and who finished it does not know",
		reached: beforeReply(func(c *call) bool { return c.do == "finalize-task" }),
	},
	{
		Name: "crash at work", on: trace.NodeStopped,
		About: "a worker is at work on a unit of an active task when its node crashes",
		reached: crashed(func(s *state, n *coverage.Node) bool {
			for w, incarnation := range s.life(n.Name).working {
				if r := s.run(w.run); incarnation == n.Incarnation && r != nil && r.working() {
					return true
				}
			}
			return false
		}),
	},
	{
		Name: "crash in the preparation", on: trace.NodeStopped,
		About: "the node crashes inside its preparation callback",
		reached: during(func(r *run, node string) bool {
			return r.Status == preparing && r.running(node, taskevent.GroupCompleted)
		}),
	},
	{
		Name: "crash in the swap", on: trace.NodeStopped,
		About:   "the node crashes inside the callback that swaps",
		reached: during(func(r *run, node string) bool { return r.Status == swapping && r.running(node, r.swapCallback()) }),
	},
	{
		Name: "crash between the swaps of two shards", on: trace.NodeStopped,
		About: "the node crashes inside the callback that swaps, with some of its replicas swapped and others not",
		reached: during(func(r *run, node string) bool {
			return r.has(node, r.swapCallback(), func(cb *callback) bool { return cb.running && cb.swaps > 0 && cb.swaps < cb.units })
		}),
	},
	{
		Name: "crash in OnTaskCompleted", on: trace.NodeStopped,
		About: "the node crashes inside OnTaskCompleted, in which the schema flips",
		reached: crashed(func(s *state, n *coverage.Node) bool {
			return s.any(func(r *run) bool { return r.running(n.Name, taskevent.TaskCompleted) }) != nil
		}),
	},
	{
		Name: "crash of the leader while SWAPPING", on: trace.NodeStopped,
		About: "the leader crashes and a task is SWAPPING",
		reached: crashed(func(s *state, n *coverage.Node) bool {
			return s.nodes.Leader() == n.Name && s.active(swapping)
		}),
	},
	{
		Name: "shutdown inside a callback", on: trace.NodeStopped,
		About: "an orderly shutdown cancels a callback that is under way",
		reached: func(s *state, e *trace.Event) bool {
			return e.Body.(*event.NodeStopped).How == event.Shutdown && s.life(e.Node).interrupted
		},
	},
	{
		Name: "majority down while a task is active", on: trace.NodeStopped,
		About:   "so many nodes are down that nothing can be committed, and a task is active",
		reached: func(s *state, _ *trace.Event) bool { return s.nodes.Up() == len(s.nodes.Names())/2 && s.busy() },
	},
	{
		Name: "node left for good during PREPARING", on: trace.NodeLeft,
		About: "a node that owes a preparation ack leaves and will not come back",
		reached: func(s *state, e *trace.Event) bool {
			return s.any(func(r *run) bool {
				return r.Status == preparing && r.owns(e.Node) && !r.Prepared[e.Node].Success
			}) != nil
		},
	},
}

// restarted makes a matcher for the start of a node, other than its first, while a run
// on record meets a predicate.
func restarted(is func(r *run, n *coverage.Node) bool) func(*state, *trace.Event) bool {
	return func(s *state, e *trace.Event) bool {
		n := s.node(e)
		return e.Incarnation > 1 && s.any(func(r *run) bool { return is(r, n) }) != nil
	}
}

var restartGoals = []goal{
	{
		Name: "restart between apply and callback", on: trace.NodeStarted,
		About: "the node had applied what takes a task to its phase and comes back before it has begun the callback of the phase",
		reached: restarted(func(r *run, n *coverage.Node) bool {
			name := r.phaseCallback()
			return name != "" && r.owns(n.Name) && n.Applied >= r.Last().Index &&
				!r.has(n.Name, name, func(cb *callback) bool { return cb.begins > 0 })
		}),
	},
	{
		Name: "restart between callback and ack", on: trace.NodeStarted,
		About: "the node's callback of the phase had ended well, and its ack is not in the log",
		reached: restarted(func(r *run, n *coverage.Node) bool {
			_, acked := r.phaseAcks()[n.Name]
			name := r.phaseCallback()
			return name != "" && !acked && r.has(n.Name, name, func(cb *callback) bool { return cb.done })
		}),
	},
	{
		Name: "own prepare ack in the log at restart", on: trace.NodeStarted,
		About:   "the node comes back to a task that is still PREPARING and has its ack",
		reached: restarted(func(r *run, n *coverage.Node) bool { return r.Status == preparing && r.Prepared[n.Name].Success }),
	},
	{
		Name: "own post ack in the log at restart", on: trace.NodeStarted,
		About:   "the node comes back to a task that is still SWAPPING and has its ack",
		reached: restarted(func(r *run, n *coverage.Node) bool { return r.Status == swapping && r.Swapped[n.Name].Success }),
	},
	{
		Name: "restart after the task has ended", on: trace.NodeStarted,
		About: "the node comes back to the record of a task that became terminal while it was away",
		reached: restarted(func(r *run, n *coverage.Node) bool {
			return (r.Status == finished || r.Status == failed || r.Status == cancelled) && r.Last().Index > n.Applied
		}),
	},
	{
		Name: "deferred bootstrap", on: trace.Listed,
		About: "a scheduler's first list fails, or has no answer for a whole tick after a restart, and what it starts with is of a later time",
		reached: func(s *state, e *trace.Event) bool {
			l := s.life(e.Node)
			return !e.Body.(*taskevent.Listed).Op.Set && !l.listed &&
				(l.listFailed || e.Incarnation > 1 && s.now-s.node(e).Started >= s.plan.SchedulerTick.D())
		},
	},
	{
		Name: "unit resumed after a restart", on: trace.WorkStarted,
		About:   "a node works again on a unit that it had taken up in an earlier incarnation",
		reached: func(s *state, e *trace.Event) bool { return s.life(e.Node).resumed },
	},
}

// elected makes a matcher for the election of a node after another one.
func elected(is func(s *state, n *coverage.Node) bool) func(*state, *trace.Event) bool {
	return func(s *state, e *trace.Event) bool {
		return s.nodes.Elected(e) && is(s, s.node(e))
	}
}

// lag is how late a replica has to be to count as lagging.
const lag = time.Second

var leaderGoals = []goal{
	{
		Name: "leader change while STARTED", on: trace.NodeState,
		About:   "another node becomes leader and a task is STARTED",
		reached: elected(func(s *state, _ *coverage.Node) bool { return s.active(started) }),
	},
	{
		Name: "leader change while PREPARING", on: trace.NodeState,
		About:   "another node becomes leader and a task is PREPARING",
		reached: elected(func(s *state, _ *coverage.Node) bool { return s.active(preparing) }),
	},
	{
		Name: "leader change while SWAPPING", on: trace.NodeState,
		About:   "another node becomes leader and a task is SWAPPING",
		reached: elected(func(s *state, _ *coverage.Node) bool { return s.active(swapping) }),
	},
	{
		Name: "phase applied late", on: trace.Applied,
		About: "a node that owes a callback applies what takes the task to its phase a second after others did",
		reached: func(s *state, e *trace.Event) bool {
			return s.any(func(r *run) bool {
				return r.phaseCallback() != "" && r.Last().Index == e.Body.(*event.Applied).Index && r.owns(e.Node) && s.now-r.Last().At >= lag
			}) != nil
		},
	},
}

var fileGoals = []goal{
	{
		Name: "restart beside a file torn between two steps", on: trace.FileRemoved,
		About: "a node finds the draft of a file, whole or in part, which a crash has kept it from putting in place",
		reached: func(_ *state, e *trace.Event) bool {
			return strings.HasPrefix(e.Body.(*event.FileRemoved).File, provider.Drafts)
		},
	},
}

// installed makes a matcher for a snapshot that a node got from the leader, rather
// than from its own disk.
func installed(is func(s *state, r *run, n *coverage.Node) bool) func(*state, *trace.Event) bool {
	return func(s *state, e *trace.Event) bool {
		n := s.node(e)
		return n.Follows && s.any(func(r *run) bool { return is(s, r, n) }) != nil
	}
}

var snapshotGoals = []goal{
	{
		Name: "snapshot installed during PREPARING", on: trace.SnapshotRestored,
		About:   "a node gets a snapshot instead of the log while a task is PREPARING",
		reached: installed(func(_ *state, r *run, _ *coverage.Node) bool { return r.Status == preparing }),
	},
	{
		Name: "snapshot installed during SWAPPING", on: trace.SnapshotRestored,
		About:   "a node gets a snapshot instead of the log while a task is SWAPPING",
		reached: installed(func(_ *state, r *run, _ *coverage.Node) bool { return r.Status == swapping }),
	},
	{
		Name: "snapshot instead of the command that changes the phase", on: trace.SnapshotRestored,
		About: "a node that owns units learns of the task's phase from a snapshot alone",
		reached: installed(func(_ *state, r *run, n *coverage.Node) bool {
			return r.phaseCallback() != "" && r.owns(n.Name) && n.AppliedBefore < r.Last().Index && r.Last().Index <= n.Applied
		}),
	},
	{
		Name: "restart from a snapshot with an active task", on: trace.SnapshotRestored,
		About:   "a node begins with a snapshot of its own while a task is active",
		reached: func(s *state, e *trace.Event) bool { return !s.node(e).Follows && s.busy() },
	},
	{
		Name: "snapshot taken during SWAPPING", on: trace.SnapshotTaken,
		About:   "a replica captures its state while a task is SWAPPING",
		reached: func(s *state, _ *trace.Event) bool { return s.active(swapping) },
	},
}
