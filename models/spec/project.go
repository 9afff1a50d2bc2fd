package spec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The snapshot document, key by key as the reference lays it down.
type (
	snapshot struct {
		Tasks map[string][]taskForm `json:"tasks,omitempty"`
	}
	taskForm struct {
		Namespace    string              `json:"namespace"`
		ID           string              `json:"ID"`
		Version      uint64              `json:"version"`
		Payload      []byte              `json:"payload"`
		Barrier      bool                `json:"needsPreparationBarrier"`
		AcksRequired bool                `json:"acksRequired,omitempty"`
		Status       Status              `json:"status"`
		StartedAt    time.Time           `json:"startedAt"`
		FinishedAt   time.Time           `json:"finishedAt"`
		TerminalAt   time.Time           `json:"terminalAt,omitzero"`
		Error        string              `json:"error,omitempty"`
		Units        map[string]unitForm `json:"units,omitempty"`
		Prepared     map[string]ackForm  `json:"preparationCompletionAcks,omitempty"`
		Swapped      map[string]ackForm  `json:"postCompletionAcks,omitempty"`
	}
	unitForm struct {
		ID         string     `json:"id"`
		Group      string     `json:"groupId,omitempty"`
		Node       string     `json:"nodeId"`
		Status     UnitStatus `json:"status"`
		Progress   float32    `json:"progress"`
		Error      string     `json:"error,omitempty"`
		UpdatedAt  time.Time  `json:"updatedAt"`
		FinishedAt time.Time  `json:"finishedAt"`
	}
	ackForm struct {
		Success bool      `json:"success"`
		Error   string    `json:"error,omitempty"`
		At      time.Time `json:"ackedAt"`
	}
)

// Snapshot returns the state in the form of the Manager's snapshot, byte for byte:
// by namespace, active tasks first, then those with the latest activity, then by ID.
func (m Machine) Snapshot() []byte {
	all := snapshot{Tasks: make(map[string][]taskForm)}
	for _, namespace := range m.Namespaces() {
		tasks := m.Tasks(namespace)
		slices.SortStableFunc(tasks, inOrder)
		for _, t := range tasks {
			all.Tasks[namespace] = append(all.Tasks[namespace], t.form())
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(fmt.Sprintf("spec: a state without JSON form was accepted: %s", err))
	}
	return b
}

// Restore returns the machine with the tasks of a snapshot in the place of its own. It
// takes what [Machine.Snapshot] writes, also with fields that it does not know, as a
// newer version may add; the error is why it cannot read the document.
func (m Machine) Restore(document []byte) (Machine, error) {
	var all snapshot
	if err := json.Unmarshal(document, &all); err != nil {
		return m, fmt.Errorf("spec: the snapshot is no JSON: %w", err)
	}
	m.tasks = Map[Map[*Task]]{}
	for _, namespace := range slices.Sorted(maps.Keys(all.Tasks)) {
		for _, f := range all.Tasks[namespace] {
			if f.Namespace != namespace || m.Task(namespace, f.ID) != nil {
				return m, fmt.Errorf("spec: the snapshot has task %s/%s among those of %s, or twice", f.Namespace, f.ID, namespace)
			}
			m = m.with(f.task())
		}
	}
	return m, nil
}

func (f *taskForm) task() *Task {
	t := &Task{Head: Head{
		Namespace: f.Namespace, ID: f.ID, Version: f.Version, Payload: f.Payload,
		Barrier: f.Barrier, AcksRequired: f.AcksRequired, Status: f.Status,
		StartedAt: f.StartedAt.UTC(), FinishedAt: f.FinishedAt.UTC(), TerminalAt: f.TerminalAt.UTC(), Error: f.Error,
	}}
	for id, u := range f.Units {
		t.Units = t.Units.Put(id, Unit{u.Group, u.Node, u.Status, u.Progress, u.Error, u.UpdatedAt.UTC(), u.FinishedAt.UTC()})
		if !u.Status.Terminal() {
			t.open++
		}
	}
	for node, a := range f.Prepared {
		t.Prepared = t.Prepared.Put(node, Ack{a.Success, a.Error, a.At.UTC()})
	}
	for node, a := range f.Swapped {
		t.Swapped = t.Swapped.Put(node, Ack{a.Success, a.Error, a.At.UTC()})
	}
	return t
}

func inOrder(a, b *Task) int {
	rank := func(t *Task) int {
		if t.Status.Terminal() {
			return 1
		}
		return 0
	}
	activity := func(t *Task) time.Time {
		if t.FinishedAt.IsZero() {
			return t.StartedAt
		}
		return t.FinishedAt
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), activity(b).Compare(activity(a)), cmp.Compare(a.ID, b.ID))
}

func (t *Task) form() taskForm {
	f := taskForm{
		Namespace: t.Namespace, ID: t.ID, Version: t.Version, Payload: t.Payload,
		Barrier: t.Barrier, AcksRequired: t.AcksRequired, Status: t.Status,
		StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, TerminalAt: t.TerminalAt, Error: t.Error,
		Units: make(map[string]unitForm), Prepared: ackForms(t.Prepared), Swapped: ackForms(t.Swapped),
	}
	for id, u := range t.Units.All() {
		f.Units[id] = unitForm{id, u.Group, u.Node, u.Status, u.Progress, u.Error, u.UpdatedAt, u.FinishedAt}
	}
	return f
}

func ackForms(acks Map[Ack]) map[string]ackForm {
	forms := make(map[string]ackForm, acks.Len())
	for node, a := range acks.All() {
		forms[node] = ackForm(a)
	}
	return forms
}

// Diff returns where a Manager's snapshot differs from this machine: "" when it is the
// same state, else the first place in the document, with what the specification and
// what the Manager has there.
func (m Machine) Diff(managerSnapshot []byte) string {
	want := m.Snapshot()
	if bytes.Equal(want, managerSnapshot) {
		return ""
	}
	var spec, manager any
	if err := json.Unmarshal(want, &spec); err != nil {
		panic(fmt.Sprintf("spec: own snapshot: %s", err))
	}
	if err := json.Unmarshal(managerSnapshot, &manager); err != nil {
		return fmt.Sprintf("the snapshot is no JSON: %s", err)
	}
	if d := differ("", spec, manager); d != "" {
		return d
	}
	return fmt.Sprintf("the same values in another form: specified %s, got %s", want, managerSnapshot)
}

// differ names the first place where two documents differ.
func differ(path string, spec, manager any) string {
	switch s := spec.(type) {
	case map[string]any:
		if o, ok := manager.(map[string]any); ok {
			keys := maps.Clone(s)
			maps.Copy(keys, o)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				if d := differ(path+"."+key, s[key], o[key]); d != "" {
					return d
				}
			}
			return ""
		}
	case []any:
		if o, ok := manager.([]any); ok && len(s) == len(o) {
			for i := range s {
				if d := differ(fmt.Sprintf("%s[%d]", path, i), s[i], o[i]); d != "" {
					return d
				}
			}
			return ""
		}
	default:
		if spec == manager {
			return ""
		}
	}
	return fmt.Sprintf("%s: specified %s, got %s", path, short(spec), short(manager))
}

// short is a value as JSON, cut to what fits on a line.
func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 200 {
		return string(b[:200]) + "..."
	}
	return string(b)
}
