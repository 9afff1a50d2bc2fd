package spec

import (
	"encoding/json"
	"time"

	"dtsim/fsm/api"
)

// Step applies the command that stands at index in the log. A rejected command leaves
// the machine as it was.
func (m Machine) Step(index uint64, c *api.ApplyRequest) (Machine, Verdict) {
	switch c.Type {
	case api.CommandAddTask:
		return step(m, c, func(m Machine, q *api.AddDistributedTaskRequest) (Machine, Verdict) { return m.add(index, q) })
	case api.CommandCancelTask:
		return step(m, c, Machine.cancel)
	case api.CommandCleanUpTask:
		return step(m, c, Machine.cleanUp)
	case api.CommandRecordUnitCompletion:
		return step(m, c, Machine.completeUnit)
	case api.CommandUpdateUnitProgress:
		return step(m, c, Machine.progress)
	case api.CommandMarkTaskFinalized:
		return step(m, c, Machine.finalize)
	case api.CommandRecordPostAck:
		return step(m, c, Machine.ackSwap)
	case api.CommandRecordPreparationAck:
		return step(m, c, Machine.ackPreparation)
	case api.CommandMarkTaskFailed:
		return step(m, c, Machine.giveUp)
	}
	return m, never(InvalidCommand)
}

// step decodes a command and carries it out.
func step[Q any](m Machine, c *api.ApplyRequest, carryOut func(Machine, *Q) (Machine, Verdict)) (Machine, Verdict) {
	var q Q
	if json.Unmarshal(c.SubCommand, &q) != nil {
		return m, never(InvalidCommand)
	}
	next, v := carryOut(m, &q)
	if v != accepted {
		return m, v
	}
	return next, v
}

// add creates a task. It takes the place of a terminal one of its name (P3), and its
// version is its place in the log.
func (m Machine) add(index uint64, q *api.AddDistributedTaskRequest) (Machine, Verdict) {
	at, ok := when(q.SubmittedAtUnixMillis)
	specs := q.UnitSpecs
	if len(specs) == 0 {
		for _, id := range q.UnitIds {
			specs = append(specs, &api.UnitSpec{Id: id})
		}
	}
	if !ok || !named(q.Namespace, q.Id) || len(specs) == 0 {
		return m, never(InvalidCommand)
	}
	t := &Task{open: len(specs), Head: Head{
		Namespace: q.Namespace, ID: q.Id, Version: index, Payload: q.Payload,
		Barrier: q.NeedsPreparationBarrier, AcksRequired: q.AcksRequired, Status: Started, StartedAt: at,
	}}
	for _, s := range specs {
		if s == nil || s.Id == "" {
			return m, never(InvalidCommand)
		}
		if _, twice := t.Units.Get(s.Id); twice {
			return m, never(InvalidCommand)
		}
		t.Units = t.Units.Put(s.Id, Unit{Group: s.GroupId, Status: Pending})
	}
	if m.Unreadable(q.Namespace, q.Payload) {
		return m, never(InvalidCommand)
	}
	if old := m.Task(q.Namespace, q.Id); old != nil && (!old.Status.Terminal() || index <= old.Version) {
		return m, notNow
	}
	if m.conflict(q.Namespace, q.Payload) != nil {
		return m, notNow
	}
	return m.with(t), accepted
}

// cancel ends a task whose units are at work.
func (m Machine) cancel(q *api.CancelDistributedTaskRequest) (Machine, Verdict) {
	at, ok := when(q.CancelledAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id) {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case t.Status != Started:
		return m, never(TaskNotRunning)
	}
	t.Status, t.FinishedAt, t.TerminalAt = Cancelled, at, at
	return m.with(t), accepted
}

