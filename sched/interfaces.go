package sched

import (
	"context"

	"dtsim/fsm"
)

// The interfaces that package fsm needs for its own signatures are declared there; these
// are the same types.
type (
	// Task is the record of one run of a task.
	Task = fsm.Task
	// TaskDescriptor identifies one run of a task within its namespace.
	TaskDescriptor = fsm.TaskDescriptor
	// TaskCompletionRecorder reports the outcome of units to the cluster.
	TaskCompletionRecorder = fsm.TaskCompletionRecorder
	// TaskHandle controls a task that runs on this node.
	TaskHandle = fsm.TaskHandle
	// Provider executes the tasks of one namespace on one node.
	Provider = fsm.Provider
	// ConflictDetector is implemented by providers that refuse a new task because
	// of the tasks that exist.
	ConflictDetector = fsm.ConflictDetector
	// SchemaMutationDetector is implemented by providers that refuse schema changes
	// which would race with one of their tasks.
	SchemaMutationDetector = fsm.SchemaMutationDetector
	// SchedulerNotifier is notified that the state of a task has changed.
	SchedulerNotifier = fsm.SchedulerNotifier
)

// GroupCallbacks are the callbacks a provider gets for a group of units. Their
// localUnitIDs are the group's units that this node owns, sorted; a node that
// owns none is not called. The task is a copy of what this node knows at the
// moment of the call, never something older (P9).
//
// A non-nil error is the node's failure of the phase: it travels in this node's
// ack and fails the task. An error that wraps [context.Canceled] is no outcome:
// the callback runs again on a later pass.
type GroupCallbacks interface {
	// OnGroupCompleted prepares the group (barrier tasks, in PREPARING) or finishes
	// it (other tasks, as soon as all its units are terminal, even while the task
	// is STARTED).
	OnGroupCompleted(task *Task, groupID string, localUnitIDs []string) error
	// OnSwapRequested swaps a prepared group. Barrier tasks only, and only after
	// every owning node has acknowledged its preparation (P5).
	OnSwapRequested(task *Task, groupID string, localUnitIDs []string) error
}

// UnitAwareProvider is a [Provider] with callbacks.
type UnitAwareProvider interface {
	Provider
	GroupCallbacks
	// OnTaskCompleted runs once on every node: in SWAPPING, when every owning node
	// has acknowledged success, for the effect on the whole cluster (P8); or on a
	// task that became terminal before that, to clean up according to its status.
	// It must be idempotent: it may run again after a crash, and after a panic.
	OnTaskCompleted(task *Task)
}

// FallibleUnitAwareProvider is a [UnitAwareProvider] whose OnTaskCompleted can
// report that it did not succeed. It then runs again on a later pass, and until it
// has succeeded this node does not finalize the task (P8).
type FallibleUnitAwareProvider interface {
	Provider
	GroupCallbacks
	OnTaskCompleted(task *Task) error
}

// RecoveryAwareProvider is implemented by providers that can tell whether this
// node's part of a terminal task is done, so that callbacks lost with a crash are
// made up for (P9).
type RecoveryAwareProvider interface {
	Provider
	// LocalCallbacksDone is asked once for every task that the scheduler finds
	// terminal (FINISHED, FAILED or CANCELLED) in the first list of its life. True:
	// nothing is called for the task again. False: its callbacks run again, even
	// those whose ack is in the log. It should be a cheap check of durable local
	// state. A panic is no answer: it is asked again, and nothing is called meanwhile.
	LocalCallbacksDone(task *Task, localNode string) bool
}

// TaskLister lists the tasks of the cluster by namespace, as copies that do
// not change any more. Lists should be linearizable. The scheduler ignores records
// older than what it has seen, but takes a record that is missing to be gone.
type TaskLister interface {
	ListDistributedTasks(ctx context.Context) (map[string][]*Task, error)
}

// TaskCleaner removes the record of a terminal task from the cluster.
type TaskCleaner interface {
	CleanUpDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error
}

// TaskFinalizer moves a task from SWAPPING to FINISHED. A task that is FINISHED
// already is no error.
type TaskFinalizer interface {
	MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, taskVersion uint64) error
}

// PostCompletionAckRecorder records the outcome of this node's preparation and
// swap phases. The first ack of a node and phase wins; a second is no error.
type PostCompletionAckRecorder interface {
	RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
		nodeID string, success bool, errMsg string) error
	RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
		nodeID string, success bool, errMsg string) error
}
