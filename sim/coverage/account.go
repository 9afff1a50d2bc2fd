package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"dtsim/sim/plan"
)

// Account is what the counters of one run, or the sums of many, say.
type Account struct {
	// Faults are the kinds of faults that were asked for, in the order of
	// [plan.FaultKinds].
	Faults []FaultAccount
	// Sometimes are all goals: those at zero first, the others in the order of [Goals].
	Sometimes []Reached
	// AtStake are the properties that were at stake, by number and then by name.
	AtStake []Reached
}

// FaultAccount is what became of the faults of a kind; see the package comment.
type FaultAccount struct {
	Kind                              string
	Asked, Applied, Effective, Bitten int64
	// States are the bites by state; see [States].
	States map[string]int64
}

// Reached is how often something came about.
type Reached struct {
	Name  string
	Count int64
}

// NewAccount reads counters.
func NewAccount(counters map[string]int64) Account {
	var a Account
	for _, kind := range plan.FaultKinds() {
		of := func(what string) int64 { return counters[FaultPrefix+string(kind)+"/"+what] }
		f := FaultAccount{
			Kind: string(kind), Asked: of("asked"), Applied: of("applied"), Effective: of("effective"), Bitten: of("bites"),
			States: make(map[string]int64),
		}
		if f.Asked == 0 {
			continue
		}
		for _, state := range States() {
			if n := counters[StatePrefix+string(kind)+"/"+state]; n != 0 {
				f.States[state] = n
			}
		}
		a.Faults = append(a.Faults, f)
	}
	for _, g := range goals {
		a.Sometimes = append(a.Sometimes, Reached{g.Name, counters[SometimesPrefix+g.Name]})
	}
	slices.SortStableFunc(a.Sometimes, func(x, y Reached) int { return cmp.Compare(min(x.Count, 1), min(y.Count, 1)) })
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if property, ok := strings.CutPrefix(name, AtStakePrefix); ok {
			a.AtStake = append(a.AtStake, Reached{property, counters[name]})
		}
	}
	slices.SortStableFunc(a.AtStake, func(x, y Reached) int { return cmp.Compare(len(x.Name), len(y.Name)) })
	return a
}

// Missed returns the goals that were not reached.
func (a Account) Missed() []Reached {
	n := slices.IndexFunc(a.Sometimes, func(r Reached) bool { return r.Count > 0 })
	if n < 0 {
		n = len(a.Sometimes)
	}
	return a.Sometimes[:n]
}
