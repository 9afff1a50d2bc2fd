package fsm

import (
	"maps"
	"time"
)

// TaskStatus is the phase of a task. Values that this binary does not know (from
// the snapshot of a newer one, after the cluster was rolled back) survive verbatim and
// count as active. No command ends such a task, because it may have changed the schema
// (P8), except with a binary that knows the status.
type TaskStatus string

const (
	// TaskStatusStarted: at least one unit is not terminal yet.
	TaskStatusStarted TaskStatus = "STARTED"
	// TaskStatusPreparing: every unit is terminal, the task uses the preparation
	// barrier, and not every owning node has acknowledged its preparation.
	TaskStatusPreparing TaskStatus = "PREPARING"
	// TaskStatusSwapping: every node may swap; not every owning node has
	// acknowledged its swap, or the task is not finalized yet.
	TaskStatusSwapping TaskStatus = "SWAPPING"
	// TaskStatusFinished: the task succeeded on every node.
	TaskStatusFinished TaskStatus = "FINISHED"
	// TaskStatusCancelled: a user cancelled the task while it was STARTED.
	TaskStatusCancelled TaskStatus = "CANCELLED"
	// TaskStatusFailed: a unit, a preparation or a swap failed, or an operator gave
	// the task up.
	TaskStatusFailed TaskStatus = "FAILED"
)

// String returns the status as it is on the wire.
func (t TaskStatus) String() string { return string(t) }

// IsTerminal reports whether the task moves no further: FINISHED, FAILED or
// CANCELLED. An unknown status is not terminal.
func (t TaskStatus) IsTerminal() bool {
	return t == TaskStatusFinished || t == TaskStatusFailed || t == TaskStatusCancelled
}

// IsActive is the negation of [TaskStatus.IsTerminal]: an unknown status may
// be an active one and is treated as such (P11, P12).
func (t TaskStatus) IsActive() bool { return !t.IsTerminal() }

// IsCoordinationPhase is true for PREPARING and SWAPPING, the phases that
// scheduler callbacks drive.
func (t TaskStatus) IsCoordinationPhase() bool {
	return t == TaskStatusPreparing || t == TaskStatusSwapping
}

// UnitStatus is the phase of a unit.
type UnitStatus string

const (
	UnitStatusPending    UnitStatus = "PENDING"
	UnitStatusInProgress UnitStatus = "IN_PROGRESS"
	UnitStatusCompleted  UnitStatus = "COMPLETED"
	UnitStatusFailed     UnitStatus = "FAILED"
)

// IsTerminal reports whether the unit moves no further: COMPLETED or FAILED.
func (u UnitStatus) IsTerminal() bool {
	return u == UnitStatusCompleted || u == UnitStatusFailed
}

// TaskDescriptor identifies one run of a task within its namespace. It is
// comparable.
type TaskDescriptor struct {
	// ID is the task's identifier within its namespace.
	ID string `json:"ID"`
	// Version distinguishes runs of one ID: the log index of the command that added
	// the run. A later run has a higher version.
	Version uint64 `json:"version"`
}

// Unit is a piece of a task that one node works on. It goes PENDING →
// IN_PROGRESS → COMPLETED or FAILED; its first report claims it for a node.
type Unit struct {
	ID      string `json:"id"`
	GroupID string `json:"groupId,omitempty"`
	// NodeID is the owner; empty until the first accepted report, fixed from then
	// on (P4).
	NodeID string     `json:"nodeId"`
	Status UnitStatus `json:"status"`
	// Progress is in [0, 1] and never falls within one run.
	Progress float32 `json:"progress"`
	Error    string  `json:"error,omitempty"`
	// UpdatedAt is the reporter's time of the last accepted progress.
	UpdatedAt time.Time `json:"updatedAt"`
	// FinishedAt is the reporter's time of completion or failure.
	FinishedAt time.Time `json:"finishedAt,omitempty"`
}

// UnitSpec names a unit and its group when a task is created.
type UnitSpec struct {
	ID      string
	GroupID string
}

// PostCompletionAck is one node's outcome of the preparation or the swap phase.
type PostCompletionAck struct {
	// Success is true iff every callback of the phase returned no error on that
	// node.
	Success bool `json:"success"`
	// Error is what failed; empty on success.
	Error string `json:"error,omitempty"`
	// AckedAt is the acknowledging node's time.
	AckedAt time.Time `json:"ackedAt"`
}

// Task is the record of one run of a task.
type Task struct {
	Namespace string `json:"namespace"`

	TaskDescriptor `json:",inline"`

	// Payload is what the namespace's provider needs; opaque to the Manager, and
	// never modified.
	Payload []byte `json:"payload"`

	// NeedsPreparationBarrier puts PREPARING between STARTED and SWAPPING. Fixed
	// when the task is added.
	NeedsPreparationBarrier bool `json:"needsPreparationBarrier"`

	// AcksRequired makes the Manager refuse FINISHED before every owning node has
	// acknowledged success (P7). Fixed when the task is added; false in tasks of
	// older proposers.
	AcksRequired bool `json:"acksRequired,omitempty"`

	Status TaskStatus `json:"status"`

	StartedAt time.Time `json:"startedAt"`
	// FinishedAt is when the work of the units ended (the last completion, the
	// first failure, the cancellation). Later transitions do not rewrite it.
	FinishedAt time.Time `json:"finishedAt"`
	// TerminalAt is when the task became terminal; the time to live of the record
	// counts from it (P12). Zero in records of older binaries.
	TerminalAt time.Time `json:"terminalAt,omitzero"`

	// Error is why the task FAILED.
	Error string `json:"error,omitempty"`

	Units map[string]*Unit `json:"units,omitempty"`

	// PreparationCompletionAcks holds the outcome of the preparation by node.
	PreparationCompletionAcks map[string]PostCompletionAck `json:"preparationCompletionAcks,omitempty"`
	// PostCompletionAcks holds the outcome of the swap by node.
	PostCompletionAcks map[string]PostCompletionAck `json:"postCompletionAcks,omitempty"`
}

// Clone returns a copy that shares nothing mutable with t; Payload bytes are
// shared and must not be modified. Nil maps stay nil.
func (t *Task) Clone() *Task {
	c := *t
	if t.Units != nil {
		slab := make([]Unit, 0, len(t.Units))
		c.Units = make(map[string]*Unit, len(t.Units))
		for id, u := range t.Units {
			slab = append(slab, *u)
			c.Units[id] = &slab[len(slab)-1]
		}
	}
	c.PreparationCompletionAcks = maps.Clone(t.PreparationCompletionAcks)
	c.PostCompletionAcks = maps.Clone(t.PostCompletionAcks)
	return &c
}
