package taskevent

import (
	"fmt"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Run names one run of a task.
type Run struct {
	Namespace string `json:"namespace"`
	// Task is the task's id.
	Task string `json:"task"`
	// Version is the log index of the command that added the run.
	Version uint64 `json:"version"`
}

// String returns the form of logs and errors.
func (r Run) String() string { return fmt.Sprintf("%s/%s@%d", r.Namespace, r.Task, r.Version) }

func (r *Run) Schema(s *trace.Schema) {
	s.Str("namespace", &r.Namespace)
	s.Str("task", &r.Task)
	s.Uint("version", &r.Version)
}

// Key names a task, whatever the run.
type Key struct{ Namespace, Task string }

// String returns the form of logs and errors.
func (k Key) String() string { return k.Namespace + "/" + k.Task }

// Schema is that of the details of an [event.Applied].
func (k *Key) Schema(s *trace.Schema) {
	s.Str("namespace", &k.Namespace)
	s.Str("task", &k.Task)
}

// Key returns the task that the run is of.
func (r Run) Key() Key { return Key{r.Namespace, r.Task} }

// run makes every body that embeds a Run one of [RunOf].
func (r Run) run() Run { return r }

// RunOf returns the run that an event is about, the zero Run if it is about none. That of an
// operator's call, or of an applied command, has no version. The commands of the log are
// read by [ReadCommand].
func RunOf(b trace.Body) Run {
	switch b := b.(type) {
	case interface{ run() Run }:
		return b.run()
	case *event.Called:
		c := CallOf(b)
		return c.Run()
	case *event.Applied:
		var k Key
		trace.ReadFields(b.Details, &k)
		return Run{Namespace: k.Namespace, Task: k.Task}
	case *event.FaultActivated:
		return TroubleOf(b).Run
	case *event.AtRest:
		return RestOf(b).Run
	}
	return Run{}
}

// TaskStatus is the status of a task; the empty one is that of a task without a record.
type TaskStatus string

// The statuses of tasks. A newer version of the software may know others.
const (
	Absent    TaskStatus = ""
	Started   TaskStatus = "STARTED"
	Preparing TaskStatus = "PREPARING"
	Swapping  TaskStatus = "SWAPPING"
	Finished  TaskStatus = "FINISHED"
	Cancelled TaskStatus = "CANCELLED"
	Failed    TaskStatus = "FAILED"
)

// IsTerminal reports whether a task in the status has ended.
func (s TaskStatus) IsTerminal() bool { return s == Finished || s == Failed || s == Cancelled }

// IsActive reports whether a task in the status has a record and has not ended; a status
// that only a newer version knows is an active one.
func (s TaskStatus) IsActive() bool { return s != Absent && !s.IsTerminal() }

// IsForeign reports whether only a newer version knows what the status means.
func (s TaskStatus) IsForeign() bool {
	return s.IsActive() && s != Started && s != Preparing && s != Swapping
}

// UnitStatus is the status of a unit.
type UnitStatus string

// The statuses of units.
const (
	UnitPending    UnitStatus = "PENDING"
	UnitInProgress UnitStatus = "IN_PROGRESS"
	UnitCompleted  UnitStatus = "COMPLETED"
	UnitFailed     UnitStatus = "FAILED"
)

// IsTerminal reports whether a unit in the status has ended.
func (s UnitStatus) IsTerminal() bool { return s == UnitCompleted || s == UnitFailed }

// TaskChanged: what the command just committed left of a task that it names, whether it
// changed anything or not.
type TaskChanged struct {
	Run
	// Status is [Absent] if there is no such record.
	Status TaskStatus
	// Unit is the unit that the command names, if the task has it; UnitStatus, Owner and
	// Progress are what was left of it. Owner is the node that has claimed it.
	Unit       string
	UnitStatus UnitStatus
	Owner      string
	// Progress is a decimal number in the shortest form of its 32 bits.
	Progress string
}

func (*TaskChanged) Kind() trace.Kind { return trace.TaskChanged }
func (b *TaskChanged) Schema(s *trace.Schema) {
	b.Run.Schema(s)
	s.Str("status", (*string)(&b.Status))
	s.OptStr("unit", &b.Unit)
	if b.Unit != "" {
		s.Str("unit_status", (*string)(&b.UnitStatus))
		s.Str("owner", &b.Owner)
		s.Str("progress", &b.Progress)
	}
}

// SchemaChanged: the schema of a node changed.
type SchemaChanged struct {
	Collection string
	// Change is the name of the command.
	Change string
	// Property and Tokenization are those of an update of a property.
	Property, Tokenization string
}

func (*SchemaChanged) Kind() trace.Kind { return trace.SchemaChanged }
func (b *SchemaChanged) Schema(s *trace.Schema) {
	s.Str("collection", &b.Collection)
	s.Str("change", &b.Change)
	s.OptStr("property", &b.Property)
	if b.Property != "" {
		s.Str("tokenization", &b.Tokenization)
	}
}
