package cli

import (
	"fmt"
	"slices"
	"time"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/reports/schema"
)

// verification is a search under way to its document.
type verification struct {
	schema.Check
	violations     []explore.Violation
	exact, reduced bool
}

func newVerification(m machine, is explore.Machine, o explore.Options) *verification {
	return &verification{
		Check: schema.Check{
			Config: m.name, Summary: m.summary, Properties: once(is.Properties()), Jobs: o.Jobs, MaxStates: o.MaxStates, MaxMemory: o.MaxMemory,
			Levels: []uint64{}, Growth: []schema.Growth{}, Violations: []schema.CheckViolation{},
		},
		exact: o.Exact, reduced: o.Reduction,
	}
}

func (d *verification) checked(r explore.Result, o explore.Options, wall time.Duration) {
	d.Search = searchWords(o)
	d.States, d.Transitions, d.Depth, d.Dead = r.States, r.Transitions, r.Depth, r.Dead
	d.Levels = append(d.Levels, r.Levels...)
	d.Exhausted, d.Bound, d.Audited, d.Reduced = r.Exhausted, string(r.Bound), r.Audited, r.Reduced
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(r.States, wall), perSecond(r.Transitions, wall)
	d.BytesPerState, d.VisitedBytes, d.FrontierBytes, d.ModelBytes = r.PerState(), r.Memory.Visited, r.Memory.Frontier, r.Memory.Model
	d.Omission, d.Cut = r.Omission, r.Cut
	if o.DepthFirst || o.Jobs < 1 {
		d.Jobs = 1
	}
	if g := r.Graph; g != nil {
		d.Liveness = &schema.Liveness{Settled: g.Settled, Components: g.Components, Largest: g.Largest}
	}
	d.violations = r.Violations
}

func (d *verification) walked(w explore.Walked, wall time.Duration, seed uint64) {
	d.Search = "random walk: uniform, by weights of kinds, by priorities of processes"
	d.States, d.Transitions, d.Depth, d.Dead = w.States, w.Steps, w.Deepest, w.Dead
	d.Bound, d.Omission = string(w.Bound), explore.Omission(w.States)
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(w.States, wall), perSecond(w.Steps, wall)
	d.VisitedBytes, d.ModelBytes = w.Memory.Visited, w.Memory.Model
	if w.States > 0 {
		d.BytesPerState = float64(w.Memory.Visited+w.Memory.Model) / float64(w.States)
	}
	d.Walk = &schema.Walk{Seed: seed, Runs: w.Runs, Complete: w.Complete, Fresh: w.Fresh(), Coverage: []schema.Coverage{}}
	for _, c := range w.Coverage {
		d.Walk.Coverage = append(d.Walk.Coverage, schema.Coverage{Steps: c.Steps, States: c.States})
	}
	d.violations = w.Violations
}

// keep walks each counterexample again and keeps it in a file.
func (d *verification) keep(m machine, is explore.Machine, out string) error {
	for _, v := range d.violations {
		taken, err := is.Replay(v.Path)
		if err != nil {
			return fmt.Errorf("the counterexample to %s is no run of %s: %w", v.Property, d.Config, err)
		}
		run, err := m.run(v.Path)
		if err != nil {
			return fmt.Errorf("the counterexample to %s as a run: %w", v.Property, err)
		}
		content, err := counterexample.Encode(m.is(), v, taken, run)
		if err != nil {
			return fmt.Errorf("the counterexample to %s: %w", v.Property, err)
		}
		b := schema.CheckViolation{Property: v.Property, Message: v.Message, Loop: v.Path.Loop + 1, Steps: []schema.Step{}}
		if b.Trace, err = counterexample.Write(out, d.Config, v.Property, content); err != nil {
			return fmt.Errorf("the counterexample to %s could not be kept: %w", v.Property, err)
		}
		b.Replay = replayCommand(b.Trace)
		b.Steps = stepsOf(taken)
		d.Violations = append(d.Violations, b)
	}
	return nil
}

func stepsOf(taken explore.Replayed) []schema.Step {
	steps := []schema.Step{}
	for _, s := range taken.Steps {
		step := schema.Step{Action: s.Action, Changed: []schema.Change{}}
		for _, c := range s.Changed {
			step.Changed = append(step.Changed, schema.Change(c))
		}
		steps = append(steps, step)
	}
	return steps
}

func (d *verification) status() int {
	switch {
	case len(d.Violations) > 0:
		return statusViolated
	case d.Exhausted, d.Bound == string(explore.Constraint), d.Walk != nil && d.Walk.Complete:
		return statusPassed
	}
	return statusHarness
}

func perSecond(n uint64, wall time.Duration) float64 {
	if wall <= 0 {
		return 0
	}
	return float64(n) / wall.Seconds()
}

// once leaves out what stands in the list before.
func once(names []string) []string {
	var all []string
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
