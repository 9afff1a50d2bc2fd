package main

import (
	"context"
	"testing"
	"time"

	"dtsim/scenarios"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
)

// BenchmarkEngine runs seeds of journey-3, one after the other, and reports how
// many seconds of virtual time pass in a second of the engine's work.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(context.Context, engine.Options) (engine.Engine, error)
	}{
		{"native", engine.Native},
		{"sealed", engine.Sealed},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, err := c.open(b.Context(), scenarios.Application().Options(engine.Options{}))
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			journey, err := scenarios.ByName("journey-3")
			if err != nil {
				b.Fatal(err)
			}
			var virtual, wall time.Duration
			for seed := uint64(1); b.Loop(); seed++ {
				p := journey.Plan(seed, scenarios.Options{}).Encode()
				r, err := scenarios.Application().Once(b.Context(), e, engine.Job{Plan: p, Entropy: campaign.Entropy(p)})
				if err != nil {
					b.Fatal(err)
				}
				virtual += r.Footer.VirtualTime
				wall += r.Wall
			}
			b.ReportMetric(virtual.Seconds()/wall.Seconds(), "simulated_s/s")
		})
	}
}

// BenchmarkRun is what a run costs, with all that is checked beside it and afterwards:
// the processor time of its engine, in ms, and the time of all. The plans of the
// families are those of seeds 1 to 8, over and over.
func BenchmarkRun(b *testing.B) {
	e, err := engine.Native(b.Context(), scenarios.Application().Options(engine.Options{}))
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for _, name := range []string{"journey-1", "journey-3", "hostile-acks", "hostile-nodes"} {
		b.Run(name, func(b *testing.B) {
			family, err := scenarios.ByName(name)
			if err != nil {
				b.Fatal(err)
			}
			var cpu time.Duration
			runs := 0
			for b.Loop() {
				p := family.Plan(uint64(1+runs%8), scenarios.Options{}).Encode()
				r, err := scenarios.Application().Once(b.Context(), e, engine.Job{Plan: p, Entropy: campaign.Entropy(p)})
				if err != nil {
					b.Fatal(err)
				}
				cpu += r.CPU
				runs++
			}
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(runs), "guest-ms/run")
		})
	}
}
