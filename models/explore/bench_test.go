package explore

import "testing"

// grid is a few counters that count up and start over, one after the other or not: a
// machine with many cycles. It settles where all counters are at 0.
type grid struct{ counters, limit int }

type gridState [6]uint8

func (g grid) Properties() []string                   { return nil }
func (g grid) Initial(states []gridState) []gridState { return append(states, gridState{}) }
func (g grid) Describe(*gridState, Action) string     { return "count" }
func (g grid) Settled(s *gridState) bool              { return *s == gridState{} }
func (g grid) Class(_ *gridState, a Action) int       { return int(a) }
func (g grid) Classes() int                           { return g.counters }

func (g grid) Enabled(_ *gridState, actions []Action) []Action {
	for i := range g.counters {
		actions = append(actions, Action(i))
	}
	return actions
}

func (g grid) Step(s *gridState, a Action) (gridState, *Broken) {
	next := *s
	next[a] = (next[a] + 1) % uint8(g.limit)
	return next, nil
}

func (g grid) Fingerprint(s *gridState) (h uint64) {
	for i, v := range s {
		h |= uint64(v) << (8 * i)
	}
	return h
}

// BenchmarkLiveness decides on a graph of 2,985,984 states with 6 edges each, most of
// which are one component that a fair run can stay in.
func BenchmarkLiveness(b *testing.B) {
	g := grid{counters: 6, limit: 12}
	var r Result
	for b.Loop() {
		var err error
		if r, err = Check(b.Context(), g, Options{Liveness: true, Jobs: 2}); err != nil {
			b.Fatal(err)
		}
		if r.States != 2_985_984 || len(r.Violations) != 1 || r.Graph.Largest != 2_985_983 {
			b.Fatalf("%d states, %d violations, %+v", r.States, len(r.Violations), r.Graph)
		}
	}
	b.ReportMetric(float64(r.States)*float64(b.N)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(r.PerState(), "B/state")
}
