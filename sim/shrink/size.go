package shrink

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// Size is how large a plan is.
type Size struct {
	Nodes, Operations, Tasks, Units, Faults int
	Duration                                plan.Duration
}

// SizeOf measures a valid plan.
func SizeOf(p *plan.Plan) Size {
	t, err := taskplan.Of(p)
	if err != nil {
		return Size{}
	}
	return sizeOf(t)
}

func sizeOf(p *taskplan.Plan) Size {
	s := Size{Nodes: p.Cluster.Nodes, Operations: len(p.Workload), Faults: len(p.Faults), Duration: p.Duration}
	for i, o := range p.Workload {
		if o.Task != nil {
			s.Tasks++
			s.Units += len(p.TaskUnits(i))
		}
	}
	if h := p.Inherited; h != nil {
		for i := range h.Tasks {
			s.Tasks++
			s.Units += len(h.Units(&h.Tasks[i], p.Cluster.Nodes))
		}
	}
	return s
}

// String says it in words.
func (s Size) String() string {
	return fmt.Sprintf("%s, %s (%s with %s), %s, %s", count(s.Nodes, "node"), count(s.Operations, "operation"),
		count(s.Tasks, "task"), count(s.Units, "unit"), count(s.Faults, "fault"), s.Duration)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Shape says what kind of plan it is, without names, times and numbers: shrunk plans
// of one shape that violate the same property are taken for the same failure.
func Shape(of *plan.Plan) string {
	p, err := taskplan.Of(of)
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, o := range p.Workload {
		part := string(o.Do)
		if t := o.Task; t != nil {
			part = fmt.Sprintf("%s %s barrier=%t per_tenant=%t fails=%t", part, t.Kind, t.Barrier, t.PerTenant, len(t.FailUnits) > 0)
		}
		if c := o.Collection; c != nil {
			part = fmt.Sprintf("%s tenants=%t", part, len(c.Tenants) > 0)
		}
		parts = append(parts, part)
	}
	if h := p.Inherited; h != nil {
		for _, t := range h.Tasks {
			parts = append(parts, fmt.Sprintf("inherited %s", t.Task.Kind))
		}
	}
	for i, f := range p.Faults {
		part := fmt.Sprintf("fault %s %s", f.Kind, f.Op)
		if f.When != nil {
			part = fmt.Sprintf("%s when %s", part, f.When.Moment)
		}
		if op := p.Does(i); op != nil {
			part = fmt.Sprintf("%s do %s", part, op.Do)
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d nodes; %s", p.Cluster.Nodes, strings.Join(parts, "; "))
}
