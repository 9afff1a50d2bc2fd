package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Mutants is the document of `dtsim mutants --json`, which is also kept next to the table of
// mutants. Its keys are older than the names here.
type Mutants struct {
	Command     string   `json:"command"`
	Machine     string   `json:"machine"`
	BudgetS     float64  `json:"budget_s"`
	Repetitions int      `json:"repetitions"`
	Detectors   []string `json:"judges"`
	// Unmutated is what detectors spent on the unmutated system, by detector, Found what they
	// found there.
	Unmutated map[string]Kill `json:"unmutated"`
	Found     []Finding       `json:"unmutated_violations"`
	Mutants   []Mutant        `json:"mutants"`
	Worth     []Worth         `json:"worth"`
	// Generated and Semantic are the samples of small and of semantic mutants that operators
	// made, if there were any.
	Generated *Generated `json:"generated,omitempty"`
	Semantic  *Generated `json:"semantic,omitempty"`
}

// Generated is a sample of mutants that operators made.
type Generated struct {
	// Seed chose the sample. Sampled is its size; Equivalent are those that behave as the
	// system does, by name with the reason; Measured is how many others there are.
	Seed       uint64            `json:"seed"`
	Sampled    int               `json:"sampled"`
	Equivalent map[string]string `json:"equivalent"`
	Measured   int               `json:"judged"`
	// KilledBy counts kills by the first detector that killed; Percent is what simulation and
	// the model checker have killed of those measured.
	KilledBy map[string]int `json:"killed_by"`
	Percent  float64        `json:"percent"`
	// Survivors are what neither has killed, by name with what would find it, empty if that
	// is not known; Failed are those of them at which a detector has failed.
	Survivors map[string]string `json:"survivors"`
	Failed    []string          `json:"failed"`
	// Found are the detectors that found something in the program of all mutants with none
	// chosen: then nothing here counts.
	Found []string `json:"none_chosen_violations"`
	// Unchosen is what detectors spent on that program, by detector; Mutants are in the order of
	// the table, survivors last.
	Unchosen map[string]Kill   `json:"none_chosen"`
	Mutants  []GeneratedMutant `json:"mutants"`
}

// GeneratedMutant is a mutant that an operator made; a detector is not tried on what another
// has killed.
type GeneratedMutant struct {
	Mutant
	// What is the place and the change.
	What string `json:"what"`
}

// DetectorNames returns the detectors of a document in its order; without one, those that
// its mutants name.
func (d *Mutants) DetectorNames() []string {
	if len(d.Detectors) > 0 {
		return d.Detectors
	}
	names := map[string]bool{}
	for _, m := range d.Mutants {
		for _, of := range []map[string]Kill{m.Kills, m.Survived} {
			for name := range of {
				names[name] = true
			}
		}
		for _, of := range []map[string]string{m.Skipped, m.Failed} {
			for name := range of {
				names[name] = true
			}
		}
	}
	known := []string{Simulation, Exploration, UnitTests}
	place := func(name string) int {
		if i := slices.Index(known, name); i >= 0 {
			return i
		}
		return len(known)
	}
	return slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	})
}

// The names of the detectors, in the order of a table's columns.
const (
	Simulation  = "sim"
	Exploration = "explore"
	UnitTests   = "unit"
)

// Mutant is one mutant.
type Mutant struct {
	Name string `json:"name"`
	// Properties are those that it may break.
	Properties []string        `json:"properties"`
	Killed     bool            `json:"killed"`
	Kills      map[string]Kill `json:"kills"`
	// Survived is what the detectors that did not kill it have spent, Skipped why others were
	// not tried, Failed why those have no result.
	Survived map[string]Kill   `json:"survived"`
	Skipped  map[string]string `json:"skipped"`
	Failed   map[string]string `json:"failed"`
	// Fired counts, by property, the runs and configurations that violated it; Alone is the
	// only property among them, empty if there are others or too few runs.
	Fired map[string]int `json:"fired"`
	Alone string         `json:"alone"`
}

// Kill is what a detector spent, as medians.
type Kill struct {
	Runs  int     `json:"runs"`
	WallS float64 `json:"wall_s"`
	// Property is the one that was violated most often at the kill, empty if there was no
	// kill; Properties are all.
	Property   string   `json:"property"`
	Properties []string `json:"properties"`
	Kills      int      `json:"kills"`
	Tries      int      `json:"tries"`
	Where      string   `json:"where"`
	// Violating counts what violated a property, also after the kill; Unexpected are
	// violated properties that the mutant does not break.
	Violating  int      `json:"violating"`
	Unexpected []string `json:"unexpected"`
}

// Worth is what a property is worth: the mutants that it catches, and those that no other
// property catches.
type Worth struct {
	Property string   `json:"property"`
	Catches  []string `json:"catches"`
	Alone    []string `json:"alone"`
}

// Finding is something found in the unmutated system.
type Finding struct {
	Detector string `json:"judge"`
	Property string `json:"property"`
	Message  string `json:"message"`
	Where    string `json:"where"`
}
