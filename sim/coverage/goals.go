package coverage

import (
	"slices"
	"strings"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Goal is a situation that some run of a campaign should come to, because it is where
// systems go wrong.
type Goal struct {
	// Name is what the goal is called in counters and reports; it never changes its
	// meaning.
	Name string
	// About describes what has to happen.
	About string
}

// nodeGoal is a goal that is about nodes alone.
type nodeGoal struct {
	Goal
	on trace.Kind
	// reached reports whether an event of the kind, which the nodes have just taken in,
	// completes the situation.
	reached func(n *Nodes, e *trace.Event) bool
}

var nodeGoals = slices.Concat(situations, momentGoals())

// held makes a matcher for a goroutine that is held up.
func held(is func(n *Nodes, e *trace.Event, b *event.Stalled) bool) func(*Nodes, *trace.Event) bool {
	return func(n *Nodes, e *trace.Event) bool { return is(n, e, e.Body.(*event.Stalled)) }
}

// thread makes a matcher for a thread that is held up: one that began with a function of these, or
// with one that is made in it.
func thread(names ...string) func(*Nodes, *trace.Event) bool {
	return held(func(_ *Nodes, _ *trace.Event, b *event.Stalled) bool {
		return slices.ContainsFunc(names, func(name string) bool { return b.Thread == name || strings.HasPrefix(b.Thread, name+".") })
	})
}

// turned makes a matcher for a change of a node's Raft state.
func turned(is func(n *Nodes, node *Node, e *trace.Event) bool) func(*Nodes, *trace.Event) bool {
	return func(n *Nodes, e *trace.Event) bool { return is(n, n.Of(e.Node), e) }
}

// momentGoals are faults that strike at the moments of Raft.
func momentGoals() (goals []nodeGoal) {
	for _, m := range plan.RaftMoments() {
		goals = append(goals, nodeGoal{
			Goal: Goal{"fault at " + string(m), "a fault begins at that moment"}, on: trace.FaultBegan,
			reached: func(_ *Nodes, e *trace.Event) bool { return e.Body.(*event.FaultBegan).Moment == string(m) },
		})
	}
	return goals
}

// struck makes a matcher for an activation of a fault.
func struck(kind plan.FaultKind, is func(n *Nodes, e *trace.Event, w *event.Write) bool) func(*Nodes, *trace.Event) bool {
	return func(n *Nodes, e *trace.Event) bool {
		b := e.Body.(*event.FaultActivated)
		if plan.FaultKind(b.What) != kind {
			return false
		}
		w := b.Write()
		return is(n, e, &w)
	}
}

// torn makes a matcher for an unsynced write of which a crash has left all or a part.
func torn(op string, whole bool) func(*Nodes, *trace.Event) bool {
	return struck(plan.TornWrites, func(_ *Nodes, _ *trace.Event, w *event.Write) bool {
		return w.Op == op && w.Left > 0 && (w.Left == w.Of) == whole
	})
}

// changed makes a matcher for a change of a node's membership.
func changed(is func(node *Node, c event.Change) bool) func(*Nodes, *trace.Event) bool {
	return func(n *Nodes, e *trace.Event) bool {
		c := e.Body.(*event.FaultActivated).Change()
		return c.What != "" && is(n.Of(e.Node), c)
	}
}

// hasLed reports whether the node leads, or did when its raft shut itself down.
func (n *Node) hasLed() bool {
	return n.State == event.Leader || n.State == event.RaftShutdown && n.Was == event.Leader
}

// wrong is how far a clock must be ahead or behind to count as wrong.
const wrong = time.Second

var situations = []nodeGoal{
	{
		Goal: Goal{"Raft's main loop held up", "the goroutine that decides for a node is held up between two statements"},
		on:   trace.Stalled, reached: thread("raft.(*Raft).run"),
	},
	{
		Goal: Goal{"Raft's replication held up", "a goroutine with which a leader sends its log is held up"},
		on:   trace.Stalled, reached: thread("raft.(*Raft).startStopReplication", "raft.(*Raft).replicate"),
	},
	{
		Goal: Goal{"Raft's snapshots held up", "the goroutine that takes snapshots is held up"},
		on:   trace.Stalled, reached: thread("raft.(*Raft).runSnapshots"),
	},
	{
		Goal: Goal{"Raft's applies held up", "the goroutine that applies the log is held up"},
		on:   trace.Stalled, reached: thread("raft.(*Raft).runFSM"),
	},
	{
		Goal: Goal{"held up for longer than an election timeout", "a goroutine is held up for longer than others wait for a leader"},
		on:   trace.Stalled, reached: held(func(n *Nodes, e *trace.Event, b *event.Stalled) bool {
			return b.For > n.election && e.At+b.For <= n.quiescence
		}),
	},
	{
		Goal: Goal{"held up with a lock", "a goroutine is held up between taking a lock and releasing it"},
		on:   trace.Stalled, reached: held(func(_ *Nodes, _ *trace.Event, b *event.Stalled) bool { return b.Locked }),
	},
	{
		Goal: Goal{"leader change while the old leader is held up", "another node becomes leader, and a goroutine of the one before is held up meanwhile"},
		on:   trace.NodeState, reached: func(n *Nodes, e *trace.Event) bool {
			return n.Elected(e) && n.Of(n.leaders[len(n.leaders)-2]).HeldUntil > e.At
		},
	},
	{
		Goal: Goal{"messages wait for a paused node", "a node goes on after a pause, and finds messages from which it has a choice"},
		on:   trace.NodeResumed, reached: func(_ *Nodes, e *trace.Event) bool { return e.Body.(*event.NodeResumed).Messages > 1 },
	},
	{
		Goal: Goal{"messages and timers wait for a paused node", "a node goes on after a pause; messages have arrived, and timers become due"},
		on:   trace.NodeResumed, reached: func(_ *Nodes, e *trace.Event) bool {
			b := e.Body.(*event.NodeResumed)
			return b.Messages > 0 && b.Timers > 0
		},
	},
	{
		Goal: Goal{"pause across an election", "a node goes on after a pause, during which another one has become leader"},
		on:   trace.NodeResumed, reached: func(n *Nodes, e *trace.Event) bool { return len(n.leaders) > n.Of(e.Node).Elections },
	},
	{
		Goal: Goal{"leader with a drifting clock deposed", "a node whose clock is too fast or too slow was leader, and is not any more: its lease was measured by that"},
		on:   trace.NodeState, reached: turned(func(_ *Nodes, node *Node, _ *trace.Event) bool {
			return node.Was == event.Leader && node.State == event.Follower && node.Drift != 0
		}),
	},
	{
		Goal: Goal{"candidate with a drifting clock", "a node whose clock is too fast or too slow stands for election while there was a leader"},
		on:   trace.NodeState, reached: turned(func(n *Nodes, node *Node, _ *trace.Event) bool {
			return node.State == event.Candidate && node.Drift != 0 && n.Leader() != ""
		}),
	},
	{
		Goal: Goal{"leader elected with a clock ahead", "a node becomes leader whose clock shows more than the time of the run, by a second or more"},
		on:   trace.NodeState, reached: turned(func(_ *Nodes, node *Node, e *trace.Event) bool {
			return node.State == event.Leader && node.Ahead(e.At) >= wrong
		}),
	},
	{
		Goal: Goal{"leader elected with a clock behind", "the same with a clock that shows less"},
		on:   trace.NodeState, reached: turned(func(_ *Nodes, node *Node, e *trace.Event) bool {
			return node.State == event.Leader && node.Ahead(e.At) <= -wrong
		}),
	},
	{
		Goal: Goal{"clock of a leader jumps", "the clock of a node is set while it is leader"},
		on:   trace.ClockSet, reached: turned(func(n *Nodes, node *Node, e *trace.Event) bool {
			return node.State == event.Leader && node.jumped && e.At < n.quiescence
		}),
	},
	{
		Goal: Goal{"crash in the middle of a snapshot",
			"a replica has captured its state, and the node crashes before it is on the disk"},
		on: trace.NodeStopped, reached: func(n *Nodes, e *trace.Event) bool {
			return e.Body.(*event.NodeStopped).How == event.Crash && n.Of(e.Node).CutSnapshot
		},
	},
	{
		Goal: Goal{"a part of a batch survives a crash", "of entries that were written and not synced, those in front are on the disk, and the others are not"},
		on:   trace.FaultActivated, reached: torn("tear-log", false),
	},
	{
		Goal: Goal{"unsynced entries survive a crash", "a node has entries on its disk of which it had not heard that they are there"},
		on:   trace.FaultActivated, reached: torn("tear-log", true),
	},
	{
		Goal: Goal{"a snapshot is cut off by a crash", "a node finds a snapshot whose state is shorter than its metadata say"},
		on:   trace.FaultActivated, reached: torn("tear-snapshot", false),
	},
	{
		Goal: Goal{"an unsynced term or vote survives a crash", "a node has a key of the stable store on its disk of which it had not heard that it is there"},
		on:   trace.FaultActivated, reached: torn("tear-stable", true),
	},
	{
		Goal: Goal{"crash between the two writes of a vote", "the term of a node's vote is on its disk, and the candidate of that term is not, when it crashes"},
		on:   trace.NodeStopped, reached: func(n *Nodes, e *trace.Event) bool {
			return e.Body.(*event.NodeStopped).How == event.Crash && n.Of(e.Node).Wrote == event.LastVoteTerm
		},
	},
	{
		Goal: Goal{"a vote cannot be stored", "the write of one of the two keys of a vote fails"},
		on:   trace.FaultActivated, reached: struck(plan.DiskError, func(_ *Nodes, _ *trace.Event, w *event.Write) bool {
			return w.Name == event.LastVoteTerm || w.Name == event.LastVoteCand
		}),
	},
	{
		Goal: Goal{"a leader waits for its log", "a write to the log holds up the main loop of a leader for longer than its lease"},
		on:   trace.FaultActivated, reached: struck(plan.DiskSlow, func(n *Nodes, e *trace.Event, w *event.Write) bool {
			return w.Op == "log" && n.Of(e.Node).State == event.Leader && w.By >= n.lease
		}),
	},
	{
		Goal: Goal{"a slow snapshot", "a write of a snapshot takes longer than others wait for a leader"},
		on:   trace.FaultActivated, reached: struck(plan.DiskSlow, func(n *Nodes, _ *trace.Event, w *event.Write) bool {
			return (strings.HasPrefix(w.Op, "snapshot") || strings.HasPrefix(w.Op, "install")) && w.By >= n.election
		}),
	},
	{
		Goal: Goal{"voter demoted and promoted again", "a node is made a non-voter, and a voter again"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.Promoted }),
	},
	{
		Goal: Goal{"leader demoted", "a leader commits a configuration in which it has no vote"},
		on:   trace.FaultActivated, reached: changed(func(n *Node, c event.Change) bool { return c.What == event.Demoted && n.hasLed() }),
	},
	{
		Goal: Goal{"leader removed from the configuration", "a leader commits a configuration in which it is not, and is added again later, or never"},
		on:   trace.FaultActivated, reached: changed(func(n *Node, c event.Change) bool { return c.What == event.Removed && n.hasLed() }),
	},
	{
		Goal: Goal{"node added again as a voter", "a node that was removed is a voter again, with what it had on its disk"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.Added && !c.Emptied }),
	},
	{
		Goal: Goal{"node added as a non-voter", "a node that is no member becomes one that is sent the log and has no vote"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.AddedNonVoter }),
	},
	{
		Goal: Goal{"node added with an empty disk", "a node that was removed is a voter again, and had nothing on its disk"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.Added && c.Emptied }),
	},
	{
		Goal: Goal{"crash of a node without a vote", "a node crashes that a fault has made a non-voter or removed"},
		on:   trace.NodeStopped, reached: func(n *Nodes, e *trace.Event) bool {
			return e.Body.(*event.NodeStopped).How == event.Crash && n.Of(e.Node).Member != ""
		},
	},
	{
		Goal: Goal{"leader change while a voter is missing", "another node becomes leader while a fault has taken a vote away"},
		on:   trace.NodeState, reached: func(n *Nodes, e *trace.Event) bool {
			return n.Elected(e) && slices.ContainsFunc(n.names, func(name string) bool { return n.nodes[name].Member != "" })
		},
	},
	{
		Goal: Goal{"removed node stands for election", "a node that is no member, and goes on running, does not know that and wants to lead"},
		on:   trace.NodeState, reached: turned(func(_ *Nodes, node *Node, _ *trace.Event) bool {
			return node.State == event.Candidate && node.Member == event.Removed
		}),
	},
	{
		Goal: Goal{"node that came back with an empty disk leads", "a node becomes leader that had lost all that Raft has on its disk"},
		on:   trace.NodeState, reached: turned(func(_ *Nodes, node *Node, _ *trace.Event) bool {
			return node.State == event.Leader && node.Emptied
		}),
	},
	{
		Goal: Goal{"state replaced by a user", "a leader has taken a backup for its state, and a majority has it from the leader"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.Restored }),
	},
	{
		Goal: Goal{"entries aborted by a user", "a leader has entries in its log that are not committed when its state is replaced"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.Restored && c.Aborted > 0 }),
	},
	{
		Goal: Goal{"cluster recovered from one disk", "all nodes were down, and one of them is made a cluster, with what it has"},
		on:   trace.FaultActivated, reached: changed(func(_ *Node, c event.Change) bool { return c.What == event.RecoveredAlone }),
	},
	{
		Goal: Goal{"recovery commits what nobody has applied", "the log of the node that is made a cluster goes on behind what any node has applied"},
		on:   trace.Applied, reached: func(n *Nodes, e *trace.Event) bool {
			node := n.Of(e.Node)
			return n.recovering == e.Node && node.Applied > node.AppliedBefore && !slices.ContainsFunc(n.names, func(name string) bool {
				return name != e.Node && n.nodes[name].Applied >= node.Applied
			})
		},
	},
	{
		Goal: Goal{"two leaders", "a node becomes leader while another one still believes that it is"},
		on:   trace.NodeState,
		reached: func(n *Nodes, e *trace.Event) bool {
			return n.Elected(e) && slices.ContainsFunc(n.names, func(name string) bool {
				return name != e.Node && n.nodes[name].State == event.Leader
			})
		},
	},
	{
		Goal:    Goal{"paused leader wakes up deposed", "a leader stalls, another one is elected, and the old one goes on"},
		on:      trace.NodeResumed,
		reached: func(n *Nodes, e *trace.Event) bool { return n.Of(e.Node).Led == e.Node && n.Leader() != e.Node },
	},
}

// NodeGoals returns the goals that are about nodes alone, in a fixed order.
func NodeGoals() []Goal {
	var all []Goal
	for _, g := range nodeGoals {
		all = append(all, g.Goal)
	}
	return all
}
