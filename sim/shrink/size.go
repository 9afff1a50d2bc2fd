package shrink

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/sim/plan"
)

// Size is how large a plan is.
type Size struct {
	Nodes, Faults int
	// Stalls counts those that are listed.
	Stalls int
	// Part is the size of the application's part, in words.
	Part     string
	Duration plan.Duration
}

// sizeOf measures a valid plan.
func sizeOf(s Subject) Size {
	p := s.Base()
	return Size{Nodes: p.Cluster.Nodes, Faults: len(p.Faults), Stalls: stalls.Count(s), Part: s.Size(), Duration: p.Duration}
}

// String returns the size in words.
func (s Size) String() string {
	parts := []string{Count(s.Nodes, "node"), s.Part, Count(s.Faults, "fault")}
	if s.Stalls > 0 {
		parts = append(parts, Count(s.Stalls, "stall"))
	}
	parts = append(parts, s.Duration.String())
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// Count returns a number of things in words.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Shape returns what kind of plan it is, without names, times and numbers: shrunk plans
// of one shape that violate the same property are taken for the same failure.
func Shape(s Subject) string {
	parts := s.Shape()
	for _, f := range s.Base().Faults {
		part := fmt.Sprintf("fault %s %s", f.Kind, f.Op)
		if f.When != nil {
			part = fmt.Sprintf("%s when %s", part, f.When.Moment)
		}
		parts = append(parts, part)
	}
	if p := s.Base(); p.Stalls != nil {
		for _, h := range p.Stalls.Held {
			function, _, _ := strings.Cut(h.At, ":")
			parts = append(parts, "stall in "+function)
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d nodes; %s", s.Base().Cluster.Nodes, strings.Join(parts, "; "))
}
