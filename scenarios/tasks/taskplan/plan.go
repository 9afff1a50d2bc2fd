// Package taskplan is the part of a plan that only the task manager under test knows:
// what its operators and clients do, the state it begins with, what a run is expected to
// end with, and its own kinds of faults, moments and roles.
//
// [Of] decodes a plan of the framework into a [Plan], which has all of it, and
// [Plan.Encode] returns to the form that is carried and kept. Like package sim/plan, it
// is a format, and imports nothing of this repository but that.
package taskplan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dtsim/sim/plan"
)

// Application is the name under which the part stands in a document.
const Application = "tasks"

// Plan is a plan with the part of tasks decoded. Its embedded Part is not used.
type Plan struct {
	plan.Plan
	Tasks
}

// Tasks is the part of a plan that is about tasks.
type Tasks struct {
	// SchedulerTick is the interval of every scheduler's periodic pass.
	SchedulerTick plan.Duration `json:"scheduler_tick"`
	// CompletedTaskTTL is how long records of terminal tasks are kept.
	CompletedTaskTTL plan.Duration `json:"completed_task_ttl"`
	// MaxSessions is how many clients have a session at once; 0 is the product's own bound.
	MaxSessions int `json:"max_sessions,omitempty"`
	// AttemptTimeout is how long a client waits for a leader's answer before it tries again; 0 is the
	// product's own bound.
	AttemptTimeout plan.Duration `json:"attempt_timeout,omitempty"`
	// Inherited is what stands on every disk when the run begins; nothing if it is
	// missing.
	Inherited *Inherited `json:"inherited,omitempty"`
	// Workload is what operators and clients do, sorted by At.
	Workload []Operation `json:"workload,omitempty"`
	// Promises is what the run is expected to end with.
	Promises []Promise `json:"promises,omitempty"`
}

// Default returns the plan that an empty document describes: three nodes that idle for a
// minute.
func Default() Plan { return Plan{plan.Default(), defaultTasks()}.named() }

func (p Plan) named() Plan { p.Application = Application; return p }

func defaultTasks() Tasks {
	return Tasks{SchedulerTick: plan.Duration(time.Second), CompletedTaskTTL: plan.Duration(time.Hour)}
}

// Of decodes and validates the plan of a run. A plan of no application at all is one
// whose part is as by default. The error is a [*plan.Error]. The result shares memory
// with p.
func Of(p *plan.Plan) (*Plan, error) {
	if p.Application != "" && p.Application != Application {
		return nil, &plan.Error{Path: p.Application, Message: fmt.Sprintf("the plan is of this application and not of %q", Application)}
	}
	t := &Plan{Plan: *p, Tasks: defaultTasks()}
	t.Application, t.Part = Application, nil
	t.Faults = upgraded(p.Faults)
	if len(p.Part) > 0 {
		if err := plan.Unmarshal(p.Part, Application, &t.Tasks); err != nil {
			return nil, err
		}
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// Encode returns the plan with its part encoded. Equal plans have equal parts. The
// result shares memory with p.
func (p *Plan) Encode() *plan.Plan {
	q := p.Plan
	q.Application, q.Part = Application, encode(p.Tasks)
	return &q
}

// Clone returns a copy that shares nothing with p.
func (p *Plan) Clone() *Plan {
	q := &Plan{*p.Plan.Clone(), p.Tasks}
	if h := p.Inherited; h != nil {
		q.Inherited = &Inherited{slices.Clone(h.Collections), slices.Clone(h.Tasks)}
		for i := range q.Inherited.Collections {
			q.Inherited.Collections[i] = *h.Collections[i].clone()
		}
		for i := range q.Inherited.Tasks {
			q.Inherited.Tasks[i].Task = *h.Tasks[i].Task.clone()
		}
	}
	q.Workload = slices.Clone(p.Workload)
	for i := range q.Workload {
		o := &q.Workload[i]
		o.Task, o.Collection, o.Tenants = o.Task.clone(), o.Collection.clone(), slices.Clone(o.Tenants)
	}
	q.Promises = slices.Clone(p.Promises)
	for i := range q.Promises {
		q.Promises[i].Operations = slices.Clone(q.Promises[i].Operations)
	}
	return q
}

func (c *Collection) clone() *Collection {
	if c == nil {
		return nil
	}
	d := *c
	d.Properties, d.Shards, d.Tenants = maps.Clone(c.Properties), slices.Clone(c.Shards), slices.Clone(c.Tenants)
	return &d
}

func (t *Task) clone() *Task {
	if t == nil {
		return nil
	}
	u := *t
	u.SlowUnits, u.FailUnits = slices.Clone(t.SlowUnits), slices.Clone(t.FailUnits)
	return &u
}

// MarshalJSON writes the document of [Plan.Encode].
func (p *Plan) MarshalJSON() ([]byte, error) { return p.Encode().MarshalJSON() }

// encode returns the JSON of a value of this package.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("taskplan: %T cannot be encoded: %v", v, err)) // no field's type can fail
	}
	return plan.Compact(b.Bytes())
}

// Decode reads a document and validates all of it. Errors are as those of [plan.Decode].
func Decode(data []byte) (*Plan, error) {
	p, err := plan.Decode(data)
	if err != nil {
		return nil, err
	}
	t, err := Of(p)
	if err != nil {
		return nil, plan.Locate(data, err)
	}
	return t, nil
}

// ReadFile reads and validates the document in a file.
func ReadFile(name string) (*Plan, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Do encodes an operation for the Do of a fault: its At is zero, and its Node may be a
// role.
func Do(o Operation) json.RawMessage { return encode(o) }

// Does returns what the operator of fault i does, nil if there is none. The plan must be
// valid.
func (p *Plan) Does(i int) *Operation {
	if p.Faults[i].Do == nil {
		return nil
	}
	o := new(Operation)
	if err := plan.Unmarshal(p.Faults[i].Do, "do", o); err != nil {
		panic(fmt.Sprintf("taskplan: %s", err)) // the plan is valid
	}
	return o
}

// WithoutFault returns a copy of the plan that does not have fault i; the others draw as they did
// before.
func (p *Plan) WithoutFault(i int) *Plan {
	return &Plan{*p.Plan.WithoutFault(i), p.Tasks}
}

// Ablate returns the plan without fault i and without its promises: what the whole plan
// promises may be what comes of that fault. The plan must be valid.
func Ablate(p *plan.Plan, i int) *plan.Plan {
	t, err := Of(p)
	if err != nil {
		panic(fmt.Sprintf("taskplan: %s", err)) // the plan is valid
	}
	t = t.WithoutFault(i)
	t.Promises = nil
	return t.Encode()
}

// The defaults of what stands inside of a document's lists.

// UnmarshalJSONFrom reads an operation; one without a node is of the first.
func (o *Operation) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type fields Operation
	*o = Operation{Node: plan.NodeName(1)}
	return jsonv2.UnmarshalDecode(dec, (*fields)(o))
}

// UnmarshalJSONFrom reads a collection; one without replicas has one.
func (c *Collection) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type fields Collection
	*c = Collection{Replicas: 1}
	return jsonv2.UnmarshalDecode(dec, (*fields)(c))
}

// UnmarshalJSONFrom reads a task; by default it works on one unit at a time, for a second.
func (t *Task) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type fields Task
	*t = Task{Parallel: 1, MinUnitTime: plan.Duration(time.Second)}
	return jsonv2.UnmarshalDecode(dec, (*fields)(t))
}
