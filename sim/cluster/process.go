package cluster

import (
	"context"
	"time"

	"dtsim/sim/clock"
	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Node returns the name of the node.
func (i *Incarnation) Node() string { return i.node.name }

// Number counts the starts of the node, from 1.
func (i *Incarnation) Number() int { return i.number }

// Clock returns the node's clock, which faults set, and pauses stop.
func (i *Incarnation) Clock() *clock.Clock { return i.clock }

// Files returns the files on the node's disk.
func (i *Incarnation) Files() *disk.Files { return i.mount.Files() }

// Endpoint returns the node's end of the network, to forward requests with.
func (i *Incarnation) Endpoint() *network.Endpoint { return i.endpoint }

// Halt returns a context that ends when the incarnation ends, in whatever way.
func (i *Incarnation) Halt() context.Context { return i.halt }

// Process returns the application's part of the incarnation. It is there for whatever the
// process has started, and on incarnations that are up.
func (i *Incarnation) Process() Process { return i.process }

// Go calls f in a goroutine that the run waits for once raft is down.
func (i *Incarnation) Go(f func()) {
	i.work.Go(func() {
		i.own()
		f()
	})
}

// Fenced reports whether the incarnation is dead.
func (i *Incarnation) Fenced() bool {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	return i.dead
}

// Emit appends an event of the incarnation. It waits while the node is paused, and for
// the apply under way. It must not be called with a lock held that others wait for.
func (i *Incarnation) Emit(body trace.Body) {
	i.gate.pass()
	i.emit(body)
}

// EmitLocked is Emit for callers that hold locks: it does not wait for a pause to end.
func (i *Incarnation) EmitLocked(body trace.Body) { i.emit(body) }

// Reach announces a moment: the faults that wait for it take effect before it returns. A
// node that crashes at a moment never takes another step: its fence is up then. It is
// called without locks, and never during an apply; see [Incarnation.Announce].
func (i *Incarnation) Reach(moment plan.Moment, about About) {
	i.cluster.faults.arrive(arrival{moment: moment, node: i.node.name, about: about})
}

// Decision is what the rules of faults are asked about.
type Decision struct {
	// Op is the operation, as in the trace.
	Op string
	// About is what it is about.
	About About
	// Identity distinguishes the decision from all others of its kind on the node; one that comes
	// again draws again.
	Identity string
}

// Activation is a fault that a decision has activated.
type Activation struct {
	fault *fault
	// Draw belongs to this activation alone.
	Draw keyed.Draw
}

// Wait returns the time that the fault lets pass, from its Min to its Max.
func (a Activation) Wait() time.Duration { return a.fault.wait(a.Draw) }

// Activated evaluates the rules of a kind for a decision of this incarnation, and returns the
// first that it activates. That is counted and in the trace, with the details.
func (i *Incarnation) Activated(kind plan.FaultKind, d Decision, details ...trace.Field) (Activation, bool) {
	s := i.cluster.faults
	if len(s.all) == 0 {
		return Activation{}, false
	}
	f, draw := s.ask(kind, i.node.name, d)
	if f == nil {
		return Activation{}, false
	}
	i.emit(&event.FaultActivated{Fault: f.event(), Details: details})
	return Activation{f, draw}, true
}
