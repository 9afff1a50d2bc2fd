package tried

import (
	"slices"

	"dtsim/sim/coverage"
)

// The parts of the account, the worst to miss first.
const (
	partCommand  = "command"
	partCall     = "call"
	partCallback = "callback"
	partOption   = "option"
)

// Rows returns everything that can be tried, in a fixed order.
func Rows() []coverage.Possibility {
	all := slices.Concat(commandRows(), callRows(), callbackRows(), optionRows())
	for i := range all {
		all[i].Accepted = reason(all[i])
	}
	return all
}

// rows returns one row for each case.
func rows(part, of string, cases ...string) []coverage.Possibility {
	var all []coverage.Possibility
	for _, one := range cases {
		all = append(all, coverage.Possibility{Part: part, Of: of, Case: one})
	}
	return all
}
