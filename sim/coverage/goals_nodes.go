package coverage

import (
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// crashed makes a matcher for the crash of a node.
func crashed(is func(s *story, n *node) bool) func(*story, *trace.Event) bool {
	return func(s *story, e *trace.Event) bool { return e.Str("how") == "crash" && is(s, s.node(e)) }
}

// beforeReply makes a matcher for a crash between apply and reply.
func beforeReply(is func(*call) bool) func(*story, *trace.Event) bool {
	return crashed(func(s *story, n *node) bool { return s.unanswered(n, is) })
}

// during makes a matcher for a crash of a node on which an active run is in the middle
// of something.
func during(is func(r *run, node string) bool) func(*story, *trace.Event) bool {
	return crashed(func(s *story, n *node) bool {
		return s.any(func(r *run) bool { return r.isActive() && is(r, n.name) }) != nil
	})
}

var crashGoals = []Goal{
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
		reached: crashed(func(s *story, n *node) bool {
			for w, incarnation := range n.working {
				if r := s.runs[w.run]; incarnation == n.incarnation && r != nil && r.isActive() {
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
			return r.status == preparing && r.running(node, groupCompleted)
		}),
	},
	{
		Name: "crash in the swap", on: trace.NodeStopped,
		About:   "the node crashes inside the callback that swaps",
		reached: during(func(r *run, node string) bool { return r.status == swapping && r.running(node, r.swapCallback()) }),
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
		reached: crashed(func(s *story, n *node) bool {
			return s.any(func(r *run) bool { return r.running(n.name, taskCompleted) }) != nil
		}),
	},
	{
		Name: "crash of the leader while SWAPPING", on: trace.NodeStopped,
		About: "the leader crashes and a task is SWAPPING",
		reached: crashed(func(s *story, n *node) bool {
			return s.leader() == n.name && s.active(swapping)
		}),
	},
	{
		Name: "crash in the middle of a snapshot", on: trace.NodeStopped,
		About:   "a replica has captured its state, and the node crashes before it is on the disk",
		reached: crashed(func(_ *story, n *node) bool { return n.cutSnapshot }),
	},
	{
		Name: "shutdown inside a callback", on: trace.NodeStopped,
		About:   "an orderly shutdown cancels a callback that is under way",
		reached: func(s *story, e *trace.Event) bool { return e.Str("how") == "shutdown" && s.node(e).interrupted },
	},
	{
		Name: "majority down while a task is active", on: trace.NodeStopped,
		About:   "so many nodes are down that nothing can be committed, and a task is active",
		reached: func(s *story, _ *trace.Event) bool { return s.ups() == len(s.names)/2 && s.busy() },
	},
	{
		Name: "node left for good during PREPARING", on: trace.NodeLeft,
		About: "a node that owes a preparation ack leaves and will not come back",
		reached: func(s *story, e *trace.Event) bool {
			return s.any(func(r *run) bool {
				return r.status == preparing && r.owns(e.Node) && !r.prepared[e.Node]
			}) != nil
		},
	},
}

// restarted makes a matcher for the start of a node, other than its first, while a run
// on record is as a predicate says.
func restarted(is func(r *run, n *node) bool) func(*story, *trace.Event) bool {
	return func(s *story, e *trace.Event) bool {
		n := s.node(e)
		return e.Incarnation > 1 && s.any(func(r *run) bool { return is(r, n) }) != nil
	}
}

var restartGoals = []Goal{
	{
		Name: "restart between apply and callback", on: trace.NodeStarted,
		About: "the node had applied what takes a task to its phase and comes back before it has begun the callback of the phase",
		reached: restarted(func(r *run, n *node) bool {
			name := r.phaseCallback()
			return name != "" && r.owns(n.name) && n.applied >= r.reached &&
				!r.has(n.name, name, func(cb *callback) bool { return cb.begins > 0 })
		}),
	},
	{
		Name: "restart between callback and ack", on: trace.NodeStarted,
		About: "the node's callback of the phase had ended well, and its ack is not in the log",
		reached: restarted(func(r *run, n *node) bool {
			_, acked := r.phaseAcks()[n.name]
			name := r.phaseCallback()
			return name != "" && !acked && r.has(n.name, name, func(cb *callback) bool { return cb.done })
		}),
	},
	{
		Name: "own prepare ack in the log at restart", on: trace.NodeStarted,
		About:   "the node comes back to a task that is still PREPARING and has its ack",
		reached: restarted(func(r *run, n *node) bool { return r.status == preparing && r.prepared[n.name] }),
	},
	{
		Name: "own post ack in the log at restart", on: trace.NodeStarted,
		About:   "the node comes back to a task that is still SWAPPING and has its ack",
		reached: restarted(func(r *run, n *node) bool { return r.status == swapping && r.swapped[n.name] }),
	},
	{
		Name: "restart after the task has ended", on: trace.NodeStarted,
		About: "the node comes back to the record of a task that became terminal while it was away",
		reached: restarted(func(r *run, n *node) bool {
			return (r.status == finished || r.status == failed || r.status == cancelled) && r.reached > n.applied
		}),
	},
	{
		Name: "deferred bootstrap", on: trace.Listed,
		About: "a scheduler's first list fails, or has no answer for a whole tick after a restart, and what it starts with is of a later time",
		reached: func(s *story, e *trace.Event) bool {
			n := s.node(e)
			_, asked := e.Get("op")
			return !asked && !n.listed && (n.listFailed || e.Incarnation > 1 && s.now-n.started >= s.plan.SchedulerTick.D())
		},
	},
	{
		Name: "unit resumed after a restart", on: trace.WorkStarted,
		About:   "a node works again on a unit that it had taken up in an earlier incarnation",
		reached: func(s *story, e *trace.Event) bool { return s.node(e).resumed },
	},
}

// elected makes a matcher for the election of a node after another one.
func elected(is func(s *story, n *node) bool) func(*story, *trace.Event) bool {
	return func(s *story, e *trace.Event) bool {
		if e.Str("state") != leading || len(s.leaders) < 2 {
			return false
		}
		return s.leaders[len(s.leaders)-2] != e.Node && is(s, s.node(e))
	}
}

// lag is how late a replica has to be to count as lagging.
const lag = time.Second

var leaderGoals = []Goal{
	{
		Name: "leader change while STARTED", on: trace.NodeState,
		About:   "another node becomes leader and a task is STARTED",
		reached: elected(func(s *story, _ *node) bool { return s.active(started) }),
	},
	{
		Name: "leader change while PREPARING", on: trace.NodeState,
		About:   "another node becomes leader and a task is PREPARING",
		reached: elected(func(s *story, _ *node) bool { return s.active(preparing) }),
	},
	{
		Name: "leader change while SWAPPING", on: trace.NodeState,
		About:   "another node becomes leader and a task is SWAPPING",
		reached: elected(func(s *story, _ *node) bool { return s.active(swapping) }),
	},
	{
		Name: "two leaders", on: trace.NodeState,
		About: "a node becomes leader while another one still believes that it is",
		reached: elected(func(s *story, n *node) bool {
			return slices.ContainsFunc(s.names, func(name string) bool {
				return name != n.name && s.nodes[name].state == leading
			})
		}),
	},
	{
		Name: "paused leader wakes up deposed", on: trace.NodeResumed,
		About: "a leader stalls, another one is elected, and the old one goes on",
		reached: func(s *story, e *trace.Event) bool {
			n := s.node(e)
			return n.led == n.name && s.leader() != n.name
		},
	},
	{
		Name: "phase applied late", on: trace.Applied,
		About: "a node that owes a callback applies what takes the task to its phase a second after others did",
		reached: func(s *story, e *trace.Event) bool {
			return s.any(func(r *run) bool {
				return r.phaseCallback() != "" && r.reached == uint64(e.Int("index")) && r.owns(e.Node) && s.now-r.since >= lag
			}) != nil
		},
	},
}

var fileGoals = []Goal{
	{
		Name: "restart beside a file torn between two steps", on: trace.FileRemoved,
		About:   "a node finds the draft of a file, whole or in part, which a crash has kept it from putting in place",
		reached: func(_ *story, e *trace.Event) bool { return strings.HasPrefix(e.Str("file"), provider.Drafts) },
	},
}

// installed makes a matcher for a snapshot that a node got from the leader, rather
// than from its own disk.
func installed(is func(s *story, r *run, n *node) bool) func(*story, *trace.Event) bool {
	return func(s *story, e *trace.Event) bool {
		n := s.node(e)
		return n.follows && s.any(func(r *run) bool { return is(s, r, n) }) != nil
	}
}

var snapshotGoals = []Goal{
	{
		Name: "snapshot installed during PREPARING", on: trace.SnapshotRestored,
		About:   "a node gets a snapshot instead of the log while a task is PREPARING",
		reached: installed(func(_ *story, r *run, _ *node) bool { return r.status == preparing }),
	},
	{
		Name: "snapshot installed during SWAPPING", on: trace.SnapshotRestored,
		About:   "a node gets a snapshot instead of the log while a task is SWAPPING",
		reached: installed(func(_ *story, r *run, _ *node) bool { return r.status == swapping }),
	},
	{
		Name: "snapshot instead of the command that changes the phase", on: trace.SnapshotRestored,
		About: "a node that owns units learns of the task's phase from a snapshot alone",
		reached: installed(func(_ *story, r *run, n *node) bool {
			return r.phaseCallback() != "" && r.owns(n.name) && n.appliedBefore < r.reached && r.reached <= n.applied
		}),
	},
	{
		Name: "restart from a snapshot with an active task", on: trace.SnapshotRestored,
		About:   "a node begins with a snapshot of its own while a task is active",
		reached: func(s *story, e *trace.Event) bool { return !s.node(e).follows && s.busy() },
	},
	{
		Name: "snapshot taken during SWAPPING", on: trace.SnapshotTaken,
		About:   "a replica captures its state while a task is SWAPPING",
		reached: func(s *story, _ *trace.Event) bool { return s.active(swapping) },
	},
}
