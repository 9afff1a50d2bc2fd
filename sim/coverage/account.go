package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskplan"
)

// Account is what the counters of one run, or the sums of many, say.
type Account struct {
	// Faults are the kinds of faults that were asked for, in the order of
	// [taskplan.FaultKinds].
	Faults []FaultAccount
	// Sometimes are all goals: those at zero first, the others in the order of [Goals].
	Sometimes []Reached
	// AtStake are all properties, those that were never at stake first. It is empty when
	// no check has counted.
	AtStake []Reached
	// Excused is what checks have let pass, with the reason that they name, sorted.
	Excused []Reached
}

// properties is how many the design has: P1 to P18.
const properties = 18

// FaultAccount is what became of the faults of a kind; see the package comment.
type FaultAccount struct {
	Kind                              string
	Asked, Applied, Effective, Bitten int64
	Without                           Reruns
	// States are the bites by state; see [States].
	States map[string]int64
}

// Reruns are the runs that were made again without a fault that had bitten.
type Reruns struct {
	// Runs is how many there were, Differed in how many something else was decided. Told
	// is of how many the trace had said that the fault was effective, and Agreed in how many
	// the trace was right, either way.
	Runs, Differed, Told, Agreed int64
}

// Reached is how often something came about.
type Reached struct {
	Name  string
	Count int64
}

// NewAccount reads counters.
func NewAccount(counters map[string]int64) Account {
	var a Account
	for _, kind := range taskplan.FaultKinds() {
		of := func(what string) int64 { return counters[FaultPrefix+string(kind)+"/"+what] }
		f := FaultAccount{
			Kind: string(kind), Asked: of("asked"), Applied: of("applied"), Effective: of("effective"), Bitten: of("bites"),
			States: make(map[string]int64),
			Without: Reruns{
				Runs: counters[withoutFault(kind, "runs")], Differed: counters[withoutFault(kind, "differed")],
				Told: counters[withoutFault(kind, "told")], Agreed: counters[withoutFault(kind, "agreed")],
			},
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
	for i := 1; i <= properties; i++ {
		property := fmt.Sprintf("P%d", i)
		a.AtStake = append(a.AtStake, Reached{property, counters[AtStakePrefix+property]})
	}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if reason, ok := strings.CutPrefix(name, ExcusedPrefix); ok {
			a.Excused = append(a.Excused, Reached{reason, counters[name]})
		}
	}
	slices.SortStableFunc(a.Sometimes, missedFirst)
	slices.SortStableFunc(a.AtStake, missedFirst)
	if a.AtStake[len(a.AtStake)-1].Count == 0 {
		a.AtStake = nil
	}
	return a
}

func missedFirst(x, y Reached) int { return cmp.Compare(min(x.Count, 1), min(y.Count, 1)) }

// Without sums up the reruns of all kinds.
func (a Account) Without() (sum Reruns) {
	for _, f := range a.Faults {
		sum.Runs += f.Without.Runs
		sum.Differed += f.Without.Differed
		sum.Told += f.Without.Told
		sum.Agreed += f.Without.Agreed
	}
	return sum
}

// Missed returns the goals that were not reached.
func (a Account) Missed() []Reached {
	n := slices.IndexFunc(a.Sometimes, func(r Reached) bool { return r.Count > 0 })
	if n < 0 {
		n = len(a.Sometimes)
	}
	return a.Sometimes[:n]
}
