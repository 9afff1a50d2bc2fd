package raftcheck

import "dtsim/sim/trace"

// election is R1: at most one leader a term.
type election struct {
	*run
	leaders map[uint64]witness
}

func (c *election) observe(e *trace.Event) {
	if e.Kind != trace.NodeState || e.Str("state") != "Leader" {
		return
	}
	field, _ := e.Get("term")
	term := field.Uint()
	first, ok := c.leaders[term]
	if !ok {
		c.leaders[term] = witness{node: e.Node, seq: e.Seq}
		c.exercise("R1")
		return
	}
	if first.node != e.Node {
		c.report("R1", e.Node, []int{first.seq}, "%s and %s are both leaders of term %d", first.node, e.Node, term)
	}
}

func (c *election) finish() {}
