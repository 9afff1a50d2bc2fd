package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
)

// Spec is what a campaign is asked to do.
type Spec struct {
	// Runs are the runs in seed order.
	Runs []Run
	// Engine executes them.
	Engine engine.Engine
	// Second repeats those of Compare to compare verdicts; nil for none.
	Second  engine.Engine
	Compare []Run
	// Jobs is how many runs go on at once, at least 1.
	Jobs int
	// Archive keeps violations, and every run when KeepAll is set.
	Archive archive.Archive
	KeepAll bool
	// Watch is told every outcome as soon as it is known, one at a time; it may be
	// nil.
	Watch func(Outcome)
	// Now reads the wall clock, for Result.Wall alone.
	Now func() time.Time
}

// Execute runs a campaign. When ctx ends, runs that have not ended are Missing in
// the result; the others are in it.
func Execute(ctx context.Context, spec Spec) Result {
	started := spec.Now()
	result := Result{Asked: pending(spec.Runs, spec.Engine)}
	if spec.Second != nil {
		result.Compared = pending(spec.Compare, spec.Second)
	}

	type slot struct {
		outcome *Outcome
		engine  engine.Engine
	}
	queue := make(chan slot)
	var workers sync.WaitGroup
	var watching sync.Mutex
	for range max(1, spec.Jobs) {
		workers.Go(func() {
			for s := range queue {
				done := spec.judge(ctx, s.outcome.Run, s.engine)
				*s.outcome = done
				if spec.Watch != nil && done.State != Missing {
					watching.Lock()
					spec.Watch(done)
					watching.Unlock()
				}
			}
		})
	}
	for i := range result.Asked {
		queue <- slot{&result.Asked[i], spec.Engine}
	}
	for i := range result.Compared {
		queue <- slot{&result.Compared[i], spec.Second}
	}
	close(queue)
	workers.Wait()
	result.Wall = spec.Now().Sub(started)
	return result
}

// pending returns an outcome for each run that is yet to come.
func pending(runs []Run, e engine.Engine) []Outcome {
	outcomes := make([]Outcome, len(runs))
	for i, r := range runs {
		outcomes[i] = Outcome{Run: r, Engine: e.Name()}
	}
	return outcomes
}

// judge executes one run and, when it violates a property, its repetition. Once
// ctx has ended it does nothing.
func (spec *Spec) judge(ctx context.Context, run Run, e engine.Engine) Outcome {
	o := Outcome{Run: run, Engine: e.Name()}
	if ctx.Err() != nil {
		return o
	}
	p := run.Plan(run.Seed)
	job := engine.Job{Plan: p, Entropy: Entropy(p)}
	o.PlanHash = plan.Hash(p)
	first, err := Once(ctx, e, job)
	switch {
	case ctx.Err() != nil:
		return o
	case err != nil:
		return spec.broken(o, p, err, first.Trace)
	}
	o.Build, o.Hash, o.Violations = first.Header.Build, first.Footer.Hash, first.Footer.Verdict.Violations
	o.Virtual, o.Counters = first.Footer.VirtualTime, first.Footer.Counters
	o.Wall, o.CPU = first.Wall, first.CPU

	if first.Footer.Verdict.Passed {
		o.State = Held
		if spec.KeepAll {
			spec.keep(&o, p, first)
		}
		return o
	}
	// An interrupted campaign still confirms what it has found.
	second, err := Once(context.WithoutCancel(ctx), e, job)
	switch {
	case err != nil:
		return spec.broken(o, p, fmt.Errorf("the repetition of a violation: %w", err), first.Trace)
	case !bytes.Equal(first.Trace, second.Trace):
		return spec.broken(o, p, fmt.Errorf("nondeterminism, a bug of the harness: the same run gave two traces; %s",
			Difference(first.Trace, second.Trace)), first.Trace, second.Trace)
	}
	o.State = Violated
	spec.keep(&o, p, first)
	return o
}

// broken makes o a failure of the harness and keeps what there is of it. What an
// unreliable run says, its numbers included, does not count.
func (spec *Spec) broken(o Outcome, p *plan.Plan, err error, traces ...[]byte) Outcome {
	o = Outcome{Run: o.Run, State: Broken, Engine: o.Engine, Build: o.Build, PlanHash: o.PlanHash}
	folder, keepErr := spec.Archive.Save(archive.Entry{
		Kind: archive.Broken, Scenario: o.Run.Name, Engine: o.Engine, Again: o.Run.again(),
		Plan: p, Traces: traces, Words: err.Error(),
	})
	o.Folder = folder
	o.Err = errors.Join(err, keepErr)
	return o
}

// keep saves a run with its trace; a failure to do so stands in o.Err.
func (spec *Spec) keep(o *Outcome, p *plan.Plan, r Recorded) {
	entry := archive.Entry{
		Kind: archive.Held, Scenario: o.Run.Name, Engine: o.Engine, Again: o.Run.again(),
		Plan: p, Traces: [][]byte{r.Trace}, Footer: r.Footer, Build: o.Build,
	}
	if len(o.Violations) > 0 {
		entry.Kind = archive.Kind(o.Violations[0].Property)
	}
	o.Folder, o.Err = spec.Archive.Save(entry)
}
