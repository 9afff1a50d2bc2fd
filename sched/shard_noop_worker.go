package sched

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dtsim/fsm"
)

const (
	noopProcessingDelay = 100 * time.Millisecond

	noopReportAttempts = 3
	noopReportPause    = 500 * time.Millisecond
	// noopReportGrace is how long a report may go on after Terminate. Cancelling it
	// at once would make the outcome of the very report that ended the task unknown.
	noopReportGrace = 2 * time.Second

	noopShardAttempts = 10
	noopShardPause    = 500 * time.Millisecond // times the number of the attempt
)

// noopHandle is the handle of one start.
type noopHandle struct {
	ctx    context.Context // done once terminated
	cancel context.CancelFunc
	done   chan struct{}
}

// Terminate stops the worker; it may be called any number of times.
func (h *noopHandle) Terminate() { h.cancel() }

// Done is closed when the worker has exited.
func (h *noopHandle) Done() <-chan struct{} { return h.done }

// working reports whether the worker neither exited nor was asked to.
func (h *noopHandle) working() bool { return h != nil && h.ctx.Err() == nil }

// noopWorker is one start of a task at work.
type noopWorker struct {
	provider *ShardNoopProvider
	recorder TaskCompletionRecorder
	task     *Task // as of the start
	handle   *noopHandle
	reports  context.Context // outlives the handle's by noopReportGrace

	payload    ShardNoopProviderPayload
	unreadable error // why there is no payload
}

func newNoopWorker(p *ShardNoopProvider, recorder TaskCompletionRecorder, task *Task, handle *noopHandle) *noopWorker {
	w := &noopWorker{provider: p, recorder: recorder, task: task, handle: handle}
	w.payload, w.unreadable = decodeNoopPayload(task)
	return w
}

// run processes the units this node owns and returns when they are done, given up
// or the handle is terminated.
func (w *noopWorker) run() {
	reports, cancel := w.reportContext()
	defer cancel()
	w.reports = reports

	local, err := w.localShards()
	if err != nil {
		w.provider.log(w.task).WithError(err).Error("no unit is processed")
		return
	}
	limiter := NewConcurrencyLimiter(w.payload.MaxConcurrency)
	var units sync.WaitGroup
	defer units.Wait()
	for _, id := range slices.Sorted(maps.Keys(w.task.Units)) {
		unit := w.task.Units[id]
		gone := w.gone(id, unit, local)
		if unit.Status.IsTerminal() || !gone && !w.owns(id, unit, local) {
			continue
		}
		if limiter.Acquire(w.handle.ctx) != nil {
			return
		}
		units.Go(func() {
			defer limiter.Release()
			if err := w.process(id, gone); err != nil {
				w.giveUp(id, err)
			}
		})
	}
}

// process takes one unit from its claim to its end; one whose shard is gone fails. An error is why it
// was given up.
func (w *noopWorker) process(unit string, gone bool) error {
	if w.unreadable != nil {
		return w.fail(unit, w.unreadable.Error())
	}
	if gone {
		return w.fail(unit, fmt.Sprintf("shard %q of collection %q is not on node %s", w.payload.shardOf(unit), w.payload.Collection, w.provider.nodeID))
	}
	if err := w.claim(unit); err != nil {
		return err
	}
	if unit == w.payload.SlowUnitID {
		if err := w.wait(milliseconds(w.payload.SlowUnitDelayMs)); err != nil {
			return err
		}
	}
	if err := w.wait(cmp.Or(max(0, milliseconds(w.payload.ProcessingDelayMs)), noopProcessingDelay)); err != nil {
		return err
	}
	if unit == w.payload.FailUnitID {
		return w.fail(unit, "dummy failure")
	}
	if err := w.complete(unit); err != nil {
		return err
	}
	m := w.provider.markers.processed(w.task.ID, unit, w.payload.place(unit))
	w.provider.markUnit(w.task, &w.payload, unit, m)
	return nil
}

// owns reports whether this node processes the unit that the task has under id. local is
// nil when there is no shard topology to follow.
func (w *noopWorker) owns(id string, unit *fsm.Unit, local []string) bool {
	node := w.provider.nodeID
	if unit.NodeID != "" && unit.NodeID != node {
		return false
	}
	if local == nil {
		return true
	}
	if len(w.payload.UnitToShard) == 0 {
		return slices.Contains(local, id)
	}
	shard, mapped := w.payload.UnitToShard[id]
	owner, assigned := w.payload.UnitToNode[id]
	return mapped && slices.Contains(local, shard) && (!assigned || owner == node)
}

