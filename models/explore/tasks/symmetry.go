package tasks

import (
	"slices"
	"strconv"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// renaming exchanges nodes, and units with them: node i becomes nodes[i], unit i
// becomes units[i]. It keeps every unit on its node, in its group and, as workers take up their
// units in order, in its place among the units of its node.
type renaming struct {
	nodes [MaxNodes]int
	units [MaxUnits]int
}

// maxRenamings is how many renamings are used at most: those of five nodes. With more,
// which only walks get far with, to try all for every state would cost more than it
// saves, and only the one that changes nothing is used.
const maxRenamings = 120

// renamings returns all renamings of the configuration, the first of which changes
// nothing.
func (w *world) renamings() []renaming {
	var all []renaming
	var r renaming
	var units func(unit int, used uint32)
	units = func(unit int, used uint32) {
		if unit == w.Units {
			all = append(all, r)
			return
		}
		for to := range w.Units {
			placed := w.home(to) == r.nodes[w.home(unit)] && to/w.Nodes == unit/w.Nodes
			if used&(1<<to) != 0 || w.groupOf(to) != w.groupOf(unit) || !w.Compete && !placed {
				continue
			}
			r.units[unit] = to
			if units(unit+1, used|1<<to); len(all) > maxRenamings {
				return
			}
		}
	}
	var nodes func(node int, used uint32)
	nodes = func(node int, used uint32) {
		if node == w.Nodes {
			units(0, 0)
			return
		}
		for to := range w.Nodes {
			if used&(1<<to) == 0 {
				r.nodes[node] = to
				nodes(node+1, used|1<<to)
			}
		}
	}
	nodes(0, 0)
	if len(all) > maxRenamings {
		return all[:1]
	}
	return all
}

// Canonical implements explore.Symmetric: of all renamings of a state, that with the
// least fingerprint.
func (m *Model) Canonical(s *State) State {
	best, least := 0, m.Fingerprint(s)
	for i := range m.renaming {
		if i > 0 {
			if f := m.renamedFingerprint(s, i); f < least {
				best, least = i, f
			}
		}
	}
	if best == 0 {
		return *s
	}
	return m.rename(s, best)
}

// rename returns a state under a renaming.
func (m *Model) rename(s *State, i int) State {
	r := &m.renaming[i]
	next := *s
	next.left = 0
	for key := range m.Tasks {
		next.tasks[key].record = m.renamedRecord(s.tasks[key].record, i).id
		for node := range m.Nodes {
			next.tasks[key].parts[r.nodes[node]] = m.renamedPart(s.tasks[key].parts[node], i).id
		}
	}
	for node := range m.Nodes {
		next.left |= s.left >> node & 1 << r.nodes[node]
	}
	if s.flight != 0 {
		next.flight = m.renamedFlight(s.flight, i).id
	}
	return next
}

// renamedFingerprint is the fingerprint of a renamed state, without making the state.
func (m *Model) renamedFingerprint(s *State, i int) uint64 {
	r := &m.renaming[i]
	var left uint32
	if s.left != 0 {
		for node := range m.Nodes {
			left |= s.left >> node & 1 << r.nodes[node]
		}
	}
	h := fold(uint64(s.budget), uint64(left))
	if s.flight != 0 {
		h = fold(h, m.renamedFlight(s.flight, i).hash)
	}
	var parts [MaxNodes]uint64
	for key := range m.Tasks {
		k := &s.tasks[key]
		h = fold(h, m.renamedRecord(k.record, i).hash)
		for node := range m.Nodes {
			parts[r.nodes[node]] = m.renamedPart(k.parts[node], i).hash
		}
		for node := range m.Nodes {
			h = fold(h, parts[node])
		}
	}
	return mix(h)
}

// name is a component under a renaming.
type name struct {
	id   uint32
	hash uint64
}

// The kinds of components that are renamed.
const (
	recordNames = iota
	partNames
	flightNames
)

func (m *Model) renamedName(kind, i int, id uint32, made func() name) name {
	key := pair(uint32(i)<<2|uint32(kind), id)
	if n, known := m.renamed.get(key); known {
		return *n
	}
	return *m.renamed.put(key, made())
}

func (m *Model) renamedRecord(id uint32, i int) name {
	return m.renamedName(recordNames, i, id, func() name {
		r := m.internRecord(m.renameRecord(m.records.at(id), &m.renaming[i]))
		return name{r.id, r.hash}
	})
}

func (m *Model) renamedPart(id uint32, i int) name {
	return m.renamedName(partNames, i, id, func() name {
		p := m.internPart(m.renamePart(m.parts.at(id), &m.renaming[i]))
		return name{p.id, p.hash}
	})
}

func (m *Model) renamedFlight(id uint32, i int) name {
	return m.renamedName(flightNames, i, id, func() name {
		r := &m.renaming[i]
		var ghosts []*ghost
		for _, g := range m.flights.at(id).ghosts {
			c := g.command
			c.node, c.unit = uint8(r.nodes[c.node]), uint8(r.units[c.unit])
			if !c.ofNode() {
				c.node = g.node
			}
			if !c.ofUnit() {
				c.unit = g.unit
			}
			ghosts = append(ghosts, m.internGhost(c))
		}
		f := m.internFlight(ghosts)
		return name{f.id, f.hash}
	})
}

// renameRecord returns a record under a renaming.
func (w *world) renameRecord(r *record, n *renaming) *record {
	c := *r
	c.id, c.hash = 0, 0
	c.past = nil
	for _, old := range r.past {
		c.past = append(c.past, w.renameRecord(old, n))
	}
	if r.task == nil {
		return &c
	}
	t := r.task.Clone()
	c.task = t
	t.Error = n.text(t.Error)
	t.Units = make(map[string]*fsm.Unit, len(r.task.Units))
	for id, u := range r.task.Units {
		v := *u
		v.ID, v.NodeID, v.Error = n.text(u.ID), n.text(u.NodeID), n.text(u.Error)
		t.Units[n.text(id)] = &v
	}
	acks := func(all map[string]fsm.PostCompletionAck) map[string]fsm.PostCompletionAck {
		if all == nil {
			return nil
		}
		renamed := make(map[string]fsm.PostCompletionAck, len(all))
		for node, ack := range all {
			ack.Error = n.text(ack.Error)
			renamed[n.text(node)] = ack
		}
		return renamed
	}
	t.PreparationCompletionAcks, t.PostCompletionAcks = acks(t.PreparationCompletionAcks), acks(t.PostCompletionAcks)
	return &c
}

// renamePart returns a part under a renaming; it becomes another node's.
func (w *world) renamePart(p *part, n *renaming) *part {
	c := p.clone()
	c.node = n.nodes[p.node]
	for _, l := range c.looks() {
		if *l != nil {
			renamed := **l
			if renamed.Source = w.renameRecord(renamed.Source, n); renamed.View.Present {
				renamed.View.Task = reconcile.Observe(renamed.Source.task, w.nodeName(c.node))
			}
			*l = &renamed
		}
	}
	memory := p.decides.Memory.Clone()
	c.decides.Memory = memory
	for _, results := range [][]reconcile.GroupResult{memory.Prepared, memory.Completed} {
		for i := range results {
			results[i].Err = n.text(results[i].Err)
		}
	}
	if p.decides.UnderWay != nil {
		a := *p.decides.UnderWay
		a.Message, a.Units = n.text(a.Message), nil
		for _, unit := range p.decides.UnderWay.Units {
			a.Units = append(a.Units, n.text(unit))
		}
		slices.Sort(a.Units)
		c.decides.UnderWay = &a
	}
	c.workers = slices.Clone(p.workers)
	for i := range c.workers {
		worker := &c.workers[i]
		if worker.at >= 0 {
			worker.at = int8(n.units[worker.at])
		}
		left := worker.units
		worker.units = 0
		for unit := range w.Units {
			worker.units |= left >> unit & 1 << n.units[unit]
		}
	}
	c.disk.shards = slices.Clone(p.disk.shards)
	to := w.localUnits(c.node)
	for i, unit := range w.localUnits(p.node) {
		c.disk.shards[slices.Index(to, n.units[unit])] = p.disk.shards[i]
	}
	return c
}

// text renames the names of nodes and units in a text.
func (n *renaming) text(s string) string {
	var b []byte
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z' || s[end] == '_') {
			end++
		}
		if end == i {
			b = append(b, s[i])
			i++
			continue
		}
		word := s[i:end]
		if of := word[0]; of == 'n' || of == 'u' {
			if number, err := strconv.Atoi(word[1:]); err == nil && number >= 1 {
				switch {
				case of == 'n' && number <= MaxNodes:
					word = nodeNames[n.nodes[number-1]]
				case of == 'u' && number <= MaxUnits:
					word = unitNames[n.units[number-1]]
				}
			}
		}
		b = append(b, word...)
		i = end
	}
	return string(b)
}
