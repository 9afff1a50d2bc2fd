package fsm

import (
	"fmt"
	"strconv"

	"dtsim/fsm/internal/canon"
)

// AppendJSON appends the JSON form of the state, the bytes that json.Marshal returns
// for it, in a fraction of the time: the state is hashed after every command where
// replicas are audited.
func (s State) AppendJSON(b []byte) (_ []byte, err error) {
	b = append(b, '{')
	if len(s.Tasks) > 0 {
		b = append(b, `"tasks":`...)
		b, err = canon.Object(b, s.Tasks, func(b []byte, tasks []*Task) ([]byte, error) {
			return canon.Array(b, tasks, appendTask)
		})
		if err != nil {
			return b, fmt.Errorf("tasks: %w", err)
		}
	}
	return append(b, '}'), nil
}

// AppendState appends the state in its canonical form, as [Manager.Capture] and
// [State.AppendJSON] do, and copies nothing; it blocks applies.
func (m *Manager) AppendState(b []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	tasks := m.each(func(t *Task) *Task { return t })
	sortLists(tasks)
	return State{Tasks: tasks}.AppendJSON(b)
}

func appendTask(b []byte, t *Task) (_ []byte, err error) {
	if t == nil {
		return append(b, "null"...), nil
	}
	b = canon.String(append(b, `{"namespace":`...), t.Namespace)
	b = canon.String(append(b, `,"ID":`...), t.ID)
	b = strconv.AppendUint(append(b, `,"version":`...), t.Version, 10)
	b = canon.Bytes(append(b, `,"payload":`...), t.Payload)
	b = strconv.AppendBool(append(b, `,"needsPreparationBarrier":`...), t.NeedsPreparationBarrier)
	if t.AcksRequired {
		b = append(b, `,"acksRequired":true`...)
	}
	b = canon.String(append(b, `,"status":`...), t.Status)
	if b, err = canon.Time(append(b, `,"startedAt":`...), t.StartedAt); err != nil {
		return b, err
	}
	if b, err = canon.Time(append(b, `,"finishedAt":`...), t.FinishedAt); err != nil {
		return b, err
	}
	if !t.TerminalAt.IsZero() {
		if b, err = canon.Time(append(b, `,"terminalAt":`...), t.TerminalAt); err != nil {
			return b, err
		}
	}
	if t.Error != "" {
		b = canon.String(append(b, `,"error":`...), t.Error)
	}
	if len(t.Units) > 0 {
		if b, err = canon.Object(append(b, `,"units":`...), t.Units, appendUnit); err != nil {
			return b, err
		}
	}
	if len(t.PreparationCompletionAcks) > 0 {
		if b, err = canon.Object(append(b, `,"preparationCompletionAcks":`...), t.PreparationCompletionAcks, appendAck); err != nil {
			return b, err
		}
	}
	if len(t.PostCompletionAcks) > 0 {
		if b, err = canon.Object(append(b, `,"postCompletionAcks":`...), t.PostCompletionAcks, appendAck); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendUnit(b []byte, u *Unit) (_ []byte, err error) {
	if u == nil {
		return append(b, "null"...), nil
	}
	b = canon.String(append(b, `{"id":`...), u.ID)
	if u.GroupID != "" {
		b = canon.String(append(b, `,"groupId":`...), u.GroupID)
	}
	b = canon.String(append(b, `,"nodeId":`...), u.NodeID)
	b = canon.String(append(b, `,"status":`...), u.Status)
	if b, err = canon.Float(append(b, `,"progress":`...), u.Progress); err != nil {
		return b, err
	}
	if u.Error != "" {
		b = canon.String(append(b, `,"error":`...), u.Error)
	}
	if b, err = canon.Time(append(b, `,"updatedAt":`...), u.UpdatedAt); err != nil {
		return b, err
	}
	if b, err = canon.Time(append(b, `,"finishedAt":`...), u.FinishedAt); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

func appendAck(b []byte, a PostCompletionAck) (_ []byte, err error) {
	b = strconv.AppendBool(append(b, `{"success":`...), a.Success)
	if a.Error != "" {
		b = canon.String(append(b, `,"error":`...), a.Error)
	}
	if b, err = canon.Time(append(b, `,"ackedAt":`...), a.AckedAt); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}
