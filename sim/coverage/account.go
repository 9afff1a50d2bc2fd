package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"dtsim/sim/plan"
)

// Account is the coverage that the counters of one run, or the sums of many, stand for.
type Account struct {
	// Faults are the kinds of faults that were asked for, in the order of
	// the catalog.
	Faults []FaultAccount
	// Sometimes are all goals: those at zero first, the others in the order of the goals.
	Sometimes []Reached
	// Exercised are all properties, those that were never exercised first. It is empty if no
	// check has counted.
	Exercised []Reached
	// Waived is what checks have waived, with the reason that they name, sorted.
	Waived []Reached
	// Tried is everything that can be tried, see [Possibility]: first what was never tried, the
	// worst first, then what need not be tried and was not, then the others, the rarest first.
	Tried []Tried
}

// FaultAccount is what became of the faults of a kind; see the package comment.
type FaultAccount struct {
	Kind                                 string
	Asked, Applied, Effective, Activated int64
	Ablation                             Reruns
	// States are the activations by state.
	States map[string]int64
}

// Reruns are the runs that were made again without a fault that was activated.
type Reruns struct {
	// Runs is how many there were, Differed in how many something else was decided.
	// Predicted is of how many the trace has it that the fault was effective, and Agreed in
	// how many the trace was right, either way.
	Runs, Differed, Predicted, Agreed int64
}

// Reached is how often something came about.
type Reached struct {
	Name  string
	Count int64
}

// Catalog is what an account of an application lists, in its order.
type Catalog struct {
	Faults     []plan.FaultKind
	Goals      []Goal
	Properties []string
	Possible   []Possibility
}

// NewAccount reads counters.
func NewAccount(counters map[string]int64, of Catalog) Account {
	var a Account
	for _, kind := range of.Faults {
		count := func(what string) int64 { return counters[FaultPrefix+string(kind)+"/"+what] }
		f := FaultAccount{
			Kind: string(kind), Asked: count("asked"), Applied: count("applied"), Effective: count("effective"), Activated: count("bites"),
			States: make(map[string]int64),
			Ablation: Reruns{
				Runs: counters[ablation(kind, "runs")], Differed: counters[ablation(kind, "differed")],
				Predicted: counters[ablation(kind, "told")], Agreed: counters[ablation(kind, "agreed")],
			},
		}
		if f.Asked == 0 {
			continue
		}
		for name, n := range counters {
			if state, ok := strings.CutPrefix(name, StatePrefix+string(kind)+"/"); ok && n != 0 {
				f.States[state] = n
			}
		}
		a.Faults = append(a.Faults, f)
	}
	for _, g := range of.Goals {
		a.Sometimes = append(a.Sometimes, Reached{g.Name, counters[SometimesPrefix+g.Name]})
	}
	for _, property := range of.Properties {
		a.Exercised = append(a.Exercised, Reached{property, counters[ExercisedPrefix+property]})
	}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if reason, ok := strings.CutPrefix(name, WaivedPrefix); ok {
			a.Waived = append(a.Waived, Reached{reason, counters[name]})
		}
	}
	a.Tried = tried(counters, of.Possible)
	slices.SortStableFunc(a.Sometimes, missedFirst)
	slices.SortStableFunc(a.Exercised, missedFirst)
	if n := len(a.Exercised); n > 0 && a.Exercised[n-1].Count == 0 {
		a.Exercised = nil
	}
	return a
}

func missedFirst(x, y Reached) int { return cmp.Compare(min(x.Count, 1), min(y.Count, 1)) }

// Ablation sums up the reruns of all kinds.
func (a Account) Ablation() (sum Reruns) {
	for _, f := range a.Faults {
		sum.Runs += f.Ablation.Runs
		sum.Differed += f.Ablation.Differed
		sum.Predicted += f.Ablation.Predicted
		sum.Agreed += f.Ablation.Agreed
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
