package raftcheck

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// matching is R2: entries of the same index and term are the same, and so are the logs up to
// them. The latter follows from the term of the entry before it, which must be one and the same
// wherever an entry is stored. Terms never decrease along a log: where an entry replaces one of an
// older term, what the log held behind that one must be gone.
//
// Where a cluster is recovered from the disk of one node (see [event.Recovered]), the logs of the others are
// thrown away, and their terms may come again (see election): entries from before are not compared with
// those from then on. Those that were applied still are, by R4.
type matching struct {
	*run
	stored map[place]stored
}

// place is where an entry is, as Raft tells entries apart.
type place struct{ index, term uint64 }

// stored is an entry as it was first stored.
type stored struct {
	sum uint64
	// before is the term of the entry before it, if that is known.
	before      uint64
	knowsBefore bool
	by          witness
}

func (c *matching) observe(e *trace.Event) {
	if e.Kind == trace.Recovered {
		clear(c.stored)
		return
	}
	b, ok := e.Body.(*event.LogStored)
	if !ok {
		return
	}
	n := c.node(e.Node)
	before, knowsBefore := n.disk.before(b.First)
	for i := range b.Sums {
		l := b.Entry(i)
		at := place{l.Index, l.Term}
		first, ok := c.stored[at]
		switch {
		case !ok:
			c.stored[at] = stored{l.Sum, before, knowsBefore, witness{node: e.Node, seq: e.Seq}}
		case first.sum != l.Sum:
			c.report("R2", e.Node, []int{first.by.seq}, "at index %d of term %d %s stores entry %016x, and %s stored entry %016x",
				l.Index, l.Term, e.Node, l.Sum, first.by.node, first.sum)
		case knowsBefore && first.knowsBefore && first.before != before:
			c.report("R2", e.Node, []int{first.by.seq}, "before the entry at index %d of term %d %s has one of term %d, and %s had one of term %d",
				l.Index, l.Term, e.Node, before, first.by.node, first.before)
		case knowsBefore && !first.knowsBefore:
			first.before, first.knowsBefore = before, true
			c.stored[at] = first
		}
		if ok {
			c.exercise("R2")
		}
		before, knowsBefore = l.Term, true
	}
	if next, ok := n.disk.at(b.Last() + 1); ok && knowsBefore && next.Term < before {
		c.exercise("R2")
		c.report("R2", e.Node, nil, "%s stores an entry of term %d at index %d, and keeps one of term %d behind it",
			e.Node, before, b.Last(), next.Term)
	}
}

// before returns the term of the entry before an index. What the log holds below the end of
// the snapshot does not count: hashicorp/raft leaves entries there that the snapshot has
// replaced.
func (d *disk) before(index uint64) (term uint64, known bool) {
	switch end := d.snapshot; {
	case index-1 == end.Index:
		return end.Term, end.Index > 0 && end.Term > 0
	case index-1 < end.Index:
		return 0, false
	}
	l, ok := d.at(index - 1)
	return l.Term, ok
}

func (c *matching) finish() {}
