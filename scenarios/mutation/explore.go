package mutation

import (
	"bytes"
	"cmp"
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

// Search is a configuration of the model checker: a cluster, logs, or random logs.
type Search struct {
	// Command reproduces it.
	Command  string
	Cluster  tasks.Config
	Liveness bool
	// Logs is how many commands a log has, see package logs; 0 for a cluster.
	Logs int
	// Random is how many random logs are applied instead; 0 for none.
	Random uint64
	// Steps is about how many steps the search takes of the unmutated system: cheap ones come
	// first.
	Steps uint64
}

// isCluster reports whether it is a cluster that is searched.
func (s Search) isCluster() bool { return s.Logs == 0 && s.Random == 0 }

// stepOfLogs is what a step of a log costs, in steps of a cluster.
const stepOfLogs = 100

// Searches are the configurations of the model checker, the quickest first: logs of one
// command behind a beginning and of two, random ones, the named clusters, and every pair of flags.
// But for random logs each is searched exhaustively; all of them together take about a minute.
func Searches() []Search {
	all := append(clusters(),
		Search{Command: "dtsim check --config logs", Logs: 1},
		Search{Command: "dtsim check --config logs-2", Logs: 2, Steps: 26_000 * stepOfLogs},
		Search{Command: "dtsim check --random-logs 100", Random: 100, Steps: 1},
		Search{Command: "dtsim check --random-logs 1000", Random: 1000, Steps: 700_000})
	for _, p := range tasks.Pairs() {
		if p.Senseless == "" {
			all = append(all, Search{Command: "dtsim check " + strings.Join(p.Config.Arguments(), " "), Cluster: p.Config, Steps: p.Transitions})
		}
	}
	slices.SortStableFunc(all, func(a, b Search) int { return cmp.Compare(a.Steps, b.Steps) })
	return all
}

// clusters are those with names, and a few that tell mutants apart.
func clusters() []Search {
	configs := tasks.Configs()
	named := func(name string, steps uint64) Search {
		return Search{Command: "dtsim check --config " + name, Cluster: configs[name], Steps: steps}
	}
	put := func(c tasks.Config, steps uint64) Search {
		c.Name, c.Tasks, c.Groups, c.Barrier = "custom", 1, 1, true
		return Search{Command: "dtsim check " + strings.Join(c.Arguments(), " "), Cluster: c, Steps: steps}
	}
	live := named("2n-liveness", 3_000_000)
	live.Command, live.Liveness = live.Command+" --liveness", true
	return []Search{
		named("rerun", 9_698), put(tasks.Config{Nodes: 2, Units: 2, Cancels: 1, Reruns: 1}, 10_000),
		named("operator", 20_183), named("cancel", 97_217), named("older-proposer", 105_565), named("lag", 168_446),
		put(tasks.Config{Nodes: 3, Units: 2, Crashes: 1}, 170_000), put(tasks.Config{Nodes: 2, Units: 2, Interrupts: 1}, 180_000),
		named("groups", 190_816), named("cleanup", 356_670), named("two-tasks", 360_000), named("compete", 502_177), named("overlap", 820_332), named("default", 887_936), live,
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
	for _, s := range x.Searches {
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
		"-config", string(config), "-liveness="+strconv.FormatBool(s.Liveness), "-logs", strconv.Itoa(s.Logs), "-random", strconv.FormatUint(s.Random, 10), "-jobs", strconv.Itoa(max(1, x.Jobs)), "-trace", file)
	cmd.Env = append(os.Environ(), system.environment()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = x.Dir, &stdout, &stderr
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if bad := json.Unmarshal(stdout.Bytes(), &found); bad != nil || err != nil {
		return found, fmt.Errorf("%s: %w: %s", s.Command, errors.Join(err, bad), strings.TrimSpace(stderr.String()))
	}
	return found, nil
}
