package fsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// State is everything that a snapshot holds, as copies. Its JSON form is canonical:
// equal states have equal bytes (P1).
type State struct {
	Tasks map[string][]*Task `json:"tasks,omitempty"`
}

// Capture copies the state, so that a snapshot taken between two applies can be
// marshalled and written while later ones run.
func (m *Manager) Capture() State {
	return State{Tasks: m.list()}
}

// Snapshot returns the state as JSON, the same bytes on every replica that has
// applied the same log (P1).
func (m *Manager) Snapshot() ([]byte, error) {
	b, err := m.Capture().AppendJSON(nil)
	if err != nil {
		return nil, fmt.Errorf("marshal snapshot: %w", err)
	}
	return b, nil
}

// Restore replaces the state with that of a snapshot; detectors, extractors and
// the notifier stay. A snapshot that holds null entries, an ID twice, or a task or
// unit under another name than its own is refused, and the state stays as it was.
// Names that an older binary left out of the entries are filled in from their keys.
func (m *Manager) Restore(bytes []byte) error {
	var state *State
	if err := json.Unmarshal(bytes, &state); err != nil {
		return fmt.Errorf("unmarshal snapshot: %w", err)
	}
	if state == nil {
		return errors.New("unmarshal snapshot: it is null")
	}
	records := make(map[string]map[string]*record, len(state.Tasks))
	for _, namespace := range slices.Sorted(maps.Keys(state.Tasks)) {
		byID, err := restoreNamespace(namespace, state.Tasks[namespace])
		if err != nil {
			return fmt.Errorf("restore snapshot: %w", err)
		}
		if len(byID) > 0 {
			records[namespace] = byID
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = records
	return nil
}

func restoreNamespace(namespace string, tasks []*Task) (map[string]*record, error) {
	records := make(map[string]*record, len(tasks))
	for i, task := range tasks {
		if task == nil {
			return nil, fmt.Errorf("tasks[%q][%d] is null", namespace, i)
		}
		if task.Namespace == "" {
			task.Namespace = namespace
		}
		if task.Namespace != namespace {
			return nil, fmt.Errorf("tasks[%q][%d] has the namespace %q", namespace, i, task.Namespace)
		}
		if _, twice := records[task.ID]; twice {
			return nil, fmt.Errorf("tasks[%q][%d]: task %q stands there twice", namespace, i, task.ID)
		}
		if err := restoreTask(task); err != nil {
			return nil, fmt.Errorf("tasks[%q][%d]: task %q: %w", namespace, i, task.ID, err)
		}
		records[task.ID] = newRecord(task)
	}
	return records, nil
}

// restoreTask completes and validates a task of a snapshot, and puts its times into
// UTC: a binary that wrote them in its local zone must not make replicas differ.
func restoreTask(task *Task) error {
	times := []*time.Time{&task.StartedAt, &task.FinishedAt, &task.TerminalAt}
	for _, id := range slices.Sorted(maps.Keys(task.Units)) {
		u := task.Units[id]
		if u == nil {
			return fmt.Errorf("unit %q is null", id)
		}
		if u.ID == "" {
			u.ID = id
		}
		if u.ID != id {
			return fmt.Errorf("unit %q has the id %q", id, u.ID)
		}
		times = append(times, &u.UpdatedAt, &u.FinishedAt)
	}
	for _, t := range times {
		if err := restoreTime(t); err != nil {
			return err
		}
	}
	for _, acks := range []map[string]PostCompletionAck{task.PreparationCompletionAcks, task.PostCompletionAcks} {
		for _, node := range slices.Sorted(maps.Keys(acks)) {
			ack := acks[node]
			if err := restoreTime(&ack.AckedAt); err != nil {
				return err
			}
			acks[node] = ack
		}
	}
	return nil
}

func restoreTime(t *time.Time) error {
	utc := t.UTC()
	if utc.Year() < 0 || utc.Year() > 9999 {
		return fmt.Errorf("time %s is outside of the years 0 to 9999", t)
	}
	*t = utc
	return nil
}
