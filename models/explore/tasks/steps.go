package tasks

import (
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/models/explore"
)

// actKind is whose step an action is, and which.
type actKind uint8

const (
	nodeMoves    actKind = iota // a node does something for a task
	nodeCrashes                 // a node crashes
	nodeLeaves                  // a node is gone for good
	ghostLands                  // a command in flight commits
	ghostDrops                  // a command in flight is lost
	userCancels                 // a user cancels a task
	userAdds                    // a user adds a task (again)
	timePasses                  // the time to live of a record is over
	operatorEnds                // an operator gives a task up
)

// act is an action, taken apart.
type act struct {
	kind actKind
	key  uint8 // or which ghost
	node uint8
	move
}

func (a act) pack() explore.Action {
	return explore.Action(a.kind) | explore.Action(a.key)<<8 | explore.Action(a.node)<<16 | explore.Action(a.move.kind)<<24 | explore.Action(a.arg)<<32
}

func unpack(a explore.Action) act {
	return act{actKind(a), uint8(a >> 8), uint8(a >> 16), move{moveKind(a >> 24), uint8(a >> 32)}}
}

// settle brings every node that waits to rest, and forgets the ghosts that are spent.
func (m *Model) settle(s State) State {
	for key := range m.Tasks {
		k := &s.tasks[key]
		for node := range m.Nodes {
			if s.left&(1<<node) == 0 {
				k.parts[node] = m.resting(k.parts[node], k.record)
			}
		}
	}
	if s.flight == 0 {
		return s
	}
	ghosts := m.inFlight(&s)
	spent := func(g *ghost) bool { return m.effect(m.records.at(s.tasks[g.key].record), g).spent }
	if slices.ContainsFunc(ghosts, spent) {
		m.setFlight(&s, slices.DeleteFunc(slices.Clone(ghosts), spent))
	}
	return s
}

func (m *Model) resting(part, record uint32) uint32 {
	if m.Lag > 0 {
		return part
	}
	key := pair(part, record)
	if id, known := m.rests.get(key); known {
		return *id
	}
	p := m.parts.at(part)
	q := m.rest(p, m.records.at(record), nil)
	if q != p {
		return *m.rests.put(key, m.internPart(q).id)
	}
	return *m.rests.put(key, part)
}

// Enabled implements explore.Model.
func (m *Model) Enabled(s *State, actions []explore.Action) []explore.Action {
	for key := range m.Tasks {
		k := &s.tasks[key]
		for node := range m.Nodes {
			if s.left&(1<<node) != 0 {
				continue
			}
			for _, mv := range m.at(k.parts[node], k.record).moves {
				if s.budget.has(mv.cost) {
					actions = append(actions, act{nodeMoves, uint8(key), uint8(node), mv.move}.pack())
				}
			}
		}
	}
	for i, g := range m.inFlight(s) {
		if i > 0 && m.inFlight(s)[i-1] == g {
			continue
		}
		actions = append(actions, act{kind: ghostLands, key: uint8(i)}.pack())
		if m.Drops {
			actions = append(actions, act{kind: ghostDrops, key: uint8(i)}.pack())
		}
	}
	return m.outside(s, actions)
}

// outside appends what comes from outside of the nodes.
func (m *Model) outside(s *State, actions []explore.Action) []explore.Action {
	for node := range m.Nodes {
		if s.left&(1<<node) != 0 {
			continue
		}
		if s.budget.has(crashes) && m.up(s, node) {
			actions = append(actions, act{kind: nodeCrashes, node: uint8(node)}.pack())
		}
		if s.budget.has(leaves) {
			actions = append(actions, act{kind: nodeLeaves, node: uint8(node)}.pack())
		}
	}
	for key := range m.Tasks {
		status := m.records.at(s.tasks[key].record).status()
		if s.budget.has(cancels) && status != "" {
			actions = append(actions, act{kind: userCancels, key: uint8(key)}.pack())
		}
		if s.budget.has(reruns) {
			actions = append(actions, act{kind: userAdds, key: uint8(key)}.pack())
		}
		if s.budget.has(expiries) && status.IsTerminal() && !m.records.at(s.tasks[key].record).aged {
			actions = append(actions, act{kind: timePasses, key: uint8(key)}.pack())
		}
		if (s.left != 0 || m.NeverCompletes) && active(status) {
			actions = append(actions, act{kind: operatorEnds, key: uint8(key)}.pack())
		}
	}
	return actions
}

func active(status fsm.TaskStatus) bool { return status != "" && status.IsActive() }

// up reports whether a node has done anything in this life, so that a crash takes something.
func (m *Model) up(s *State, node int) bool {
	for key := range m.Tasks {
		if m.parts.at(s.tasks[key].parts[node]).passes.Listed {
			return true
		}
	}
	return false
}

