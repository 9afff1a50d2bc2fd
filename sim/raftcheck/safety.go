package raftcheck

import "dtsim/sim/trace"

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
	field, _ := e.Get("index")
	index := field.Uint()
	who := incarnation{e.Node, e.Incarnation}
	switch e.Kind {
	case trace.SnapshotRestored:
		c.applied[who] = witness{index: index, seq: e.Seq}
	case trace.Applied:
		if before := c.applied[who]; index <= before.index {
			c.report("R4", e.Node, []int{before.seq}, "%s applies index %d after index %d", e.Node, index, before.index)
		}
		c.applied[who] = witness{index: index, seq: e.Seq}
		term, _ := e.Get("term")
		sum, _ := e.Get("sum")
		this := entry{term.Uint(), sum.Uint(), witness{node: e.Node, index: index, seq: e.Seq}}
		first, ok := c.entries[index]
		if !ok {
			c.entries[index] = this
			return
		}
		c.exercise("R4")
		if first.term != this.term || first.sum != this.sum {
			c.report("R4", e.Node, []int{first.by.seq}, "at index %d %s applies entry %016x of term %d, and %s applied entry %016x of term %d",
				index, e.Node, this.sum, this.term, first.by.node, first.sum, first.term)
		}
	}
}

func (c *safety) finish() {}
