package taskevent

import (
	"encoding/json"

	"dtsim/sim/trace"
)

// RecoveryAsked: a provider was asked whether its part of a run is done, which the
// scheduler found terminal at its start.
type RecoveryAsked struct {
	Run
	Status TaskStatus
	// Done is the answer.
	Done bool
}

func (*RecoveryAsked) Kind() trace.Kind { return trace.RecoveryAsked }
func (b *RecoveryAsked) Schema(s *trace.Schema) {
	b.Run.Schema(s)
	s.Str("status", (*string)(&b.Status))
	s.Bool("done", &b.Done)
}

// The callbacks of a provider.
const (
	GroupCompleted = "OnGroupCompleted"
	SwapRequested  = "OnSwapRequested"
	TaskCompleted  = "OnTaskCompleted"
)

// Callback names one callback of a provider.
type Callback struct {
	// Name is one of [GroupCompleted], [SwapRequested] and [TaskCompleted].
	Name string
	Run
	// Status is that of the record which the callback was given.
	Status TaskStatus
	// Group and Units, a JSON list, are those that the callback is about; [TaskCompleted] is
	// about none.
	Group, Units string
}

func (b *Callback) Schema(s *trace.Schema) {
	s.Str("callback", &b.Name)
	b.Run.Schema(s)
	s.Str("status", (*string)(&b.Status))
	if b.Name != TaskCompleted {
		s.Str("group", &b.Group)
		s.Str("units", &b.Units)
	}
}

// UnitIDs returns the units that the callback is about.
func (b *Callback) UnitIDs() ([]string, error) {
	var ids []string
	if b.Units == "" {
		return nil, nil
	}
	err := json.Unmarshal([]byte(b.Units), &ids)
	return ids, err
}

// CallbackStarted: a callback begins.
type CallbackStarted struct{ Callback }

func (*CallbackStarted) Kind() trace.Kind { return trace.CallbackStarted }

// How a callback ends that does not succeed.
const (
	// CallbackFailed: it returned an error.
	CallbackFailed = "failed"
	// CallbackInterrupted: it was interrupted, which has no outcome.
	CallbackInterrupted = "interrupted"
	// CallbackPanicked: it panicked.
	CallbackPanicked = "panicked"
)

// CallbackEnded: a callback returned.
type CallbackEnded struct {
	Callback
	// Error is empty for success.
	Error string
	// Result is how it ended if there is an error; traces of old have none, see
	// [CallbackEnded.Interrupted].
	Result string
}

func (*CallbackEnded) Kind() trace.Kind { return trace.CallbackEnded }
func (b *CallbackEnded) Schema(s *trace.Schema) {
	b.Callback.Schema(s)
	s.OptStr("error", &b.Error)
	s.OptStr("result", &b.Result)
}

// WorkStarted: a worker of a provider took up a unit.
type WorkStarted struct {
	Run
	Unit string
}

func (*WorkStarted) Kind() trace.Kind { return trace.WorkStarted }
func (b *WorkStarted) Schema(s *trace.Schema) {
	b.Run.Schema(s)
	s.Str("unit", &b.Unit)
}

// WorkProgressed: the worker is about to report how far a unit is; what it reports may be throttled.
type WorkProgressed struct {
	Run
	Unit string
}

func (*WorkProgressed) Kind() trace.Kind { return trace.WorkProgressed }
func (b *WorkProgressed) Schema(s *trace.Schema) {
	b.Run.Schema(s)
	s.Str("unit", &b.Unit)
}

// WorkEnded: the worker is done with a unit.
type WorkEnded struct {
	Run
	Unit string
	// Outcome is "ok", or what went wrong.
	Outcome string
}

func (*WorkEnded) Kind() trace.Kind { return trace.WorkEnded }
func (b *WorkEnded) Schema(s *trace.Schema) {
	b.Run.Schema(s)
	s.Str("unit", &b.Unit)
	s.Str("outcome", &b.Outcome)
}

// StartAsked: a provider was asked to start a run; until [HandleStarted] it may take time,
// or fail.
type StartAsked struct{ Run }

func (*StartAsked) Kind() trace.Kind { return trace.StartAsked }

// Handle is a task handle of a provider.
type Handle struct {
	Run
	// Number is its number within the incarnation, from 1.
	Number int64
}

func (h *Handle) Schema(s *trace.Schema) {
	h.Run.Schema(s)
	s.Int("handle", &h.Number)
}

// HandleStarted: a provider started a run.
type HandleStarted struct{ Handle }

func (*HandleStarted) Kind() trace.Kind { return trace.HandleStarted }

// HandleTerminated: a handle was terminated.
type HandleTerminated struct{ Handle }

func (*HandleTerminated) Kind() trace.Kind { return trace.HandleTerminated }

// HandleExited: no worker of a handle is left.
type HandleExited struct{ Handle }

func (*HandleExited) Kind() trace.Kind { return trace.HandleExited }

// Why a replica of a shard changed.
const (
	ShardCreated    = "created"
	ShardUpdated    = "updated"
	ShardPrepared   = "prepared"
	ShardSwapped    = "swapped"
	ShardRebuilt    = "rebuilt"
	ShardRolledBack = "rolled-back"
	ShardRemoved    = "removed"
)

// ShardChanged: a replica of a shard changed durably.
type ShardChanged struct {
	Collection string
	// Born is the log index that created the collection.
	Born  uint64
	Shard string
	// Why is one of the constants.
	Why string
	// Tokenization is what it now serves of Property.
	Property, Tokenization string
	// Run is the run on whose behalf it changed; the zero Run for none.
	Run
}

func (*ShardChanged) Kind() trace.Kind { return trace.ShardChanged }
func (b *ShardChanged) Schema(s *trace.Schema) {
	s.Str("collection", &b.Collection)
	s.Uint("born", &b.Born)
	s.Str("shard", &b.Shard)
	s.Str("why", &b.Why)
	s.Str("property", &b.Property)
	s.Str("tokenization", &b.Tokenization)
	b.Run.Schema(s)
}

// LocalStateRemoved: a provider removed its local state of a run.
type LocalStateRemoved struct{ Run }

func (*LocalStateRemoved) Kind() trace.Kind { return trace.LocalStateRemoved }
