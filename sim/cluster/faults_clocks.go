package cluster

import (
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// skew does to clocks what a fault says.
func (c *Cluster) skew(f *fault) func() {
	nodes := c.struck(f)
	change := func(by time.Duration, drift int64) {
		for _, n := range nodes {
			n.skew(by, drift)
		}
	}
	for _, n := range nodes {
		c.bit(f, n, trace.Dur("by", f.By.D()), trace.Int("drift", int64(f.Drift)))
	}
	switch f.Kind {
	case plan.ClockOffset:
		change(f.By.D(), 0)
		return func() { change(-f.By.D(), 0) }
	case plan.ClockDrift:
		change(0, int64(f.Drift))
		return func() { change(0, -int64(f.Drift)) }
	default:
		change(f.By.D(), 0)
		return nil
	}
}

// skew sets the node's clock forward and lets it gain more.
func (n *Node) skew(by time.Duration, drift int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drift += drift
	n.clock.SetDrift(n.drift)
	n.clock.Jump(by)
}
