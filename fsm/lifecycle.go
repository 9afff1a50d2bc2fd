package fsm

import (
	"fmt"
	"strings"
	"time"

	"dtsim/fsm/api"
)

// AddTask creates a task; index, the command's place in the log, becomes its
// version. It replaces a terminal record of the same ID. Rejections: "already
// running" while a run is active, "already finished with version" when index is
// not beyond the record's version, and the error of the namespace's conflict
// detector, all of which are retryable; bad input is permanent.
func (m *Manager) AddTask(c *api.ApplyRequest, index uint64) error {
	task, err := m.readTask(c, index)
	if err != nil {
		return err
	}
	return m.decide(func() (bool, error) {
		if old, ok := m.records[task.Namespace][task.ID]; ok {
			if old.task.Status.IsActive() {
				return false, refuse(reasonTaskActive, "task %s/%s is already running with version %d", task.Namespace, task.ID, old.task.Version)
			}
			if index <= old.task.Version {
				return false, fmt.Errorf("task %s/%s already finished with version %d", task.Namespace, task.ID, old.task.Version)
			}
		}
		if err := m.checkConflict(task); err != nil {
			return false, err
		}
		m.put(newRecord(task))
		return true, nil
	})
}

// CheckAddTask returns what is wrong with a command to add a task, whatever the state: what
// AddTask refuses permanently. Code that refuses such a command for another reason calls
// this first, so that no caller retries what can never succeed (P15).
func (m *Manager) CheckAddTask(c *api.ApplyRequest) error {
	_, err := m.readTask(c, 0)
	return err
}

// readTask makes the task of a command, if the command is valid by itself.
func (m *Manager) readTask(c *api.ApplyRequest, version uint64) (*Task, error) {
	q, err := decode[api.AddDistributedTaskRequest](c)
	if err != nil {
		return nil, err
	}
	task, err := newTask(q, version)
	if err != nil {
		return nil, err
	}
	return task, m.checkPayload(task)
}

// newTask makes the task of q. Unit specs go before unit ids.
func newTask(q *api.AddDistributedTaskRequest, version uint64) (*Task, error) {
	var c check
	c.task(q.Namespace, q.Id)
	task := &Task{
		Namespace:               q.Namespace,
		TaskDescriptor:          TaskDescriptor{ID: q.Id, Version: version},
		Payload:                 q.Payload,
		NeedsPreparationBarrier: q.NeedsPreparationBarrier,
		AcksRequired:            q.AcksRequired,
		Status:                  TaskStatusStarted,
		StartedAt:               c.instant(q.SubmittedAtUnixMillis),
		Units:                   make(map[string]*Unit, max(len(q.UnitSpecs), len(q.UnitIds))),
	}
	add := func(id, group string) {
		c.present("unit id", id)
		if _, twice := task.Units[id]; twice {
			c.refuse("unit %q stands twice in task %s/%s", id, q.Namespace, q.Id)
		}
		task.Units[id] = &Unit{ID: id, GroupID: group, Status: UnitStatusPending}
	}
	for i, spec := range q.UnitSpecs {
		if spec == nil {
			c.refuse("unit_specs[%d] of task %s/%s is null", i, q.Namespace, q.Id)
			continue
		}
		add(spec.Id, spec.GroupId)
	}
	if len(q.UnitSpecs) == 0 {
		for _, id := range q.UnitIds {
			add(id, "")
		}
	}
	if len(task.Units) == 0 {
		c.refuse("task %s/%s must have at least one unit", q.Namespace, q.Id)
	}
	return task, c.err
}

// CancelTask moves a STARTED task to CANCELLED and leaves its units as they are.
// In any other status: [ErrTaskNotRunning].
func (m *Manager) CancelTask(a *api.ApplyRequest) error {
	q, err := decode[api.CancelDistributedTaskRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	at := c.instant(q.CancelledAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		if err := r.running(); err != nil {
			return false, err
		}
		r.end(TaskStatusCancelled, at)
		return true, nil
	})
}

// running refuses a task that has left STARTED. It never returns there, so the
// rejection is permanent whatever its status is now.
func (r *record) running() error {
	if r.task.Status == TaskStatusStarted {
		return nil
	}
	return wrapPermanent(ErrTaskNotRunning, "%s is no longer running: its status is %s", r.name(), r.task.Status)
}

