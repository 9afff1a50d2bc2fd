package campaign

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// Collector turns the violations of a campaign into folders, one for each distinct
// failure: it shrinks their plans, finds out which are the same, pins them for other
// machines, and keeps them.
//
// Violations of the same property whose shrunk plans have the same shape are one failure.
// What is not shrunk, because the budget is spent, is one failure for each property and
// scenario.
type Collector struct {
	// Application is the system under test.
	Application *Application
	// Engine returns the one that an outcome was executed by.
	Engine func(name string) engine.Engine
	// Sealed makes the engine that pins; see Pin.
	Sealed func() (engine.Engine, error)
	// Archive keeps the folders.
	Archive Archive
	// Jobs is how many runs go on at once.
	Jobs int
	// Budget is how many runs may be spent to shrink all of them.
	Budget int
	// Race is set when data races are looked for.
	Race bool
	// Watch is called with the steps of shrinking, Note with anything else worth a line.
	Watch func(what string, s shrink.Step)
	Note  func(words string)
}

// Collect returns the distinct failures of a campaign. Outcomes are the violated ones
// in seed order; each gets the folder of its failure. When ctx ends, what has been
// found until then is kept all the same, less small.
func (c Collector) Collect(ctx context.Context, outcomes []*Outcome) []Failure {
	var all []*group
	left := c.Budget
	for _, o := range c.order(outcomes) {
		if o.State != Violated {
			continue
		}
		if g := c.known(all, o); g != nil {
			g.outcomes = append(g.outcomes, o)
			continue
		}
		g := c.shrink(ctx, o, &left)
		if same := find(all, g.key); same != nil {
			same.outcomes = append(same.outcomes, o)
			continue
		}
		all = append(all, g)
	}
	var failures []Failure
	for _, g := range all {
		c.keep(ctx, g)
		failures = append(failures, c.failure(g))
	}
	return failures
}

// group is a failure under way.
type group struct {
	property, key string
	outcomes      []*Outcome
	plan          *plan.Plan // as it was found
	result        *shrink.Result
	pin           Pin
	folder        string
	err           error
}

func (c Collector) failure(g *group) Failure {
	f := Failure{Property: g.property, Folder: g.folder, Err: g.err, Pinned: g.pin.Words}
	for _, o := range g.outcomes {
		f.Outcomes = append(f.Outcomes, *o)
	}
	if g.result != nil {
		f.Statement = g.result.Statement()
		f.Before, f.After = g.result.Before.String(), g.result.After.String()
		f.Violation = g.result.Violation
	} else {
		f.Violation = c.Application.Cause(g.plan, g.outcomes[0].Violations)
	}
	return f
}

// order puts the first outcome of each property before the second of any, so that a
// budget goes to different failures.
func (c Collector) order(outcomes []*Outcome) (ordered []*Outcome) {
	rounds := map[string]int{}
	var byRound [][]*Outcome
	for _, o := range outcomes {
		id := c.property(o)
		n := rounds[id]
		rounds[id]++
		if n == len(byRound) {
			byRound = append(byRound, nil)
		}
		byRound[n] = append(byRound[n], o)
	}
	for _, round := range byRound {
		ordered = append(ordered, round...)
	}
	return ordered
}

// property is the one that stands for an outcome.
func (c Collector) property(o *Outcome) string {
	return c.Application.Cause(o.Run.Plan(), o.Violations).Property
}

// known returns the group that already has the same run, by the other engine.
func (c Collector) known(all []*group, o *Outcome) *group {
	for _, g := range all {
		for _, other := range g.outcomes {
			if other.Run == o.Run && g.property == c.property(o) {
				return g
			}
		}
	}
	return nil
}

func find(all []*group, key string) *group {
	for _, g := range all {
		if g.key == key {
			return g
		}
	}
	return nil
}

