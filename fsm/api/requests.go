package api

// UnitSpec names one unit of a task and the group it belongs to.
type UnitSpec struct {
	Id      string `json:"id,omitempty"`
	GroupId string `json:"group_id,omitempty"`
}

// AddDistributedTaskRequest creates a task (command 300). UnitSpecs, when there
// are any, replace UnitIds.
type AddDistributedTaskRequest struct {
	Namespace               string      `json:"namespace,omitempty"`
	Id                      string      `json:"id,omitempty"`
	Payload                 []byte      `json:"payload,omitempty"`
	SubmittedAtUnixMillis   int64       `json:"submitted_at_unix_millis,omitempty"`
	UnitIds                 []string    `json:"unit_ids,omitempty"`
	UnitSpecs               []*UnitSpec `json:"unit_specs,omitempty"`
	NeedsPreparationBarrier bool        `json:"needs_preparation_barrier,omitempty"`
	// AcksRequired makes the state machine itself refuse to finish the task
	// before every owning node has acknowledged success (P7). Additive; without it
	// the gate lies with the schedulers alone, as in the reference.
	AcksRequired bool `json:"acks_required,omitempty"`
}

// CancelDistributedTaskRequest cancels a running task (command 301).
type CancelDistributedTaskRequest struct {
	Namespace             string `json:"namespace,omitempty"`
	Id                    string `json:"id,omitempty"`
	Version               uint64 `json:"version,omitempty"`
	CancelledAtUnixMillis int64  `json:"cancelled_at_unix_millis,omitempty"`
}

// CleanUpDistributedTaskRequest removes the record of a terminal task (command 303).
type CleanUpDistributedTaskRequest struct {
	Namespace string `json:"namespace,omitempty"`
	Id        string `json:"id,omitempty"`
	Version   uint64 `json:"version,omitempty"`
	// CleanedUpAtUnixMillis and CompletedTaskTtlMillis are the proposer's clock and
	// time to live, so that the verdict is the same on every replica (P1, P12).
	// Additive; a command without the former removes any terminal record.
	CleanedUpAtUnixMillis  int64 `json:"cleaned_up_at_unix_millis,omitempty"`
	CompletedTaskTtlMillis int64 `json:"completed_task_ttl_millis,omitempty"`
}

// RecordDistributedTaskUnitCompletionRequest records that a unit completed, or,
// with an error, that it failed (command 304).
type RecordDistributedTaskUnitCompletionRequest struct {
	Namespace            string `json:"namespace,omitempty"`
	Id                   string `json:"id,omitempty"`
	Version              uint64 `json:"version,omitempty"`
	NodeId               string `json:"node_id,omitempty"`
	UnitId               string `json:"unit_id,omitempty"`
	Error                string `json:"error,omitempty"`
	FinishedAtUnixMillis int64  `json:"finished_at_unix_millis,omitempty"`
}

// UpdateDistributedTaskUnitProgressRequest reports a unit's progress, from 0 to
// 1, and claims an unclaimed unit (command 305).
type UpdateDistributedTaskUnitProgressRequest struct {
	Namespace           string  `json:"namespace,omitempty"`
	Id                  string  `json:"id,omitempty"`
	Version             uint64  `json:"version,omitempty"`
	NodeId              string  `json:"node_id,omitempty"`
	UnitId              string  `json:"unit_id,omitempty"`
	Progress            float32 `json:"progress,omitempty"`
	UpdatedAtUnixMillis int64   `json:"updated_at_unix_millis,omitempty"`
}

// MarkTaskFinalizedRequest finishes a swapping task (command 306).
type MarkTaskFinalizedRequest struct {
	Namespace             string `json:"namespace,omitempty"`
	Id                    string `json:"id,omitempty"`
	Version               uint64 `json:"version,omitempty"`
	FinalizedAtUnixMillis int64  `json:"finalized_at_unix_millis,omitempty"`
}

// RecordDistributedTaskPostCompletionAckRequest records one node's outcome of the
// swap phase (command 307).
type RecordDistributedTaskPostCompletionAckRequest struct {
	Namespace         string `json:"namespace,omitempty"`
	Id                string `json:"id,omitempty"`
	Version           uint64 `json:"version,omitempty"`
	NodeId            string `json:"node_id,omitempty"`
	Success           bool   `json:"success,omitempty"`
	Error             string `json:"error,omitempty"`
	AckedAtUnixMillis int64  `json:"acked_at_unix_millis,omitempty"`
}

// RecordDistributedTaskPreparationCompleteAckRequest records one node's outcome
// of the preparation phase (command 308).
type RecordDistributedTaskPreparationCompleteAckRequest struct {
	Namespace         string `json:"namespace,omitempty"`
	Id                string `json:"id,omitempty"`
	Version           uint64 `json:"version,omitempty"`
	NodeId            string `json:"node_id,omitempty"`
	Success           bool   `json:"success,omitempty"`
	Error             string `json:"error,omitempty"`
	AckedAtUnixMillis int64  `json:"acked_at_unix_millis,omitempty"`
}

// MarkTaskFailedRequest fails a task whose participant is gone for good (command
// 309, P17).
type MarkTaskFailedRequest struct {
	Namespace          string `json:"namespace,omitempty"`
	Id                 string `json:"id,omitempty"`
	Version            uint64 `json:"version,omitempty"`
	Error              string `json:"error,omitempty"`
	FailedAtUnixMillis int64  `json:"failed_at_unix_millis,omitempty"`
}
