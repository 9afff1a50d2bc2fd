package cli

import (
	"fmt"
	"io"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/reports/schema"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
)

// again is `dtsim check --replay`.
func (f *checkFlags) again(env *Environment, status *int) error {
	content, err := readInput(f.replay)
	if err != nil {
		return err
	}
	if !looksLikeTrace(content) {
		return badUsage("%s: this is no trace", f.replay)
	}
	t, _, err := decodeTrace(f.replay, content)
	if err != nil {
		return err
	}
	found, err := counterexample.Decode(t)
	if err != nil {
		return badUsage("%s: %w", f.replay, err)
	}
	m, err := machineOf(found.Machine)
	if err != nil {
		return badUsage("%s: %w", f.replay, err)
	}
	taken, err := m.build().Replay(found.Path)
	if err != nil {
		return fmt.Errorf("%s: this is no run of %s any more: %w", f.replay, m.name, err)
	}
	run, err := m.run(found.Path)
	if err != nil {
		return fmt.Errorf("%s: this is no run of %s any more: %w", f.replay, m.name, err)
	}
	d := newReplayed(found, taken, counterexample.Same(t, found, taken, run))
	if run != nil {
		if err := d.check(run); err != nil {
			return err
		}
	}
	*status = d.status()
	if f.json {
		return printJSON(env, d)
	}
	if f.trace {
		if err := (&traceFlags{}).print(env, t); err != nil {
			return err
		}
		fmt.Fprintln(env.Stdout)
	}
	d.words(env.Stdout, !f.trace)
	return nil
}

// replayCommand shows a counterexample again.
func replayCommand(file string) string {
	return "go run ./cmd/dtsim check --replay " + campaign.Quote(file)
}

// replayed is what `dtsim check --replay --json` prints.
type replayed struct {
	Config   string        `json:"config"`
	Property string        `json:"property"`
	Message  string        `json:"message"`
	Verdict  string        `json:"verdict"`
	Apart    bool          `json:"judged_apart"`
	Same     bool          `json:"identical"`
	Loop     int           `json:"loop"`
	Steps    []schema.Step `json:"steps"`
	Broken   []broken      `json:"broken"`
	// Checks are what the checks of simulated runs find in the path; empty when the machine
	// has no run, or they find nothing.
	Checks  []broken `json:"checks"`
	checked bool
	differs error
}

type broken struct {
	Property string `json:"property"`
	Message  string `json:"message"`
}

func newReplayed(f counterexample.Found, taken explore.Replayed, differs error) replayed {
	d := replayed{
		Config: f.Config, Property: f.Property, Message: f.Message, Verdict: "held", Apart: taken.Independent,
		Same: differs == nil, Loop: f.Path.Loop + 1, Steps: stepsOf(taken), Broken: []broken{}, Checks: []broken{}, differs: differs,
	}
	for _, b := range taken.Broken {
		d.Broken = append(d.Broken, broken(b))
		d.Verdict = "violated"
	}
	return d
}

// check applies the checks of simulated runs to the path. They know nothing of the model,
// and find what can be found before a run has ended.
func (d *replayed) check(run *counterexample.Run) error {
	p, err := taskplan.Of(&run.Plan)
	if err != nil {
		return err
	}
	o := property.New(p, property.Own)
	seq := 0
	for _, step := range run.Events {
		for _, e := range step {
			seq++
			e.Seq = seq
			o.Observe(e)
		}
	}
	d.checked = true
	for _, v := range o.Verdict().Violations {
		d.Checks = append(d.Checks, broken{v.Property, v.Message})
	}
	return nil
}

func (d *replayed) status() int {
	if len(d.Broken) > 0 {
		return statusViolated
	}
	return statusPassed
}

// words prints what was found, with the steps of the path unless they are printed elsewhere.
func (d *replayed) words(w io.Writer, steps bool) {
	fmt.Fprintf(w, "%s: %s: %s\n\n", d.Config, d.Property, d.Message)
	if steps {
		printSteps(w, d.Steps, d.Loop)
		fmt.Fprintln(w)
	}
	if d.differs != nil {
		fmt.Fprintf(w, "The machine is another one by now: %v.\n", d.differs)
	}
	for _, b := range d.Broken {
		fmt.Fprintf(w, "violated %s: %s\n", b.Property, b.Message)
	}
	for _, b := range d.Checks {
		fmt.Fprintf(w, "the checks of runs find %s: %s\n", b.Property, b.Message)
	}
	if d.checked && len(d.Checks) == 0 {
		fmt.Fprintln(w, "The checks of runs find nothing in it; they see the effects of decisions, not the decisions.")
	}
	switch {
	case len(d.Broken) == 0:
		fmt.Fprintln(w, "The path violates nothing.")
	case d.Apart:
		fmt.Fprintln(w, "Checked by code that the search does not use.")
	}
}