// shrink makes a group of one outcome.
func (c Collector) shrink(ctx context.Context, o *Outcome, left *int) *group {
	p := o.Run.Plan()
	g := &group{property: c.property(o), outcomes: []*Outcome{o}, plan: p}
	g.key = fmt.Sprintf("%s, %s, not shrunk", g.property, o.Run.Name)
	e := c.Engine(o.Engine)
	if *left <= 1 || ctx.Err() != nil || e == nil {
		return g
	}
	result, err := c.Application.Shrink(ctx, p, shrink.Options{
		Oracle: c.Application.Oracle(e, Entropy(p)), Stalls: c.Application.Stalls(e, Entropy(p)), Property: g.property, Jobs: c.Jobs, Budget: *left,
		Watch: func(s shrink.Step) { c.Watch(o.Run.String(), s) },
	})
	if err != nil {
		if ctx.Err() == nil {
			g.err = fmt.Errorf("shrinking %s: %w", o.Run, err)
		}
		return g
	}
	*left -= result.Runs
	g.result = &result
	g.key = g.property + "; " + c.Application.Shape(result.Plan)
	return g
}

// keep makes the folder of a group and puts those of its outcomes away. A violation
// that was not shrunk keeps the folder it has.
func (c Collector) keep(ctx context.Context, g *group) {
	first := g.outcomes[0]
	g.folder = first.Folder
	if g.result != nil {
		if folder, err := c.save(context.WithoutCancel(ctx), ctx, g); folder != "" {
			g.folder, g.err = folder, errors.Join(g.err, err)
		} else {
			g.err = errors.Join(g.err, err)
		}
	}
	for _, o := range g.outcomes {
		if o.Folder != "" && o.Folder != g.folder && g.folder != "" {
			if err := os.RemoveAll(o.Folder); err != nil {
				g.err = errors.Join(g.err, err)
			}
		}
		o.Folder = g.folder
	}
	first.Err = errors.Join(first.Err, g.err)
}

// save runs the shrunk plan once more and keeps what there is of the failure.
func (c Collector) save(ctx, interruptible context.Context, g *group) (folder string, err error) {
	first, p := g.outcomes[0], g.result.Plan
	entropy := Entropy(g.plan)
	entry := Entry{
		State: Violated, Property: g.property, Scenario: first.Run.Name, Ablated: first.Run.AblatedFault(), Engine: first.Engine, Build: first.Build,
		Plan: p, Original: g.plan, Command: first.Run.Family.Command, Statement: g.result.Statement(),
		Before: g.result.Before.String(), After: g.result.After.String(), Runs: g.result.Runs, Minimal: g.result.Minimal,
	}
	for _, o := range g.outcomes {
		entry.Seeds = append(entry.Seeds, Seed{
			Scenario: o.Run.Name, Seed: o.Run.Seed, Ablated: o.Run.AblatedFault(), Engine: o.Engine, Command: o.Run.Command(),
		})
	}
	if g.property == Race {
		entry.Words = g.result.Violation.Message
		return c.Archive.Save(entry)
	}
	job := engine.Job{Plan: p, Entropy: entropy}
	run, err := c.Application.Once(ctx, c.Engine(first.Engine), job)
	if err == nil {
		var again Recorded
		again, err = c.Application.Once(ctx, c.Engine(first.Engine), job)
		if err == nil && !bytes.Equal(run.Trace, again.Trace) {
			err = fmt.Errorf("nondeterminism, a bug of the harness: the shrunk plan gave two traces; %s", trace.Diverge(run.Trace, again.Trace))
		}
	}
	if err != nil {
		return "", fmt.Errorf("the shrunk plan of %s: %w", first.Run, err)
	}
	whole, err := trace.Read(bytes.NewReader(run.Trace))
	if err != nil {
		return "", fmt.Errorf("the trace of the shrunk plan of %s: %w", first.Run, err)
	}
	entry.Events = c.Application.View(whole, g.result.Violation)
	entry.Traces, entry.Footer, entry.Build = [][]byte{run.Trace}, run.Footer, cmp.Or(run.Header.Build, first.Build)
	if first.Engine != engine.SealedName {
		g.pin = c.Pin(interruptible, p, g.property, entropy)
		entry.Pinned, entry.PinWords = g.pin.Trace, g.pin.Words
	}
	return c.Archive.Save(entry)
}
