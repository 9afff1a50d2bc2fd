package event

import (
	"time"

	"dtsim/sim/trace"
)

// RunStarted: the harness begins.
type RunStarted struct {
	Seed     uint64
	Nodes    int64
	Duration time.Duration
	// Start is the true time, in ms since 1970; 0 in what goes by no clock.
	Start int64
}

func (*RunStarted) Kind() trace.Kind { return trace.RunStarted }
func (b *RunStarted) Schema(s *trace.Schema) {
	s.Uint("seed", &b.Seed)
	s.Int("nodes", &b.Nodes)
	s.Dur("duration", &b.Duration)
	s.OptInt("start", &b.Start)
}

// Inherited: a snapshot that a newer version of the software has written is on every disk
// when the run begins.
type Inherited struct {
	// Index is that of the last entry the snapshot covers.
	Index uint64
	// Snapshot is the snapshot as it is on the disks.
	Snapshot string
}

func (*Inherited) Kind() trace.Kind { return trace.Inherited }
func (b *Inherited) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Str("snapshot", &b.Snapshot)
}

// RunEnded: the harness has stopped every node.
type RunEnded struct{}

func (*RunEnded) Kind() trace.Kind     { return trace.RunEnded }
func (*RunEnded) Schema(*trace.Schema) {}

// Panicked: the system has panicked, which has ended the run.
type Panicked struct {
	// What is the text of the panic.
	What string
	// In is the innermost function of the system, At its file and line.
	In, At string
}

func (*Panicked) Kind() trace.Kind { return trace.Panicked }
func (b *Panicked) Schema(s *trace.Schema) {
	s.Str("what", &b.What)
	s.Str("in", &b.In)
	s.Str("at", &b.At)
}

// Endless begins the message with which a guest ends a run that does not come to its end, though
// some goroutine goes on by a timer; what follows is how long it has waited.
const Endless = "deadlock: the run does not come to its end within "

// LeftBehind: goroutines of the system wait for ever, which has ended the run.
type LeftBehind struct {
	// N is how many.
	N int64
	// In is the innermost function of the system of one of them, At its file and line.
	In, At string
}

func (*LeftBehind) Kind() trace.Kind { return trace.LeftBehind }
func (b *LeftBehind) Schema(s *trace.Schema) {
	s.Int("n", &b.N)
	s.Str("in", &b.In)
	s.Str("at", &b.At)
}

// AtRest is something that a node holds when the run ends.
type AtRest struct {
	// What names it: "state" and "log" are the framework's, the others the application's.
	What string
	// Index is the last index applied, Hash 64 bits of the hash of the state; of a state.
	Index uint64
	Hash  string
	// First and Last are the indices between which the log holds entries, Snapshot is where
	// the newest snapshot ends, and Covered how many of the entries it covers; of a log.
	First, Last, Snapshot uint64
	Covered               int64
	// Details are those of the application, of everything else.
	Details []trace.Field
}

// What a node of any application holds.
const (
	RestState = "state"
	RestLog   = "log"
)

func (*AtRest) Kind() trace.Kind { return trace.AtRest }
func (b *AtRest) Schema(s *trace.Schema) {
	s.Str("what", &b.What)
	switch b.What {
	case RestState:
		s.Uint("index", &b.Index)
		s.Str("hash", &b.Hash)
	case RestLog:
		s.Uint("first", &b.First)
		s.Uint("last", &b.Last)
		s.Uint("snapshot", &b.Snapshot)
		s.Int("covered", &b.Covered)
	default:
		s.Rest(&b.Details)
	}
}

// Explored: the model checker begins a counterexample.
type Explored struct {
	// Config is the name of the machine, Settings what one without a name was asked for.
	Config, Settings string
	// Initial is which of the initial states it begins with, Loop the step that the last one
	// returns to, from 1; 0 for a run that ends.
	Initial, Loop int64
	// Parts are the parts of the state: keys are "= " and the name.
	Parts []trace.Field
}

func (*Explored) Kind() trace.Kind { return trace.Explored }
func (b *Explored) Schema(s *trace.Schema) {
	s.Str("config", &b.Config)
	s.OptStr("settings", &b.Settings)
	s.Int("initial", &b.Initial)
	s.Int("loop", &b.Loop)
	s.Rest(&b.Parts)
}

// Step: the machine took a step. What happens in it, as events of a run, follows.
type Step struct {
	// N counts from 1.
	N int64
	// Action is the number of the action in the model, What describes it.
	Action uint64
	What   string
	// Parts are the parts of the state that changed: keys are "= " and the name.
	Parts []trace.Field
}

func (*Step) Kind() trace.Kind { return trace.Step }
func (b *Step) Schema(s *trace.Schema) {
	s.Int("n", &b.N)
	s.Uint("action", &b.Action)
	s.Str("what", &b.What)
	s.Rest(&b.Parts)
}
