package weaviate

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks"
	"dtsim/sched"

	published "github.com/weaviate/weaviate/cluster/distributedtask"
)

const (
	// defaultTick is the interval that the published server starts its Scheduler with.
	defaultTick = time.Minute
	// patience is after how long a call of the Scheduler gives up: the endpoints of the published
	// server try a number of times.
	patience = 10 * time.Second
)

// newScheduler returns a published Scheduler.
func newScheduler(p sched.SchedulerParams) tasks.Scheduler {
	life, end := context.WithCancel(context.Background())
	calls := calls{p, life}
	tick := p.TickInterval
	if tick <= 0 {
		tick = defaultTick
	}
	return &scheduler{end: end, Scheduler: published.NewScheduler(published.SchedulerParams{
		CompletionRecorder: p.CompletionRecorder, TaskLister: calls, TaskCleaner: calls, TaskFinalizer: calls, AckRecorder: calls,
		Providers: convertMap(p.Providers, publishedProvider), Clock: p.Clock, Logger: p.Logger,
		LocalNode: p.LocalNode, CompletedTaskTTL: p.CompletedTaskTTL, TickInterval: tick,
	})}
}

// scheduler is a published Scheduler of one incarnation of a node.
type scheduler struct {
	*published.Scheduler
	started, closed atomic.Bool
	end             context.CancelFunc
}

var errStarted = errors.New("the scheduler has been started")

// Start starts the Scheduler once: "It is safe to call exactly once", says its documentation.
func (s *scheduler) Start(ctx context.Context) error {
	if s.closed.Load() || !s.started.CompareAndSwap(false, true) {
		return errStarted
	}
	return s.Scheduler.Start(ctx)
}

// Close ends the calls under way, as the published server ends those to a store that closes, and
// closes the Scheduler.
func (s *scheduler) Close() {
	if s.closed.CompareAndSwap(false, true) {
		s.end()
		s.Scheduler.Close()
	}
}

// calls are the calls of a Scheduler, which have no end of their own.
type calls struct {
	sched.SchedulerParams
	life context.Context
}

// bound makes a call that ends with the life of the scheduler, or when it has lasted too long.
func (c calls) bound(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	return call(ctx)
}

func (c calls) ListDistributedTasks(ctx context.Context) (all map[string][]*published.Task, err error) {
	err = c.bound(ctx, func(ctx context.Context) error {
		own, err := c.TaskLister.ListDistributedTasks(ctx)
		all = convertMap(own, func(of []*fsm.Task) []*published.Task { return convertAll(of, publishedTask) })
		return err
	})
	return all, err
}

func (c calls) CleanUpDistributedTask(ctx context.Context, namespace, id string, version uint64) error {
	return c.bound(ctx, func(ctx context.Context) error {
		return c.TaskCleaner.CleanUpDistributedTask(ctx, namespace, id, version)
	})
}

func (c calls) MarkDistributedTaskFinalized(ctx context.Context, namespace, id string, version uint64) error {
	return c.bound(ctx, func(ctx context.Context) error {
		return c.TaskFinalizer.MarkDistributedTaskFinalized(ctx, namespace, id, version)
	})
}

// MarkDistributedTaskFailed is called since v1.39.0.
func (c calls) MarkDistributedTaskFailed(ctx context.Context, namespace, id string, version uint64, reason string) error {
	return c.bound(ctx, func(ctx context.Context) error {
		return c.TaskFinalizer.(tasks.TaskFailer).MarkDistributedTaskFailed(ctx, namespace, id, version, reason)
	})
}

func (c calls) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, id string, version uint64, node string, success bool, reason string) error {
	return c.bound(ctx, func(ctx context.Context) error {
		return c.AckRecorder.RecordDistributedTaskPostCompletionAck(ctx, namespace, id, version, node, success, reason)
	})
}

func (c calls) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, id string, version uint64, node string, success bool, reason string) error {
	return c.bound(ctx, func(ctx context.Context) error {
		return c.AckRecorder.RecordDistributedTaskPreparationCompleteAck(ctx, namespace, id, version, node, success, reason)
	})
}
