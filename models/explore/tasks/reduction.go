package tasks

import (
	"slices"

	"dtsim/models/explore"
)

// Ample implements explore.Reducible: the steps of one node for one task, when they
// are all that the two can do, touch nothing but them, and nothing can stop them. A
// crash could, and a fault on one node takes it from all others, so nodes wait for each
// other for as long as there are such faults left; and for as long as a record may go
// away, since it takes with it how far it was.
func (m *Model) Ample(s *State, enabled, ample []explore.Action) []explore.Action {
	for _, f := range [...]fault{crashes, leaves, expiries, reruns} {
		if s.budget.has(f) {
			return append(ample, enabled...)
		}
	}
	for key := range m.Tasks {
		if m.records.at(s.tasks[key].record).aged {
			return append(ample, enabled...)
		}
	}
	for from := 0; from < len(enabled); {
		a := unpack(enabled[from])
		if a.kind != nodeMoves {
			break
		}
		to := from + 1
		for to < len(enabled) && sameSide(a, unpack(enabled[to])) {
			to++
		}
		if to-from < len(enabled) && m.alone(s, enabled[from:to]) {
			return append(ample, enabled[from:to]...)
		}
		from = to
	}
	return append(ample, enabled...)
}

// sameSide reports whether two actions are steps of one node for one task.
func sameSide(a, b act) bool {
	return a.kind == nodeMoves && b.kind == nodeMoves && a.key == b.key && a.node == b.node
}

// alone reports whether steps of one node for one task touch nothing else.
func (m *Model) alone(s *State, actions []explore.Action) bool {
	return !slices.ContainsFunc(actions, func(action explore.Action) bool { return !m.apart(s, unpack(action)) })
}

// apart reports whether a step depends on, and changes, nothing but the node's share of the
// task.
func (m *Model) apart(s *State, a act) bool {
	if a.kind != nodeMoves {
		return false
	}
	switch a.move.kind {
	case perform, reply:
	default:
		return false
	}
	e := m.edgeOf(s, a)
	return e.inside && e.cost == free && e.ghosts[0] == 0 && e.broken == nil
}

// edgeOf returns the edge of a node's step; nil when it has none.
func (m *Model) edgeOf(s *State, a act) *edge {
	k := &s.tasks[a.key]
	e := m.at(k.parts[a.node], k.record)
	for i := range e.moves {
		if e.moves[i].move == a.move {
			return m.follow(e, k.parts[a.node], k.record, i)
		}
	}
	return nil
}

// Independent implements explore.Reducible: steps that touch only their own node's
// share of a task, and steps for different tasks that cost nothing that another needs.
func (m *Model) Independent(s *State, a, b explore.Action) bool {
	x, y := unpack(a), unpack(b)
	if x.kind != nodeMoves || y.kind != nodeMoves || sameSide(x, y) {
		return false
	}
	if m.apart(s, x) && m.apart(s, y) {
		return true
	}
	return x.key != y.key && !m.Conflict && m.gratis(s, x) && m.gratis(s, y)
}

// gratis reports whether a step costs nothing and leaves nothing in flight.
func (m *Model) gratis(s *State, a act) bool {
	e := m.edgeOf(s, a)
	return e.cost == free && e.ghosts[0] == 0
}

// Relevant implements explore.Reducible: what stands in the log. What nodes do is
// checked against it where they decide on it.
func (m *Model) Relevant(s *State) uint64 {
	h := uint64(s.left)
	for key := range m.Tasks {
		h = fold(h, m.records.at(s.tasks[key].record).hash)
	}
	return mix(h)
}
