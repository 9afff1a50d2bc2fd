package counter

import (
	"fmt"
	"slices"

	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// Shrinker is the counter as an application of package shrink: its elements are the adds.
type Shrinker struct{}

// Open implements shrink.Application.
func (Shrinker) Open(p *plan.Plan) (shrink.Subject, error) {
	part, err := PartOf(p)
	if err != nil {
		return nil, err
	}
	return &subject{p.Clone(), part}, p.Validate()
}

// Cause implements shrink.Application: the first violation.
func (Shrinker) Cause(_ *plan.Plan, violations []trace.Violation) trace.Violation {
	return violations[0]
}

// Families implements shrink.Application.
func (Shrinker) Families() (first, rest []shrink.Family) {
	adds := shrink.Family{
		Name: "adds", Workload: true,
		Count: func(s shrink.Subject) int { return len(s.(*subject).part.Adds) },
		Without: func(s shrink.Subject, from, to int) {
			s.(*subject).part.Adds = slices.Delete(s.(*subject).part.Adds, from, to)
		},
	}
	return []shrink.Family{adds}, nil
}

// Usual implements shrink.Application.
func (Shrinker) Usual() []any { return nil }

// subject is a plan of the counter whose part is decoded.
type subject struct {
	base *plan.Plan
	part Part
}

func (s *subject) Base() *plan.Plan { return s.base }

func (s *subject) Clone() shrink.Subject {
	return &subject{s.base.Clone(), Part{Adds: slices.Clone(s.part.Adds), Bug: s.part.Bug}}
}

func (s *subject) Encode() *plan.Plan { return With(*s.base.Clone(), s.part) }

func (s *subject) Validate() error { return s.Encode().Validate() }

// Drop removes the add of a path; a bug cannot go.
func (s *subject) Drop(path string) bool {
	var n int
	if _, err := fmt.Sscanf(path, Name+".adds[%d]", &n); err != nil || n >= len(s.part.Adds) {
		return false
	}
	s.part.Adds = slices.Delete(s.part.Adds, n, n+1)
	return true
}

func (s *subject) WithoutNodes(rename func(name string) string) {
	for i := range s.part.Adds {
		s.part.Adds[i].Node = rename(s.part.Adds[i].Node)
	}
}

func (s *subject) Last() plan.Duration {
	if len(s.part.Adds) == 0 {
		return 0
	}
	return s.part.Adds[len(s.part.Adds)-1].At
}

func (s *subject) Reset() {}

func (s *subject) Halve(f func(*plan.Duration)) {
	for i := range s.part.Adds {
		f(&s.part.Adds[i].At)
	}
}

func (s *subject) Expects(string) bool { return false }

func (s *subject) Values(bool) []shrink.Value { return nil }

func (s *subject) Size() string { return fmt.Sprintf("%d adds", len(s.part.Adds)) }

func (s *subject) Shape() []string { return []string{"add"} }
