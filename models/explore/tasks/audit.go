package tasks

import (
	"fmt"
	"sync/atomic"
)

// audits count uses of what was remembered, and decide when the shipped code is run again
// for one.
type audits struct {
	every uint64
	uses  atomic.Uint64
	done  atomic.Int64
}

// due reports whether this use is to be looked at: one in so many.
func (a *audits) due() bool { return a.uses.Add(1)%a.every == 0 }

// audit runs the shipped code again for a move, on a Manager restored from a snapshot,
// and for an accepted command on one that holds all tasks. It panics when the outcome is
// not what is remembered: the code is not the function that it claims to be.
func (m *Model) audit(e *edge, part, record uint32) {
	m.audits.done.Add(1)
	p, r := m.parts.at(part), m.records.at(record)
	for _, w := range [...]*world{m.restored, m.withBystanders} {
		s := w.do(p, r, e.move, nil)
		is := edge{move: e.move, cost: e.cost, part: m.internPart(s.p).id, record: r.id, inside: !s.logged, broken: s.broken, ghosts: e.ghosts}
		if s.r != r {
			is.record = m.internRecord(s.r).id
		}
		was := *e
		if (was.broken == nil) == (is.broken == nil) {
			was.broken, is.broken = nil, nil
		}
		if was != is {
			panic(fmt.Sprintf("tasks: %s %s did two things in the same situation:\n%+v\n%s, %s\n%+v\n%s, %s",
				m.nodeName(p.node), moveNames[e.move.kind], was, m.records.at(was.record), m.parts.at(was.part),
				is, m.records.at(is.record), m.parts.at(is.part)))
		}
	}
}
