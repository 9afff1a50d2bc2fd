package replica

import (
	"context"
	"encoding/json"
	"fmt"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// A failure that comes without a message still is one: on the wire, completion and
// failure of a unit differ by the message alone.
const noMessage = "no error message given"

// AddDistributedTask creates a task with one unit per id. payload is marshalled to
// JSON. Rejections: fsm.Manager's AddTask, and a collection that does not exist.
func (c *Client) AddDistributedTask(ctx context.Context, namespace, taskID string, payload any, unitIDs []string) error {
	return c.addTask(ctx, payload, api.AddDistributedTaskRequest{Namespace: namespace, Id: taskID, UnitIds: unitIDs})
}

// AddDistributedTaskWithGroups is AddDistributedTask for units in groups.
func (c *Client) AddDistributedTaskWithGroups(ctx context.Context, namespace, taskID string, payload any, specs []fsm.UnitSpec) error {
	return c.addTask(ctx, payload, api.AddDistributedTaskRequest{Namespace: namespace, Id: taskID, UnitSpecs: apiSpecs(specs)})
}

// AddDistributedTaskWithBarrier is AddDistributedTask with the preparation barrier.
func (c *Client) AddDistributedTaskWithBarrier(ctx context.Context, namespace, taskID string, payload any, unitIDs []string) error {
	return c.addTask(ctx, payload, api.AddDistributedTaskRequest{
		Namespace: namespace, Id: taskID, UnitIds: unitIDs, NeedsPreparationBarrier: true,
	})
}

// AddDistributedTaskWithGroupsBarrier is AddDistributedTask for units in groups, with
// the preparation barrier.
func (c *Client) AddDistributedTaskWithGroupsBarrier(ctx context.Context, namespace, taskID string, payload any, specs []fsm.UnitSpec) error {
	return c.addTask(ctx, payload, api.AddDistributedTaskRequest{
		Namespace: namespace, Id: taskID, UnitSpecs: apiSpecs(specs), NeedsPreparationBarrier: true,
	})
}

func apiSpecs(specs []fsm.UnitSpec) []*api.UnitSpec {
	out := make([]*api.UnitSpec, len(specs))
	for i, s := range specs {
		out[i] = &api.UnitSpec{Id: s.ID, GroupId: s.GroupID}
	}
	return out
}

func (c *Client) addTask(ctx context.Context, payload any, q api.AddDistributedTaskRequest) error {
	encoded, err := json.Marshal(payload)
	if err != nil {
		return unencodable(fmt.Errorf("marshal payload of task %s/%s: %w", q.Namespace, q.Id, err))
	}
	q.Payload = encoded
	q.SubmittedAtUnixMillis = c.now()
	q.AcksRequired = true
	return c.executeTask(ctx, api.CommandAddTask, q)
}

// CancelDistributedTask cancels a task that is STARTED.
func (c *Client) CancelDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error {
	return c.executeTask(ctx, api.CommandCancelTask, api.CancelDistributedTaskRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion, CancelledAtUnixMillis: c.now(),
	})
}

// FailDistributedTask gives a task up. It is for an operator, when a node that
// owns units, or owes an acknowledgement, is gone for good (P17). The task becomes
// FAILED from STARTED, PREPARING or SWAPPING, so that its providers roll back and its
// record expires; a FAILED one stays as it is. It is refused for ever once every
// owning node has acknowledged its swap: the schema may have changed then, and the
// task finishes by itself as soon as one node is up (P8). A node that comes back
// after all finds the task FAILED and rolls back.
func (c *Client) FailDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64, reason string) error {
	if reason == "" {
		reason = "given up by an operator"
	}
	return c.executeTask(ctx, api.CommandMarkTaskFailed, api.MarkTaskFailedRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion, Error: reason, FailedAtUnixMillis: c.now(),
	})
}

