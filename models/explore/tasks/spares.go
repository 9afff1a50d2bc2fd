package tasks

import (
	"fmt"
	"sync/atomic"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// spares are Managers that applied commands have left behind, by the record they hold:
// the next command on that record needs no other to be restored. The zero value and nil
// hold none.
type spares struct {
	slots [1 << 12]atomic.Pointer[spare]
}

type spare struct {
	record  uint32
	manager *fsm.Manager
}

// take returns the Manager that holds a record and nothing else, and gives it away; nil
// when there is none.
func (s *spares) take(record uint32) *fsm.Manager {
	if s == nil || record == 0 {
		return nil
	}
	at := &s.slots[record%uint32(len(s.slots))]
	held := at.Load()
	if held == nil || held.record != record || !at.CompareAndSwap(held, nil) {
		return nil
	}
	return held.manager
}

func (s *spares) put(record uint32, manager *fsm.Manager) {
	if s != nil && manager != nil {
		s.slots[record%uint32(len(s.slots))].Store(&spare{record, manager})
	}
}

// makeBystanders makes tasks that have nothing to do with those of the configuration: a
// command must leave them alone.
func (w *world) makeBystanders() []*fsm.Task {
	manager := fsm.NewManager(fsm.ManagerParameters{})
	apply := func(c command, body any) {
		request := w.request(c)
		if body != nil {
			request = &api.ApplyRequest{Type: c.kind, SubCommand: []byte(text(body))}
		}
		if err := manager.Apply(request, c.version); err != nil {
			panic(fmt.Sprintf("tasks: a task beside the others: %s", err))
		}
	}
	for i, id := range []string{"before", "t1-of-another", "unit"} {
		version := uint64(i + 1)
		apply(command{kind: api.CommandAddTask, version: version}, api.AddDistributedTaskRequest{
			Namespace: w.namespace(), Id: id, UnitIds: []string{"u1", "u2"}, SubmittedAtUnixMillis: epoch.UnixMilli(), AcksRequired: true,
			NeedsPreparationBarrier: i == 0,
		})
		for unit := range i + 1 {
			apply(command{kind: api.CommandRecordUnitCompletion, version: version}, api.RecordDistributedTaskUnitCompletionRequest{
				Namespace: w.namespace(), Id: id, Version: version, NodeId: w.nodeName(0), UnitId: w.unitName(min(unit, 1)), FinishedAtUnixMillis: epoch.UnixMilli(),
			})
			if unit == 1 {
				break
			}
		}
	}
	return manager.Capture().Tasks[w.namespace()]
}

// checkBystanders returns an error if a command has touched a task that it is not about.
func (w *world) checkBystanders(manager *fsm.Manager) error {
	for _, was := range w.bystanders {
		is, err := manager.Task(was.Namespace, was.ID, was.Version)
		if err != nil {
			return fmt.Errorf("task %s beside the others: %w", was.ID, err)
		}
		if !sameTask(was, is) {
			return fmt.Errorf("task %s beside the others has changed", was.ID)
		}
	}
	return nil
}

// sameTask reports whether two tasks are equal.
func sameTask(a, b *fsm.Task) bool {
	if a == nil || b == nil {
		return a == b
	}
	var one, other [512]byte
	return string(appendTask(one[:0], a)) == string(appendTask(other[:0], b))
}
