package cluster

import (
	"context"
	"errors"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/sched"
	"dtsim/sim/provider"
	"dtsim/sim/trace"
)

// caller is the client of an incarnation as its scheduler and its providers see it:
// every call and its outcome are in the trace.
type caller incarnation

var (
	_ sched.TaskCompletionRecorder    = (*caller)(nil)
	_ sched.TaskLister                = (*caller)(nil)
	_ sched.TaskCleaner               = (*caller)(nil)
	_ sched.TaskFinalizer             = (*caller)(nil)
	_ sched.PostCompletionAckRecorder = (*caller)(nil)
)

// call makes one call between its two events.
func (k *caller) call(do string, fields []trace.Field, f func() error) error {
	return k.numbered(k.cluster.ops.Add(1)-1, do, fields, f)
}

// numbered is call for an operation that has its number.
func (k *caller) numbered(op int64, do string, fields []trace.Field, f func() error) error {
	i := (*incarnation)(k)
	called := append([]trace.Field{trace.Int("op", op), trace.Str("do", do)}, fields...)
	i.emit(trace.Called, called...)
	err := f()
	i.emit(trace.Returned, returned(op, do, err)...)
	return err
}

// returned are the fields of a Returned event.
func returned(op int64, do string, err error) []trace.Field {
	fields := []trace.Field{trace.Int("op", op), trace.Str("do", do), trace.Str("outcome", outcome(err))}
	if err != nil {
		fields = append(fields, trace.Str("error", err.Error()))
	}
	return fields
}

// outcome is what a client knows of a command: "error" is one that had no effect.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, replica.ErrRejected):
		return "rejected"
	case errors.Is(err, replica.ErrAmbiguous):
		return "ambiguous"
	}
	return "error"
}

func (k *caller) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error {
	return k.call("complete-unit", unitFields(namespace, taskID, version, unitID), func() error {
		return k.client.RecordDistributedTaskUnitCompletion(ctx, namespace, taskID, version, nodeID, unitID)
	})
}

func (k *caller) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error {
	return k.call("fail-unit", unitFields(namespace, taskID, version, unitID), func() error {
		return k.client.RecordDistributedTaskUnitFailure(ctx, namespace, taskID, version, nodeID, unitID, errMsg)
	})
}

func (k *caller) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error {
	fields := append(unitFields(namespace, taskID, version, unitID), trace.Str("progress", number(progress)))
	return k.call("update-progress", fields, func() error {
		return k.client.UpdateDistributedTaskUnitProgress(ctx, namespace, taskID, version, nodeID, unitID, progress)
	})
}

// ListDistributedTasks lists, and says what the list shows at least.
func (k *caller) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	index := k.replica.AppliedIndex()
	tasks, err := k.client.ListDistributedTasks(ctx)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, of := range tasks {
		n += len(of)
	}
	(*incarnation)(k).emit(trace.Listed, trace.Uint("index", index), trace.Int("tasks", int64(n)))
	return tasks, nil
}

func (k *caller) CleanUpDistributedTask(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call("clean-up-task", taskFields(namespace, taskID, version), func() error {
		return k.client.CleanUpDistributedTask(ctx, namespace, taskID, version)
	})
}

func (k *caller) MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call("finalize-task", taskFields(namespace, taskID, version), func() error {
		return k.client.MarkDistributedTaskFinalized(ctx, namespace, taskID, version)
	})
}

func (k *caller) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	fields := append(taskFields(namespace, taskID, version), trace.Bool("success", success))
	return k.call("ack-swap", fields, func() error {
		return k.client.RecordDistributedTaskPostCompletionAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

func (k *caller) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	fields := append(taskFields(namespace, taskID, version), trace.Bool("success", success))
	return k.call("ack-preparation", fields, func() error {
		return k.client.RecordDistributedTaskPreparationCompleteAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

func taskFields(namespace, taskID string, version uint64) []trace.Field {
	return about(provider.Run{Namespace: namespace, Task: taskID, Version: version})
}

func unitFields(namespace, taskID string, version uint64, unit string) []trace.Field {
	return append(taskFields(namespace, taskID, version), trace.Str("unit", unit))
}
