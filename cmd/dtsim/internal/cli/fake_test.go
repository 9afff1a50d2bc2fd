package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"dtsim/scenarios/goals"
	"dtsim/sim/coverage"
	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

// fakeEngine answers every job with a small trace that depends on the job alone,
// except for the runs that it has to spoil. It is safe for concurrent use.
type fakeEngine struct {
	name, build string
	// speed is virtual time per wall time.
	speed time.Duration
	// unavailable is why the engine cannot be had at all.
	unavailable string
	// spoilt maps "scenario/seed" to what goes wrong there.
	spoilt map[string]string
	// interrupt ends the campaign's context.
	interrupt context.CancelFunc

	mu   sync.Mutex
	runs int
	// opened counts the engines in use.
	opened int
}

func (e *fakeEngine) open(_ context.Context, o engine.Options) (engine.Engine, error) {
	if e.unavailable != "" {
		return nil, &engine.UnavailableError{Engine: e.name, Err: errors.New(e.unavailable)}
	}
	e.opened++
	o.Log("building the " + e.name + " guest")
	return e, nil
}

func (e *fakeEngine) Name() string { return e.name }

func (e *fakeEngine) Close() error {
	e.opened--
	return nil
}

func (e *fakeEngine) Run(ctx context.Context, job engine.Job) (engine.Result, error) {
	if err := ctx.Err(); err != nil {
		return engine.Result{}, err
	}
	e.mu.Lock()
	e.runs++
	run := e.runs
	e.mu.Unlock()

	verdict := trace.Verdict{Passed: true}
	flaw := e.spoilt[fmt.Sprintf("%s/%d", job.Plan.Name, job.Plan.Seed)]
	if job.Plan.Name == "planted" && flaw == "" {
		flaw = "violate:task-ends"
	}
	word, detail, _ := strings.Cut(flaw, ":")
	switch word {
	case "crash":
		return engine.Result{}, &engine.GuestError{Engine: e.name, How: engine.Crashed, Stderr: "panic: boom\n\ngoroutine 1 [running]:"}
	case "race":
		return engine.Result{}, &engine.GuestError{Engine: e.name, How: engine.Raced,
			Stderr: "==================\nWARNING: DATA RACE\nWrite at 0x01 by goroutine 7:\n  fsm.write()"}
	case "interrupt":
		e.interrupt()
		return engine.Result{}, ctx.Err()
	case "nothing":
		return engine.Result{}, nil
	case "break": // nothing breaks as long as there is a fault
		if len(job.Plan.Faults) == 0 {
			return engine.Result{}, &engine.GuestError{Engine: e.name, How: engine.Crashed, Stderr: "panic: boom"}
		}
	case "owe": // nothing is violated as long as there is a fault
		if len(job.Plan.Faults) > 0 {
			break
		}
		fallthrough
	case "violate", "flaky":
		verdict = trace.Verdict{Violations: []trace.Violation{{
			Property: detail, Message: "this cannot be", At: 12 * time.Second, Node: "n2",
		}}}
	}

	var out bytes.Buffer
	rec, err := trace.NewRecorder(&out, trace.Header{Plan: *job.Plan, Engine: e.name, Entropy: job.Entropy, Build: e.build})
	if err != nil {
		return engine.Result{}, err
	}
	if word == "empty" {
		footer, err := rec.Close(verdict)
		return engine.Result{Trace: out.Bytes(), Footer: footer}, err
	}
	tasks, err := goals.Of(job.Plan)
	if err != nil {
		return engine.Result{}, err
	}
	finish := coverage.Record(job.Plan, rec, tasks)
	rec.Emit(trace.Event{Kind: trace.RunStarted, Fields: []trace.Field{trace.Uint("seed", job.Plan.Seed)}})
	for i := range job.Plan.Faults {
		rec.Emit(trace.Event{Node: "n2", Incarnation: 1, Kind: trace.FaultActivated, Fields: []trace.Field{trace.Int("fault", int64(i))}})
	}
	for i := range int64(3) {
		rec.Emit(trace.Event{At: time.Second, Node: "n1", Incarnation: 1, Kind: trace.MessageSent, Fields: []trace.Field{trace.Int("n", i)}})
	}
	applied := trace.Event{At: 2 * time.Second, Node: "n2", Incarnation: 1, Kind: trace.Applied}
	switch word {
	case "flaky", "shaky": // the violation, or the verdict, is another one each time
		applied.Fields = []trace.Field{trace.Int("index", int64(run))}
	case "deaf": // the seed decides nothing
	default:
		applied.Fields = []trace.Field{trace.Uint("sum", job.Plan.Seed)}
	}
	if word == "miscount" {
		rec.Count("sometimes/two leaders", 1)
	}
	rec.Emit(applied)
	rec.Emit(trace.Event{At: 2 * time.Second, Node: "n2", Incarnation: 1, Kind: trace.Committed})
	rec.Emit(trace.Event{At: time.Minute, Kind: trace.RunEnded})
	finish()
	footer, err := rec.Close(verdict)
	if err != nil {
		return engine.Result{}, err
	}
	wall := footer.VirtualTime / e.speed
	return engine.Result{Trace: out.Bytes(), Footer: footer, Wall: wall, CPU: wall / 2}, nil
}
