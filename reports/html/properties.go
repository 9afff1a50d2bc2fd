package html

import (
	"cmp"
	"slices"
	"strings"

	taskgoals "dtsim/scenarios/goals"
	"dtsim/scenarios/property"
)

// propertyTitle returns a property with its name, if it has one.
func propertyTitle(id string) string {
	if name := property.Name(id); name != "" {
		return id + " " + name
	}
	return id
}

// byProperty compares identifiers: those of the design in its order, others after them.
func byProperty(a, b string) int {
	all := property.Properties()
	number := func(id string) int {
		if i := slices.Index(all, id); i >= 0 {
			return i
		}
		return len(all)
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
}

// goal is a coverage goal and how often it was reached.
type goal struct {
	Name, About string
	Count       int64
	Meter       meter
}

// goals returns the goals of a document, the rarest first; equally rare ones in the order of
// [taskgoals.Goals], unknown ones after them.
func goals(counts map[string]int64) []goal {
	place, about := map[string]int{}, map[string]string{}
	for i, g := range taskgoals.Goals() {
		place[g.Name], about[g.Name] = i+1, g.About
	}
	var all []goal
	most := int64(0)
	for name, n := range counts {
		all = append(all, goal{Name: name, About: about[name], Count: n})
		most = max(most, n)
	}
	order := func(name string) int { return cmp.Or(place[name], 1<<20) }
	slices.SortFunc(all, func(a, b goal) int {
		return cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(order(a.Name), order(b.Name)), strings.Compare(a.Name, b.Name))
	})
	for i := range all {
		all[i].Meter = logarithmicMeter(all[i].Count, most)
	}
	return all
}

// missedCount returns the number of goals at the beginning that were never reached.
func missedCount(all []goal) int {
	n := slices.IndexFunc(all, func(g goal) bool { return g.Count > 0 })
	if n < 0 {
		return len(all)
	}
	return n
}

// exercise is a property and how often it was exercised.
type exercise struct {
	ID, Name string
	Count    int64
	Meter    meter
	Violated bool
}

// exercises returns the properties of a document, those that were never exercised first.
func exercises(counts map[string]int64, violated map[string]bool) []exercise {
	var all []exercise
	most := int64(0)
	for id, n := range counts {
		all = append(all, exercise{ID: id, Name: property.Name(id), Count: n, Violated: violated[id]})
		most = max(most, n)
	}
	slices.SortFunc(all, func(a, b exercise) int {
		return cmp.Or(cmp.Compare(min(a.Count, 1), min(b.Count, 1)), byProperty(a.ID, b.ID))
	})
	for i := range all {
		all[i].Meter = logarithmicMeter(all[i].Count, most)
	}
	return all
}
