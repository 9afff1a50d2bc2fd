// Package taskshrink makes plans of the task manager small: it gives sim/shrink the things
// that the part of tasks consists of: which operations, inherited tasks, shards, units and
// so on can be taken away, and what goes with them.
package taskshrink

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// Shrink shrinks a plan of tasks; see [shrink.Shrink].
func Shrink(ctx context.Context, p *plan.Plan, o shrink.Options) (shrink.Result, error) {
	o.Application = application{}
	return shrink.Shrink(ctx, p, o)
}

// Cause returns the violation that a shrinking keeps, when none was chosen: the first
// of the most telling. What breaks a property often differs from the specification
// (P2) and breaks promises, too, so these come last. The list must not be empty.
func Cause(p *plan.Plan, violations []trace.Violation) trace.Violation {
	return application{}.Cause(p, violations)
}

// Shape returns what kind of plan it is; see [shrink.Shape]. A plan that cannot be run has
// the shape of its error.
func Shape(p *plan.Plan) string {
	s, err := application{}.Open(p)
	if err != nil {
		return err.Error()
	}
	return shrink.Shape(s)
}

type application struct{}

func (application) Open(p *plan.Plan) (shrink.Subject, error) {
	t, err := taskplan.Of(p)
	if err != nil {
		return nil, err
	}
	return subject{t.Clone()}, nil
}

func (a application) Cause(p *plan.Plan, violations []trace.Violation) trace.Violation {
	s, err := a.Open(p)
	telling := func(v trace.Violation) int {
		switch {
		case err == nil && s.Expects(v.Property):
			return 0
		case v.Property == "P2":
			return 1
		}
		return 2
	}
	best := violations[0]
	for _, v := range violations {
		if telling(v) > telling(best) {
			best = v
		}
	}
	return best
}

func (application) Usual() []any {
	return []any{
		taskplan.Operation{Node: plan.NodeName(1)},
		taskplan.Collection{Replicas: 1},
		taskplan.Task{Parallel: 1, MinUnitTime: plan.Duration(time.Second)},
	}
}

// subject is a plan of tasks.
type subject struct{ *taskplan.Plan }

// of returns the plan that the families of this package are asked about.
func of(s shrink.Subject) *taskplan.Plan { return s.(subject).Plan }

func (s subject) Base() *plan.Plan      { return &s.Plan.Plan }
func (s subject) Clone() shrink.Subject { return subject{s.Plan.Clone()} }

// Validate overlooks that nothing is inherited any more: then there is no inheritance.
func (s subject) Validate() error {
	if h := s.Inherited; h != nil && len(h.Tasks)+len(h.Collections) == 0 {
		s.Inherited = nil
	}
	return s.Plan.Validate()
}

func (s subject) Last() (last plan.Duration) {
	if n := len(s.Workload); n > 0 {
		last = s.Workload[n-1].At
	}
	return last
}

func (s subject) Reset() {
	usual := taskplan.Default()
	s.SchedulerTick, s.CompletedTaskTTL, s.MaxSessions, s.AttemptTimeout = usual.SchedulerTick, usual.CompletedTaskTTL, usual.MaxSessions, usual.AttemptTimeout
}

func (s subject) Halve(f func(*plan.Duration)) {
	for i := range s.Workload {
		f(&s.Workload[i].At)
	}
}

func (s subject) Expects(property string) bool {
	return slices.ContainsFunc(s.Promises, func(p taskplan.Promise) bool { return string(p.Expect) == property })
}

func (s subject) Values(workload bool) []shrink.Value {
	usual := taskplan.Default()
	all := []shrink.Value{{Of: &s.SchedulerTick, Usual: usual.SchedulerTick}, {Of: &s.CompletedTaskTTL, Usual: usual.CompletedTaskTTL},
		{Of: &s.MaxSessions, Usual: usual.MaxSessions}, {Of: &s.AttemptTimeout, Usual: usual.AttemptTimeout}}
	if !workload {
		return all
	}
	for i := range s.Workload {
		all = append(all, shrink.Value{Of: &s.Workload[i]})
	}
	for _, t := range inheritedTasks(s.Plan) {
		all = append(all, shrink.Value{Of: t})
	}
	return all
}

