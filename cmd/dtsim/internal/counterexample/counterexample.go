// Package counterexample keeps what the model checker found as a trace, and reads it
// again.
//
// # Invariant
//
// The file is a function of the machine's name and the path: the same counterexample is
// the same file.
//
// # What it must not know
//
// What a machine is about: it shows the parts of a state as the model names them.
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
)

// Engine is what a trace of a counterexample calls its engine.
const Engine = "explore"

// part begins the key of a field that holds a part of a state.
const part = "= "

// Encode makes a trace of a violation in the machine of a name. taken is its path, taken
// again.
func Encode(config string, v explore.Violation, taken explore.Replayed) ([]byte, error) {
	p := plan.Default()
	p.Name = config
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, trace.Header{Plan: p, Engine: Engine})
	if err != nil {
		return nil, err
	}
	begin := trace.Event{Kind: trace.Explored, Fields: []trace.Field{
		trace.Str("config", config), trace.Int("initial", int64(v.Path.Initial)), trace.Int("loop", int64(v.Path.Loop+1)),
	}}
	for _, s := range taken.Start {
		begin.Fields = append(begin.Fields, trace.Str(part+s.Name, s.Value))
	}
	r.Emit(begin)
	at := time.Duration(0)
	for i, s := range taken.Steps {
		at = time.Duration(i+1) * time.Millisecond // steps have an order and no time
		e := trace.Event{At: at, Kind: trace.Step, Fields: []trace.Field{
			trace.Int("n", int64(i+1)), trace.Uint("action", uint64(v.Path.Actions[i])), trace.Str("what", s.Action),
		}}
		for _, c := range s.Changed {
			e.Fields = append(e.Fields, trace.Str(part+c.Name, c.After))
		}
		r.Emit(e)
	}
	// Events are told from 1, and the first is not a step.
	found := trace.Violation{Property: v.Property, Message: v.Message, At: at, Events: []int{len(taken.Steps) + 1}}
	if _, err := r.Close(trace.Verdict{Violations: []trace.Violation{found}}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Write keeps a trace in a directory and returns the file's name, which tells property,
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
	Config string
	explore.Violation
}

// ErrNone is the error of a trace that is none of a counterexample.
var ErrNone = errors.New("this trace is no counterexample of dtsim check; dtsim replay takes it")

// Decode reads the path out of a trace.
func Decode(t *trace.Trace) (Found, error) {
	if t.Header.Engine != Engine {
		return Found{}, ErrNone
	}
	if len(t.Events) == 0 || t.Events[0].Kind != trace.Explored || len(t.Footer.Verdict.Violations) != 1 {
		return Found{}, errors.New("the counterexample has no beginning or no end")
	}
	begin, v := t.Events[0], t.Footer.Verdict.Violations[0]
	f := Found{Config: begin.Str("config"), Violation: explore.Violation{
		Broken: explore.Broken{Property: v.Property, Message: v.Message},
		Path:   explore.Path{Initial: int(begin.Int("initial")), Loop: int(begin.Int("loop")) - 1},
	}}
	for i, e := range t.Events[1:] {
		action, ok := e.Get("action")
		if e.Kind != trace.Step || !ok || e.Int("n") != int64(i+1) {
			return Found{}, fmt.Errorf("event %d is not step %d of a counterexample", e.Seq, i+1)
		}
		f.Path.Actions = append(f.Path.Actions, explore.Action(action.Uint()))
	}
	return f, nil
}

// Same says whether a path that was taken again shows what the trace of it says: the
// same words and the same states. It returns the first difference.
func Same(t *trace.Trace, f Found, taken explore.Replayed) error {
	content, err := Encode(f.Config, f.Violation, taken)
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
		if was.Kind != is.Kind || !slices.Equal(was.Fields, is.Fields) {
			return fmt.Errorf("event %d of the file (%q) is not what happens there (%q)", i+1, was.Str("what"), is.Str("what"))
		}
	}
	return nil
}
