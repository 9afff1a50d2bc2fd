package mutation

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"dtsim/sim/raftcheck"
)

// Properties are all of the task manager that a mutant may break: P1 to P19.
var Properties = func() (all []string) {
	for n := 1; n <= 19; n++ {
		all = append(all, "P"+strconv.Itoa(n))
	}
	return all
}()

// judged are all properties that a mutant may break: P1 to P19, and R1 to R8 of Raft.
var judged = slices.Concat(Properties, raftcheck.Properties())

// The names of the rows that are no mutant: the system as it is, and the programs that
// hold all small or all semantic mutants with none of them chosen.
const (
	Unmutated          = "(unmutated)"
	NoneChosen         = "(none chosen)"
	NoneChosenSemantic = "(no semantic one chosen)"
)

const (
	// Race stands in the place of a property for a data race, in [Mutant.Breaks] as well.
	Race = "race"
	// HarnessError stands in the place of a property where the harness has failed.
	HarnessError = "exit 3"
	// KilledBefore is why a detector was not tried on a generated mutant.
	KilledBefore = "killed before"
	// Convincing is how many runs must violate a property before it counts as the only one
	// that detects a mutant.
	Convincing = 10
)

// sorted returns properties in their order, and names that are none behind them.
func sorted[V any](found map[string]V) []string {
	place := func(id string) int {
		if i := slices.Index(judged, id); i >= 0 {
			return i
		}
		return len(judged)
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

// mayKill reports whether a violation of id can be a kill: it is a property, of the task manager or
// of Raft, or a data race, and neither a promise of a plan nor a failure of the harness.
func mayKill(id string) bool { return slices.Contains(judged, id) || id == Race }

// promise reports whether a violation of id is that of a promise of a plan.
func promise(id string) bool { return !mayKill(id) && id != HarnessError }
