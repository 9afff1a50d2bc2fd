package raftcheck

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// leftovers is R8: nothing that was started is blocked for ever, nothing panics, and a raft that was
// shut down leaves no snapshot open. Timers are not seen.
type leftovers struct{ *run }

func (c *leftovers) observe(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.NodeStopped:
		c.exercise("R8")
		if b.Sinks > 0 || b.Readers > 0 {
			c.report("R8", e.Node, nil, "after the shutdown, %d snapshots are neither completed nor cancelled, %d are still open to be read", b.Sinks, b.Readers)
		}
	case *event.LeftBehind:
		c.report("R8", e.Node, nil, "%d goroutines are blocked for ever, one of them in %s at %s", b.N, b.In, b.At)
	case *event.Panicked:
		c.report("R8", e.Node, nil, "panic in %s at %s: %s", b.In, b.At, b.What)
	}
}

func (c *leftovers) finish() {}
