package campaign

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"dtsim/sim/coverage"
	"dtsim/sim/engine"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
)

// without makes a run that held once more, without one of the faults that have bitten,
// and counts whether anything came of it: that, and not what the trace looks like, is
// whether the fault was effective. Which fault it is depends on the plan alone. There is
// nothing to count when none has bitten.
//
// The smaller run is judged as any other, but for promises. What it violates is a violation of another
// plan and stands in Outcome.Without of o, which held; where the harness fails at it, o
// is broken.
func (spec *Spec) without(ctx context.Context, o Outcome, e engine.Engine, first Recorded, struck []coverage.Struck) Outcome {
	p := o.Run.Plan()
	i := oneOf(p, struck)
	if i < 0 {
		return o
	}
	run := o.Run
	run.Without = i + 1
	less, second, _ := spec.execute(ctx, slot{outcome: &Outcome{Run: run}, engine: e})
	switch less.State {
	case Missing:
		return Outcome{Run: o.Run, Engine: o.Engine}
	case Broken:
		less.Run, less.PlanHash = o.Run, o.PlanHash
		less.Err = fmt.Errorf("without faults[%d] (%s): %w", i, p.Faults[i].Kind, less.Err)
		return less
	case Violated:
		spec.keep(&less, second)
		o.Without = &less
	}
	if len(second.Trace) == 0 {
		return o // a data race, and nobody knows what else came of it
	}
	with, err := coverage.ReadDecisions(bytes.NewReader(first.Trace))
	if err != nil {
		return spec.broken(o, err, first.Trace)
	}
	other, err := coverage.ReadDecisions(bytes.NewReader(second.Trace))
	if err != nil {
		return spec.broken(o, err, second.Trace)
	}
	_, differed := with.Differ(other)
	o.Counters = added(o.Counters, coverage.Without(p.Faults[i].Kind, differed || less.State == Violated, struck[i].Effective))
	return o
}

// oneOf chooses one of the faults that have bitten, and without which the plan is still
// one; -1 when there is none.
func oneOf(p *plan.Plan, struck []coverage.Struck) int {
	var candidates []int
	for i, s := range struck {
		if s.Bit && p.WithoutFault(i).Validate() == nil {
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
