package weaviate

import (
	"context"

	"dtsim/scenarios/tasks"
)

// client is a client with the commands that the published documentation has.
type client struct{ tasks.Client }

var _ tasks.TaskFailer = client{}

// FailDistributedTask gives a task up as an operator does: "If a node is permanently lost, the task
// must be cancelled manually".
func (c client) FailDistributedTask(ctx context.Context, namespace, id string, version uint64, _ string) error {
	return c.CancelDistributedTask(ctx, namespace, id, version)
}

// MarkDistributedTaskFailed implements tasks.TaskFailer: it is a Scheduler's, since v1.39.0.
func (c client) MarkDistributedTaskFailed(ctx context.Context, namespace, id string, version uint64, reason string) error {
	return c.Client.FailDistributedTask(ctx, namespace, id, version, reason)
}
