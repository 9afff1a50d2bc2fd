package tasks

import (
	"context"
	"testing"

	"dtsim/models/explore"
)

// BenchmarkDefault explores the default configuration on one core, as the command does.
func BenchmarkDefault(b *testing.B) {
	var r explore.Result
	for b.Loop() {
		m, err := New(Configs()["default"])
		if err != nil {
			b.Fatal(err)
		}
		if r, err = explore.Check(context.Background(), explore.Model[State](m), explore.Options{Symmetry: true, Reduction: true}); err != nil || !r.Exhausted {
			b.Fatal(err, r)
		}
	}
	b.ReportMetric(float64(r.Transitions)*float64(b.N)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(r.PerState(), "B/state")
}

// BenchmarkLarge walks through the configuration that cannot be exhausted, on one core.
func BenchmarkLarge(b *testing.B) {
	const steps = 400_000
	var w explore.Walked
	for b.Loop() {
		m, err := New(Configs()["large"])
		if err != nil {
			b.Fatal(err)
		}
		if w, err = explore.Walk(context.Background(), explore.Model[State](m), explore.Walking{Steps: steps, Seed: 1}, explore.Options{}); err != nil || len(w.Violations) > 0 {
			b.Fatal(err, w.Violations)
		}
	}
	b.ReportMetric(float64(w.Steps)*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(w.States)/float64(w.Steps), "fresh")
}
