package cluster

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
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

// operation is the key under which a context holds the number of an operation.
type operation struct{}

// proposed tells which request an operation's command is.
func (k *caller) proposed(ctx context.Context, id api.RequestID) {
	if op, ok := ctx.Value(operation{}).(int64); ok {
		(*incarnation)(k).emit(trace.Proposed, trace.Int("op", op), trace.Str("client", id.Client), trace.Uint("seq", id.Seq))
	}
}

// numbered makes one call between its two events.
func (k *caller) numbered(ctx context.Context, op int64, do string, fields []trace.Field, f func(context.Context) error) error {
	i := (*incarnation)(k)
	called := append([]trace.Field{trace.Int("op", op), trace.Str("do", do)}, fields...)
	i.step(trace.Called, called...)
	if i.fenced() {
		return context.Canceled // it crashed on the way to the call
	}
	err := f(context.WithValue(ctx, operation{}, op))
	i.step(trace.Returned, returned(op, do, err)...)
	return err
}

// returned are the fields of a Returned event.
func returned(op int64, do string, err error) []trace.Field {
	fields := []trace.Field{trace.Int("op", op), trace.Str("do", do), trace.Str("outcome", outcome(err))}
	if err != nil {
		fields = append(fields, trace.Str("error", err.Error()))
	}
	if errors.Is(err, replica.ErrRejected) {
		fields = append(fields, trace.Str("class", refinement.Verdict(err).String()))
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
	return k.call(ctx, "complete-unit", unitFields(namespace, taskID, version, unitID), func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskUnitCompletion(ctx, namespace, taskID, version, nodeID, unitID)
	})
}

func (k *caller) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error {
	return k.call(ctx, "fail-unit", unitFields(namespace, taskID, version, unitID), func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskUnitFailure(ctx, namespace, taskID, version, nodeID, unitID, errMsg)
	})
}

func (k *caller) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error {
	fields := append(unitFields(namespace, taskID, version, unitID), trace.Str("progress", number(progress)))
	return k.call(ctx, "update-progress", fields, func(ctx context.Context, c Client) error {
		return c.UpdateDistributedTaskUnitProgress(ctx, namespace, taskID, version, nodeID, unitID, progress)
	})
}

// ListDistributedTasks lists in the name of a scheduler.
func (k *caller) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	return k.list(ctx)
}

// list lists, and says what the list shows; more says whose it is.
func (k *caller) list(ctx context.Context, more ...trace.Field) (map[string][]*fsm.Task, error) {
	index, called := k.replica.AppliedIndex(), time.Since(k.cluster.start)
	tasks, err := k.client.ListDistributedTasks(ctx)
	if err != nil {
		(*incarnation)(k).emit(trace.ListFailed, append([]trace.Field{trace.Str("error", err.Error())}, more...)...)
		return nil, err
	}
	contents := contentsOf(tasks)
	fields := []trace.Field{trace.Uint("index", index), trace.Int("tasks", int64(len(contents))), trace.Dur("called", called)}
	(*incarnation)(k).emit(trace.Listed, append(append(fields, more...), trace.ListContents(contents))...)
	return tasks, nil
}

// contentsOf says what a list shows, sorted by namespace and id.
func contentsOf(tasks map[string][]*fsm.Task) []trace.ListedTask {
	var contents []trace.ListedTask
	for namespace, of := range tasks {
		for _, t := range of {
			one := trace.ListedTask{
				Namespace: namespace, ID: t.ID, Version: t.Version, Status: string(t.Status),
				Prepared: acksOf(t.PreparationCompletionAcks), Swapped: acksOf(t.PostCompletionAcks),
				Digest: strconv.FormatUint(refinement.Digest(t), 16),
			}
			for _, u := range t.Units {
				if u.NodeID != "" {
					one.Claimed++
				}
				if u.Status.IsTerminal() {
					one.Terminal++
				}
			}
			contents = append(contents, one)
		}
	}
	slices.SortFunc(contents, func(a, b trace.ListedTask) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	})
	return contents
}

func acksOf(acks map[string]fsm.PostCompletionAck) map[string]bool {
	if len(acks) == 0 {
		return nil
	}
	outcomes := make(map[string]bool, len(acks))
	for node, ack := range acks {
		outcomes[node] = ack.Success
	}
	return outcomes
}

func (k *caller) CleanUpDistributedTask(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call(ctx, "clean-up-task", taskFields(namespace, taskID, version), func(ctx context.Context, c Client) error {
		return c.CleanUpDistributedTask(ctx, namespace, taskID, version)
	})
}

func (k *caller) MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call(ctx, "finalize-task", taskFields(namespace, taskID, version), func(ctx context.Context, c Client) error {
		return c.MarkDistributedTaskFinalized(ctx, namespace, taskID, version)
	})
}

func (k *caller) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	fields := taskFields(namespace, taskID, version)
	success, errMsg = k.outcomeOf("ack-swap", fields, success, errMsg)
	return k.call(ctx, "ack-swap", append(fields, trace.Bool("success", success)), func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskPostCompletionAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

func (k *caller) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	fields := taskFields(namespace, taskID, version)
	success, errMsg = k.outcomeOf("ack-preparation", fields, success, errMsg)
	return k.call(ctx, "ack-preparation", append(fields, trace.Bool("success", success)), func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskPreparationCompleteAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

func taskFields(namespace, taskID string, version uint64) []trace.Field {
	return about(provider.Run{Namespace: namespace, Task: taskID, Version: version})
}

func unitFields(namespace, taskID string, version uint64, unit string) []trace.Field {
	return append(taskFields(namespace, taskID, version), trace.Str("unit", unit))
}
