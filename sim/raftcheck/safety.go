package raftcheck

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// safety is R4: nodes that apply an index apply the same entry there, each once and in
// order.
type safety struct {
	*run
	// entries are what was first applied at each index.
	entries map[uint64]entry
	// applied is the newest index of each incarnation.
	applied map[incarnation]witness
}

// entry is an entry of the log, by its term and the hash of its data.
type entry struct {
	term, sum uint64
	by        witness
}

func (c *safety) observe(e *trace.Event) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := event.Of(e).(type) {
	case *event.SnapshotRestored:
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
	case *event.Applied:
		if before := c.applied[who]; b.Index <= before.index {
			c.report("R4", e.Node, []int{before.seq}, "%s applies index %d after index %d", e.Node, b.Index, before.index)
		}
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
		this := entry{b.Term, b.Sum, witness{node: e.Node, index: b.Index, seq: e.Seq}}
		first, ok := c.entries[b.Index]
		if !ok {
			c.entries[b.Index] = this
			return
		}
		c.exercise("R4")
		if first.term != this.term || first.sum != this.sum {
			c.report("R4", e.Node, []int{first.by.seq}, "at index %d %s applies entry %016x of term %d, and %s applied entry %016x of term %d",
				b.Index, e.Node, this.sum, this.term, first.by.node, first.sum, first.term)
		}
	}
}

func (c *safety) finish() {}