// cleanUp removes a task that has been terminal for longer than the command's time to
// live (P12); without a time in the command, its proposer has checked that.
func (m Machine) cleanUp(q *api.CleanUpDistributedTaskRequest) (Machine, Verdict) {
	at, ok := when(q.CleanedUpAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id) || q.CompletedTaskTtlMillis < 0 {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case !t.Status.Terminal():
		return m, notNow
	}
	since := t.TerminalAt
	if since.IsZero() {
		since = t.FinishedAt
	}
	if q.CleanedUpAtUnixMillis != 0 && at.UnixMilli()-since.UnixMilli() <= q.CompletedTaskTtlMillis {
		return m, notNow
	}
	return m.without(t), accepted
}

// report is what completion and progress have in common: the task runs, and the unit
// is the node's or has no owner (P4).
func (m Machine) report(namespace, id string, version uint64, unit, node string) (*Task, Unit, Verdict) {
	t := m.run(namespace, id, version)
	switch {
	case t == nil:
		return nil, Unit{}, never(TaskNotExist)
	case t.Status != Started:
		return nil, Unit{}, never(TaskNotRunning)
	}
	u, ok := t.Units.Get(unit)
	switch {
	case !ok:
		return nil, Unit{}, never(TaskNotExist)
	case u.Node != "" && u.Node != node:
		return nil, Unit{}, never(UnitWrongNode)
	}
	u.Node = node
	return t, u, accepted
}

// completeUnit ends a unit. With an error it ends the task, too (P10).
func (m Machine) completeUnit(q *api.RecordDistributedTaskUnitCompletionRequest) (Machine, Verdict) {
	at, ok := when(q.FinishedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id, q.NodeId, q.UnitId) {
		return m, never(InvalidCommand)
	}
	t, u, v := m.report(q.Namespace, q.Id, q.Version, q.UnitId, q.NodeId)
	switch {
	case v != accepted:
		return m, v
	case u.Status.Terminal():
		return m, never(UnitTerminal)
	}
	u.FinishedAt = at
	t.open--
	if q.Error != "" {
		u.Status, u.Error = UnitFailed, q.Error
		t.FinishedAt = at
		t.fail(at, "unit "+q.UnitId+" failed: "+q.Error)
	} else {
		u.Status, u.Progress = UnitCompleted, 1
	}
	t.Units = t.Units.Put(q.UnitId, u)
	if t.Status == Started && t.open == 0 {
		t.FinishedAt = at
		t.leaveStarted(at)
	}
	return m.with(t), accepted
}

// progress claims a unit and records its progress, which never goes back.
func (m Machine) progress(q *api.UpdateDistributedTaskUnitProgressRequest) (Machine, Verdict) {
	at, ok := when(q.UpdatedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id, q.NodeId, q.UnitId) || !(q.Progress >= 0 && q.Progress <= 1) {
		return m, never(InvalidCommand)
	}
	t, u, v := m.report(q.Namespace, q.Id, q.Version, q.UnitId, q.NodeId)
	switch {
	case v != accepted:
		return m, v
	case u.Status.Terminal():
		return m, accepted
	}
	u.Status, u.Progress, u.UpdatedAt = InProgress, max(u.Progress, q.Progress), at
	t.Units = t.Units.Put(q.UnitId, u)
	return m.with(t), accepted
}

// ackPreparation records a node's preparation. Only the first ack of a node counts; one
// that comes after the step has no effect.
func (m Machine) ackPreparation(q *api.RecordDistributedTaskPreparationCompleteAckRequest) (Machine, Verdict) {
	at, ok := when(q.AckedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id, q.NodeId) {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case t.Status.Foreign():
		return m, notNow
	}
	if _, again := t.Prepared.Get(q.NodeId); again || t.Status == Swapping || t.Status.Terminal() {
		return m, accepted
	}
	t.Prepared = t.Prepared.Put(q.NodeId, Ack{q.Success, q.Error, at})
	if t.Status == Preparing {
		t.leavePreparing(at)
	}
	return m.with(t), accepted
}

