package tasks

import (
	"slices"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// rest brings a node that waits to where lists that decide nothing bring it. Such a
// list can come at any time, no other node sees it, and every later list leaves the
// same behind, for lists do not go back in time: Saw of one and then of a newer one is
// Saw of the newer one. So is what the node has seen by now, even where the next list
// will decide something.
func (w *world) rest(p *part, r *record, out *journal) *part {
	if w.Lag > 0 || !p.passes.Listed || !p.quiet() {
		return p
	}
	for range 3 {
		s := w.look(p, r, nil)
		if s == nil {
			break
		}
		if s.p.same(p) {
			return p
		}
		if out != nil {
			w.look(p, r, out)
		}
		p = s.p
	}
	s := &step{world: w, p: p.clone(), r: r}
	l := s.list(r)
	s.p.decides.Deliver(l)
	s.p.decides.Pending = nil
	s.seen(l)
	s.rebase()
	if s.p.same(p) {
		return p
	}
	return s.p
}

// look lists for a node that waits; nil when that leads to anything.
func (w *world) look(p *part, r *record, out *journal) *step {
	s := w.do(p, r, move{kind: list}, out)
	if a := s.p.decides.UnderWay; a != nil && a.Kind == reconcile.Start && s.broken == nil && r.status() == fsm.TaskStatusStarted {
		s = w.do(s.p, r, move{kind: perform}, out)
	}
	if s.broken != nil || !s.p.quiet() || !slices.Equal(s.p.workers, p.workers) || !slices.Equal(s.p.decides.Handles, p.decides.Handles) || !slices.Equal(s.p.disk.runs, p.disk.runs) {
		return nil
	}
	return s
}

// same reports whether two parts that wait are equal.
func (p *part) same(q *part) bool { return slices.Equal(p.append(nil, true), q.append(nil, true)) }

// idle reports whether a list of a node that waits is one that [world.rest] would make, and
// has made; for lists that do not lag.
func (w *world) idle(p *part, r *record) bool {
	if !p.passes.Listed || !p.quiet() {
		return false
	}
	s := w.look(p, r, nil)
	return s != nil && s.p.same(p)
}
