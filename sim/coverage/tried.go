package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Possibility is one case of an interface or of an option, which some run of a campaign should
// try. The application lists them all, and counts those that it meets.
type Possibility struct {
	// Part is the part of the account, Of what the case is one of, Case the case. Part and Of have no
	// slash.
	Part, Of, Case string
	// Accepted is why the case may stay untried; empty if it may not.
	Accepted string
}

// Counter returns the name of the counter.
func (p Possibility) Counter() string { return TriedPrefix + p.Part + "/" + p.Of + "/" + p.Case }

// String describes the case.
func (p Possibility) String() string { return p.Part + " " + p.Of + ": " + p.Case }

// Tried is how often a case was tried.
type Tried struct {
	Possibility
	Count int64
	// Unforeseen: the case is in no list, as it was thought to be impossible.
	Unforeseen bool
}

// rank returns which of the groups of [Account.Tried] a case belongs to.
func (t Tried) rank() int {
	switch {
	case t.Count > 0:
		return 2
	case t.Accepted != "":
		return 1
	}
	return 0
}

// tried counts all cases. Among those that were never tried, those come first of which no case was
// tried at all, then all in the order of the list.
func tried(counters map[string]int64, possible []Possibility) []Tried {
	var all []Tried
	type whole struct{ part, of string }
	sums := make(map[whole]int64)
	listed := make(map[string]bool, len(possible))
	for _, p := range possible {
		name := p.Counter()
		listed[name] = true
		all = append(all, Tried{Possibility: p, Count: counters[name]})
		sums[whole{p.Part, p.Of}] += counters[name]
	}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if rest, ok := strings.CutPrefix(name, TriedPrefix); ok && !listed[name] {
			part, rest, _ := strings.Cut(rest, "/")
			of, what, _ := strings.Cut(rest, "/")
			all = append(all, Tried{Possibility: Possibility{Part: part, Of: of, Case: what}, Count: counters[name], Unforeseen: true})
		}
	}
	slices.SortStableFunc(all, func(a, b Tried) int {
		if c := cmp.Compare(a.rank(), b.rank()); c != 0 {
			return c
		}
		if a.rank() == 0 {
			return cmp.Compare(min(1, sums[whole{a.Part, a.Of}]), min(1, sums[whole{b.Part, b.Of}]))
		}
		return cmp.Or(cmp.Compare(a.Count, b.Count), unforeseenOrder(a, b))
	})
	return all
}

// unforeseenOrder puts unforeseen cases, which are in no order, behind the others, by name.
func unforeseenOrder(a, b Tried) int {
	switch {
	case a.Unforeseen && b.Unforeseen:
		return strings.Compare(a.String(), b.String())
	case a.Unforeseen:
		return 1
	case b.Unforeseen:
		return -1
	}
	return 0
}

// Untried returns the cases that were never tried and should be.
func (a Account) Untried() []Tried {
	n := slices.IndexFunc(a.Tried, func(t Tried) bool { return t.rank() > 0 })
	if n < 0 {
		n = len(a.Tried)
	}
	return a.Tried[:n]
}
