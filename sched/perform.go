package sched

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"dtsim/sched/reconcile"
)

// perform does what was decided and returns how it went. Providers and recorders are
// called without any lock, with a copy of the record of their own.
func (s *Scheduler) perform(r *runner, l *look, action reconcile.Action) (outcome reconcile.Outcome) {
	err := guard(func() error { return s.do(r, l, action, &outcome) })
	s.log.outcome(r.key, action, err)
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		outcome.Result, outcome.Err = reconcile.Cancelled, err.Error()
	default:
		outcome.Result, outcome.Err = reconcile.Failed, err.Error()
	}
	return outcome
}

// do is the one place where decisions have effects. It fills in the outcome but for the
// result.
func (s *Scheduler) do(r *runner, l *look, a reconcile.Action, outcome *reconcile.Outcome) error {
	provider := s.params.Providers[r.key.namespace]
	namespace, id, node := r.key.namespace, r.key.id, s.params.LocalNode
	switch a.Kind {
	case reconcile.Terminate:
		h := r.handle(a.Version)
		s.terminate(h)
		s.wakeWhenGone(h)
		return nil
	case reconcile.Reap:
		r.reap(a.Version)
		return nil
	case reconcile.Start:
		return s.start(r, provider, l.Source.Clone(), outcome)
	case reconcile.AskRecovered:
		outcome.Answer = provider.(RecoveryAwareProvider).LocalCallbacksDone(l.Source.Clone(), node)
		return nil
	case reconcile.Prepare, reconcile.CompleteGroup:
		return provider.(GroupCallbacks).OnGroupCompleted(l.Source.Clone(), a.Group, a.Units)
	case reconcile.Swap:
		return provider.(GroupCallbacks).OnSwapRequested(l.Source.Clone(), a.Group, a.Units)
	case reconcile.AckPreparation:
		return s.params.AckRecorder.RecordDistributedTaskPreparationCompleteAck(
			s.ctx, namespace, id, a.Version, node, a.Success, a.Message)
	case reconcile.AckPost:
		return s.params.AckRecorder.RecordDistributedTaskPostCompletionAck(
			s.ctx, namespace, id, a.Version, node, a.Success, a.Message)
	case reconcile.CompleteTask:
		if fallible, ok := provider.(FallibleUnitAwareProvider); ok {
			return fallible.OnTaskCompleted(l.Source.Clone())
		}
		provider.(UnitAwareProvider).OnTaskCompleted(l.Source.Clone())
		return nil
	case reconcile.Finalize:
		return s.params.TaskFinalizer.MarkDistributedTaskFinalized(s.ctx, namespace, id, a.Version)
	case reconcile.CleanRecord:
		return s.params.TaskCleaner.CleanUpDistributedTask(s.ctx, namespace, id, a.Version)
	case reconcile.CleanLocal:
		return provider.CleanupTask(TaskDescriptor{ID: id, Version: a.Version})
	default:
		return fmt.Errorf("%s cannot be performed", a.Kind)
	}
}

// start launches a worker. One that comes up while Close is under way is stopped
// again at once, and waited for like the others.
func (s *Scheduler) start(r *runner, provider Provider, task *Task, outcome *reconcile.Outcome) error {
	version := task.Version
	launched, err := provider.StartTask(task)
	if err != nil {
		return err
	}
	if launched == nil {
		return errNoHandle
	}
	h := &handle{TaskHandle: launched, key: r.key, version: version}
	if err := guard(func() error { h.done = launched.Done(); return nil }); err != nil {
		s.log.general.Error(s.log.task(r.key, version).WithError(err), "failed to watch task")
	}
	if !r.adopt(h) {
		s.terminate(h)
	}
	outcome.Handle, outcome.Unwatched = h.id, h.done == nil
	return nil
}

// panicError is a panic of a provider or a recorder, as an error (P18).
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guard calls f and returns its panic as an error.
func guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	return f()
}
