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

// rerun is a run that was made again without one of its faults.
type rerun struct {
	plan  *plan.Plan
	trace []byte
}

func (r rerun) traces() [][]byte {
	if len(r.trace) == 0 {
		return nil
	}
	return [][]byte{r.trace}
}

// without makes a run that held once more, without one of the faults that have bitten,
// and counts whether anything was decided otherwise: that, and not what the trace looks
// like, is whether the fault was effective. Which fault it is depends on the plan alone.
// There is nothing to count when none has bitten. The error is a failure of the harness,
// or says that the smaller plan violates a property, of which the campaign knows nothing
// otherwise.
func without(ctx context.Context, e engine.Engine, job engine.Job, first Recorded, struck []coverage.Struck) (map[string]int64, rerun, error) {
	var candidates []int
	for i, s := range struck {
		if s.Bit && job.Plan.WithoutFault(i).Validate() == nil {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		return nil, rerun{job.Plan, nil}, nil
	}
	i := candidates[keyed.New(job.Plan.Seed, "campaign.without").Uint64()%uint64(len(candidates))]
	kind := job.Plan.Faults[i].Kind
	less := rerun{plan: job.Plan.WithoutFault(i)}
	second, err := Once(ctx, e, engine.Job{Plan: less.plan, Entropy: job.Entropy})
	less.trace = second.Trace
	if err != nil {
		return nil, less, fmt.Errorf("without faults[%d] (%s): %w", i, kind, err)
	}
	if v := second.Footer.Verdict; !v.Passed {
		return nil, less, fmt.Errorf("the run holds, but without faults[%d] (%s) it violates %s: %s", i, kind, v.Violations[0].Property, v.Violations[0].Message)
	}
	with, err := coverage.ReadDecisions(bytes.NewReader(first.Trace))
	if err != nil {
		return nil, less, err
	}
	other, err := coverage.ReadDecisions(bytes.NewReader(second.Trace))
	if err != nil {
		return nil, less, err
	}
	_, differed := with.Differ(other)
	return coverage.Without(kind, differed, struck[i].Effective), less, nil
}

// added returns the sums of two sets of counters.
func added(a, b map[string]int64) map[string]int64 {
	sum := maps.Clone(a)
	for name, n := range b {
		sum[name] += n
	}
	return sum
}
