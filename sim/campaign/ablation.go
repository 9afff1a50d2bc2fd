package campaign

import (
	"context"
	"fmt"
	"maps"

	"dtsim/sim/coverage"
	"dtsim/sim/engine"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
)

// ablate repeats a run that passed without one of the faults that were activated, and counts
// whether the two decided differently: that, and not what the trace looks like, is whether
// the fault was effective. Which fault it is depends on the plan alone. If none was
// activated, there is nothing to count.
//
// The smaller run is checked like any other, but for promises. What it violates is a violation of
// another plan: it is in Outcome.Ablation of o, which has passed. If the harness fails at it,
// o is a harness error.
func (spec *Spec) ablate(ctx context.Context, o Outcome, e engine.Engine, first Recorded, faults []Activation) Outcome {
	p := o.Run.Plan()
	i := spec.oneOf(p, faults)
	if i < 0 {
		return o
	}
	run := o.Run
	run.Ablated = i + 1
	less, second, _ := spec.execute(ctx, slot{outcome: &Outcome{Run: run}, engine: e})
	switch less.State {
	case NotRun:
		return Outcome{Run: o.Run, Engine: o.Engine}
	case HarnessError:
		less.Run, less.PlanHash = o.Run, o.PlanHash
		less.Err = fmt.Errorf("without faults[%d] (%s): %w", i, p.Faults[i].Kind, less.Err)
		return less
	case Violated:
		spec.keep(&less, second)
		o.Ablation = &less
	}
	if len(second.Trace) == 0 {
		return o // a data race, which leaves no trace to compare
	}
	differed, err := spec.Application.Differ(first.Trace, second.Trace)
	if err != nil {
		return spec.harnessError(o, err, first.Trace, second.Trace)
	}
	o.Counters = added(o.Counters, coverage.Ablation(p.Faults[i].Kind, differed || less.State == Violated, faults[i].Effective))
	return o
}

// oneOf chooses one of the faults that were activated and without which the plan is still
// one; -1 when there is none.
func (spec *Spec) oneOf(p *plan.Plan, faults []Activation) int {
	var candidates []int
	for i, one := range faults {
		if one.Activated && spec.Application.Ablate(p, i).Validate() == nil {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		return -1
	}
	return candidates[keyed.New(p.Seed, "campaign.without").Uint64()%uint64(len(candidates))]
}

// added returns the sums of two sets of counters.
func added(a, b map[string]int64) map[string]int64 {
	sum := maps.Clone(a)
	for name, n := range b {
		sum[name] += n
	}
	return sum
}
