package campaign

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
)

// Spec is what a campaign is asked to do.
type Spec struct {
	// Application is the system under test.
	Application *Application
	// Runs are the runs in seed order.
	Runs []Run
	// Engine executes them.
	Engine engine.Engine
	// Second repeats those of Compare to compare verdicts; nil for none.
	Second  engine.Engine
	Compare []Run
	// Controls are run with each engine before all others; nil for none.
	Controls *Controls
	// Jobs is how many runs go on at once, at least 1.
	Jobs int
	// Archive keeps violations, and every run when KeepAll is set.
	Archive Archive
	KeepAll bool
	// Watch is called with every outcome as soon as it is known, one at a time; nil for no
	// calls.
	Watch func(Outcome)
	// Journal keeps the outcomes, see [JournalFile]; nil for none.
	Journal *Journal
	// For is how long runs are begun, in wall time; those that are not begun by then
	// were not asked for. Zero means until all are done.
	For time.Duration
	// Now reads the wall clock, for For and Result.Wall alone.
	Now func() time.Time

	// done are the outcomes of a campaign that is continued.
	done map[done]Outcome
}

// slot is a run to be made and where its outcome goes.
type slot struct {
	outcome  *Outcome
	engine   engine.Engine
	compared bool
	// twice asks for a repetition even if it passes.
	twice bool
}

// Execute runs a campaign. When ctx ends, runs that have not ended are NotRun in
// the result; the others are in it.
func Execute(ctx context.Context, spec Spec) Result {
	started := spec.Now()
	var controls []Outcome
	if spec.Controls != nil {
		controls = spec.control(ctx, spec.Engine)
		if spec.Second != nil {
			controls = append(controls, spec.control(ctx, spec.Second)...)
		}
	}
	var workers sync.WaitGroup
	var watching sync.Mutex
	// A run is begun when a worker is free for it, so that the time is looked at then.
	free := make(chan struct{}, max(1, spec.Jobs))
	begin := func(s slot) {
		workers.Go(func() {
			defer func() { <-free }()
			o := spec.perform(ctx, s)
			if err := spec.remember(o, s.compared); err != nil {
				o.Err = errors.Join(o.Err, err)
			}
			*s.outcome = o
			if spec.Watch != nil && o.State != NotRun {
				watching.Lock()
				spec.Watch(o)
				watching.Unlock()
			}
		})
	}
	over := func() bool { return spec.For > 0 && spec.Now().Sub(started) >= spec.For }
	hand := func(all *[]*Outcome, runs []Run, e engine.Engine, compared bool) {
		for _, r := range runs {
			o := &Outcome{Run: r, Engine: e.Name()}
			if past, ok := spec.done[done{r, compared}]; ok {
				*o = past
				*all = append(*all, o)
				continue
			}
			free <- struct{}{}
			if over() {
				<-free
				return
			}
			begin(slot{o, e, compared, !compared && len(*all)%twiceEvery == 0})
			*all = append(*all, o)
		}
	}
	var asked, compared []*Outcome
	first := len(spec.Runs)
	if spec.For > 0 {
		first = len(spec.Compare) // or else there might be no time for the second engine
	}
	hand(&asked, spec.Runs[:first], spec.Engine, false)
	if spec.Second != nil {
		hand(&compared, spec.Compare, spec.Second, true)
	}
	hand(&asked, spec.Runs[first:], spec.Engine, false)
	workers.Wait()
	result := Result{Asked: values(asked), Compared: values(compared), Controls: controls, Wall: spec.Now().Sub(started)}
	distinguish(result.Asked)
	return result
}

func values(outcomes []*Outcome) []Outcome {
	all := make([]Outcome, len(outcomes))
	for i, o := range outcomes {
		all[i] = *o
	}
	return all
}

