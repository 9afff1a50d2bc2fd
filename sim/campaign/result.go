package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/sim/trace"
)

// Result is the result of a campaign.
type Result struct {
	// Asked holds an outcome for every run that was asked for, in seed order.
	Asked []Outcome
	// Compared holds the repetitions by the second engine; empty without one.
	Compared []Outcome
	// Controls are the runs about the harness itself. One that failed is Violated or
	// HarnessError.
	Controls []Outcome
	// Distinct are the distinct failures among the violations; empty if they were not
	// collected.
	Distinct []Failure
	// Wall is how long it all took.
	Wall time.Duration
}

// Failure is what violations that are the same have in common.
type Failure struct {
	Property string
	// Violation is the first of Property in the shrunk plan's run.
	Violation trace.Violation
	// Outcomes are the violated runs that it was found in, the one that was shrunk first.
	Outcomes []Outcome
	// Folder is where it is kept; empty when it is not.
	Folder string
	// Before and After are the sizes of its plan, Statement is whether it could be smaller;
	// all are empty if it was not shrunk.
	Before, After, Statement string
	// Pinned is whether other machines reproduce it; empty if that was not tried.
	Pinned string
	// Err is a failure of the harness; the first outcome has it, too.
	Err error
}

// Done returns how many of the asked runs have a verdict.
func (r Result) Done() int {
	n := 0
	for _, o := range r.Asked {
		if o.State >= Violated {
			n++
		}
	}
	return n
}

// All yields the asked runs, then the repetitions.
func (r Result) All() []Outcome { return slices.Concat(r.Asked, r.Compared) }

// everything returns all runs, the controls behind the others, and behind each its ablation
// if that was kept.
func (r Result) everything() []Outcome {
	var all []Outcome
	for _, o := range slices.Concat(r.All(), r.Controls) {
		all = append(all, o)
		if o.Ablation != nil {
			all = append(all, *o.Ablation)
		}
	}
	return all
}

// Violated returns the outcomes that violate a property.
func (r Result) Violated() []Outcome {
	return slices.DeleteFunc(r.everything(), func(o Outcome) bool { return o.State != Violated })
}

// Failures returns the outcomes at which the harness failed, those that could not be kept
// among them.
func (r Result) Failures() []Outcome {
	return slices.DeleteFunc(r.everything(), func(o Outcome) bool { return o.Err == nil })
}

// NotRun returns how many runs, repetitions included, have not ended.
func (r Result) NotRun() int { return notRun(r.All()) }

func notRun(outcomes []Outcome) int {
	n := 0
	for _, o := range outcomes {
		if o.State == NotRun {
			n++
		}
	}
	return n
}

// Status is the exit status: 3 when the harness failed or did less than it was
// asked, whatever it found until then; else 1 for a violation, else 0.
func (r Result) Status() int {
	switch {
	case notRun(r.everything()) > 0 || len(r.Failures()) > 0:
		return 3
	case len(r.Violated()) > 0:
		return 1
	default:
		return 0
	}
}

// Hash is the hash of the asked runs' hashes in seed order. It is empty when a
// run has no verdict: part of a campaign is not comparable with the whole.
func (r Result) Hash() string {
	if r.Done() < len(r.Asked) {
		return ""
	}
	h := sha256.New()
	for _, o := range r.Asked {
		io.WriteString(h, o.Hash+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Disagreement is a run whose two engines give different verdicts. That is not a
// fault by itself: an engine explores its own order of goroutines.
type Disagreement struct{ Asked, Compared Outcome }

// Disagreements returns the repeated runs whose verdicts differ.
func (r Result) Disagreements() []Disagreement {
	asked := map[Run]Outcome{}
	for _, o := range r.Asked {
		asked[o.Run] = o
	}
	var all []Disagreement
	for _, o := range r.Compared {
		a := asked[o.Run]
		if a.State >= Violated && o.State >= Violated && !slices.Equal(a.Properties(), o.Properties()) {
			all = append(all, Disagreement{a, o})
		}
	}
	return all
}

// Group is what came of all asked runs of one scenario.
type Group struct {
	Scenario string
	// Runs counts the runs with a verdict, the others those without.
	Runs, Violated, HarnessErrors, NotRun int
	Virtual, Wall, CPU                    time.Duration
	Counters                              map[string]int64
	// Properties are the violated ones, sorted.
	Properties []string
	// Ablations counts the runs that passed, and violate AblationProperties without one of
	// their faults.
	Ablations          int
	AblationProperties []string
}

// Events counts the events of all runs. The counters whose names have a slash count
// other things.
func (g Group) Events() int64 {
	var n int64
	for name, of := range g.Counters {
		if !strings.Contains(name, "/") {
			n += of
		}
	}
	return n
}

// State returns the worst of the group's runs; HarnessError is worse than NotRun.
func (g Group) State() State {
	switch {
	case g.HarnessErrors > 0:
		return HarnessError
	case g.NotRun > 0:
		return NotRun
	case g.Violated+g.Ablations > 0:
		return Violated
	default:
		return Passed
	}
}

// Sum adds up outcomes under a name.
func Sum(name string, outcomes []Outcome) Group {
	g := Group{Scenario: name, Counters: map[string]int64{}}
	properties, without := map[string]bool{}, map[string]bool{}
	for _, o := range outcomes {
		switch o.State {
		case NotRun:
			g.NotRun++
		case HarnessError:
			g.HarnessErrors++
		case Violated:
			g.Violated++
			g.Runs++
		case Passed:
			g.Runs++
		}
		g.Virtual += o.Virtual
		g.Wall += o.Wall
		g.CPU += o.CPU
		for name, n := range o.Counters {
			g.Counters[name] += n
		}
		for _, id := range o.Properties() {
			properties[id] = true
		}
		if o.Ablation != nil {
			g.Ablations++
			for _, id := range o.Ablation.Properties() {
				without[id] = true
			}
		}
	}
	g.Properties = slices.Sorted(maps.Keys(properties))
	g.AblationProperties = slices.Sorted(maps.Keys(without))
	return g
}

// Scenarios groups the asked runs by scenario, in the order they were asked for.
func (r Result) Scenarios() []Group {
	var names []string
	byName := map[string][]Outcome{}
	for _, o := range r.Asked {
		if _, seen := byName[o.Run.Name]; !seen {
			names = append(names, o.Run.Name)
		}
		byName[o.Run.Name] = append(byName[o.Run.Name], o)
	}
	groups := make([]Group, len(names))
	for i, name := range names {
		groups[i] = Sum(name, byName[name])
	}
	return groups
}

// DistinctPlans returns how many different plans were run.
func (r Result) DistinctPlans() int {
	plans := map[string]bool{}
	for _, o := range r.Asked {
		if o.PlanHash != "" {
			plans[o.PlanHash] = true
		}
	}
	return len(plans)
}
