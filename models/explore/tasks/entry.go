package tasks

import (
	"sync"
	"sync/atomic"

	"dtsim/fsm/api"
)

// entry is all that one node can do for one task while that is committed. The shipped
// code runs once for each move, when it is taken first, and is not run again for another
// state of the cluster in which the two are the same.
type entry struct {
	moves []costed
	edges []atomic.Pointer[edge] // where the moves lead, and a crash at the end
	// settled: the node owes nothing to the task.
	settled bool
}

// costed is a move with its price.
type costed struct {
	move
	cost fault
}

// edge is where a move leads.
type edge struct {
	move
	cost         fault
	part, record uint32
	ghosts       [4]uint32
	broken       *Broken
	// inside: nothing of it is in the log.
	inside bool
}

// at returns what a node can do for a task.
func (m *Model) at(part, record uint32) *entry {
	key := pair(part, record)
	if e, known := m.entries.get(key); known {
		return *e
	}
	return *m.entries.put(key, m.makeEntry(part, record))
}

func (m *Model) makeEntry(part, record uint32) *entry {
	p, r := m.parts.at(part), m.records.at(record)
	e := &entry{settled: m.world.settled(p, r)}
	all := m.budget()
	var known []*edge
	for _, mv := range m.world.moves(p, r, nil) {
		if !all.has(mv.cost()) {
			continue
		}
		var made *edge
		switch {
		case mv.kind != list:
		case m.Lag == 0:
			if m.idle(p, r) {
				continue
			}
		default:
			if made = m.edge(p, r, mv); made.part == part && made.broken == nil {
				continue
			}
		}
		e.moves = append(e.moves, costed{mv, mv.cost()})
		known = append(known, made)
	}
	e.edges = make([]atomic.Pointer[edge], len(e.moves)+1)
	for i, made := range known {
		e.edges[i].Store(made)
	}
	return e
}

// follow returns where a move of an entry leads; the one behind the last is a crash.
func (m *Model) follow(e *entry, part, record uint32, i int) *edge {
	mv := move{kind: crash}
	if i < len(e.moves) {
		mv = e.moves[i].move
	}
	if known := e.edges[i].Load(); known != nil {
		if m.audits.due() {
			m.audit(known, part, record)
		}
		return known
	}
	e.edges[i].CompareAndSwap(nil, m.edge(m.parts.at(part), m.records.at(record), mv))
	return e.edges[i].Load()
}

func (m *Model) edge(p *part, r *record, mv move) *edge {
	s := m.do(p, r, mv, nil)
	e := &edge{move: mv, cost: mv.cost(), part: m.internPart(s.p).id, record: r.id, inside: !s.logged, broken: s.broken}
	if s.r != r {
		e.record = m.internRecord(s.r).id
	}
	m.spares.put(e.record, s.manager)
	for i, c := range s.ghosts {
		e.ghosts[i] = m.internGhost(c).id
	}
	return e
}

// effect is what a ghost does to a record.
type effect struct {
	record uint32
	broken *Broken
	// spent: it does nothing, and never will.
	spent bool
}

func (m *Model) effect(r *record, g *ghost) effect {
	key := pair(r.id, g.id)
	if e, known := m.effects.get(key); known {
		return *e
	}
	done := m.apply(r, g.command)
	e := effect{record: m.internRecord(done.record).id, broken: done.broken}
	m.spares.put(e.record, done.manager)
	e.spent = e.record == r.id && e.broken == nil && (!r.shows(g.version) || r.task.Status.IsTerminal())
	return *m.effects.put(key, e)
}

// additions remembers what adds did: they look at all records.
type additions struct{ sync.Map }

type addKey struct {
	records [MaxTasks]uint32
	command command
}

// outsiderEffect is what an outsider's command does.
func (m *Model) outsiderEffect(s *State, c command) effect {
	if c.kind != api.CommandAddTask {
		return m.effect(m.records.at(s.tasks[c.key].record), m.internGhost(c))
	}
	k := addKey{command: c}
	var others []*record
	for key := range m.Tasks {
		k.records[key] = s.tasks[key].record
		if key != int(c.key) {
			others = append(others, m.records.at(s.tasks[key].record))
		}
	}
	if e, known := m.adds.Load(k); known {
		return e.(effect)
	}
	done := m.apply(m.records.at(s.tasks[c.key].record), c, others...)
	e := effect{record: m.internRecord(done.record).id, broken: done.broken}
	m.adds.Store(k, e)
	return e
}
