package tasks

import (
	"math/bits"
	"slices"

	"dtsim/fsm/api"
	"dtsim/sched/reconcile"
)

// works appends the moves of one worker, and of who waits for it.
func (s *step) works(i uint8, h handle, all []move) []move {
	if h.exited {
		return all
	}
	switch {
	case h.at >= 0:
		all = append(all, move{complete, i}, move{failUnit, i}, move{workUnanswered, i}, move{workLost, i})
	case !h.terminated:
		for _, unit := range s.upNext(h) {
			all = append(all, move{claim, i | unit<<handleBits})
		}
		all = append(all, move{workUnanswered, i}, move{workLost, i})
	}
	if h.terminated {
		all = append(all, move{exits, i})
	}
	return all
}

// upNext are the units that a worker may take up next: its own in their order, or any
// that it competes for.
func (s *step) upNext(h handle) []uint8 {
	var units []uint8
	for left := h.units; left != 0; left &= left - 1 {
		units = append(units, uint8(bits.TrailingZeros32(left)))
		if !s.Compete {
			break
		}
	}
	return units
}

// work is a step of a worker.
func (s *step) work(m move) {
	p := s.p
	p.handles = slices.Clone(p.handles)
	h := &p.handles[m.arg&(1<<handleBits-1)]
	c := command{kind: api.CommandRecordUnitCompletion, key: uint8(p.key), node: uint8(p.node), version: h.version, unit: uint8(h.at), success: m.kind != failUnit}
	if m.kind == claim || h.at < 0 {
		c.kind, c.unit = api.CommandUpdateUnitProgress, m.arg>>handleBits
	}
	switch m.kind {
	case claim:
		if s.commit(c) != nil {
			// A task that is over, or somebody else's unit: the scheduler starts the run again
			// with a fresh list of what is left.
			s.exit(h)
			return
		}
		h.at, h.units = int8(c.unit), h.units&^(1<<c.unit)
		s.build(int(c.unit), h.version)
	case complete, failUnit:
		err := s.commit(c)
		if h.at = -1; h.units == 0 || h.terminated || err != nil {
			s.exit(h)
		}
	case workUnanswered, workLost:
		if c.kind == api.CommandUpdateUnitProgress {
			c.unit = s.upNext(*h)[0]
		}
		if m.kind == workUnanswered {
			s.ghosts = append(s.ghosts, c)
		}
		s.exit(h)
	case exits:
		s.exit(h)
	}
}

// build makes the work on a unit durable.
func (s *step) build(unit int, version uint64) {
	if s.Compete {
		return
	}
	i := slices.Index(s.localUnits(s.p.node), unit)
	d := &s.p.disk
	d.shards = slices.Clone(d.shards)
	d.shards[i].build(version)
}

// crash loses all but the disk. Calls stay in flight: they may commit later or never.
func (s *step) crash() {
	p := s.p
	if u := p.underWay; u != nil && !u.committed {
		c, ok := s.proposal(u.action)
		if !ok && (u.action.Kind.IsGroupCallback() || u.action.Kind == reconcile.CompleteTask) {
			c, ok = s.toTell(u.action)
		}
		if ok {
			s.ghosts = append(s.ghosts, c)
		}
	}
	for _, h := range p.handles {
		if h.exited {
			continue
		}
		c := command{kind: api.CommandRecordUnitCompletion, key: uint8(p.key), node: uint8(p.node), version: h.version, unit: uint8(h.at), success: true}
		if h.at < 0 {
			if h.terminated || h.units == 0 {
				continue
			}
			c.kind, c.unit = api.CommandUpdateUnitProgress, s.upNext(h)[0]
		}
		s.ghosts = append(s.ghosts, c)
	}
	s.p = p.fresh()
}
