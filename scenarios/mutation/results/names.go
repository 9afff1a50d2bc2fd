package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// The names of the detectors, in the order of a table's columns.
const (
	Simulation  = "sim"
	Exploration = "explore"
	UnitTests   = "unit"
)

// The names of the two rows that are no mutant: the system as it is, and the program that
// holds all generated mutants with none of them chosen.
const (
	Unmutated  = "(unmutated)"
	NoneChosen = "(none chosen)"
)

const (
	// Race stands in the place of a property for a data race.
	Race = "race"
	// HarnessError stands in the place of a property where the harness has failed.
	HarnessError = "exit 3"
	// KilledBefore is why a detector was not asked about a generated mutant.
	KilledBefore = "killed before"
	// Convincing is how many runs must violate a property before it counts as the only one
	// that detects a mutant.
	Convincing = 10
	// Properties is how many properties there are: P1 to P18.
	Properties = 18
)

// Sorted returns properties by number, and names that are none behind them.
func Sorted[V any](found map[string]V) []string {
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
	})
}

// number returns the number of a property of the design, and a greater one for any other
// name.
func number(id string) int {
	n := 0
	if _, err := fmt.Sscanf(id, "P%d", &n); err != nil || id != fmt.Sprintf("P%d", n) {
		return Properties + 1
	}
	return n
}

// MayKill reports whether a violation of id can be a kill: it is a property or a data
// race, and neither a promise of a plan nor a failure of the harness.
func MayKill(id string) bool { return number(id) <= Properties || id == Race }

// Promise reports whether a violation of id is that of a promise of a plan.
func Promise(id string) bool { return !MayKill(id) && id != HarnessError }
