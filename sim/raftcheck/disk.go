package raftcheck

import (
	"slices"

	"dtsim/sim/trace/event"
)

// disk is what a node holds for Raft, as its stores have recorded it.
type disk struct {
	// known is set once an event of a store was seen.
	known bool
	log   entries
	// sum is the exclusive or of the entries' mixes.
	sum uint64
	// snapshot is the last entry that the newest snapshot stands for.
	snapshot event.LogEntry
	// removed are the entries that the event just taken in has deleted.
	removed []event.LogEntry
}

// entries are entries of a log, sorted by index. There may be gaps.
type entries []event.LogEntry

// find returns where the entry of that index is, or belongs.
func (e entries) find(index uint64) (int, bool) {
	n := len(e)
	if n == 0 || index < e[0].Index {
		return 0, false
	}
	if index > e[n-1].Index {
		return n, false
	}
	if i := index - e[0].Index; i < uint64(n) && e[i].Index == index {
		return int(i), true // no gap before it
	}
	return slices.BinarySearchFunc(e, index, func(l event.LogEntry, index uint64) int {
		if l.Index < index {
			return -1
		}
		return int(min(l.Index-index, 1))
	})
}

// at returns the entry of an index.
func (d *disk) at(index uint64) (event.LogEntry, bool) {
	if i, ok := d.log.find(index); ok {
		return d.log[i], true
	}
	return event.LogEntry{}, false
}

// store takes entries in.
func (d *disk) store(b *event.LogStored) {
	d.known = true
	for n := range b.Sums {
		l := b.Entry(n)
		d.sum ^= l.Mix()
		if i, ok := d.log.find(l.Index); ok {
			d.sum ^= d.log[i].Mix()
			d.log[i] = l
		} else {
			d.log = slices.Insert(d.log, i, l)
		}
	}
}

// remove takes a deletion in.
func (d *disk) remove(b *event.LogDeleted) {
	from, _ := d.log.find(b.From)
	to, found := d.log.find(b.To)
	if found {
		to++
	}
	if from >= to {
		return
	}
	d.removed = append(d.removed, d.log[from:to]...)
	for _, l := range d.removed {
		d.sum ^= l.Mix()
	}
	if from == 0 {
		d.log = d.log[to:]
	} else {
		d.log = slices.Delete(d.log, from, to)
	}
}

// keep takes a snapshot in. The newest is the one of the highest term, as for the store.
func (d *disk) keep(b *event.SnapshotStored) {
	if s := d.snapshot; b.Term > s.Term || b.Term == s.Term && b.Index > s.Index {
		d.snapshot = event.LogEntry{Index: b.Index, Term: b.Term}
	}
}

// holds reports whether an entry is in the log, or below the snapshot.
func (d *disk) holds(index, term uint64) bool {
	if index <= d.snapshot.Index {
		return true
	}
	l, ok := d.at(index)
	return ok && l.Term == term
}
