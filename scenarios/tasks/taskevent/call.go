package taskevent

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// The operations that schedulers and providers call; those of the workload have the names
// that they have in a plan.
const (
	CompleteUnit   = "complete-unit"
	FailUnit       = "fail-unit"
	UpdateProgress = "update-progress"
	CleanUpTask    = "clean-up-task"
	FinalizeTask   = "finalize-task"
	FailCompletion = "fail-completion"
	AckSwap        = "ack-swap"
	AckPreparation = "ack-preparation"
	FlipProperty   = "flip-property"
	SwapTenants    = "swap-tenants"
)

// FlippedAck is the message of an ack whose outcome a fault has turned.
const FlippedAck = "another outcome as planned"

// Call is what a call is about: the details of an [event.Called]. What does not apply is
// empty.
type Call struct {
	Namespace, Task string
	// Version is that of the run; an operator names none.
	Version trace.Opt[uint64]
	Unit    string
	// Progress is a decimal number in the shortest form of its 32 bits.
	Progress string
	// Success is that of an ack.
	Success trace.Opt[bool]
	// Flaw is what is wrong with a submission.
	Flaw                               string
	Collection, Property, Tokenization string
	// Tenants are names, with commas.
	Tenants string
	// Resent means that a fault makes a call again, or late, and no caller waits for it.
	Resent bool
}

// CallOf returns what a call is about.
func CallOf(e *event.Called) (c Call) {
	trace.ReadFields(e.Details, &c)
	return c
}

// Run returns the run that the call names; its version is 0 for that of an operator.
func (c *Call) Run() Run { return Run{c.Namespace, c.Task, c.Version.Value} }

// Key returns the task that the call names.
func (c *Call) Key() Key { return Key{c.Namespace, c.Task} }

// Schema is that of the details of an [event.Called].
func (c *Call) Schema(s *trace.Schema) {
	s.OptStr("namespace", &c.Namespace)
	s.OptStr("task", &c.Task)
	s.SomeUint("version", &c.Version)
	s.OptStr("unit", &c.Unit)
	s.OptStr("progress", &c.Progress)
	s.SomeBool("success", &c.Success)
	s.OptStr("flaw", &c.Flaw)
	s.OptStr("collection", &c.Collection)
	s.OptStr("property", &c.Property)
	s.OptStr("tokenization", &c.Tokenization)
	s.OptStr("tenants", &c.Tenants)
	s.OptBool("resent", &c.Resent)
}

// Trouble is what a fault of a provider or of a call was about: details of an
// [event.FaultActivated].
type Trouble struct {
	Run
	// Op is the call or the callback, Unit the unit.
	Op, Unit string
}

// TroubleOf returns what a fault was about, empty if that is nothing of the task manager.
func TroubleOf(e *event.FaultActivated) (t Trouble) {
	trace.ReadFields(e.Details, &t)
	return t
}

func (t *Trouble) Schema(s *trace.Schema) {
	t.Run.Schema(s)
	s.OptStr("op", &t.Op)
	s.OptStr("unit", &t.Unit)
}