// Step implements explore.Model.
func (m *Model) Step(s *State, action explore.Action) (State, *Broken) {
	a, next := unpack(action), *s
	var broken *Broken
	switch k := &next.tasks[a.key%MaxTasks]; a.kind {
	case nodeMoves:
		e := m.edgeOf(s, a)
		if e == nil {
			panic(fmt.Sprintf("tasks: action %#x is not enabled", action))
		}
		broken = m.take(&next, int(a.key), int(a.node), e)
	case nodeCrashes, nodeLeaves:
		next.budget = next.budget.spend(map[actKind]fault{nodeCrashes: crashes, nodeLeaves: leaves}[a.kind])
		for key := range m.Tasks {
			k := &next.tasks[key]
			at := m.at(k.parts[a.node], k.record)
			e := *m.follow(at, k.parts[a.node], k.record, len(at.moves))
			e.cost = free
			m.take(&next, key, int(a.node), &e)
		}
		if a.kind == nodeLeaves {
			next.left |= 1 << a.node
		}
	case ghostLands, ghostDrops:
		ghosts := m.inFlight(s)
		g := ghosts[a.key]
		m.setFlight(&next, slices.Delete(slices.Clone(ghosts), int(a.key), int(a.key)+1))
		if a.kind == ghostLands {
			k := &next.tasks[g.key]
			e := m.effect(m.records.at(k.record), g)
			k.record, broken = e.record, e.broken
		}
	case timePasses:
		next.budget = next.budget.spend(expiries)
		r := *m.records.at(k.record)
		r.aged = true
		k.record = m.internRecord(&r).id
	default:
		c, cost := m.outsider(s, a)
		next.budget = next.budget.spend(cost)
		done := m.outsiderEffect(s, c)
		k.record, broken = done.record, done.broken
	}
	return m.settle(next), broken
}

// take follows an edge.
func (m *Model) take(s *State, key, node int, e *edge) *Broken {
	s.budget = s.budget.spend(e.cost)
	s.tasks[key].parts[node], s.tasks[key].record = e.part, e.record
	if e.ghosts[0] != 0 {
		ghosts := slices.Clone(m.inFlight(s))
		for _, id := range e.ghosts {
			if id != 0 {
				ghosts = append(ghosts, m.ghosts.at(id))
			}
		}
		m.setFlight(s, ghosts)
	}
	return e.broken
}

// outsider is the command of a user or an operator.
func (m *Model) outsider(s *State, a act) (command, fault) {
	return m.commandOf(a, m.records.at(s.tasks[a.key].record).version(), s.budget)
}

// commandOf is the command of a user or an operator about a task of that version.
func (w *world) commandOf(a act, version uint64, b budget) (command, fault) {
	c := command{key: a.key, version: version, success: true}
	switch a.kind {
	case userCancels:
		c.kind = api.CommandCancelTask
		return c, cancels
	case userAdds:
		return w.addition(int(a.key), w.firstTasks()+w.Reruns-b.left(reruns)), reruns
	}
	c.kind = api.CommandMarkTaskFailed
	return c, free
}

// addition adds a task after so many were added before. Its version is its index in
// the log, where the commands until the next one have room.
func (w *world) addition(key, before int) command {
	return command{kind: api.CommandAddTask, key: uint8(key), version: uint64(before+1) * stride, success: true}
}

// Describe implements explore.Model.
func (m *Model) Describe(s *State, action explore.Action) string {
	a := unpack(action)
	switch a.kind {
	case nodeMoves:
		return m.describeMove(m.parts.at(s.tasks[a.key].parts[a.node]), a)
	case ghostLands, ghostDrops:
		return m.describeAct(a, m.inFlight(s)[a.key].command)
	}
	return m.describeAct(a, command{})
}

func (w *world) describeAct(a act, c command) string {
	node, task := w.nodeName(int(a.node)%MaxNodes), w.taskName(int(a.key)%MaxTasks)
	switch a.kind {
	case nodeCrashes:
		return node + " crashes"
	case nodeLeaves:
		return node + " is gone for good"
	case ghostLands:
		return "in flight: " + c.String() + " commits"
	case ghostDrops:
		return "in flight: " + c.String() + " is lost"
	case userCancels:
		return "a user cancels " + task
	case userAdds:
		return "a user adds " + task
	case timePasses:
		return "the time to live of " + task + " is over"
	}
	return "an operator gives " + task + " up"
}

// describeMove describes a step of a node.
func (w *world) describeMove(p *part, a act) string {
	text := fmt.Sprintf("%s: %s %s", w.nodeName(p.node), w.taskName(p.key), moveNames[a.move.kind])
	switch a.move.kind {
	case list:
		switch {
		case !p.passes.Listed:
			text += " for the first time"
		case a.arg > 0:
			text += fmt.Sprintf(", %d changes late", a.arg)
		}
	case perform, reply, performFails, performInterrupted, performUnanswered, performLost:
		text += " " + p.decides.UnderWay.String()
		if a.arg == 1 {
			text += " after its work"
		}
	case claim:
		text += " " + w.unitName(int(a.arg>>handleBits))
	case complete, failUnit:
		text += " " + w.unitName(int(p.workers[a.arg].at))
	case exits:
		text += fmt.Sprintf(" v%d", p.workers[a.arg].version)
	}
	return text
}
