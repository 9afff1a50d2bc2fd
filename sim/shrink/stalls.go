package shrink

import (
	"slices"
	"time"

	"dtsim/sim/plan"
)

// Stalled is a goroutine that was held up in a run, and when.
type Stalled struct {
	plan.Stall
	Began time.Duration
}

// stalls is the family of the stalls that a plan lists.
var stalls = Family{
	Name: "stalls",
	Count: func(s Subject) int {
		if p := s.Base(); p.Stalls != nil {
			return len(p.Stalls.Held)
		}
		return 0
	},
	Without: func(s Subject, from, to int) {
		p := s.Base()
		p.Stalls.Held = slices.Delete(p.Stalls.Held, from, to)
	},
}

// list replaces the strategy that draws stalls by the stalls that it has drawn, takes away what is not
// needed of them, and lets each count from its time on instead of from the start: so it is still the
// same when other things are taken away.
func (s *shrinker) list() {
	drawn := s.best.Base().Stalls
	if drawn == nil || s.o.Stalls == nil {
		return
	}
	if _, ok := s.accept("stalls", func(yield func(Subject) bool) { yield(withoutStalls(s.best)) }); ok {
		return
	}
	began := make(map[plan.Stall]time.Duration)
	if drawn.Strategy != "" {
		all, err := s.o.Stalls(s.ctx, s.best.Encode())
		if err != nil {
			return
		}
		listed := make([]plan.Stall, 0, len(all))
		for _, one := range all {
			began[one.Stall] = one.Began
			listed = append(listed, one.Stall)
		}
		q := s.best.Clone()
		q.Base().Stalls = &plan.Stalls{Held: listed}
		if _, ok := s.accept("stalls", func(yield func(Subject) bool) { yield(q) }); !ok {
			return
		}
	}
	s.thin(stalls)
	for i := range stalls.Count(s.best) {
		at, known := began[s.best.Base().Stalls.Held[i]]
		if !known {
			continue
		}
		q := s.best.Clone()
		h := &q.Base().Stalls.Held[i]
		h.Incarnation, h.From, h.Nth = 0, plan.Duration(at), 0
		s.accept("stalls", func(yield func(Subject) bool) { yield(q) })
	}
}

// withoutStalls returns the plan without any.
func withoutStalls(s Subject) Subject {
	q := s.Clone()
	q.Base().Stalls = nil
	return repaired(q)
}
