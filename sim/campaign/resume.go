package campaign

import (
	"context"
	"fmt"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
)

// NotResumable is the error of a campaign that cannot be continued.
type NotResumable struct{ err error }

// Error returns the reason.
func (e *NotResumable) Error() string { return e.err.Error() }

// Unwrap returns the reason.
func (e *NotResumable) Unwrap() error { return e.err }

// Resume lets spec continue a campaign that was begun: what is in past is not done
// again. One of those runs is made once more, to see that it is the same function
// still. The error is a [*NotResumable] when another build or other plans are asked
// for, else a failure of the harness.
func (spec *Spec) Resume(ctx context.Context, past *Past) error {
	outcomes, err := past.outcomes(spec)
	if err != nil {
		return &NotResumable{err}
	}
	spec.done = outcomes
	for _, r := range spec.Runs {
		if o, ok := outcomes[done{r, false}]; ok && o.Hash != "" {
			return spec.sameAs(ctx, o)
		}
	}
	return nil
}

// Resumed returns how many runs are not done again.
func (spec *Spec) Resumed() int { return len(spec.done) }

// sameAs repeats a run of the past.
func (spec *Spec) sameAs(ctx context.Context, o Outcome) error {
	p := o.Run.Plan()
	again, err := spec.Application.Once(ctx, spec.Engine, engine.Job{Plan: p, Entropy: Entropy(p)})
	switch {
	case err != nil:
		return fmt.Errorf("%s, which was done before: %w", o.Run, err)
	case spec.Engine.Name() != o.Engine:
		return &NotResumable{fmt.Errorf("the campaign was begun with the %s engine, this is the %s engine", o.Engine, spec.Engine.Name())}
	case again.Header.Build != o.Build:
		return &NotResumable{fmt.Errorf("the campaign was begun with build %s, this is build %s", o.Build, again.Header.Build)}
	case again.Footer.Hash != o.Hash || again.Footer.Verdict.Passed != (o.State == Passed):
		return fmt.Errorf("nondeterminism, a bug of the harness: %s gave %s before and gives %s now, or another verdict", o.Run, o.Hash, again.Footer.Hash)
	}
	return nil
}

// planHash identifies the plan of a run.
func planHash(r Run) string { return plan.Hash(r.Plan()) }
