package raftcheck

import (
	"time"

	"dtsim/sim/trace"
)

// availability is R7: a call that is made long enough after quiescence, at a node that
// stays up while a majority is up, is decided: accepted or rejected.
type availability struct {
	*run
	// open are the calls under way, by their number.
	open map[int64]called
}

// called is a call under way.
type called struct {
	do   string
	node string
	inc  int
	at   time.Duration
	seq  int
	// due says that by then the cluster has to be available.
	due bool
}

func (c *availability) observe(e *trace.Event) {
	switch e.Kind {
	case trace.Called:
		n := c.node(e.Node)
		since := max(c.quiet, n.since)
		c.open[e.Int("op")] = called{
			do: e.Str("do"), node: e.Node, inc: e.Incarnation, at: e.At, seq: e.Seq,
			due: n.up && c.majority() && e.At-since >= Bound(c.plan) && (c.quiet > 0 || len(c.plan.Faults) == 0),
		}
	case trace.Returned:
		op := e.Int("op")
		call, ok := c.open[op]
		delete(c.open, op)
		if !ok || !call.due || e.Node != call.node || e.Incarnation != call.inc || !c.node(e.Node).up {
			return
		}
		c.exercise("R7")
		if outcome := e.Str("outcome"); outcome != "ok" && outcome != "rejected" && e.At < c.plan.Duration.D() {
			c.report("R7", e.Node, []int{call.seq}, "%s at %s, made %s after quiescence with a majority up, ended after %s with %q: %s",
				call.do, e.Node, call.at-c.quiet, e.At-call.at, outcome, e.Str("error"))
		}
	}
}

// majority reports whether enough nodes are up to commit.
func (c *availability) majority() bool {
	up := 0
	for _, n := range c.nodes {
		if n.up {
			up++
		}
	}
	return up > c.plan.Cluster.Nodes/2
}

func (c *availability) finish() {}
