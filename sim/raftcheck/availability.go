package raftcheck

import (
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
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
	// due is set if by then the cluster has to be available.
	due bool
}

func (c *availability) observe(e *trace.Event) {
	switch b := event.Of(e).(type) {
	case *event.Called:
		n := c.node(e.Node)
		since := max(c.quiet, n.since)
		c.open[b.Op] = called{
			do: b.Do, node: e.Node, inc: e.Incarnation, at: e.At, seq: e.Seq,
			due: n.up && c.majority() && e.At-since >= Bound(c.plan) && (c.quiet > 0 || len(c.plan.Faults) == 0),
		}
	case *event.Returned:
		call, ok := c.open[b.Op]
		delete(c.open, b.Op)
		if !ok || !call.due || e.Node != call.node || e.Incarnation != call.inc || !c.node(e.Node).up {
			return
		}
		c.exercise("R7")
		if b.Outcome != event.OK && b.Outcome != event.Rejected && e.At < c.plan.Duration.D() {
			c.report("R7", e.Node, []int{call.seq}, "%s at %s, made %s after quiescence with a majority up, ended after %s with %q: %s",
				call.do, e.Node, call.at-c.quiet, e.At-call.at, b.Outcome, b.Error)
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