// CleanUpDistributedTask removes the record of a task that has been terminal for
// longer than the configured time to live, by this node's clock; both travel in the
// command (P1, P12).
func (c *Client) CleanUpDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error {
	return c.executeTask(ctx, api.CommandCleanUpTask, api.CleanUpDistributedTaskRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion,
		CleanedUpAtUnixMillis: c.now(), CompletedTaskTtlMillis: c.config.CompletedTaskTTL.Milliseconds(),
	})
}

// ForceCleanUpDistributedTask removes the record of a terminal task now, however young
// it is, because an operator decided so. The command carries no time.
func (c *Client) ForceCleanUpDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error {
	return c.executeTask(ctx, api.CommandCleanUpTask, api.CleanUpDistributedTaskRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion,
	})
}

// RecordDistributedTaskUnitCompletion records that nodeID has completed a unit.
func (c *Client) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error {
	return c.executeTask(ctx, api.CommandRecordUnitCompletion, api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: taskID, Version: version, NodeId: nodeID, UnitId: unitID, FinishedAtUnixMillis: c.now(),
	})
}

// RecordDistributedTaskUnitFailure records that a unit has failed on nodeID, which
// fails the task. An empty message is replaced: it would mean completion.
func (c *Client) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error {
	if errMsg == "" {
		errMsg = noMessage
	}
	return c.executeTask(ctx, api.CommandRecordUnitCompletion, api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: taskID, Version: version, NodeId: nodeID, UnitId: unitID,
		Error: errMsg, FinishedAtUnixMillis: c.now(),
	})
}

// UpdateDistributedTaskUnitProgress records the progress of a unit, from 0 to 1, and
// claims it for nodeID if it is unclaimed.
func (c *Client) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error {
	return c.executeTask(ctx, api.CommandUpdateUnitProgress, api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: taskID, Version: version, NodeId: nodeID, UnitId: unitID,
		Progress: progress, UpdatedAtUnixMillis: c.now(),
	})
}

// MarkDistributedTaskFinalized moves a SWAPPING task to FINISHED; one that is
// FINISHED already is no error.
func (c *Client) MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, taskVersion uint64) error {
	return c.executeTask(ctx, api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion, FinalizedAtUnixMillis: c.now(),
	})
}

// RecordDistributedTaskPostCompletionAck records the outcome of nodeID's swap.
func (c *Client) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
	nodeID string, success bool, errMsg string) error {
	return c.executeTask(ctx, api.CommandRecordPostAck, api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion, NodeId: nodeID,
		Success: success, Error: ackMessage(success, errMsg), AckedAtUnixMillis: c.now(),
	})
}

// RecordDistributedTaskPreparationCompleteAck records the outcome of nodeID's
// preparation.
func (c *Client) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
	nodeID string, success bool, errMsg string) error {
	return c.executeTask(ctx, api.CommandRecordPreparationAck, api.RecordDistributedTaskPreparationCompleteAckRequest{
		Namespace: namespace, Id: taskID, Version: taskVersion, NodeId: nodeID,
		Success: success, Error: ackMessage(success, errMsg), AckedAtUnixMillis: c.now(),
	})
}

func ackMessage(success bool, errMsg string) string {
	if !success && errMsg == "" {
		return noMessage
	}
	return errMsg
}

// now is the proposer's time, which the command carries.
func (c *Client) now() int64 { return c.config.Clock.Now().UnixMilli() }

func (c *Client) executeTask(ctx context.Context, t api.CommandType, request any) error {
	command, err := api.NewApplyRequest(t, request)
	if err != nil {
		return unencodable(err)
	}
	_, err = c.Execute(ctx, *command)
	return err
}

// unencodable is the failure of a command that has no wire form: it is bad in itself,
// as much as one that the state machine refuses for that (P15).
func unencodable(err error) error {
	return fmt.Errorf("%w: %w: %w: %w", ErrNotCommitted, err, fsm.ErrInvalidCommand, fsm.ErrPermanentRejection)
}