// ackSwap records a node's swap. It is too early while others prepare.
func (m Machine) ackSwap(q *api.RecordDistributedTaskPostCompletionAckRequest) (Machine, Verdict) {
	at, ok := when(q.AckedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id, q.NodeId) {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case t.Status.Terminal():
		return m, accepted
	case t.Status == Preparing, t.Status.Foreign():
		return m, notNow
	}
	if _, again := t.Swapped.Get(q.NodeId); again {
		return m, accepted
	}
	if t.Status == Swapping && !q.Success && t.all(t.Swapped) {
		return m, never(TaskNotFinalizing) // the schema may have changed (P8)
	}
	t.Swapped = t.Swapped.Put(q.NodeId, Ack{q.Success, q.Error, at})
	if t.Status == Swapping {
		t.judgeSwaps(at)
	}
	return m.with(t), accepted
}

// finalize finishes a task. Tasks that require acks need those of all owners (P7).
func (m Machine) finalize(q *api.MarkTaskFinalizedRequest) (Machine, Verdict) {
	at, ok := when(q.FinalizedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id) {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case t.Status == Finished:
		return m, accepted
	case t.Status.Terminal():
		return m, never(TaskNotFinalizing)
	case t.Status != Swapping, t.AcksRequired && !t.all(t.Swapped):
		return m, notNow
	}
	t.Status, t.TerminalAt = Finished, at
	return m.with(t), accepted
}

// giveUp fails a task that waits for a participant that is gone for good (P17), unless it
// may have changed the schema already (P8). For a foreign status that is unknown.
func (m Machine) giveUp(q *api.MarkTaskFailedRequest) (Machine, Verdict) {
	at, ok := when(q.FailedAtUnixMillis)
	if !ok || !named(q.Namespace, q.Id) {
		return m, never(InvalidCommand)
	}
	t := m.run(q.Namespace, q.Id, q.Version)
	switch {
	case t == nil:
		return m, never(TaskNotExist)
	case t.Status == Failed:
		return m, accepted
	case t.Status.Terminal(), t.Status == Swapping && t.all(t.Swapped):
		return m, never(TaskNotFinalizing)
	case t.Status.Foreign():
		return m, notNow
	}
	if t.Status == Started {
		t.FinishedAt = at
	}
	t.fail(at, q.Error)
	return m.with(t), accepted
}

// run returns a copy of one run of a task, for the caller to change, or nil.
func (m Machine) run(namespace, id string, version uint64) *Task {
	t := m.Task(namespace, id)
	if t == nil || t.Version != version {
		return nil
	}
	c := *t
	return &c
}

// leaveStarted goes on from where the last unit has completed. Acks that came early
// count now (P16).
func (t *Task) leaveStarted(at time.Time) {
	if t.Barrier {
		t.Status = Preparing
		t.leavePreparing(at)
		return
	}
	t.Status = Swapping
	t.judgeSwaps(at)
}

// leavePreparing lets the task swap once every owner has prepared (P5), and fails it
// when a node could not.
func (t *Task) leavePreparing(at time.Time) {
	t.failWith(at, "prep failed on node ", t.Prepared)
	if t.Status == Preparing && t.all(t.Prepared) {
		t.Status = Swapping
		t.judgeSwaps(at)
	}
}

// judgeSwaps fails the task when a node could not swap.
func (t *Task) judgeSwaps(at time.Time) {
	t.failWith(at, "post-completion swap failed on node ", t.Swapped)
}

// failWith fails the task with every failed ack, in the order of the nodes.
func (t *Task) failWith(at time.Time, what string, acks Map[Ack]) {
	for node, a := range acks.All() {
		if !a.Success {
			t.fail(at, what+node+": "+a.Error)
		}
	}
}

// fail ends the task, and adds why to its error.
func (t *Task) fail(at time.Time, why string) {
	t.Status, t.TerminalAt = Failed, at
	if t.Error != "" {
		why = t.Error + "; " + why
	}
	t.Error = why
}

// named reports whether no name is missing.
func named(names ...string) bool {
	for _, name := range names {
		if name == "" {
			return false
		}
	}
	return true
}

// when reads a time; false if a snapshot could not hold it.
func when(millis int64) (time.Time, bool) {
	t := time.UnixMilli(millis).UTC()
	return t, t.Year() >= 0 && t.Year() <= 9999
}
