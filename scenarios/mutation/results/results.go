// Package results is what detectors came to with mutants, as `dtsim mutants --json` prints
// it, and the table that is made of it.
//
// The package is a leaf: it knows neither detectors nor mutants, so that pages can be made
// from a document alone.
package results

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Mutants is what `dtsim mutants --json` prints and what is kept beside the table of
// mutants.
type Document struct {
	Command     string   `json:"command"`
	Machine     string   `json:"machine"`
	BudgetS     float64  `json:"budget_s"`
	Repetitions int      `json:"repetitions"`
	Judges      []string `json:"judges"`
	// Unmutated is what judges spent on the system as it is, by judge, Found what they
	// came to.
	Unmutated map[string]Kill `json:"unmutated"`
	Found     []Finding       `json:"unmutated_violations"`
	Mutants   []Mutant        `json:"mutants"`
	Worth     []Worth         `json:"worth"`
	// Generated is the sample of mutants that operators made, if there was one.
	Generated *Generated `json:"generated,omitempty"`
}

// Generated is a sample of mutants that operators made.
type Generated struct {
	// Seed chose the sample; Sampled are all of it, Equivalent those that behave as the
	// system does, by name with the reason; the others were judged.
	Seed       uint64            `json:"seed"`
	Sampled    int               `json:"sampled"`
	Equivalent map[string]string `json:"equivalent"`
	Judged     int               `json:"judged"`
	// KilledBy counts kills by the first judge that killed; Percent is what simulation and
	// model checker have killed of the judged.
	KilledBy map[string]int `json:"killed_by"`
	Percent  float64        `json:"percent"`
	// Survivors are what neither has killed, by name with what finds it next, empty when
	// nobody knows; Failed are those of them of which a judge has failed.
	Survivors map[string]string `json:"survivors"`
	Failed    []string          `json:"failed"`
	// Found are the judges that found something in the program that all are in, with none
	// chosen: then nothing here counts.
	Found []string `json:"none_chosen_violations"`
	// Unchosen is what judges spent on that program, by judge; Mutants are in the order of
	// the table, survivors last.
	Unchosen map[string]Kill   `json:"none_chosen"`
	Mutants  []GeneratedMutant `json:"mutants"`
}

// GeneratedMutant is a mutant that an operator made; a judge is not asked about what
// another has killed.
type GeneratedMutant struct {
	Mutant
	// What says where it is and what became what.
	What string `json:"what"`
}

// JudgeNames are the judges of a document, in its order; one without an order has those
// that its mutants name.
func (d *Document) JudgeNames() []string {
	if len(d.Judges) > 0 {
		return d.Judges
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
	known := []string{"sim", "explore", "unit"}
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

// Mutant is one mutant.
type Mutant struct {
	Name string `json:"name"`
	// Properties are those that it may break.
	Properties []string        `json:"properties"`
	Killed     bool            `json:"killed"`
	Kills      map[string]Kill `json:"kills"`
	// Survived says what was spent by the judges that did not kill it, Skipped why others
	// were not asked, Failed why those have no verdict.
	Survived map[string]Kill   `json:"survived"`
	Skipped  map[string]string `json:"skipped"`
	Failed   map[string]string `json:"failed"`
	// Fired counts, by property, what violated it, in all that judges looked at; Alone is
	// the property that it was alone, empty when there were others, or not enough.
	Fired map[string]int `json:"fired"`
	Alone string         `json:"alone"`
}

// Kill is what a judge took, as medians.
type Kill struct {
	Runs  int     `json:"runs"`
	WallS float64 `json:"wall_s"`
	// Property is the one that fired most often at the kill, empty when none did;
	// Properties are all.
	Property   string   `json:"property"`
	Properties []string `json:"properties"`
	Kills      int      `json:"kills"`
	Tries      int      `json:"tries"`
	Where      string   `json:"where"`
	// Violating counts what violated a property, also after the kill; Unexpected are
	// violated properties that are not the mutant's to break.
	Violating  int      `json:"violating"`
	Unexpected []string `json:"unexpected"`
}

// Worth is what a property is worth: the mutants that it catches, and those that
// nothing else catches.
type Worth struct {
	Property string   `json:"property"`
	Catches  []string `json:"catches"`
	Alone    []string `json:"alone"`
}

// Finding is something found in the system as it is.
type Finding struct {
	Judge    string `json:"judge"`
	Property string `json:"property"`
	Message  string `json:"message"`
	Where    string `json:"where"`
}
