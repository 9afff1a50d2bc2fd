package story

import (
	"maps"
	"slices"
	"strconv"

	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

// judge follows what is true of each property. What the checks of this build find is
// told, and what the verdict of the trace says.
type judge struct {
	changes
	// check is nil for a machine that tells no run.
	check   *property.Observer
	watched map[trace.Kind]bool
	names   []string
	stakes  map[string]int64
	found   int
	wrong   map[string]bool
	// verdict has the properties that are violated by the place at which it shows.
	verdict map[int][]string
}

func newJudge(s *Story) *judge {
	j := &judge{
		changes: newChanges(), watched: make(map[trace.Kind]bool), names: property.Properties(),
		stakes: make(map[string]int64), wrong: make(map[string]bool), verdict: make(map[int][]string),
	}
	if len(s.Lanes) > 0 {
		j.check = property.New(&s.Trace.Header.Plan)
		for _, kind := range property.Kinds() {
			j.watched[kind] = true
		}
	}
	for _, v := range s.Trace.Footer.Verdict.Violations {
		seq := len(s.Trace.Events)
		if len(v.Events) > 0 {
			seq = slices.Max(v.Events)
		}
		j.verdict[seq] = append(j.verdict[seq], v.Property)
	}
	return j
}

// take tells what has become of properties with an event.
func (j *judge) take(e *trace.Event, last bool) {
	j.e = e
	broken := j.verdict[e.Seq]
	changed := make(map[string]bool)
	if j.check != nil && (j.watched[e.Kind] || last) {
		if j.watched[e.Kind] {
			j.check.Observe(*e)
		}
		if last {
			j.check.Verdict()
		}
		found := j.check.Found()
		for _, v := range found[j.found:] {
			broken = append(broken, v.Property)
		}
		j.found = len(found)
		for _, property := range j.names {
			if n := j.check.AtStake(property); n != j.stakes[property] {
				j.stakes[property], changed[property] = n, true
			}
		}
	}
	for _, property := range broken {
		if !j.wrong[property] {
			j.wrong[property], changed[property] = true, true
		}
	}
	for _, property := range slices.Sorted(maps.Keys(changed)) {
		j.set(path("property", property), truth(j.wrong[property], j.stakes[property]))
	}
}

// truth is what is said of a property.
func truth(violated bool, stakes int64) string {
	words := "at stake " + strconv.FormatInt(stakes, 10) + " times"
	if stakes == 1 {
		words = "at stake once"
	}
	switch {
	case violated && stakes == 0:
		return "violated"
	case violated:
		return "violated, " + words
	}
	return words
}
