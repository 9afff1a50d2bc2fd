// Package scenarios is the catalogue of scenarios: named families of plans, each with the
// promises that its runs must keep.
//
// A scenario is a pure function from a seed to a plan. The seed varies what a
// scenario is not about: unit times, latencies, which node is asked and when, and
// the number of nodes where that does not matter. What the scenario is about is in its
// promises, which package scenarios/property checks.
package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskplan"
)

// Scenario is a named family of plans.
type Scenario struct {
	// Name is its name in commands and pages, "journey-3" and so on.
	Name string
	// Summary describes in one line what happens and what must come of it.
	Summary string

	// former is the name that it had, if it had another: commands take that, too, and what is
	// drawn for its plans depends on that one.
	former string
	// own is set if what happens is only part of the contract of this repository.
	own bool
	// One of the two makes the plan.
	write  func(*draft)
	family *family
}

// Options are what a caller may fix instead of the seed.
type Options struct {
	// Nodes is the number of nodes; zero leaves it to the seed.
	Nodes int
	// Published leaves out what the contract of the published task manager (see
	// [property.Weaviate]) does not allow: records of a status that it does not have, and
	// submissions that its clients cannot make.
	Published bool
}

// Published reports whether the scenario means something for the published task manager.
func (s Scenario) Published() bool { return !s.own }

// Plan returns the plan of a seed. The same seed and options give the same plan.
// The plan is not validated: plan.Validate returns an error for options
// that no cluster can have.
func (s Scenario) Plan(seed uint64, o Options) *taskplan.Plan {
	if s.family != nil {
		return s.family.compose(fromSeed(s.Name, seed), s.Name, seed, o)
	}
	d := newDraft(cmp.Or(s.former, s.Name), seed, o)
	d.plan.Name = s.Name
	s.write(d)
	return d.finish()
}

// All returns every scenario, in the order of the documentation.
func All() []Scenario { return slices.Concat(Scripted(), Hostile()) }

// Scripted returns the scenarios whose operations and faults are written down: they promise
// how the run ends.
func Scripted() []Scenario {
	return slices.Concat(journeys(), endings(), records(), rollbacks(), history())
}

// ByName returns the scenario that has that name, or had it. The error names the closest
// one that exists.
func ByName(name string) (Scenario, error) {
	all := All()
	for _, s := range all {
		if name == s.Name || s.former != "" && name == s.former {
			return s, nil
		}
	}
	closest := slices.MinFunc(all, func(a, b Scenario) int {
		return distance(name, a.Name) - distance(name, b.Name)
	})
	if distance(name, closest.Name) <= max(2, len(name)/2) {
		return Scenario{}, fmt.Errorf("there is no scenario %q; did you mean %q?", name, closest.Name)
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return Scenario{}, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(names, ", "))
}

// distance is the Levenshtein distance of two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
