package coverage

import (
	"slices"

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

var nodeGoals = []nodeGoal{
	{
		Goal: Goal{"crash in the middle of a snapshot",
			"a replica has captured its state, and the node crashes before it is on the disk"},
		on: trace.NodeStopped, reached: func(n *Nodes, e *trace.Event) bool {
			return e.Body.(*event.NodeStopped).How == event.Crash && n.Of(e.Node).CutSnapshot
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
