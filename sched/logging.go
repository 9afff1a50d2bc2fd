package sched

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"

	"dtsim/sched/reconcile"
)

// taskLog is the scheduler's voice. What fails again on every pass is sampled.
type taskLog struct {
	logrus.FieldLogger
	// general samples failures of lists, starts and clean-ups, acks those of acks
	// and finalizations, so that neither drowns the other.
	general, acks *sampler
}

func newTaskLog(logger logrus.FieldLogger, clock clockwork.Clock, tick time.Duration) *taskLog {
	if logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		logger = silent
	}
	return &taskLog{
		FieldLogger: logger,
		general:     &sampler{clock: clock, window: 5 * tick, budget: 5},
		acks:        &sampler{clock: clock, window: 5 * tick, budget: 5},
	}
}

// task returns a logger with the fields that name a task.
func (l *taskLog) task(k key, version uint64) *logrus.Entry {
	return l.WithFields(logrus.Fields{"namespace": k.namespace, "taskID": k.id, "taskVersion": version})
}

// outcome logs how an action went.
func (l *taskLog) outcome(k key, action reconcile.Action, err error) {
	entry := l.task(k, action.Version)
	if action.Kind.IsGroupCallback() {
		entry = entry.WithField("group", action.Group)
	}
	if err == nil {
		switch action.Kind {
		case reconcile.Start:
			entry.Info("started task")
		case reconcile.CleanRecord:
			entry.Info("cleaned up distributed task")
		case reconcile.CleanLocal:
			entry.Info("cleaned up local task state")
		case reconcile.Terminate: // logged by terminate
		default:
			entry.Debugf("performed %s", action.Kind)
		}
		return
	}
	entry = entry.WithError(err)
	if panicked, ok := errors.AsType[*panicError](err); ok {
		entry = entry.WithField("stack", string(panicked.stack))
	}
	switch action.Kind {
	case reconcile.AckPreparation, reconcile.AckPost:
		l.acks.Warn(entry, "failed to record the outcome of callbacks")
	case reconcile.Finalize:
		l.acks.Warn(entry, "failed to finalize task")
	case reconcile.Start:
		l.general.Error(entry, "failed to start task")
	case reconcile.CleanRecord:
		l.general.Error(entry, "failed to clean up distributed task")
	case reconcile.CleanLocal:
		l.general.Error(entry, "failed to clean up local task state")
	case reconcile.AskRecovered:
		l.general.Error(entry, "failed to ask whether callbacks are done")
	default:
		if errors.Is(err, context.Canceled) {
			l.general.Warn(entry, "callback was cancelled, it will run again")
			return
		}
		l.general.Error(entry, "callback failed: "+action.Kind.String())
	}
}

// sampler lets budget lines through per window of its clock. The first line of a
// window counts those that were kept back before it. It is safe for concurrent use.
type sampler struct {
	clock  clockwork.Clock
	window time.Duration
	budget int

	mu      sync.Mutex
	opened  time.Time
	passed  int
	dropped int
}

// Error logs at error level unless the budget is used up.
func (s *sampler) Error(entry logrus.FieldLogger, message string) {
	if entry, ok := s.sample(entry); ok {
		entry.Error(message)
	}
}

// Warn logs at warning level unless the budget is used up.
func (s *sampler) Warn(entry logrus.FieldLogger, message string) {
	if entry, ok := s.sample(entry); ok {
		entry.Warn(message)
	}
}

func (s *sampler) sample(entry logrus.FieldLogger) (logrus.FieldLogger, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if s.opened.IsZero() || now.Sub(s.opened) >= s.window || now.Before(s.opened) {
		s.opened, s.passed = now, 0
	}
	if s.passed == s.budget {
		s.dropped++
		return nil, false
	}
	s.passed++
	if s.dropped > 0 {
		entry = entry.WithField("similarLinesDropped", s.dropped)
		s.dropped = 0
	}
	return entry, true
}