// MarkTaskFinalized moves a SWAPPING task to FINISHED; a FINISHED one is left as it
// is. With [Task.AcksRequired] it is refused, for now, until every owning node has
// acknowledged its swap (P7). In any other status:
// [ErrTaskNotInFinalizingState].
func (m *Manager) MarkTaskFinalized(a *api.ApplyRequest) error {
	q, err := decode[api.MarkTaskFinalizedRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	at := c.instant(q.FinalizedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		switch r.task.Status {
		case TaskStatusFinished:
			return false, nil
		case TaskStatusSwapping:
		default:
			return false, r.notIn("cannot be finalized")
		}
		if r.task.AcksRequired && !r.allSwapped() {
			missing := r.task.nodesWithoutSuccess(r.task.PostCompletionAcks)
			return false, fmt.Errorf("%s cannot be finalized yet: no successful post-completion ack from %s",
				r.name(), strings.Join(missing, ", "))
		}
		r.end(TaskStatusFinished, at)
		return true, nil
	})
}

// MarkTaskFailed fails an active task whose participant is gone for good (P17); a
// FAILED one is left as it is. A SWAPPING task whose owning nodes have all
// acknowledged their swap may have changed the schema already, so it is refused
// for ever and can only be finalized (P8). For a status that this binary does not know
// that is unclear, so it refuses for now. Otherwise: [ErrTaskNotInFinalizingState].
func (m *Manager) MarkTaskFailed(a *api.ApplyRequest) error {
	q, err := decode[api.MarkTaskFailedRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	at := c.instant(q.FailedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		switch r.task.Status {
		case TaskStatusFailed:
			return false, nil
		case TaskStatusSwapping:
			if r.allSwapped() {
				return false, r.committed("cannot be marked failed")
			}
		case TaskStatusStarted, TaskStatusPreparing:
		default:
			return false, r.notIn("cannot be marked failed")
		}
		r.fail(at, q.Error)
		return true, nil
	})
}

// notIn refuses a command that the task's status does not allow: for ever when the
// task has ended, for now when its status may still become one that does.
func (r *record) notIn(refusal string) error {
	if r.task.Status.IsTerminal() {
		return wrapPermanent(ErrTaskNotInFinalizingState, "%s %s from status %s", r.name(), refusal, r.task.Status)
	}
	return fmt.Errorf("%s %s from status %s: %w", r.name(), refusal, r.task.Status, ErrTaskNotInFinalizingState)
}

// committed refuses, for ever, what would fail a task after every owning node has
// acknowledged its swap.
func (r *record) committed(refusal string) error {
	return wrapPermanent(ErrTaskNotInFinalizingState, "%s %s: every owning node has acknowledged its swap", r.name(), refusal)
}

// CleanUpTask removes the record of a terminal task. A command with a time is
// refused as "too fresh" unless the task has been terminal for longer than the
// command's time to live; the proposer of one without has checked that itself. An active task,
// and one whose status this binary does not know, is "still running" (P12).
func (m *Manager) CleanUpTask(a *api.ApplyRequest) error {
	q, err := decode[api.CleanUpDistributedTaskRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	at := c.instant(q.CleanedUpAtUnixMillis)
	if q.CompletedTaskTtlMillis < 0 {
		c.refuse("time to live of %d milliseconds is negative", q.CompletedTaskTtlMillis)
	}
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		if r.task.Status.IsActive() {
			return false, refuse(reasonTaskStillRunning, "%s is still running: its status is %s", r.name(), r.task.Status)
		}
		if q.CleanedUpAtUnixMillis != 0 {
			age := at.UnixMilli() - r.task.endedAt().UnixMilli()
			if age <= q.CompletedTaskTtlMillis {
				return false, refuse(reasonTaskTooFresh, "%s is too fresh to clean up: it is %d ms old, its time to live is %d ms",
					r.name(), age, q.CompletedTaskTtlMillis)
			}
		}
		m.remove(q.Namespace, q.Id)
		return false, nil
	})
}

// endedAt is when the task became terminal; in records of older binaries, when the
// work of its units ended.
func (t *Task) endedAt() time.Time {
	if t.TerminalAt.IsZero() {
		return t.FinishedAt
	}
	return t.TerminalAt
}