// gone reports whether the payload has assigned a unit to this node, which does not hold its shard: nobody else
// processes it.
func (w *noopWorker) gone(id string, unit *fsm.Unit, local []string) bool {
	shard, mapped := w.payload.UnitToShard[id]
	owner, assigned := w.payload.UnitToNode[id]
	return local != nil && mapped && assigned && owner == w.provider.nodeID && (unit.NodeID == "" || unit.NodeID == owner) &&
		!slices.Contains(local, shard)
}

// localShards returns the shards of the task's collection on this node, or nil
// when the task has no collection or the provider no lister.
func (w *noopWorker) localShards() ([]string, error) {
	collection := w.payload.Collection
	if collection == "" || w.provider.shards == nil {
		return nil, nil
	}
	for attempt := 1; ; attempt++ {
		names, err := w.provider.shards.GetLocalShardNames(collection)
		if err == nil && names != nil {
			return names, nil
		}
		if attempt == noopShardAttempts {
			return nil, fmt.Errorf("local shards of collection %q are not known after %d attempts: %w",
				collection, attempt, cmp.Or(err, errUnknownCollection))
		}
		if stopped := w.wait(time.Duration(attempt) * noopShardPause); stopped != nil {
			return nil, stopped
		}
	}
}

var errUnknownCollection = errors.New("no such collection here")

func (w *noopWorker) claim(unit string) error {
	return w.report(func(ctx context.Context) error {
		return w.recorder.UpdateDistributedTaskUnitProgress(ctx, w.task.Namespace, w.task.ID, w.task.Version, w.provider.nodeID, unit, 0.5)
	})
}

func (w *noopWorker) complete(unit string) error {
	return w.reportEnd(func(ctx context.Context) error {
		return w.recorder.RecordDistributedTaskUnitCompletion(ctx, w.task.Namespace, w.task.ID, w.task.Version, w.provider.nodeID, unit)
	})
}

func (w *noopWorker) fail(unit, message string) error {
	return w.reportEnd(func(ctx context.Context) error {
		return w.recorder.RecordDistributedTaskUnitFailure(ctx, w.task.Namespace, w.task.ID, w.task.Version, w.provider.nodeID, unit, message)
	})
}

// reportEnd reports the end of a unit that this node has claimed. If the unit is
// terminal already, an earlier report of this node did arrive after all: another
// node's would be refused as foreign.
func (w *noopWorker) reportEnd(call func(context.Context) error) error {
	if err := w.report(call); !errors.Is(err, fsm.ErrUnitAlreadyTerminal) {
		return err
	}
	return nil
}

// report calls the recorder until it accepts, a later attempt cannot help, the
// attempts are used up or the handle is terminated.
func (w *noopWorker) report(call func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := call(w.reports)
		if err == nil || errors.Is(err, fsm.ErrPermanentRejection) || attempt == noopReportAttempts {
			return err
		}
		if stopped := w.wait(noopReportPause); stopped != nil {
			return errors.Join(err, stopped)
		}
	}
}

// giveUp logs why a unit is left to the next start or to another node. When the
// task is over, so is the worker.
func (w *noopWorker) giveUp(unit string, err error) {
	log := w.provider.log(w.task).WithError(err).WithField("unitID", unit)
	switch {
	case errors.Is(err, fsm.ErrTaskNotRunning), errors.Is(err, fsm.ErrTaskDoesNotExist):
		log.Info("task is over: worker stops")
		w.handle.Terminate()
	case errors.Is(err, fsm.ErrPermanentRejection), w.handle.ctx.Err() != nil:
		log.Info("unit is left alone")
	default:
		log.Error("unit is given up until the next start")
	}
}

// wait waits for d and returns nil, or an error as soon as the handle is
// terminated.
func (w *noopWorker) wait(d time.Duration) error {
	timer := w.provider.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-w.handle.ctx.Done():
	}
	return w.handle.ctx.Err()
}

// reportContext returns a context that ends noopReportGrace after the handle is
// terminated, or with cancel.
func (w *noopWorker) reportContext() (_ context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancel(context.WithoutCancel(w.handle.ctx))
	stop := context.AfterFunc(w.handle.ctx, func() {
		timer := w.provider.clock.NewTimer(noopReportGrace)
		defer timer.Stop()
		select {
		case <-timer.Chan():
			end()
		case <-ctx.Done():
		}
	})
	return ctx, func() { stop(); end() }
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func compareDescriptors(a, b TaskDescriptor) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
}
