package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
)

// How a worker reports: the outcome of a unit in a few attempts, progress in steps.
const (
	attempts      = 3
	firstBackoff  = 200 * time.Millisecond
	progressSteps = 4
	// The progress of a unit that is done within shortWork is not reported.
	shortWork = time.Second
)

// worker works on the units of one start of a run.
type worker struct {
	*base
	handle   *handle
	recorder fsm.TaskCompletionRecorder
	payload  Payload
	// unfit is why nothing can come of the payload; then every unit fails.
	unfit error
	run   Run
	units []string

	mu   sync.Mutex
	next int
}

// work returns when every unit was taken up, or ctx ended, and nothing is at work
// any more.
func (w *worker) work(ctx context.Context) {
	var all sync.WaitGroup
	for range min(w.payload.parallel(), len(w.units)) {
		all.Go(func() {
			for unit, ok := w.take(); ok && ctx.Err() == nil; unit, ok = w.take() {
				if !w.unit(ctx, unit) {
					return
				}
			}
		})
	}
	all.Wait()
}

func (w *worker) take() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == len(w.units) {
		return "", false
	}
	w.next++
	return w.units[w.next-1], true
}

// unit does one unit; false if there is no point in doing another.
func (w *worker) unit(ctx context.Context, unit string) bool {
	if err := w.progress(ctx, unit, 0); err != nil {
		// No answer, a task that is over, or a unit of another node, and then the next ones
		// will be of other nodes as well: the scheduler starts the run again, with a
		// fresh list of what is left.
		return false
	}
	trouble := w.env.Trouble.Unit(w.run, unit)
	if trouble.Die && !trouble.Late {
		w.handle.cancel()
		return false
	}
	w.env.Emit(&taskevent.WorkStarted{Run: w.run, Unit: unit})
	outcome := "ok"
	err := w.do(ctx, unit, trouble.Fail)
	if err != nil {
		outcome = err.Error()
	}
	w.env.Emit(&taskevent.WorkEnded{Run: w.run, Unit: unit, Outcome: outcome})
	if trouble.Die {
		w.handle.cancel()
	}
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		err = w.report(ctx, unit, func() error {
			return w.recorder.RecordDistributedTaskUnitCompletion(ctx, w.run.Namespace, w.run.Task, w.run.Version, w.env.Node, unit)
		})
	} else {
		message := err.Error()
		err = w.report(ctx, unit, func() error {
			return w.recorder.RecordDistributedTaskUnitFailure(ctx, w.run.Namespace, w.run.Task, w.run.Version, w.env.Node, unit, message)
		})
	}
	return ctx.Err() == nil && !errors.Is(err, fsm.ErrTaskNotRunning)
}

// progress reports how far a unit is; none is a claim. Tacit workers report nothing.
func (w *worker) progress(ctx context.Context, unit string, progress float32) error {
	if w.payload.Tacit {
		return nil
	}
	if progress > 0 {
		w.env.Emit(&taskevent.WorkProgressed{Run: w.run, Unit: unit})
	}
	return w.recorder.UpdateDistributedTaskUnitProgress(ctx, w.run.Namespace, w.run.Task, w.run.Version, w.env.Node, unit, progress)
}

// do works on a unit until its result is durable, or fails if it is spoilt. What an
// earlier incarnation has finished is not worked on again.
func (w *worker) do(ctx context.Context, unit string, spoilt bool) error {
	if w.unfit != nil {
		return fmt.Errorf("unit %s cannot be worked on: %w", unit, w.unfit)
	}
	name := unitFile(w.run, unit)
	if _, err := w.env.Files.Read(name); err == nil {
		return nil
	}
	total := w.payload.workTime(w.env.Seed, unit)
	steps := progressSteps
	if total < shortWork {
		steps = 1
	}
	for step := range steps {
		if step > 0 {
			// Lost progress costs nothing.
			_ = w.progress(ctx, unit, float32(step)/float32(steps))
		}
		if err := sleep(ctx, w.env.Clock, total/time.Duration(steps)); err != nil {
			return err
		}
	}
	if spoilt || w.payload.fails(unit) {
		return fmt.Errorf("unit %s fails as planned", unit)
	}
	if err := w.finish(w.payload, w.run, unit); err != nil {
		return err
	}
	if err := w.env.Files.Put(name, nil); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// report tries to get the outcome of a unit into the log, with a sign of life before each
// further attempt. What stays unreported is found again when the run is started again.
func (w *worker) report(ctx context.Context, unit string, send func() error) error {
	backoff := firstBackoff
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			if err := sleep(ctx, w.env.Clock, backoff); err != nil {
				return err
			}
			backoff *= 2
			_ = w.progress(ctx, unit, 1)
		}
		if err = send(); err == nil || errors.Is(err, fsm.ErrPermanentRejection) {
			return err
		}
	}
	return err
}
