package fsm

import "context"

// The interfaces of this file belong to package sched, which names them all; they
// are here because the Manager's own signatures need them and imports point
// down only.

// TaskCompletionRecorder reports the outcome of units to the cluster.
// Implementations are safe for concurrent use.
type TaskCompletionRecorder interface {
	RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error
	RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error
	UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error
}

// TaskHandle controls a task that runs on this node.
type TaskHandle interface {
	// Terminate makes the task stop; a no-op once it has. A terminated task may be
	// started again, so no local state may be removed.
	Terminate()
	// Done returns a channel that is closed when the task's worker has exited, for
	// whatever reason.
	Done() <-chan struct{}
}

// Provider executes the tasks of one namespace on one node.
type Provider interface {
	// SetCompletionRecorder hands over the recorder that launched tasks report to.
	// Called once, before any other method.
	SetCompletionRecorder(recorder TaskCompletionRecorder)
	// GetLocalTasks lists the tasks of which this node holds local state.
	GetLocalTasks() []TaskDescriptor
	// CleanupTask removes the local state of a task.
	CleanupTask(desc TaskDescriptor) error
	// StartTask starts the task in the background.
	StartTask(task *Task) (TaskHandle, error)
}

// ConflictDetector is implemented by providers that refuse a new task because of
// the tasks that exist.
type ConflictDetector interface {
	Provider
	// CheckConflict is called while a new task is applied. existingTasks are all
	// records of the namespace, sorted by ID, as copies. A non-nil error rejects
	// the task. It must be a pure function of its arguments (P11).
	CheckConflict(newPayload []byte, existingTasks []*Task) error
}

// PayloadChecker is implemented by conflict detectors that recognise payloads which can
// never be processed.
type PayloadChecker interface {
	// CheckPayload is called while a new task is applied, before the state is looked
	// at. A non-nil error rejects the task for ever, as [ErrInvalidCommand] (P15). It must
	// be a pure function of the payload (P11).
	CheckPayload(payload []byte) error
}

// SchemaMutationDetector is implemented by providers that refuse schema changes
// which would race with one of their tasks. All methods must be pure functions of
// their arguments (P11); existingTasks are all records of the namespace, sorted
// by ID, as copies.
type SchemaMutationDetector interface {
	Provider
	// CheckPropertyUpdate is called before a property is updated.
	CheckPropertyUpdate(className, propertyName string, existingTasks []*Task) error
	// CheckClassMutation is called before a destructive change of a whole class.
	CheckClassMutation(className string, existingTasks []*Task) error
	// CheckTenantMutation is called before tenants become locally unavailable.
	CheckTenantMutation(className string, tenants []string, existingTasks []*Task) error
}

// CollectionExtractor returns the collection that a payload is bound to; false
// when it is bound to none or cannot be read. It must be a pure function.
type CollectionExtractor func(payload []byte) (collection string, ok bool)

// SchedulerNotifier is notified when the state of a task has changed. Wake never
// blocks and never calls back into the Manager.
type SchedulerNotifier interface {
	Wake()
}
