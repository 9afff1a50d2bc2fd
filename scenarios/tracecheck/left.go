package tracecheck

import (
	"cmp"
	"slices"
	"time"
)

// left is what the trace tells of a provider's local state of a version. It comes with a
// start that has units, which is sure once a worker works on one; it may come with the
// end of OnTaskCompleted, which providers note; and it goes with CleanLocal.
type left struct {
	version uint64
	// sure is since when it is there, gone since when it is not; never for neither.
	sure, gone time.Duration
}

// find returns the place of a version, and whether anything is known of it.
func find(all []left, version uint64) (int, bool) {
	return slices.BinarySearchFunc(all, version, func(l left, v uint64) int { return cmp.Compare(l.version, v) })
}

// leaves changes what is known of a version.
func (n *node) leaves(k key, version uint64, change func(*left)) {
	all := n.left[k]
	i, known := find(all, version)
	if !known {
		all = slices.Insert(all, i, left{version, never, never})
		n.left[k] = all
	}
	change(&all[i])
}

// touched: there may be local state from now on.
func (n *node) touched(k key, version uint64) {
	n.leaves(k, version, func(l *left) { l.gone = never })
}

// surely: there is.
func (n *node) surely(k key, version uint64, now time.Duration) {
	n.leaves(k, version, func(l *left) {
		if l.gone = never; l.sure == never {
			l.sure = now
		}
	})
}

// doubtful: its removal may have begun.
func (n *node) doubtful(k key, version uint64) {
	if i, known := find(n.left[k], version); known {
		n.left[k][i].sure = never
	}
}

// removed: there is none any more.
func (n *node) removed(k key, version uint64, now time.Duration) {
	n.leaves(k, version, func(l *left) { l.sure, l.gone = never, now })
}

// held are the versions that a provider can have held when a list was asked for. Of
// more than a few that are in doubt, the oldest are there or not together.
func held(all []left, called time.Duration) [][]uint64 {
	const few = 3
	var doubtful, sure, old []uint64
	for _, l := range all {
		switch {
		case l.sure != never && l.sure < called:
			sure = append(sure, l.version)
		case l.gone == never || l.gone >= called:
			doubtful = append(doubtful, l.version)
		}
	}
	if n := len(doubtful) - few; n > 0 {
		old, doubtful = doubtful[:n], doubtful[n:]
	}
	sets := [][]uint64{sure}
	if len(old) > 0 {
		sets = append(sets, append(slices.Clip(sure), old...))
	}
	for _, v := range doubtful {
		for _, before := range slices.Clone(sets) {
			sets = append(sets, append(slices.Clip(before), v))
		}
	}
	for _, set := range sets {
		slices.Sort(set)
	}
	return sets
}
