package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"dtsim/models/explore"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Engine is the engine that traces of the model name: that of all counterexamples.
const Engine = "explore"

// longest is how long the plan of a counterexample lasts: a second for each step.
const longest = 24 * time.Hour

// Write writes a path of the configuration as a trace that ends with what it breaks:
// what happens in each step as the events of a simulated run, and what the step has
// changed. The path must be one of the model's.
func Write(out io.Writer, c Config, path explore.Path, broken Broken, build string) (trace.Footer, error) {
	w, err := newWorld(c)
	if err != nil {
		return trace.Footer{}, err
	}
	r, err := trace.NewRecorder(out, trace.Header{Plan: w.plan(), Engine: Engine, Build: build})
	if err != nil {
		return trace.Footer{}, fmt.Errorf("configuration %q: %w", c.Name, err)
	}
	found, at, err := walk(w, path, r.Emit)
	if err != nil {
		return trace.Footer{}, err
	}
	if len(found) == 0 && broken.Property != "" {
		found = []Broken{broken} // of a run that goes on for ever
	}
	v := trace.Verdict{Passed: len(found) == 0}
	for _, b := range found {
		v.Violations = append(v.Violations, trace.Violation{Property: b.Property, Message: b.Message, At: at})
	}
	return r.Close(v)
}

// statePart begins the key of a field that holds a part of a state.
const statePart = "= "

// walk takes a path and emits what happens; it returns the properties that its steps
// break, and when it ended.
func walk(w *world, path explore.Path, emit func(trace.Event)) ([]Broken, time.Duration, error) {
	if path.Initial != 0 {
		return nil, 0, fmt.Errorf("there is no initial state %d", path.Initial)
	}
	configuration, err := json.Marshal(w.Config)
	if err != nil {
		return nil, 0, err
	}
	var during []trace.Event // what happens in the step
	j := newJournal(w, func(e trace.Event) { during = append(during, e) })
	x := newMachine(w, j)
	tell := func(kind trace.Kind, fields []trace.Field, parts []explore.Part) {
		for _, p := range parts {
			fields = append(fields, trace.Str(statePart+p.Name, p.Value))
		}
		emit(trace.Event{At: j.at, Kind: kind, Fields: fields})
		for _, e := range during {
			emit(e)
		}
		during = nil
	}
	before := x.show(x.view)
	tell(trace.Explored, []trace.Field{trace.Str("config", w.Name), trace.Int("initial", int64(path.Initial)),
		trace.Int("loop", int64(path.Loop+1)), trace.Str("configuration", string(configuration))}, before)
	var found []Broken
	for i, a := range path.Actions {
		j.at = time.Duration(i+1) * time.Second
		what := x.says(a)
		broken, err := x.step(a)
		if err != nil {
			return nil, 0, fmt.Errorf("step %d: %w", i+1, err)
		}
		if broken != nil {
			found = append(found, *broken)
		}
		after := x.show(x.view)
		tell(trace.Step, []trace.Field{trace.Int("n", int64(i+1)), trace.Uint("action", uint64(a)), trace.Str("what", what)}, changed(before, after))
		before = after
	}
	return found, j.at, nil
}

// changed are the parts of a state that are not as they were, and those that are gone,
// without a value.
func changed(before, after []explore.Part) []explore.Part {
	is, was := map[string]string{}, map[string]string{}
	for _, p := range before {
		was[p.Name] = p.Value
	}
	var parts []explore.Part
	for _, p := range after {
		is[p.Name] = p.Value
		if was[p.Name] != p.Value {
			parts = append(parts, p)
		}
	}
	for _, p := range before {
		if _, there := is[p.Name]; !there && p.Value != "" {
			parts = append(parts, explore.Part{Name: p.Name})
		}
	}
	return parts
}

// Replayed is what came of walking a trace again.
type Replayed struct {
	Config Config
	Path   explore.Path
	// Broken is what the steps break, in their order.
	Broken []Broken
	// Identical says that the walk has told the same events again; Parts where it told
	// others.
	Identical bool
	Parts     string
	// Hash and Expected are the hashes of the walk and of the trace.
	Hash, Expected string
	// Trace is the trace of the walk.
	Trace []byte
}

// IsModel says that a trace is a counterexample of this model, and not of another one.
func IsModel(t *trace.Trace) bool {
	return t.Header.Engine == Engine && len(t.Events) > 0 && t.Events[0].Str("configuration") != ""
}

// Replay walks a trace that [Write] has written again: the Manager and package
// reconcile decide anew on every step, without what the search has remembered, and the
// properties are judged anew.
func Replay(t *trace.Trace) (*Replayed, error) {
	if !IsModel(t) {
		return nil, errors.New("replay: this trace is no counterexample of the cluster model")
	}
	r := &Replayed{Path: explore.Path{Loop: -1}}
	for i := range t.Events {
		switch e := &t.Events[i]; e.Kind {
		case trace.Explored:
			if err := json.Unmarshal([]byte(e.Str("configuration")), &r.Config); err != nil {
				return nil, fmt.Errorf("replay: the configuration: %w", err)
			}
			r.Path.Initial, r.Path.Loop = int(e.Int("initial")), int(e.Int("loop"))-1
		case trace.Step:
			action, _ := e.Get("action")
			r.Path.Actions = append(r.Path.Actions, explore.Action(action.Uint()))
		}
	}
	w, err := newWorld(r.Config)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	again := trace.Trace{Header: t.Header}
	if r.Broken, _, err = walk(w, r.Path, func(e trace.Event) { again.Events = append(again.Events, e) }); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return r, r.compare(t, &again)
}

// compare holds the events of the walk against those of the trace.
func (r *Replayed) compare(t, again *trace.Trace) error {
	one, err := encode(t.Header, t.Events, t.Footer.Verdict)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if r.Trace, err = encode(t.Header, again.Events, t.Footer.Verdict); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if d := trace.Diverge(one, r.Trace); d != nil {
		r.Parts = d.String()
	}
	r.Identical = r.Parts == ""
	r.Expected = t.Footer.Hash
	read, err := trace.Read(bytes.NewReader(r.Trace))
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.Hash = read.Footer.Hash
	return nil
}

func encode(h trace.Header, events []trace.Event, v trace.Verdict) ([]byte, error) {
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, h)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		r.Emit(e)
	}
	_, err = r.Close(v)
	return b.Bytes(), err
}

// plan is the cluster and the workload of the configuration, for those who read traces.
func (w *world) plan() plan.Plan {
	p := plan.Default()
	p.Name = w.Name
	p.Duration = plan.Duration(longest)
	p.Cluster.Nodes = w.Nodes
	p.Cluster.CompletedTaskTTL = plan.Duration(ttl)
	created := &plan.Collection{Name: collection, Properties: map[string]string{}, Replicas: 1}
	for key := range w.Tasks {
		created.Properties[w.propertyOf(key)] = was
	}
	if w.Groups > 1 {
		created.Replicas = min(w.Nodes, w.Units)
		for g := range w.Groups {
			created.Tenants = append(created.Tenants, w.groupName(g))
		}
	} else {
		for unit := range w.Units {
			created.Shards = append(created.Shards, w.shardName(unit))
		}
	}
	p.Workload = append(p.Workload, plan.Operation{Node: "n1", Do: plan.CreateCollection, Collection: created})
	for key := range w.Tasks {
		task := w.payload(key).Task
		p.Workload = append(p.Workload, plan.Operation{At: plan.Duration(time.Millisecond), Node: "n1", Do: plan.AddTask, Task: &task})
	}
	return p
}
