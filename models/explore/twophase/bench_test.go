//go:build unix

package twophase

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"dtsim/models/explore"
)

// BenchmarkCheck exhausts two-phase commit, and holds the counts that are too large for a
// test. It reports generated states by wall time and by the time of cores, which load
// disturbs less.
func BenchmarkCheck(b *testing.B) {
	for _, c := range []struct {
		resources int
		states    uint64
	}{{5, 8_832}, {7, 296_448}, {9, 10_340_352}} {
		for _, jobs := range []int{1, 2} {
			name := fmt.Sprintf("2pc-%d/%d_workers", c.resources, jobs)
			if jobs == 1 {
				name = fmt.Sprintf("2pc-%d/1_worker", c.resources)
			}
			b.Run(name, func(b *testing.B) {
				var r explore.Result
				var wall, cpu time.Duration
				for b.Loop() {
					begin, before := time.Now(), busy(b)
					var err error
					if r, err = explore.Check(b.Context(), New(c.resources), explore.Options{Jobs: jobs}); err != nil {
						b.Fatal(err)
					}
					wall += time.Since(begin)
					cpu += busy(b) - before
					if r.PerState() > 24 && c.resources >= 7 {
						b.Fatalf("%.1f bytes a state", r.PerState())
					}
					if r.States != c.states || !r.Exhausted || len(r.Violations) > 0 {
						b.Fatalf("%d states instead of %d: %+v", r.States, c.states, r)
					}
				}
				n := float64(r.Transitions) * float64(b.N)
				b.ReportMetric(float64(r.States), "states")
				b.ReportMetric(float64(r.Transitions), "generated")
				b.ReportMetric(n/wall.Seconds(), "generated/s")
				b.ReportMetric(n/cpu.Seconds(), "generated/cpu-s")
				b.ReportMetric(r.PerState(), "B/state")
			})
		}
	}
}

// busy is the CPU time of this process so far.
func busy(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWalk takes random steps through a machine that is too large to exhaust.
func BenchmarkWalk(b *testing.B) {
	const steps = 1_000_000
	for b.Loop() {
		w, err := explore.Walk(b.Context(), New(MostResources), explore.Walking{Steps: steps, Seed: 1}, explore.Options{})
		if err != nil || w.Steps != steps {
			b.Fatalf("%d steps: %v", w.Steps, err)
		}
	}
	b.ReportMetric(steps*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}
