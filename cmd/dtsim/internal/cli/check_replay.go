package cli

import (
	"fmt"
	"io"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/cmd/dtsim/internal/counterexample"
	"dtsim/models/explore"
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
	m, err := machineByName(found.Config)
	if err != nil {
		return badUsage("%s: %w", f.replay, err)
	}
	taken, err := m.build().Replay(found.Path)
	if err != nil {
		return fmt.Errorf("%s: this is no run of %s any more: %w", f.replay, m.name, err)
	}
	d := newReplayed(found, taken, counterexample.Same(t, found, taken))
	*status = d.status()
	if f.json {
		return printJSON(env, d)
	}
	d.words(env.Stdout)
	return nil
}

// replayCommand shows a counterexample again.
func replayCommand(file string) string {
	return "go run ./cmd/dtsim check --replay " + archive.Quote(file)
}

// replayed is what `dtsim check --replay --json` prints.
type replayed struct {
	Config   string     `json:"config"`
	Property string     `json:"property"`
	Message  string     `json:"message"`
	Verdict  string     `json:"verdict"`
	Judged   bool       `json:"judged_apart"`
	Same     bool       `json:"identical"`
	Loop     int        `json:"loop"`
	Steps    []stepTold `json:"steps"`
	Broken   []broken   `json:"broken"`
	differs  error
}

type broken struct {
	Property string `json:"property"`
	Message  string `json:"message"`
}

func newReplayed(f counterexample.Found, taken explore.Replayed, differs error) replayed {
	d := replayed{
		Config: f.Config, Property: f.Property, Message: f.Message, Verdict: "held", Judged: taken.Judged,
		Same: differs == nil, Loop: f.Path.Loop + 1, Steps: stepsTold(taken), Broken: []broken{}, differs: differs,
	}
	for _, b := range taken.Broken {
		d.Broken = append(d.Broken, broken(b))
		d.Verdict = "violated"
	}
	return d
}

func (d *replayed) status() int {
	if len(d.Broken) > 0 {
		return statusViolated
	}
	return statusHeld
}

func (d *replayed) words(w io.Writer) {
	fmt.Fprintf(w, "%s: %s: %s\n\n", d.Config, d.Property, d.Message)
	tellSteps(w, d.Steps, d.Loop)
	fmt.Fprintln(w)
	if d.differs != nil {
		fmt.Fprintf(w, "The machine is another one by now: %v.\n", d.differs)
	}
	for _, b := range d.Broken {
		fmt.Fprintf(w, "violated %s: %s\n", b.Property, b.Message)
	}
	switch {
	case len(d.Broken) == 0:
		fmt.Fprintln(w, "The path breaks nothing.")
	case d.Judged:
		fmt.Fprintln(w, "Judged by code that the search does not use.")
	}
}