func (s subject) Size() string {
	tasks, units := 0, 0
	for i, o := range s.Workload {
		if o.Task != nil {
			tasks++
			units += len(s.TaskUnits(i))
		}
	}
	if h := s.Inherited; h != nil {
		for i := range h.Tasks {
			tasks++
			units += len(h.Units(&h.Tasks[i], s.Cluster.Nodes))
		}
	}
	return fmt.Sprintf("%s (%s with %s)", shrink.Count(len(s.Workload), "operation"), shrink.Count(tasks, "task"), shrink.Count(units, "unit"))
}

func (s subject) Shape() (parts []string) {
	for _, o := range s.Workload {
		part := string(o.Do)
		if t := o.Task; t != nil {
			part = fmt.Sprintf("%s %s barrier=%t per_tenant=%t fails=%t", part, t.Kind, t.Barrier, t.PerTenant, len(t.FailUnits) > 0)
		}
		if c := o.Collection; c != nil {
			part = fmt.Sprintf("%s tenants=%t", part, len(c.Tenants) > 0)
		}
		parts = append(parts, part)
	}
	if h := s.Inherited; h != nil {
		for _, t := range h.Tasks {
			parts = append(parts, fmt.Sprintf("inherited %s", t.Task.Kind))
		}
	}
	for i := range s.Faults {
		if op := s.Does(i); op != nil {
			parts = append(parts, fmt.Sprintf("operate %s", op.Do))
		}
	}
	return parts
}

// WithoutNodes renames the nodes of operations, and those in the names of units.
func (s subject) WithoutNodes(rename func(string) string) {
	unit := func(id string) string {
		if shard, name, ok := strings.Cut(id, "__"); ok {
			return taskplan.UnitID(shard, rename(name))
		}
		return id
	}
	for i := range s.Workload {
		s.Workload[i].Node = rename(s.Workload[i].Node)
	}
	for _, c := range collections(s.Plan) {
		c.Replicas = min(c.Replicas, s.Cluster.Nodes)
	}
	for _, t := range tasks(s.Plan) {
		t.SlowUnits, t.FailUnits = shrink.Distinct(t.SlowUnits, unit), shrink.Distinct(t.FailUnits, unit)
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if id, ok := f.About[taskplan.AboutUnit]; ok {
			f.About[taskplan.AboutUnit] = unit(id)
		}
		if op := s.Does(i); op != nil {
			op.Node = rename(op.Node)
			f.Do = taskplan.Do(*op)
		}
	}
}

// place is where the part is invalid: an entry of one of its lists, and an entry of a list
// inside of that.
var place = regexp.MustCompile(`^tasks\.(workload|promises|inherited\.tasks|inherited\.collections)\[(\d+)\](?:.*\.(slow_units|fail_units|tenants)\[(\d+)\])?`)

func (s subject) Drop(path string) bool {
	m := place.FindStringSubmatch(path)
	if m == nil {
		return false
	}
	i, err := strconv.Atoi(m[2])
	if err != nil {
		return false
	}
	if n, err := strconv.Atoi(m[4]); err == nil && m[1] == "workload" {
		if list := entries(&s.Workload[i], m[3]); list != nil && n < len(*list) {
			*list = slices.Delete(*list, n, n+1)
			return true
		}
	}
	switch m[1] {
	case "workload":
		dropOperation(s.Plan, i)
	case "promises":
		s.Promises = slices.Delete(s.Promises, i, i+1)
	case "inherited.tasks":
		s.Inherited.Tasks = slices.Delete(s.Inherited.Tasks, i, i+1)
	case "inherited.collections":
		s.Inherited.Collections = slices.Delete(s.Inherited.Collections, i, i+1)
	}
	return true
}

// entries returns a list of names inside an operation, nil for one whose entries cannot
// go alone.
func entries(o *taskplan.Operation, list string) *[]string {
	switch {
	case list == "slow_units" && o.Task != nil:
		return &o.Task.SlowUnits
	case list == "fail_units" && o.Task != nil:
		return &o.Task.FailUnits
	case list == "tenants" && o.Collection == nil:
		return &o.Tenants
	}
	return nil
}

// dropOperation removes operation i, and the promises about it; the others' positions
// are put right.
func dropOperation(p *taskplan.Plan, i int) {
	p.Workload = slices.Delete(p.Workload, i, i+1)
	p.Promises = slices.DeleteFunc(p.Promises, func(q taskplan.Promise) bool { return slices.Contains(q.Operations, i) })
	for _, q := range p.Promises {
		for n, op := range q.Operations {
			if op > i {
				q.Operations[n]--
			}
		}
	}
}
