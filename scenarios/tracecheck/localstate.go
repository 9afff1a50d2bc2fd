package tracecheck

import (
	"cmp"
	"slices"
	"time"
)

// localState is what the trace shows of a provider's local state of a version. It comes
// with a start that has units, which is sure once a worker works on one; it may come with
// the end of OnTaskCompleted, which providers note; and it goes with CleanLocal.
type localState struct {
	version uint64
	// sure is since when it is there, gone since when it is not; never for neither.
	sure, gone time.Duration
}

// find returns the index of a version, and whether anything is known of it.
func find(all []localState, version uint64) (int, bool) {
	return slices.BinarySearchFunc(all, version, func(l localState, v uint64) int { return cmp.Compare(l.version, v) })
}

// changeLocal changes what is known of a version.
func (n *node) changeLocal(k key, version uint64, change func(*localState)) {
	all := n.local[k]
	i, known := find(all, version)
	if !known {
		all = slices.Insert(all, i, localState{version, never, never})
		n.local[k] = all
	}
	change(&all[i])
}

// touched notes that there may be local state from now on.
func (n *node) touched(k key, version uint64) {
	n.changeLocal(k, version, func(l *localState) { l.gone = never })
}

// surely notes that there is local state.
func (n *node) surely(k key, version uint64, now time.Duration) {
	n.changeLocal(k, version, func(l *localState) {
		if l.gone = never; l.sure == never {
			l.sure = now
		}
	})
}

// doubtful notes that the removal may have begun.
func (n *node) doubtful(k key, version uint64) {
	if i, known := find(n.local[k], version); known {
		n.local[k][i].sure = never
	}
}

// removed notes that there is none any more.
func (n *node) removed(k key, version uint64, now time.Duration) {
	n.changeLocal(k, version, func(l *localState) { l.sure, l.gone = never, now })
}

// possible returns the sets of versions that a provider can have had when a list was asked for. Of
// more than a few that are in doubt, the oldest are there or not together.
func possible(all []localState, called time.Duration) [][]uint64 {
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
