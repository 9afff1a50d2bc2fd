package sched

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// pass looks at the whole cluster once and tells every runner what it means to its
// key. It is called by one goroutine at a time.
func (s *Scheduler) pass(ctx context.Context) error {
	s.mu.Lock()
	s.passes++
	number := s.passes
	s.mu.Unlock()

	// Local state is read before the list: what is there now had its record when the
	// list was made, unless the record is gone.
	s.readLocalTasks()
	var list map[string][]*Task
	err := guard(func() (err error) {
		list, err = s.params.TaskLister.ListDistributedTasks(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("list distributed tasks: %w", err)
	}
	first := !s.bootstrapped
	s.bootstrapped = true
	now := s.params.Clock.Now()
	for _, namespace := range s.namespaces {
		s.lookAt(namespace, newestRecords(list[namespace]), number, first, now)
	}
	return nil
}

// readLocalTasks asks every provider what it holds local state of. One that
// panics has what it said before.
func (s *Scheduler) readLocalTasks() {
	for _, namespace := range s.namespaces {
		err := guard(func() error {
			s.localTasks[namespace] = slices.Clone(s.params.Providers[namespace].GetLocalTasks())
			return nil
		})
		if err != nil {
			s.log.general.Error(s.log.WithField("namespace", namespace).WithError(err), "failed to get local tasks")
		}
	}
}

// newestRecords returns the listed records by id. Records that say nothing are
// left out, and of two with one id the newer stays (P18).
func newestRecords(tasks []*Task) map[string]*Task {
	records := make(map[string]*Task, len(tasks))
	for _, task := range tasks {
		if task == nil {
			continue
		}
		if known := records[task.ID]; known == nil || known.Version < task.Version {
			records[task.ID] = task
		}
	}
	return records
}

// lookAt builds a view of every key of the namespace: those with a record, with
// local state, or with something remembered.
func (s *Scheduler) lookAt(namespace string, records map[string]*Task, number uint64, first bool, now time.Time) {
	local := map[string][]uint64{}
	for _, desc := range s.localTasks[namespace] {
		local[desc.ID] = append(local[desc.ID], desc.Version)
	}
	caps := s.caps(namespace)
	eligible := 0
	for _, id := range s.ids(namespace, records, local) {
		k := key{namespace, id}
		slices.Sort(local[id])
		look := &look{
			task: records[id],
			view: reconcile.View{Caps: caps, Pass: number, LocalState: slices.Compact(local[id])},
		}
		if look.task != nil {
			look.view.Present = true
			look.view.Task = reconcile.Observe(look.task, s.params.LocalNode)
			look.view.Bootstrap = s.wasTerminalAtStart(k, look.task, first)
			look.view.Expired = s.expired(look.task, now)
			if look.task.Status == fsm.TaskStatusStarted && look.view.Task.Eligible {
				eligible++
			}
		} else {
			delete(s.terminalAtStart, k)
		}
		s.deliver(k, look)
	}
	s.running.WithLabelValues(namespace).Set(float64(eligible))
}

// ids returns the ids to look at, sorted.
func (s *Scheduler) ids(namespace string, records map[string]*Task, local map[string][]uint64) []string {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(records)), maps.Keys(local))
	s.mu.Lock()
	for k := range s.runners {
		if k.namespace == namespace {
			ids = append(ids, k.id)
		}
	}
	s.mu.Unlock()
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (s *Scheduler) caps(namespace string) reconcile.Caps {
	provider := s.params.Providers[namespace]
	_, recoveryAware := provider.(RecoveryAwareProvider)
	_, unitAware := provider.(UnitAwareProvider)
	_, fallible := provider.(FallibleUnitAwareProvider)
	return reconcile.Caps{
		UnitAware:     unitAware || fallible,
		RecoveryAware: recoveryAware,
		Acks:          s.params.AckRecorder != nil,
		Finalizer:     s.params.TaskFinalizer != nil,
	}
}

// wasTerminalAtStart says that this version was terminal in the first list.
func (s *Scheduler) wasTerminalAtStart(k key, task *Task, first bool) bool {
	if first && task.Status.IsTerminal() {
		s.terminalAtStart[k] = task.Version
	}
	version, ok := s.terminalAtStart[k]
	return ok && version == task.Version
}

// expired says that the record's time to live is over and that it can be removed.
func (s *Scheduler) expired(task *Task, now time.Time) bool {
	if s.params.TaskCleaner == nil || !task.Status.IsTerminal() {
		return false
	}
	ended := task.TerminalAt
	if ended.IsZero() {
		ended = task.FinishedAt
	}
	return now.Sub(ended) >= s.params.CompletedTaskTTL
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.id, b.id))
}

// errNoHandle is what a provider deserves that reports a start without a handle.
var errNoHandle = errors.New("the provider returned no handle")