// perform executes one run, and once more without one of its faults if it is made twice and
// passes. It keeps violations, and with KeepAll every run. Once ctx has ended it does
// nothing.
func (spec *Spec) perform(ctx context.Context, s slot) Outcome {
	o, first, faults := spec.execute(ctx, s)
	if o.State == Passed && s.twice {
		o = spec.ablate(ctx, o, s.engine, first, faults)
	}
	if o.State == Violated || o.State == Passed && spec.KeepAll {
		spec.keep(&o, first)
	}
	return o
}

// execute executes one run and, when it violates a property or is asked to, its
// repetition. Then, unless a data race has ended it, faults are what became of those of its
// plan. Nothing is kept but a failure of the harness.
func (spec *Spec) execute(ctx context.Context, s slot) (o Outcome, first Recorded, faults []Activation) {
	run, e := s.outcome.Run, s.engine
	missing := Outcome{Run: run, Engine: e.Name()}
	if ctx.Err() != nil {
		return missing, first, nil
	}
	p := run.Plan()
	job := engine.Job{Plan: p, Entropy: Entropy(p)}
	o = missing
	o.PlanHash = plan.Hash(p)
	first, err := spec.Application.Once(ctx, e, job)
	switch {
	case ctx.Err() != nil:
		return o, first, nil
	case err != nil:
		if found, raced := Raced(err); raced {
			o.State, o.Violations = Violated, found
			return o, Recorded{}, nil
		}
		return spec.harnessError(o, err, first.Trace), first, nil
	}
	o.Build, o.Hash, o.Violations = first.Header.Build, first.Footer.Hash, first.Footer.Verdict.Violations
	o.Virtual, o.Counters = first.Footer.VirtualTime, first.Footer.Counters
	o.Wall, o.CPU = first.Wall, first.CPU
	if !endedBySystem(first) { // or else the seed may have had nothing to decide yet
		o.Events = first.eventsHash()
	}
	passed := first.Footer.Verdict.Passed
	if o.State = Violated; passed {
		o.State = Passed
	}
	if passed && !s.twice {
		return o, first, nil
	}
	if !passed {
		// An interrupted campaign still confirms what it has found.
		ctx = context.WithoutCancel(ctx)
	}
	second, err := spec.again(ctx, e, job, first)
	switch {
	case ctx.Err() != nil:
		return missing, first, nil
	case err != nil:
		return spec.harnessError(o, err, first.Trace, second), first, nil
	}
	if faults, err = spec.Application.Recount(first.Trace); err != nil {
		return spec.harnessError(o, err, first.Trace), first, nil
	}
	o.Twice = true
	return o, first, faults
}

// harnessError makes o a failure of the harness and keeps what there is of it: the traces
// that are not empty. Numbers of such a run do not count.
func (spec *Spec) harnessError(o Outcome, err error, traces ...[]byte) Outcome {
	o = Outcome{Run: o.Run, State: HarnessError, Engine: o.Engine, Build: o.Build, PlanHash: o.PlanHash}
	folder, keepErr := spec.Archive.Save(Entry{
		State: HarnessError, Scenario: o.Run.Name, Ablated: o.Run.AblatedFault(), Engine: o.Engine, Command: o.Run.Command(),
		Plan: o.Run.Plan(), Words: err.Error(),
		Traces: slices.DeleteFunc(traces, func(t []byte) bool { return len(t) == 0 }),
	})
	o.Folder = folder
	o.Err = errors.Join(err, keepErr)
	return o
}

// keep saves a run with its trace; a data race has none. A failure to do so stands in
// o.Err.
func (spec *Spec) keep(o *Outcome, r Recorded) {
	entry := Entry{
		State: Passed, Scenario: o.Run.Name, Ablated: o.Run.AblatedFault(), Engine: o.Engine, Command: o.Run.Command(),
		Plan: o.Run.Plan(), Footer: r.Footer, Build: o.Build,
	}
	if len(o.Violations) > 0 {
		entry.State, entry.Property = Violated, o.Violations[0].Property
	}
	if entry.Property == Race {
		entry.Words = o.Violations[0].Message
	} else {
		entry.Traces = [][]byte{r.Trace}
	}
	o.Folder, o.Err = spec.Archive.Save(entry)
}
