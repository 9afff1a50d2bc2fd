package sched

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"dtsim/sched/reconcile"
)

// closeTimeout bounds how long Close waits for callbacks and workers that do not
// end. It is wall time: a frozen clock must not hang a shutdown.
const closeTimeout = 10 * time.Second

// Scheduler looks after the tasks of one node: it starts and stops their workers,
// runs the provider's callbacks, records their outcomes, finishes tasks and cleans
// up. Every decision is made by package reconcile; the Scheduler lists, performs
// and remembers.
//
// The actions of one task are strictly sequential, and no task waits for another: a
// callback that hangs delays its own task alone (P18).
//
// All methods are safe for concurrent use.
type Scheduler struct {
	params     SchedulerParams
	namespaces []string // with a provider, sorted
	log        *taskLog
	running    *prometheus.GaugeVec

	// ctx is that of every call to the cluster; Close cancels it.
	ctx    context.Context
	cancel context.CancelFunc
	// wake holds at most one request for a pass.
	wake chan struct{}
	// work counts the loop, the runners and the watchers of terminated handles.
	work sync.WaitGroup
	// closed is closed when Close has done its work.
	closed chan struct{}

	mu      sync.Mutex
	started bool
	closing bool
	passes  reconcile.Passes
	runners map[key]*runner
	// recorder is what providers report to; nil until they have it.
	recorder *ThrottledRecorder

	// localTasks is what the providers last returned that they hold local state of. Of the
	// loop alone (and of Start, before there is a loop).
	localTasks map[string][]TaskDescriptor
}

// key identifies what a runner looks after: all versions of one task.
type key struct{ namespace, id string }

// NewScheduler returns a scheduler that has not been started.
func NewScheduler(params SchedulerParams) *Scheduler {
	if params.Clock == nil {
		params.Clock = clockwork.NewRealClock()
	}
	if params.TickInterval <= 0 {
		params.TickInterval = DefaultTickInterval
	}
	params.Providers = maps.Clone(params.Providers)
	log := newTaskLog(params.Logger, params.Clock, params.TickInterval)
	ctx, cancel := context.WithCancel(context.Background())
	return &Scheduler{
		params:     params,
		namespaces: slices.Sorted(maps.Keys(params.Providers)),
		log:        log,
		running:    runningGauge(params.MetricsRegisterer, log),
		ctx:        ctx,
		cancel:     cancel,
		wake:       make(chan struct{}, 1),
		closed:     make(chan struct{}),
		runners:    map[key]*runner{},
		localTasks: map[string][]TaskDescriptor{},
	}
}

// Start hands the recorder to the providers, lists the tasks once, and begins to
// look after them in the background. A list that fails is no error: the first one
// that succeeds later takes its place. ctx bounds the first list only.
//
// Start is called once; a second call, or one after Close, returns an error and
// does nothing.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.started || s.closing {
		defer s.mu.Unlock()
		if s.closing {
			return errors.New("start scheduler: it is closed")
		}
		return errors.New("start scheduler: it was started before")
	}
	s.started = true
	s.work.Add(1)
	s.mu.Unlock()

	s.handOverRecorder()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if err := s.pass(ctx); err != nil {
		s.log.WithError(err).Warn("first list failed, a later one will take its place")
	}
	go s.loop(s.params.Clock.NewTicker(s.params.TickInterval))
	return nil
}

func (s *Scheduler) handOverRecorder() {
	if s.params.CompletionRecorder == nil {
		return
	}
	recorder := NewThrottledRecorder(s.params.CompletionRecorder, DefaultThrottleInterval, s.params.Clock)
	s.mu.Lock()
	s.recorder = recorder
	s.mu.Unlock()
	for _, namespace := range s.namespaces {
		err := guard(func() error {
			s.params.Providers[namespace].SetCompletionRecorder(recorder)
			return nil
		})
		if err != nil {
			s.log.WithField("namespace", namespace).WithError(err).Error("failed to hand the completion recorder over")
		}
	}
}

// loop runs one pass per tick and per wake until Close.
func (s *Scheduler) loop(ticker clockwork.Ticker) {
	defer s.work.Done()
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.Chan():
		case <-s.wake:
		}
		if s.ctx.Err() != nil {
			return
		}
		if err := s.pass(s.ctx); err != nil && s.ctx.Err() == nil {
			s.log.general.Error(s.log.WithError(err), "pass skipped")
		}
	}
}

// Wake asks for a pass now. It never blocks; requests that were not served yet
// are one. Before Start the request is kept, after Close it has no effect.
func (s *Scheduler) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close stops the scheduler: it cancels its calls to the cluster, terminates all
// workers, and waits for the loop, for callbacks that run, and for the workers to
// exit. What has not ended after ten seconds is named in an error log and left
// alone. When Close returns nothing starts any more (P14).
//
// It may be called at any time, any number of times; every call waits.
func (s *Scheduler) Close() {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	s.mu.Unlock()
	if first {
		s.shutDown()
		close(s.closed)
	}
	<-s.closed
}

func (s *Scheduler) shutDown() {
	s.cancel()
	for _, h := range s.handles() {
		s.terminate(h)
	}
	deadline, stop := context.WithTimeout(context.Background(), closeTimeout)
	defer stop()

	worked := make(chan struct{})
	go func() {
		s.work.Wait()
		close(worked)
	}()
	select {
	case <-worked:
	case <-deadline.Done():
		s.log.WithField("tasks", s.busy()).Error("closed while calls were still under way")
	}
	for _, h := range s.handles() {
		if h.done == nil {
			continue
		}
		select {
		case <-h.done:
		case <-deadline.Done():
			s.log.task(h.key, h.version).Error("closed while the task's worker was still running")
		}
	}
}

// handles returns the handles of all keys in a fixed order.
func (s *Scheduler) handles() []*handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*handle
	for _, k := range slices.SortedFunc(maps.Keys(s.runners), compareKeys) {
		all = append(all, s.runners[k].handles...)
	}
	return all
}

// busy names the tasks that have an action under way.
func (s *Scheduler) busy() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, k := range slices.SortedFunc(maps.Keys(s.runners), compareKeys) {
		if s.runners[k].decides.UnderWay != nil {
			names = append(names, fmt.Sprintf("%s/%s", k.namespace, k.id))
		}
	}
	return names
}
