package sched

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"dtsim/sched/reconcile"
)

// perform does what was decided and says how it went. Providers and recorders are
// called without any lock, with a copy of the record of their own.
func (s *Scheduler) perform(r *runner, l *look, action reconcile.Action) reconcile.Outcome {
	var answer bool
	err := guard(func() (err error) {
		answer, err = s.do(r, l, action)
		return err
	})
	s.log.outcome(r.key, action, err)
	switch {
	case err == nil:
		return reconcile.Outcome{Result: reconcile.OK, Answer: answer}
	case errors.Is(err, context.Canceled):
		return reconcile.Outcome{Result: reconcile.Cancelled, Err: err.Error()}
	default:
		return reconcile.Outcome{Result: reconcile.Failed, Err: err.Error()}
	}
}

// do is the one place where decisions have effects.
func (s *Scheduler) do(r *runner, l *look, a reconcile.Action) (answer bool, err error) {
	provider := s.params.Providers[r.key.namespace]
	namespace, id, node := r.key.namespace, r.key.id, s.params.LocalNode
	switch a.Kind {
	case reconcile.Terminate:
		h := r.handle(a.Version)
		s.terminate(h)
		s.wakeWhenGone(h)
		return false, nil
	case reconcile.Reap:
		r.reap(a.Version)
		return false, nil
	case reconcile.Start:
		return false, s.start(r, provider, l.task.Clone())
	case reconcile.AskRecovered:
		return provider.(RecoveryAwareProvider).LocalCallbacksDone(l.task.Clone(), node), nil
	case reconcile.Prepare, reconcile.CompleteGroup:
		return false, provider.(GroupCallbacks).OnGroupCompleted(l.task.Clone(), a.Group, a.Units)
	case reconcile.Swap:
		return false, provider.(GroupCallbacks).OnSwapRequested(l.task.Clone(), a.Group, a.Units)
	case reconcile.AckPreparation:
		return false, s.params.AckRecorder.RecordDistributedTaskPreparationCompleteAck(
			s.ctx, namespace, id, a.Version, node, a.Success, a.Message)
	case reconcile.AckPost:
		return false, s.params.AckRecorder.RecordDistributedTaskPostCompletionAck(
			s.ctx, namespace, id, a.Version, node, a.Success, a.Message)
	case reconcile.CompleteTask:
		if fallible, ok := provider.(FallibleUnitAwareProvider); ok {
			return false, fallible.OnTaskCompleted(l.task.Clone())
		}
		provider.(UnitAwareProvider).OnTaskCompleted(l.task.Clone())
		return false, nil
	case reconcile.Finalize:
		return false, s.params.TaskFinalizer.MarkDistributedTaskFinalized(s.ctx, namespace, id, a.Version)
	case reconcile.CleanRecord:
		return false, s.params.TaskCleaner.CleanUpDistributedTask(s.ctx, namespace, id, a.Version)
	case reconcile.CleanLocal:
		return false, provider.CleanupTask(TaskDescriptor{ID: id, Version: a.Version})
	default:
		return false, fmt.Errorf("%s cannot be performed", a.Kind)
	}
}

// start launches a worker. One that comes up while Close is under way is stopped
// again at once, and waited for like the others.
func (s *Scheduler) start(r *runner, provider Provider, task *Task) error {
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
	return nil
}

// panicError is a panic of somebody else's code, as an error (P18).
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
