package tasks

import (
	"math/bits"
	"slices"

	"dtsim/fsm/api"
	"dtsim/sched/reconcile"
)

// works appends the moves of one worker, and of who waits for it.
func (s *step) works(i int, all []move) []move {
	w, arg := s.p.workers[i], uint8(i)
	if w.exited {
		return all
	}
	switch {
	case w.at >= 0:
		all = append(all, move{complete, arg}, move{failUnit, arg}, move{workUnanswered, arg}, move{workLost, arg})
	case !w.terminated:
		for _, unit := range s.upNext(w) {
			all = append(all, move{claim, arg | unit<<handleBits})
		}
		all = append(all, move{workUnanswered, arg}, move{workLost, arg})
	}
	if w.terminated {
		all = append(all, move{exits, arg})
	}
	return all
}

// upNext are the units that a worker may take up next: its own in their order, or any
// that it competes for.
func (s *step) upNext(w worker) []uint8 {
	var units []uint8
	for left := w.units; left != 0; left &= left - 1 {
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
	p.workers = slices.Clone(p.workers)
	w := &p.workers[m.arg&(1<<handleBits-1)]
	c := command{kind: api.CommandRecordUnitCompletion, key: uint8(p.key), node: uint8(p.node), version: w.version, unit: uint8(w.at), success: m.kind != failUnit}
	if m.kind == claim || w.at < 0 {
		c.kind, c.unit = api.CommandUpdateUnitProgress, m.arg>>handleBits
	}
	switch m.kind {
	case claim:
		if s.commit(c) != nil {
			// A task that is over, or another node's unit: the scheduler starts the run again
			// with a fresh list of what is left.
			s.exit(w)
			return
		}
		w.at, w.units = int8(c.unit), w.units&^(1<<c.unit)
		s.build(int(c.unit), w.version)
	case complete, failUnit:
		err := s.commit(c)
		if w.at = -1; w.units == 0 || w.terminated || err != nil {
			s.exit(w)
		}
	case workUnanswered, workLost:
		if c.kind == api.CommandUpdateUnitProgress {
			c.unit = s.upNext(*w)[0]
		}
		if m.kind == workUnanswered {
			s.ghosts = append(s.ghosts, c)
		}
		s.exit(w)
	case exits:
		s.exit(w)
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
	if a := p.decides.UnderWay; a != nil && !p.committed {
		c, ok := s.proposal(*a)
		if !ok && (a.Kind.IsGroupCallback() || a.Kind == reconcile.CompleteTask) {
			c, ok = s.schemaChange(*a)
		}
		if ok {
			s.ghosts = append(s.ghosts, c)
		}
	}
	for _, w := range p.workers {
		if w.exited {
			continue
		}
		c := command{kind: api.CommandRecordUnitCompletion, key: uint8(p.key), node: uint8(p.node), version: w.version, unit: uint8(w.at), success: true}
		if w.at < 0 {
			if w.terminated || w.units == 0 {
				continue
			}
			c.kind, c.unit = api.CommandUpdateUnitProgress, s.upNext(w)[0]
		}
		s.ghosts = append(s.ghosts, c)
	}
	s.p = p.fresh()
}
