package event

import (
	"time"

	"dtsim/sim/trace"
)

// NodeStarted: an incarnation begins.
type NodeStarted struct{}

func (*NodeStarted) Kind() trace.Kind     { return trace.NodeStarted }
func (*NodeStarted) Schema(*trace.Schema) {}

// The ways in which an incarnation ends.
const (
	Shutdown = "shutdown"
	Crash    = "crash"
)

// NodeStopped: an incarnation ends.
type NodeStopped struct {
	// How is [Shutdown] or [Crash].
	How string
	// Of a shutdown: Sinks is how many snapshots were begun and neither completed nor cancelled,
	// Readers how many were opened to be read and not closed.
	Sinks, Readers int64
}

func (*NodeStopped) Kind() trace.Kind { return trace.NodeStopped }
func (b *NodeStopped) Schema(s *trace.Schema) {
	s.Str("how", &b.How)
	s.OptInt("sinks", &b.Sinks)
	s.OptInt("readers", &b.Readers)
}

// NodePaused: a node takes no step from here on.
type NodePaused struct{}

func (*NodePaused) Kind() trace.Kind     { return trace.NodePaused }
func (*NodePaused) Schema(*trace.Schema) {}

// NodeResumed: it takes steps again.
type NodeResumed struct {
	// Messages is how many messages have arrived meanwhile, Timers how many timers became due.
	Messages, Timers int64
	// Takes is how long it takes until nothing of what has waited still does.
	Takes time.Duration
}

func (*NodeResumed) Kind() trace.Kind { return trace.NodeResumed }
func (b *NodeResumed) Schema(s *trace.Schema) {
	s.OptInt("messages", &b.Messages)
	s.OptInt("timers", &b.Timers)
	s.OptDur("takes", &b.Takes)
}

// Stalled: a goroutine of a node is held up from here on.
type Stalled struct {
	// At is the point: function and line. Nth counts how often goroutines of the incarnation have
	// reached it.
	At  string
	Nth int64
	// For is how long it is held up, if neither quiescence nor the end of the incarnation comes
	// before.
	For time.Duration
	// Thread is the function that the goroutine began with.
	Thread string
	// Locked is set if the function has taken a lock before the point and releases it behind.
	Locked bool
}

func (*Stalled) Kind() trace.Kind { return trace.Stalled }
func (b *Stalled) Schema(s *trace.Schema) {
	s.Str("at", &b.At)
	s.Int("nth", &b.Nth)
	s.Dur("for", &b.For)
	s.Str("thread", &b.Thread)
	s.OptBool("locked", &b.Locked)
}

// NodeLeft: the node will not be started again.
type NodeLeft struct{}

func (*NodeLeft) Kind() trace.Kind     { return trace.NodeLeft }
func (*NodeLeft) Schema(*trace.Schema) {}

// Fault is the fault of the plan that an event is about.
type Fault struct {
	// Index is its position in the plan, What its kind.
	Index int64
	What  string
}

func (f *Fault) Schema(s *trace.Schema) {
	s.Int("fault", &f.Index)
	s.Str("what", &f.What)
}

// FaultBegan: a fault of the plan begins.
type FaultBegan struct {
	Fault
	// Moment is the one that it waited for, if it did.
	Moment string
	// Nodes are the names of the nodes that it is about, with commas, Peer the other side of
	// a fault of links.
	Nodes, Peer string
}

func (*FaultBegan) Kind() trace.Kind { return trace.FaultBegan }
func (b *FaultBegan) Schema(s *trace.Schema) {
	b.Fault.Schema(s)
	s.OptStr("moment", &b.Moment)
	s.OptStr("nodes", &b.Nodes)
	s.OptStr("peer", &b.Peer)
}

// FaultActivated: a fault changed something: the fate of a message, a write, a call, the
// life of a node. The event's node is where.
type FaultActivated struct {
	Fault
	// Details are what it changed, as the fields of the event that it changed.
	Details []trace.Field
}

func (*FaultActivated) Kind() trace.Kind { return trace.FaultActivated }
func (b *FaultActivated) Schema(s *trace.Schema) {
	b.Fault.Schema(s)
	s.Rest(&b.Details)
}

// Disturbance is what a fault did to a message: the details of a [FaultActivated].
type Disturbance struct {
	Message
	// By is how much later the message or its duplicate arrives; 0 for a fault that does not
	// determine an arrival.
	By time.Duration
}

func (d *Disturbance) Schema(s *trace.Schema) {
	d.Message.Schema(s)
	s.OptDur("by", &d.By)
}

// Disturbance returns the message that a fault has changed, one without a kind for a fault of
// something else.
func (b *FaultActivated) Disturbance() (d Disturbance) {
	trace.ReadFields(b.Details, &d)
	return d
}

// Write is what a fault of a disk records of the operation that it has struck.
type Write struct {
	// Op is the operation, Name what it is about: an index, a key, a file.
	Op, Name string
	// Left and Of are how much of an unsynced write a crash has left, of how much: entries, bytes, or 1 of
	// 1 of what has no parts.
	Left, Of int64
	// By is how much longer it takes.
	By time.Duration
}

func (w *Write) Schema(s *trace.Schema) {
	s.OptStr("op", &w.Op)
	s.OptStr("name", &w.Name)
	s.OptInt("left", &w.Left)
	s.OptInt("of", &w.Of)
	s.OptDur("by", &w.By)
}

// Write returns what a fault of a disk has struck.
func (b *FaultActivated) Write() (w Write) {
	trace.ReadFields(b.Details, &w)
	return w
}

// FaultEnded: a fault that lasts is over.
type FaultEnded struct{ Fault }

func (*FaultEnded) Kind() trace.Kind { return trace.FaultEnded }

// ClockSet: the clock of a node was set, or its pace.
type ClockSet struct {
	// Ahead is how much more than the time of the run it shows now.
	Ahead time.Duration
	// Drift is how many microseconds it gains in a second from now on.
	Drift int64
}

func (*ClockSet) Kind() trace.Kind { return trace.ClockSet }
func (b *ClockSet) Schema(s *trace.Schema) {
	s.Dur("ahead", &b.Ahead)
	s.Int("drift", &b.Drift)
}

// Quiescence: all faults are over.
type Quiescence struct{}

func (*Quiescence) Kind() trace.Kind     { return trace.Quiescence }
func (*Quiescence) Schema(*trace.Schema) {}
