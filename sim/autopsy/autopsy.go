// Package autopsy tells what became of a run whose guest has died by the system's
// fault: a panic in it, which violates P18, or a goroutine that it leaves behind for
// ever, which violates P14.
//
// The process is gone, and what the checks had seen with it. So the job is run again by
// a guest that tells its trace as it makes it; a run is a function, and the guest dies at
// the same place. The trace up to there gets one more event, which says how it ended,
// and the verdict that the checks come to. What the harness itself is to blame for stays
// a failure of the harness.
package autopsy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"dtsim/scenarios/tasks"
	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

// Opening returns a function that opens the engine that open does, as [Engine].
func Opening(open func(context.Context, engine.Options) (engine.Engine, error)) func(context.Context, engine.Options) (engine.Engine, error) {
	return func(ctx context.Context, o engine.Options) (engine.Engine, error) {
		e, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		return Engine(e), nil
	}
}

// Engine returns an engine that runs jobs by e, and for which a run that the system has
// ended is a run like another, with a trace and a verdict.
func Engine(e engine.Engine) engine.Engine { return pathologist{e} }

type pathologist struct{ engine.Engine }

// Run implements [engine.Engine].
func (e pathologist) Run(ctx context.Context, job engine.Job) (engine.Result, error) {
	started := time.Now()
	result, err := e.Engine.Run(ctx, job)
	end, _, ok := endOf(err)
	if !ok {
		return result, err
	}
	wall := time.Since(started)
	job.Spill = true
	_, err = e.Engine.Run(ctx, job)
	again, recorded, ok := endOf(err)
	switch {
	case ctx.Err() != nil:
		return engine.Result{}, ctx.Err()
	case !ok && err == nil:
		return engine.Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time it did not", end)
	case !ok:
		return engine.Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time not so: %w", end, err)
	case again != end:
		return engine.Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time by %s", end, again)
	}
	result, err = conclude(recorded, end)
	result.Wall = wall
	return result, err
}

// endOf says how the system has ended a run, with what was recorded of it.
func endOf(err error) (End, []byte, bool) {
	var guest *engine.GuestError
	if !errors.As(err, &guest) || guest.How != engine.Crashed {
		return End{}, nil, false
	}
	end, ok := Blame(guest.Stderr)
	return end, guest.Trace, ok
}

// conclude makes a whole trace of what was recorded of a run, with its verdict.
func conclude(recorded []byte, end End) (engine.Result, error) {
	fail := func(err error) (engine.Result, error) {
		return engine.Result{}, fmt.Errorf("the trace of a run that ended by %s: %w", end, err)
	}
	reader, err := trace.NewReader(bytes.NewReader(recorded))
	if err != nil {
		return fail(err)
	}
	var out bytes.Buffer
	header := reader.Header()
	rec, err := trace.NewRecorder(&out, header)
	if err != nil {
		return fail(err)
	}
	finish := tasks.Judge(&header.Plan, rec)
	last := end.event()
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, trace.ErrCutOff) {
			break
		}
		if err != nil {
			return fail(err)
		}
		rec.Emit(e)
		last.At = e.At
	}
	rec.Emit(last)
	footer, err := rec.Close(finish())
	if err != nil {
		return fail(err)
	}
	return engine.Result{Trace: out.Bytes(), Footer: footer}, nil
}
