// Package counterexample writes a violation that the model checker found as a trace, and
// reads it.
//
// # Invariant
//
// The file is a function of the machine's name and the path: the same counterexample is
// the same file.
//
// # What it must not know
//
// What a machine is about: it writes the parts of a state as the model names them.
package counterexample

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dtsim/models/explore"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Engine is what a trace of a counterexample calls its engine.
const Engine = "explore"

// part begins the key of a field that holds a part of a state.
const part = "= "

// Machine identifies the machine of a counterexample.
type Machine struct {
	// Config is its name; Settings describe a machine that its name does not identify.
	Config, Settings string
}

// Run is a path of a machine as a simulated run.
type Run struct {
	Plan plan.Plan
	// Events are what happens, a slice for each step; those of the first come before any.
	Events [][]trace.Event
}

// Encode makes a trace of a violation in a machine. taken is its path, taken again; run is
// the same path as a simulated run, nil when the machine has none.
func Encode(m Machine, v explore.Violation, taken explore.Replayed, run *Run) ([]byte, error) {
	p := plan.Default()
	if run != nil {
		p = run.Plan
	}
	p.Name = m.Config
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, trace.Header{Plan: p, Engine: Engine})
	if err != nil {
		return nil, err
	}
	place, last := 0, 0 // of the newest event, from 1, and of the last step or the beginning
	record := func(at time.Duration, b trace.Body) {
		place++
		r.Record(at, "", 0, b)
		last = place
	}
	happens := func(step int) {
		if run == nil {
			return
		}
		for _, e := range run.Events[step] {
			place++
			r.Emit(e)
		}
	}
	begin := &event.Explored{Config: m.Config, Settings: m.Settings, Initial: int64(v.Path.Initial), Loop: int64(v.Path.Loop + 1)}
	for _, s := range taken.Start {
		begin.Parts = append(begin.Parts, trace.Str(part+s.Name, s.Value))
	}
	record(0, begin)
	happens(0)
	at := time.Duration(0)
	for i, s := range taken.Steps {
		at = time.Duration(i+1) * time.Second // steps have an order and no time
		step := &event.Step{N: int64(i + 1), Action: uint64(v.Path.Actions[i]), What: s.Action}
		for _, c := range s.Changed {
			step.Parts = append(step.Parts, trace.Str(part+c.Name, c.After))
		}
		record(at, step)
		happens(i + 1)
	}
	found := trace.Violation{Property: v.Property, Message: v.Message, At: at, Events: []int{last}}
	if _, err := r.Close(trace.Verdict{Violations: []trace.Violation{found}}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Write keeps a trace in a directory and returns the file's name, made of property,
// machine and content.
func Write(dir, config, property string, content []byte) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	name := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.trace.jsonl.zst", property, config, hex.EncodeToString(sum[:4])))
	return name, trace.WriteFile(name, content)
}

// Found is a counterexample as it was kept.
type Found struct {
	Machine
	explore.Violation
}

// ErrNone is the error of a trace that is none of a counterexample.
var ErrNone = errors.New("this trace is no counterexample of dtsim check; dtsim replay takes it")

var errNoEnds = errors.New("the counterexample has no beginning or no end")

// Decode reads the path out of a trace.
func Decode(t *trace.Trace) (Found, error) {
	if t.Header.Engine != Engine {
		return Found{}, ErrNone
	}
	if len(t.Events) == 0 || len(t.Footer.Verdict.Violations) != 1 {
		return Found{}, errNoEnds
	}
	begin, ok := event.Of(&t.Events[0]).(*event.Explored)
	if !ok {
		return Found{}, errNoEnds
	}
	v := t.Footer.Verdict.Violations[0]
	f := Found{Machine: Machine{begin.Config, begin.Settings}, Violation: explore.Violation{
		Broken: explore.Broken{Property: v.Property, Message: v.Message},
		Path:   explore.Path{Initial: int(begin.Initial), Loop: int(begin.Loop) - 1},
	}}
	for _, e := range t.Events {
		if e.Kind != trace.Step {
			continue
		}
		step := event.Of(&e).(*event.Step)
		if n := int64(len(f.Path.Actions) + 1); step.N != n {
			return Found{}, fmt.Errorf("event %d is not step %d of a counterexample", e.Seq, n)
		}
		f.Path.Actions = append(f.Path.Actions, explore.Action(step.Action))
	}
	return f, nil
}

// Same returns the first difference between a trace and its path, taken again: of the
// descriptions of steps, the states or the events of the run. It returns nil if there is
// none.
func Same(t *trace.Trace, f Found, taken explore.Replayed, run *Run) error {
	content, err := Encode(f.Machine, f.Violation, taken, run)
	if err != nil {
		return err
	}
	again, err := trace.Read(bytes.NewReader(content))
	if err != nil {
		return err
	}
	if len(again.Events) != len(t.Events) {
		return fmt.Errorf("there are %d events in the file and %d in the path", len(t.Events), len(again.Events))
	}
	for i := range again.Events {
		was, is := t.Events[i], again.Events[i]
		if was.Kind != is.Kind || was.Node != is.Node || !slices.Equal(was.Fields, is.Fields) {
			return fmt.Errorf("event %d of the file (%s) is not what happens there (%s)", i+1, describe(&was), describe(&is))
		}
	}
	return nil
}

// describe names an event, and the action of a step.
func describe(e *trace.Event) string {
	if step, ok := event.Of(e).(*event.Step); ok {
		return fmt.Sprintf("%s %q", e.Kind, step.What)
	}
	return string(e.Kind)
}
