package tasks

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"dtsim/fsm"
)

// record is what the log has made of one task id: the record, and what of the schema
// is the task's. It is never written to once it is interned.
type record struct {
	id   uint32 // in its pool, 0 for one that is not interned
	hash uint64 // of the content
	// key is which task, from 0.
	key int
	// task is the Manager's copy; nil when there is no record.
	task *fsm.Task
	// aged: the record's time to live is over.
	aged bool
	// flipped is the newest version that has flipped the schema.
	flipped uint64
	// kept is, by group, the newest version whose swap of the group the schema has been
	// written alone.
	kept []uint64
	// lifted is the newest version that has been SWAPPING, for P5.
	lifted uint64
	// last is the newest version that was ever there.
	last uint64
	// past is what a list that lags may show, the newest first, none with a past of its
	// own.
	past []*record
}

// bare returns the record without its past.
func (r *record) bare() *record {
	if len(r.past) == 0 {
		return r
	}
	c := *r
	c.id, c.hash, c.past = 0, 0, nil
	return &c
}

// after returns the record with before, and what that remembers, as its past; before
// itself if nothing has changed.
func (w *world) after(before, r *record) *record {
	if before.aged == r.aged && before.flipped == r.flipped && before.lifted == r.lifted && before.last == r.last &&
		slices.Equal(before.kept, r.kept) && sameTask(before.task, r.task) {
		return before
	}
	r.past = before.past
	if w.Lag > 0 {
		r.past = append([]*record{before.bare()}, before.past...)
		r.past = r.past[:min(len(r.past), w.Lag)]
	}
	return r
}

// version is that of the record, 0 when there is none.
func (r *record) version() uint64 {
	if r.task == nil {
		return 0
	}
	return r.task.Version
}

// shows reports whether the record is of that version.
func (r *record) shows(version uint64) bool { return r.task != nil && r.task.Version == version }

// append appends an encoding that is equal for equal records, and for no others.
func (r *record) append(b []byte) []byte {
	b = append(b, byte(r.key), bit(r.aged))
	b = appendNums(b, r.flipped, r.lifted, r.last)
	for _, version := range r.kept {
		b = binary.AppendUvarint(b, version)
	}
	b = append(b, byte(len(r.past)), bit(r.task != nil))
	if r.task != nil {
		b = appendTask(b, r.task)
	}
	for _, old := range r.past {
		b = old.append(b)
	}
	return b
}

// appendTask appends every field of a task; see the test that looks for others.
func appendTask(b []byte, t *fsm.Task) []byte {
	b = appendText(b, t.Namespace)
	b = appendText(b, t.ID)
	b = binary.AppendUvarint(b, t.Version)
	b = append(b, bit(t.Payload != nil))
	b = appendText(b, string(t.Payload))
	b = append(b, bit(t.NeedsPreparationBarrier), bit(t.AcksRequired))
	b = appendText(b, string(t.Status))
	b = appendTimes(b, t.StartedAt, t.FinishedAt, t.TerminalAt)
	b = appendText(b, t.Error)
	b = binary.AppendUvarint(b, uint64(len(t.Units)))
	var room [MaxUnits]string
	ids := room[:0]
	for id := range t.Units {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		u := t.Units[id]
		b = appendText(b, id)
		for _, s := range []string{u.ID, u.GroupID, u.NodeID, string(u.Status), u.Error} {
			b = appendText(b, s)
		}
		b = binary.AppendUvarint(b, uint64(math.Float32bits(u.Progress)))
		b = appendTimes(b, u.UpdatedAt, u.FinishedAt)
	}
	for _, acks := range []map[string]fsm.PostCompletionAck{t.PreparationCompletionAcks, t.PostCompletionAcks} {
		b = binary.AppendUvarint(b, uint64(len(acks)))
		for _, node := range slices.Sorted(maps.Keys(acks)) {
			ack := acks[node]
			b = appendText(b, node)
			b = append(b, bit(ack.Success))
			b = appendText(b, ack.Error)
			b = appendTimes(b, ack.AckedAt)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendNums(b []byte, nums ...uint64) []byte {
	for _, n := range nums {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// appendTimes appends times to the millisecond, which is what commands carry, and in
// a few bytes for the ones the model uses.
func appendTimes(b []byte, times ...time.Time) []byte {
	for _, t := range times {
		if t.IsZero() {
			b = append(b, 0)
		} else {
			b = binary.AppendVarint(append(b, 1), t.UnixNano()-epoch.UnixNano())
		}
	}
	return b
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// internRecord returns the one record of that content.
func (m *Model) internRecord(r *record) *record {
	var room [512]byte
	content := r.append(room[:0])
	return m.records.intern(content, func(id uint32) *record {
		c := *r
		c.id, c.hash = id, hash(content)
		return &c
	})
}

// manager returns a Manager that holds the tasks of these records.
func (w *world) manager(records ...*record) (*fsm.Manager, error) {
	manager := fsm.NewManager(fsm.ManagerParameters{})
	if w.Conflict {
		manager.SetConflictDetectors(map[string]fsm.ConflictDetector{w.namespace(): conflicting{}})
	}
	tasks := slices.Clone(w.bystanders)
	for _, r := range records {
		if r.task != nil {
			tasks = append(tasks, r.task)
		}
	}
	if len(tasks) == 0 {
		return manager, nil
	}
	snapshot, err := snapshotOf(tasks)
	if err != nil {
		return nil, err
	}
	if err := manager.Restore(snapshot); err != nil {
		return nil, fmt.Errorf("a record of the Manager cannot be restored: %w", err)
	}
	return manager, nil
}
