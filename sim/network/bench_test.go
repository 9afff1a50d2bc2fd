package network_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dtsim/sim/plan"
)

// inBubble runs f in a bubble of its own: synctest.Test wants a test, which a
// benchmark is not.
func inBubble(b *testing.B, f func(t *testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	ok := testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, f) }}})
	if !ok {
		b.Fatal("the bubble failed")
	}
}

// benchmarkCluster runs three nodes for simulated minutes and reports how much
// faster than the wall they are.
func benchmarkCluster(b *testing.B, traced bool, load time.Duration) {
	const simulated = 2 * time.Minute
	b.ReportAllocs()
	for b.Loop() {
		inBubble(b, func(t *testing.T) {
			c := newCluster(t, plan.Default(), traced)
			defer c.stop()
			c.leader()
			end := time.Now().Add(simulated)
			for time.Now().Before(end) {
				if load > 0 {
					c.apply(0, 1)
					time.Sleep(load)
				} else {
					time.Sleep(simulated)
				}
			}
			if traced {
				c.trace()
			}
		})
	}
	b.ReportMetric(simulated.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "sim-s/s")
}

func BenchmarkIdleCluster(b *testing.B) {
	b.Run("traced", func(b *testing.B) { benchmarkCluster(b, true, 0) })
	b.Run("untraced", func(b *testing.B) { benchmarkCluster(b, false, 0) })
}

func BenchmarkLoadedCluster(b *testing.B) { benchmarkCluster(b, true, 100*time.Millisecond) }
