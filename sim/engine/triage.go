package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"dtsim/sim/trace"
)

// Crash triage decides what became of a run whose guest has crashed, and gives a run that
// the system has ended a trace and a verdict.
//
// The process is gone, and with it the trace and what the judge had seen. So the job is
// run again by a guest that sends its events as it records them; a run is a function, and
// the guest crashes at the same place. The trace up to there gets one more event, which
// records how the run ended, and the verdict that the judge then returns. What the harness
// has ended stays an error.

// runner runs a job once. With spill, the error for a crash holds what was recorded. Of
// the result, only the times are set if there is an error.
type runner func(ctx context.Context, job Job, spill bool) (Result, error)

// triaged runs a job by run, and once more if the system has ended it.
func (o Options) triaged(ctx context.Context, job Job, run runner) (Result, error) {
	result, err := run(ctx, job, false)
	first, _, ok := o.endingOf(err)
	if !ok {
		return result, err
	}
	wall, cpu := result.Wall, result.CPU
	_, err = run(ctx, job, true)
	second, recorded, ok := o.endingOf(err)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case !ok && err == nil:
		return Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time it did not", first)
	case !ok:
		return Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time not so: %w", first, err)
	case second != first:
		return Result{}, fmt.Errorf("nondeterminism, a bug of the harness: a run ended by %s, the second time by %s", first, second)
	}
	result, err = conclude(recorded, first, o.Judge)
	if err != nil {
		return Result{}, fmt.Errorf("the trace of a run that ended by %s: %w", first, err)
	}
	result.Wall, result.CPU = wall, cpu
	return result, nil
}

// endingOf returns how the system has ended a run, and what was recorded of it.
func (o Options) endingOf(err error) (_ ending, recorded []byte, ok bool) {
	var guest *GuestError
	if o.Judge == nil || !errors.As(err, &guest) || guest.How != Crashed {
		return ending{}, nil, false
	}
	end, ok := system(o.System).attribute(guest.Stderr)
	return end, guest.recorded, ok
}

// conclude completes what was recorded of a run with its last event and its verdict.
func conclude(recorded []byte, end ending, judge trace.Judge) (Result, error) {
	reader, err := trace.NewReader(bytes.NewReader(recorded))
	if err != nil {
		return Result{}, err
	}
	var out bytes.Buffer
	header := reader.Header()
	rec, err := trace.NewRecorder(&out, header)
	if err != nil {
		return Result{}, err
	}
	finish := judge(&header.Plan, rec)
	last := end.event()
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, trace.ErrCutOff) {
			break
		}
		if err != nil {
			return Result{}, err
		}
		rec.Emit(e)
		last.At = e.At
	}
	rec.Emit(last)
	footer, err := rec.Close(finish())
	if err != nil {
		return Result{}, err
	}
	return Result{Trace: out.Bytes(), Footer: footer}, nil
}
