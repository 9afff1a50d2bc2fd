package cli

import (
	"fmt"
	"slices"
	"time"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
)

// verification is what `dtsim check --json` prints.
type verification struct {
	Config      string   `json:"config"`
	Summary     string   `json:"summary"`
	Properties  []string `json:"properties"`
	Search      string   `json:"search"`
	Jobs        int      `json:"jobs"`
	States      uint64   `json:"states"`
	Transitions uint64   `json:"transitions"`
	Depth       int      `json:"depth"`
	Levels      []uint64 `json:"levels"`
	Dead        uint64   `json:"dead_ends"`
	Exhausted   bool     `json:"exhausted"`
	// Bound is what ended the search early.
	Bound           explore.Bound    `json:"bound"`
	WallS           float64          `json:"wall_s"`
	StatesPerS      float64          `json:"states_per_s"`
	TransitionsPerS float64          `json:"transitions_per_s"`
	BytesPerState   float64          `json:"bytes_per_state"`
	VisitedBytes    uint64           `json:"visited_bytes"`
	FrontierBytes   uint64           `json:"frontier_bytes"`
	ModelBytes      uint64           `json:"model_bytes"`
	Omission        float64          `json:"omission_probability"`
	Audited         uint64           `json:"audited_pairs"`
	Reduced         uint64           `json:"reduced_states"`
	Liveness        *livenessCounts  `json:"liveness,omitempty"`
	Walk            *walkCounts      `json:"walk,omitempty"`
	Violations      []brokenProperty `json:"violations"`
	violations      []explore.Violation
	exact, reduced  bool
}

type livenessCounts struct {
	Settled    uint64 `json:"settled_states"`
	Components uint64 `json:"unsettled_components"`
	Largest    uint64 `json:"largest_component"`
}

type walkCounts struct {
	Seed     uint64          `json:"seed"`
	Runs     uint64          `json:"runs"`
	Complete bool            `json:"complete"`
	Fresh    float64         `json:"new_states_per_step"`
	Coverage []coveragePoint `json:"coverage"`
}

type coveragePoint struct {
	Steps  uint64 `json:"steps"`
	States uint64 `json:"states"`
}

// brokenProperty is a violation with its path in words.
type brokenProperty struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Loop is the step, from 1, to which the last one returns; 0 for a path that ends.
	Loop   int        `json:"loop"`
	Steps  []stepTold `json:"steps"`
	Trace  string     `json:"trace"`
	Replay string     `json:"replay"`
}

type stepTold struct {
	Action  string        `json:"action"`
	Changed []partChanged `json:"changed"`
}

type partChanged struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func newVerification(m machine, is explore.Machine, o explore.Options) *verification {
	return &verification{
		Config: m.name, Summary: m.summary, Properties: once(is.Properties()), Jobs: o.Jobs, exact: o.Exact, reduced: o.Reduction,
		Levels: []uint64{}, Violations: []brokenProperty{},
	}
}

func (d *verification) checked(r explore.Result, o explore.Options, wall time.Duration) {
	d.Search = searchWords(o)
	d.States, d.Transitions, d.Depth, d.Dead = r.States, r.Transitions, r.Depth, r.Dead
	d.Levels = append(d.Levels, r.Levels...)
	d.Exhausted, d.Bound, d.Audited, d.Reduced = r.Exhausted, r.Bound, r.Audited, r.Reduced
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(r.States, wall), perSecond(r.Transitions, wall)
	d.BytesPerState, d.VisitedBytes, d.FrontierBytes, d.ModelBytes = r.PerState(), r.Memory.Visited, r.Memory.Frontier, r.Memory.Model
	d.Omission = r.Omission
	if o.DepthFirst || o.Jobs < 1 {
		d.Jobs = 1
	}
	if g := r.Graph; g != nil {
		d.Liveness = &livenessCounts{g.Settled, g.Components, g.Largest}
	}
	d.violations = r.Violations
}

func (d *verification) walked(w explore.Walked, wall time.Duration, seed uint64) {
	d.Search = "random walk: uniform, by weights of kinds, by priorities of processes"
	d.States, d.Transitions, d.Depth, d.Dead = w.States, w.Steps, w.Deepest, w.Dead
	d.Bound, d.Omission = w.Bound, explore.Omission(w.States)
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(w.States, wall), perSecond(w.Steps, wall)
	d.VisitedBytes, d.ModelBytes = w.Memory.Visited, w.Memory.Model
	if w.States > 0 {
		d.BytesPerState = float64(w.Memory.Visited+w.Memory.Model) / float64(w.States)
	}
	d.Walk = &walkCounts{Seed: seed, Runs: w.Runs, Complete: w.Complete, Fresh: w.Fresh(), Coverage: []coveragePoint{}}
	for _, c := range w.Coverage {
		d.Walk.Coverage = append(d.Walk.Coverage, coveragePoint{c.Steps, c.States})
	}
	d.violations = w.Violations
}

// tell takes each counterexample again and keeps it in a file.
func (d *verification) tell(m machine, is explore.Machine, out string) error {
	for _, v := range d.violations {
		taken, err := is.Replay(v.Path)
		if err != nil {
			return fmt.Errorf("the counterexample to %s is no run of %s: %w", v.Property, d.Config, err)
		}
		told, err := m.told(v.Path)
		if err != nil {
			return fmt.Errorf("the counterexample to %s cannot be told: %w", v.Property, err)
		}
		content, err := counterexample.Encode(m.is(), v, taken, told)
		if err != nil {
			return fmt.Errorf("the counterexample to %s: %w", v.Property, err)
		}
		b := brokenProperty{Property: v.Property, Message: v.Message, Loop: v.Path.Loop + 1, Steps: []stepTold{}}
		if b.Trace, err = counterexample.Write(out, d.Config, v.Property, content); err != nil {
			return fmt.Errorf("the counterexample to %s could not be kept: %w", v.Property, err)
		}
		b.Replay = replayCommand(b.Trace)
		b.Steps = stepsTold(taken)
		d.Violations = append(d.Violations, b)
	}
	return nil
}

func stepsTold(taken explore.Replayed) []stepTold {
	told := []stepTold{}
	for _, s := range taken.Steps {
		step := stepTold{Action: s.Action, Changed: []partChanged{}}
		for _, c := range s.Changed {
			step.Changed = append(step.Changed, partChanged(c))
		}
		told = append(told, step)
	}
	return told
}

func (d *verification) status() int {
	switch {
	case len(d.Violations) > 0:
		return statusViolated
	case d.Exhausted, d.Walk != nil && d.Walk.Complete:
		return statusHeld
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
