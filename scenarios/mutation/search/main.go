// Search has the model checker visit every state of one small cluster, or every log, and
// prints what it found. It is the program that mutants of the shipped code are built into:
// `dtsim check` without anything but the search, so that it is built in a second.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/models/explore/logs"
	"dtsim/models/explore/tasks"
)

// found is what was found, as JSON on standard output.
type found struct {
	States     uint64      `json:"states"`
	Exhausted  bool        `json:"exhausted"`
	Violations []violation `json:"violations"`
}

type violation struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Replayed are the properties that the path violates when it is walked without what the
	// search knows.
	Replayed []string `json:"again"`
}

func main() {
	config := flag.String("config", "", "the cluster, as JSON")
	length := flag.Int("logs", 0, "search all logs of so many commands instead")
	random := flag.Uint64("random", 0, "apply so many random logs instead")
	liveness := flag.Bool("liveness", false, "check liveness, too")
	jobs := flag.Int("jobs", 1, "workers")
	file := flag.String("trace", "", "the file that the first counterexample is written to")
	flag.Parse()
	run := func() error { return search(*config, *liveness, *jobs, *file) }
	if *length > 0 {
		run = func() error { return searchLogs(*length, *jobs) }
	}
	if *random > 0 {
		run = func() error { return randomLogs(*random, *jobs) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func search(config string, liveness bool, jobs int, file string) error {
	var c tasks.Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	m, err := tasks.New(c)
	if err != nil {
		return err
	}
	r, err := explore.Check(context.Background(), explore.Model[tasks.State](m),
		explore.Options{Symmetry: !liveness, Reduction: !liveness, Liveness: liveness, Jobs: jobs})
	if err != nil {
		return err
	}
	f := found{States: r.States, Exhausted: r.Exhausted}
	for i, v := range r.Violations {
		one := violation{Property: v.Property, Message: v.Message}
		for _, b := range m.CheckPath(nil, v.Path.Actions) {
			one.Replayed = append(one.Replayed, b.Property)
		}
		f.Violations = append(f.Violations, one)
		if i == 0 && file != "" {
			if err := keep(file, m, c, v); err != nil {
				return err
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// searchLogs searches every log of one command, and of more those that lead to other states.
func searchLogs(length, jobs int) error {
	m := logs.NewMerged(length)
	r, err := explore.Check[logs.State](context.Background(), m, explore.Options{Jobs: jobs})
	if err != nil {
		return err
	}
	f := found{States: r.States, Exhausted: r.Exhausted}
	for _, v := range r.Violations {
		f.Violations = append(f.Violations, violation{Property: v.Property, Message: v.Message})
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// randomLogs applies random logs.
func randomLogs(n uint64, jobs int) error {
	applied, all := logs.Campaign(context.Background(), 1, n, jobs, nil)
	f := found{States: applied}
	for _, v := range all {
		f.Violations = append(f.Violations, violation{Property: v.Property, Message: v.Message})
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// keep writes a counterexample.
func keep(file string, m *tasks.Model, c tasks.Config, v explore.Violation) error {
	taken, err := explore.Replay[tasks.State](m, v.Path)
	if err != nil {
		return err
	}
	run, err := m.RunOf(v.Path)
	if err != nil {
		return err
	}
	settings, err := json.Marshal(c)
	if err != nil {
		return err
	}
	is := counterexample.Machine{Config: c.Name, Settings: string(settings)}
	content, err := counterexample.Encode(is, v, taken, (*counterexample.Run)(&run))
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
