package weaviate

import (
	"errors"
	"slices"

	"dtsim/fsm"

	published "github.com/weaviate/weaviate/cluster/distributedtask"
)

// The records of the two sides have the same fields, but for those that ours has beside them. A
// copy shares nothing with what it was made of: the guards and the callers of this side spoil what
// they are given, to find who keeps it.

func ownTask(t *published.Task) *fsm.Task {
	own := &fsm.Task{
		Namespace: t.Namespace, TaskDescriptor: fsm.TaskDescriptor(t.TaskDescriptor), Payload: slices.Clone(t.Payload),
		NeedsPreparationBarrier: t.NeedsPreparationBarrier, Status: fsm.TaskStatus(t.Status),
		StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, Error: t.Error,
		PreparationCompletionAcks: convertMap(t.PreparationCompletionAcks, ownAck), PostCompletionAcks: convertMap(t.PostCompletionAcks, ownAck),
		Units: convertMap(t.Units, ownUnit),
	}
	return own
}

func publishedTask(t *fsm.Task) *published.Task {
	return &published.Task{
		Namespace: t.Namespace, TaskDescriptor: published.TaskDescriptor(t.TaskDescriptor), Payload: slices.Clone(t.Payload),
		NeedsPreparationBarrier: t.NeedsPreparationBarrier, Status: published.TaskStatus(t.Status),
		StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, Error: t.Error,
		PreparationCompletionAcks: convertMap(t.PreparationCompletionAcks, publishedAck), PostCompletionAcks: convertMap(t.PostCompletionAcks, publishedAck),
		Units: convertMap(t.Units, publishedUnit),
	}
}

func ownUnit(u *published.Unit) *fsm.Unit {
	return &fsm.Unit{
		ID: u.ID, GroupID: u.GroupID, NodeID: u.NodeID, Status: fsm.UnitStatus(u.Status), Progress: u.Progress,
		Error: u.Error, UpdatedAt: u.UpdatedAt, FinishedAt: u.FinishedAt,
	}
}

func publishedUnit(u *fsm.Unit) *published.Unit {
	return &published.Unit{
		ID: u.ID, GroupID: u.GroupID, NodeID: u.NodeID, Status: published.UnitStatus(u.Status), Progress: u.Progress,
		Error: u.Error, UpdatedAt: u.UpdatedAt, FinishedAt: u.FinishedAt,
	}
}

func ownAck(a published.PostCompletionAck) fsm.PostCompletionAck { return fsm.PostCompletionAck(a) }

func publishedAck(a fsm.PostCompletionAck) published.PostCompletionAck {
	return published.PostCompletionAck(a)
}

// convertMap converts the values of a map; nil stays nil.
func convertMap[A, B any](from map[string]A, convert func(A) B) map[string]B {
	if from == nil {
		return nil
	}
	to := make(map[string]B, len(from))
	for key, value := range from {
		to[key] = convert(value)
	}
	return to
}

func convertAll[A, B any](from []A, convert func(A) B) []B {
	to := make([]B, len(from))
	for i, value := range from {
		to[i] = convert(value)
	}
	return to
}

// sentinels are those that both sides have.
var sentinels = []struct{ published, own error }{
	{published.ErrTaskNotRunning, fsm.ErrTaskNotRunning},
	{published.ErrTaskDoesNotExist, fsm.ErrTaskDoesNotExist},
	{published.ErrUnitAlreadyTerminal, fsm.ErrUnitAlreadyTerminal},
	{published.ErrUnitWrongNode, fsm.ErrUnitWrongNode},
	{published.ErrTaskNotInFinalizingState, fsm.ErrTaskNotInFinalizingState},
	{published.ErrPermanentRejection, fsm.ErrPermanentRejection},
}

// rejection is an error of the published side that is recognised on this one, too.
type rejection struct {
	error
	sentinels []error
}

func (r rejection) Unwrap() []error { return r.sentinels }

// ownError returns an error of the published side with the sentinels of this one.
func ownError(err error) error {
	if !errors.Is(err, published.ErrPermanentRejection) {
		return err
	}
	r := rejection{error: err}
	for _, s := range sentinels {
		if errors.Is(err, s.published) {
			r.sentinels = append(r.sentinels, s.own)
		}
	}
	return r
}
