package cluster

import (
	"fmt"
	"sync/atomic"
)

// audits count uses of what was remembered, and say when the shipped code is to be run
// again for one.
type audits struct {
	every uint64
	uses  atomic.Uint64
	done  atomic.Int64
}

// due says that this use is to be looked at. Which uses are depends on their number, so
// that each of them will be one day.
func (a *audits) due(uint64) bool { return a.uses.Add(1)%a.every == 0 }

// auditEntry runs the shipped code again for all that a node can do, and panics when it
// does not do the same again: it is not the function that it claims to be.
func (m *Model) auditEntry(e *entry, part, record uint32) {
	m.audits.done.Add(1)
	again := m.makeEntry(part, record)
	if len(again.edges) != len(e.edges) {
		panic(fmt.Sprintf("cluster: the same situation offered %d moves, and now %d", len(e.edges), len(again.edges)))
	}
	for i, was := range append(e.edges[:len(e.edges):len(e.edges)], e.crash) {
		is := again.crash
		if i < len(again.edges) {
			is = again.edges[i]
		}
		if (was.broken == nil) == (is.broken == nil) {
			was.broken, is.broken = nil, nil
		}
		if was != is {
			panic(fmt.Sprintf("cluster: %s %s did two things in the same situation:\n%+v\n%+v",
				m.nodeName(m.parts.at(part).node), moveNames[was.kind], was, is))
		}
	}
}
