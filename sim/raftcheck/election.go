package raftcheck

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// election is R1: at most one leader a term.
//
// A cluster that is recovered from the disk of one node (see [event.Recovered]) begins anew: a term in
// which another node has led may come again, since the disk that is kept need not know of it. That
// is waived because nothing of such a term counts any more but what is in the log that is kept, which R3
// and R4 go on with.
type election struct {
	*run
	leaders map[uint64]witness
}

func (c *election) observe(e *trace.Event) {
	if e.Kind == trace.Recovered {
		clear(c.leaders)
		return
	}
	b, ok := e.Body.(*event.NodeState)
	if !ok || b.State != event.Leader {
		return
	}
	first, ok := c.leaders[b.Term]
	if !ok {
		c.leaders[b.Term] = witness{node: e.Node, seq: e.Seq}
		c.exercise("R1")
		return
	}
	if first.node != e.Node {
		c.report("R1", e.Node, []int{first.seq}, "%s and %s are both leaders of term %d", first.node, e.Node, b.Term)
	}
}

func (c *election) finish() {}
