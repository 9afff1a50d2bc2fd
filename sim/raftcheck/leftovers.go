package raftcheck

import "dtsim/sim/trace"

// leftovers is R8: nothing that was started is blocked for ever, and nothing panics.
type leftovers struct{ *run }

func (c *leftovers) observe(e *trace.Event) {
	switch e.Kind {
	case trace.NodeStopped:
		c.exercise("R8")
	case trace.LeftBehind:
		c.report("R8", e.Node, nil, "%d goroutines are blocked for ever, one of them in %s at %s", e.Int("n"), e.Str("in"), e.Str("at"))
	case trace.Panicked:
		c.report("R8", e.Node, nil, "panic in %s at %s: %s", e.Str("in"), e.Str("at"), e.Str("what"))
	}
}

func (c *leftovers) finish() {}
