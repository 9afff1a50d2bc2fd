// Check explores one configuration and says what it found: the program that the
// mutants of the shipped code are built into.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"dtsim/models/explore"
	"dtsim/models/explore/cluster"
	"dtsim/models/explore/counterexample"
)

// found is what was found, as JSON on standard output.
type found struct {
	States, Transitions uint64
	Exhausted           bool
	Properties          []string
	Messages            []string
	Steps               []string
	// Judged is what the first path breaks when it is walked without what the search knows.
	Judged []string
}

func main() {
	config := flag.String("config", "default", "the configuration")
	liveness := flag.Bool("liveness", false, "ask for liveness, too")
	jobs := flag.Int("jobs", 2, "workers")
	file := flag.String("trace", "", "where the first counterexample goes")
	flag.Parse()
	if err := check(*config, *liveness, *jobs, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func check(config string, liveness bool, jobs int, file string) error {
	c, known := cluster.Configs()[config]
	if !known {
		return fmt.Errorf("there is no configuration %q", config)
	}
	m, err := cluster.New(c)
	if err != nil {
		return err
	}
	r, err := explore.Check(context.Background(), explore.Model[cluster.State](m),
		explore.Options{Symmetry: !liveness, Reduction: !liveness, Liveness: liveness, Jobs: jobs})
	if err != nil {
		return err
	}
	f := found{States: r.States, Transitions: r.Transitions, Exhausted: r.Exhausted}
	for i, v := range r.Violations {
		f.Properties, f.Messages = append(f.Properties, v.Property), append(f.Messages, v.Message)
		if i > 0 {
			continue
		}
		if err := write(file, m, config, v); err != nil {
			return err
		}
		at := m.Initial(nil)[v.Path.Initial]
		for _, a := range v.Path.Actions {
			f.Steps = append(f.Steps, m.Describe(&at, a))
			at, _ = m.Step(&at, a)
		}
		for _, b := range m.Judge(nil, v.Path.Actions) {
			f.Judged = append(f.Judged, b.Property)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// write keeps a counterexample.
func write(file string, m *cluster.Model, config string, v explore.Violation) error {
	if file == "" {
		return nil
	}
	taken, err := explore.Replay[cluster.State](m, v.Path)
	if err != nil {
		return err
	}
	told, err := m.Tell(v.Path)
	if err != nil {
		return err
	}
	content, err := counterexample.Encode(counterexample.Machine{Config: config}, v, taken, (*counterexample.Told)(&told))
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
