package sched

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// pass lists the whole cluster once and delivers to every runner what it shows of its
// key. It is called by one goroutine at a time.
func (s *Scheduler) pass(ctx context.Context) error {
	s.mu.Lock()
	number := s.passes.Begin()
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
	s.mu.Lock()
	first := s.passes.Succeed()
	s.mu.Unlock()
	now := s.params.Clock.Now()
	for _, namespace := range s.namespaces {
		s.lookAt(namespace, reconcile.Newest(list[namespace]), reconcile.Pass{
			Node: s.params.LocalNode, Caps: s.caps(namespace), Number: number, First: first,
			Now: now, TTL: s.params.CompletedTaskTTL, Cleaner: s.params.TaskCleaner != nil,
		})
	}
	return nil
}

// readLocalTasks asks every provider what it holds local state of. One that
// panics has what it returned before.
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

// lookAt delivers what the pass shows to the runner of every key of the namespace.
func (s *Scheduler) lookAt(namespace string, records map[string]*Task, pass reconcile.Pass) {
	local := reconcile.LocalState(s.localTasks[namespace])
	eligible := 0
	for _, id := range reconcile.IDs(records, local, s.remembered(namespace)) {
		task := records[id]
		l := &look{View: pass.View(task, local[id]), Source: task}
		if task != nil && task.Status == fsm.TaskStatusStarted && l.View.Task.Eligible {
			eligible++
		}
		s.deliver(key{namespace, id}, l)
	}
	s.running.WithLabelValues(namespace).Set(float64(eligible))
}

// remembered returns the ids of the namespace that have a runner.
func (s *Scheduler) remembered(namespace string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for k := range s.runners {
		if k.namespace == namespace {
			ids = append(ids, k.id)
		}
	}
	return ids
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

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.id, b.id))
}

// errNoHandle is the outcome of a start for which the provider returned neither a handle
// nor an error.
var errNoHandle = errors.New("the provider returned no handle")
