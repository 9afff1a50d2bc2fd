package mutation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/models/explore/tasks"
	"dtsim/reports/schema"
	"dtsim/sim/engine/build"
)

// SearchPackage is the program into which mutants are built for the model checker.
const SearchPackage = "dtsim/scenarios/mutation/search"

// Search is a configuration of the model checker: a cluster, or logs.
type Search struct {
	// Command reproduces it.
	Command  string
	Cluster  tasks.Config
	Liveness bool
	// Logs is how many commands a log has, see package logs; 0 for a cluster.
	Logs int
}

// everyLog is searched first for generated mutants: most of their changes show in the state
// that some log leads to, if not in what a cluster proposes.
var everyLog = Search{Command: "dtsim check --config logs", Logs: 1}

// Searches are the configurations of the model checker, the quickest first. Each is searched
// exhaustively; all of them together take a few seconds.
func Searches() []Search {
	configs := tasks.Configs()
	named := func(name string) Search {
		return Search{Command: "dtsim check --config " + name, Cluster: configs[name]}
	}
	live := named("2n-liveness")
	live.Command, live.Liveness = live.Command+" --liveness", true
	return []Search{
		named("rerun"),
		{"dtsim check --nodes 2 --units 2 --barrier --cancels 1 --reruns 1",
			tasks.Config{Name: "custom", Nodes: 2, Units: 2, Tasks: 1, Groups: 1, Barrier: true, Cancels: 1, Reruns: 1}, false, 0},
		named("operator"), named("cancel"), named("older-proposer"), named("lag"),
		{"dtsim check --nodes 3 --units 2 --barrier --crashes 1",
			tasks.Config{Name: "custom", Nodes: 3, Units: 2, Tasks: 1, Groups: 1, Barrier: true, Crashes: 1}, false, 0},
		{"dtsim check --nodes 2 --units 2 --barrier --interrupts 1",
			tasks.Config{Name: "custom", Nodes: 2, Units: 2, Tasks: 1, Groups: 1, Barrier: true, Interrupts: 1}, false, 0},
		named("groups"), named("cleanup"), named("two-tasks"), named("compete"), named("default"), live, named("overlap"),
	}
}

// Explore is the detector that has the model checker visit every state of small clusters
// made of the mutated code.
type Explore struct {
	// Dir is a directory inside the module.
	Dir string
	// Searches are tried one after the other; see [Searches].
	Searches []Search
	// Jobs is how many workers a search has.
	Jobs   int
	Budget time.Duration
	Log    func(string)
	Now    func() time.Time
}

// Name implements [Detector].
func (x *Explore) Name() string { return schema.Exploration }

// Skip implements [Detector].
func (x *Explore) Skip(m *Mutant) string { return m.Unmodelled }

// searchResult is what the program of package search prints.
type searchResult struct {
	States     int
	Violations []struct {
		Property, Message string
		Replayed          []string `json:"again"`
	}
}

// Detect implements [Detector].
func (x *Explore) Detect(ctx context.Context, system System, wanted func(string) bool, _ int) Finding {
	program, err := x.build(ctx, system)
	if err != nil {
		return Finding{Err: err}
	}
	started := x.Now()
	bounded, cancel := context.WithTimeout(ctx, x.Budget)
	defer cancel()
	f := Finding{Fired: map[string]int{}}
	searches := x.Searches
	if system.Choice != "" {
		searches = slices.Concat([]Search{everyLog}, searches)
	}
	for _, s := range searches {
		found, err := x.search(bounded, program, system, s, "")
		f.Wall = x.Now().Sub(started)
		if bounded.Err() != nil {
			return f
		}
		if err != nil {
			f.Err = err
			return f
		}
		f.Runs += found.States
		if len(found.Violations) > 0 {
			f.Violating++
		}
		for _, v := range found.Violations {
			f.Fired[v.Property]++
			if f.Property == "" && wanted(v.Property) {
				f.Property, f.Message, f.Where = v.Property, v.Message, s.Command
			}
		}
		if f.Property != "" {
			return f
		}
	}
	return f
}

// build makes the program that searches.
func (x *Explore) build(ctx context.Context, system System) (string, error) {
	program, err := build.Make(ctx, build.Request{
		Name: "model checker", Dir: x.Dir, Package: SearchPackage, Target: build.Host(), Edits: system.Edits, Log: x.Log,
	})
	if err != nil {
		return "", err
	}
	return program.Path, nil
}

// search searches one configuration and writes the first counterexample to a file, if that
// has a name.
func (x *Explore) search(ctx context.Context, program string, system System, s Search, file string) (found searchResult, err error) {
	config, err := json.Marshal(s.Cluster)
	if err != nil {
		return found, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program,
		"-config", string(config), "-liveness="+strconv.FormatBool(s.Liveness), "-logs", strconv.Itoa(s.Logs), "-jobs", strconv.Itoa(max(1, x.Jobs)), "-trace", file)
	cmd.Env = append(os.Environ(), system.environment()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = x.Dir, &stdout, &stderr
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if bad := json.Unmarshal(stdout.Bytes(), &found); bad != nil || err != nil {
		return found, fmt.Errorf("%s: %w: %s", s.Command, errors.Join(err, bad), strings.TrimSpace(stderr.String()))
	}
	return found, nil
}
