package cluster

import (
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// skew changes clocks as a fault has it.
func (c *Cluster) skew(f *fault) func() {
	nodes := c.targets(f)
	change := func(by time.Duration, drift int64) {
		for _, n := range nodes {
			n.skew(by, drift)
		}
	}
	for _, n := range nodes {
		c.activated(f, n, trace.Dur("by", f.By.D()), trace.Int("drift", int64(f.Drift)))
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
	n.drift += drift
	n.clock.SetDrift(n.drift)
	n.clock.Jump(by)
	n.mu.Unlock()
	n.recordClock()
}

// setClock lets the node's clock show the true time, and keep it.
func (n *Node) setClock() {
	if n.rightClock() {
		n.recordClock()
	}
}

// rightClock is setClock; it reports whether there was anything to do.
func (n *Node) rightClock() (changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	changed, n.drift = n.drift != 0, 0
	if n.clock != nil {
		n.clock.SetDrift(0)
		if off := n.ahead(); off != 0 {
			n.clock.Jump(-off)
			changed = true
		}
	}
	return changed
}

// ahead is how much more than the run's time the node's clock shows. n.mu is held.
func (n *Node) ahead() time.Duration { return n.clock.Now().Sub(time.Now().Round(0)) }

// recordClock records what the node's clock shows.
func (n *Node) recordClock() {
	n.mu.Lock()
	ahead, drift := n.ahead(), n.clock.Drift() // which is bounded, whatever faults add up to
	n.mu.Unlock()
	n.cluster.emitOf(n.name, &event.ClockSet{Ahead: ahead, Drift: drift})
}
