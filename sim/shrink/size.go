package shrink

import (
	"fmt"

	"dtsim/sim/plan"
)

// Size is how large a plan is.
type Size struct {
	Nodes, Operations, Tasks, Units, Faults int
	Duration                                plan.Duration
}

// SizeOf measures a valid plan.
func SizeOf(p *plan.Plan) Size {
	s := Size{Nodes: p.Cluster.Nodes, Operations: len(p.Workload), Faults: len(p.Faults), Duration: p.Duration}
	for i, o := range p.Workload {
		if o.Task != nil {
			s.Tasks++
			s.Units += len(p.TaskUnits(i))
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
