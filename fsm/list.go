package fsm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// ListDistributedTasksResponse is the wire form of a list.
type ListDistributedTasksResponse struct {
	Tasks map[string][]*Task `json:"tasks"`
}

// ListDistributedTasks returns copies of all tasks by namespace: active ones first,
// then those with the latest activity, then by ID. Applies wait for no more than
// the copying. The error is always nil.
func (m *Manager) ListDistributedTasks(_ context.Context) (map[string][]*Task, error) {
	return m.list(), nil
}

// ListDistributedTasksPayload returns the list as JSON.
func (m *Manager) ListDistributedTasksPayload(ctx context.Context) ([]byte, error) {
	tasks, err := m.ListDistributedTasks(ctx)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(ListDistributedTasksResponse{Tasks: tasks})
	if err != nil {
		return nil, fmt.Errorf("marshal task list: %w", err)
	}
	return payload, nil
}

// Task returns a copy of one run of a task, or [ErrTaskDoesNotExist].
func (m *Manager) Task(namespace, taskID string, version uint64) (*Task, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, err := m.find(namespace, taskID, version)
	if err != nil {
		return nil, err
	}
	return r.task.Clone(), nil
}

// Unit returns the status of one run of a task and a copy of one of its units, nil
// if it has none of that id, or [ErrTaskDoesNotExist].
func (m *Manager) Unit(namespace, taskID string, version uint64, unitID string) (TaskStatus, *Unit, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, err := m.find(namespace, taskID, version)
	if err != nil {
		return "", nil, err
	}
	u := r.task.Units[unitID]
	if u == nil {
		return r.task.Status, nil, nil
	}
	unit := *u
	return r.task.Status, &unit, nil
}

func (m *Manager) list() map[string][]*Task {
	tasks := m.clonesOfAll()
	sortLists(tasks) // needs no lock
	return tasks
}

// clonesOfAll returns copies of all tasks, in no order.
func (m *Manager) clonesOfAll() map[string][]*Task {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.each((*Task).Clone)
}

// each returns what f makes of every task, in no order. The caller holds the lock.
func (m *Manager) each(f func(*Task) *Task) map[string][]*Task {
	tasks := make(map[string][]*Task, len(m.records))
	for namespace, records := range m.records {
		list := make([]*Task, 0, len(records))
		for _, r := range records {
			list = append(list, f(r.task))
		}
		tasks[namespace] = list
	}
	return tasks
}

func sortLists(tasks map[string][]*Task) {
	for _, list := range tasks {
		slices.SortFunc(list, compareActivity)
	}
}

// compareActivity is the order of a list.
func compareActivity(a, b *Task) int {
	if a.Status.IsActive() != b.Status.IsActive() {
		if a.Status.IsActive() {
			return -1
		}
		return 1
	}
	return cmp.Or(b.activeAt().Compare(a.activeAt()), cmp.Compare(a.ID, b.ID))
}

// activeAt is the time of the last activity, by which lists are ordered.
func (t *Task) activeAt() time.Time {
	if t.FinishedAt.IsZero() {
		return t.StartedAt
	}
	return t.FinishedAt
}
