package shrink

import (
	"context"
	"errors"
	"fmt"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Oracle runs a plan and returns what it violates. It must give the same answer for
// the same plan and be safe for concurrent use. An error means that there is no answer
// (the harness failed); a plan without an answer is not accepted.
type Oracle func(ctx context.Context, p *plan.Plan) ([]trace.Violation, error)

// Options are the parameters of a shrinking.
type Options struct {
	// Oracle answers for each plan that is tried.
	Oracle Oracle
	// Stalls runs a plan and returns what was held up in the run; nil if stalls that a strategy
	// draws cannot be had, so that they stay drawn.
	Stalls func(ctx context.Context, p *plan.Plan) ([]Stalled, error)
	// Application handles the application's part of the plan; nil for a part that stays as it is.
	Application Application
	// Property is the identifier to keep; empty for that of [Application.Cause].
	Property string
	// Jobs is how many plans are tried at once; at least 1. It changes how long the
	// shrinking takes and nothing else.
	Jobs int
	// Budget is how many runs may be spent; zero for no bound.
	Budget int
	// Watch is called for every step; nil for none.
	Watch func(Step)
}

// Step is how far a shrinking is.
type Step struct {
	// Pass is what is being tried, Runs how many runs were spent.
	Pass string
	Runs int
	// Size is that of the smallest plan so far.
	Size Size
}

// Pass is how often a pass was tried and how often that made the plan smaller.
type Pass struct {
	Name     string `json:"name"`
	Tried    int    `json:"tried"`
	Accepted int    `json:"accepted"`
}

// Result is what came of a shrinking.
type Result struct {
	// Plan is the smallest plan that was found; it violates Violation.Property.
	Plan *plan.Plan
	// Violation is the first violation of that property in a run of Plan.
	Violation trace.Violation
	// Before and After are the sizes of the plan that was given and of Plan.
	Before, After Size
	// Runs is how many plans were run, the first one included. It does not depend on
	// Options.Jobs: what was run ahead and not needed does not count.
	Runs int
	// Passes are in the order of their first use.
	Passes []Pass
	// Elements is how many elements Plan has. With Minimal, each of them was taken away
	// alone and the violation was gone.
	Elements int
	Minimal  bool
	// Unanswered is how many plans the oracle failed at.
	Unanswered int
}

// Statement describes in one line what the result guarantees.
func (r Result) Statement() string {
	runs := Count(r.Runs, "run")
	switch {
	case r.Minimal && r.Elements == 0:
		return fmt.Sprintf("minimal: there is nothing left to remove (%s)", runs)
	case r.Minimal:
		return fmt.Sprintf("minimal: %s left; each was removed alone, and %s was not violated any more (%s)",
			Count(r.Elements, "element"), r.Violation.Property, runs)
	}
	return fmt.Sprintf("not proven to be minimal: %s left when the budget ended or a run failed (%s)", Count(r.Elements, "element"), runs)
}

// ErrHolds is returned if the plan to shrink violates nothing, or not what was asked for.
var ErrHolds = errors.New("the plan does not violate the property")

// Shrink shrinks a valid plan. It changes nothing in p. The error is [ErrHolds], or the
// oracle's about p itself; when ctx ends, the result is the best so far.
func Shrink(ctx context.Context, p *plan.Plan, o Options) (Result, error) {
	s := newShrinker(ctx, o)
	defer s.wait()
	t, err := s.app.Open(p)
	if err != nil {
		return Result{}, err
	}
	if err := s.begin(t); err != nil {
		return Result{}, err
	}
	s.minimize()
	return s.result(), nil
}

// minimize alternates between removing and simplifying until neither helps, and proves
// that nothing can be removed.
func (s *shrinker) minimize() {
	s.list()
	s.shorten()
	for before := Subject(nil); s.best != before && !s.spent(); {
		before = s.best
		s.remove()
		s.simplify()
	}
	for !s.prove() {
	}
}
