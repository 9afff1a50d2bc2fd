package raftcheck

import (
	"fmt"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// safety is R4: nodes that apply an index apply the same entry there, each once and in
// order.
type safety struct {
	*run
	// applied is the newest index of each incarnation.
	applied map[incarnation]witness
}

func (c *safety) observe(e *trace.Event) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := e.Body.(type) {
	case *event.SnapshotRestored:
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
	case *event.Applied:
		if before := c.applied[who]; b.Index <= before.index {
			c.report("R4", e.Node, []int{before.seq}, "%s applies index %d after index %d", e.Node, b.Index, before.index)
		}
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
		first := &c.commits[c.committed[b.Index]]
		if first.by.seq == e.Seq {
			return
		}
		c.exercise("R4")
		if first.term != b.Term || first.sum != b.Sum {
			c.report("R4", e.Node, []int{first.by.seq}, "at index %d %s applies %s, and %s applied %s",
				b.Index, e.Node, named(b.Term, b.Sum), first.by.node, named(first.term, first.sum))
		}
	}
}

// named renders an entry.
func named(term, sum uint64) string { return fmt.Sprintf("entry %016x of term %d", sum, term) }

func (c *safety) finish() {}
