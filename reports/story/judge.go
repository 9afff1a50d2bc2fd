package story

import (
	"maps"
	"slices"
	"strconv"

	"dtsim/sim/check"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// judge follows what is true of each property. What the checks of this build find is
// told, and what the verdict of the trace says.
type judge struct {
	check   *check.Observer
	kinds   map[trace.Kind]bool
	names   []string
	stakes  map[string]int64
	found   int
	wrong   map[string]bool
	verdict map[int][]string // by the place at which it shows
}

func newJudge(p *plan.Plan) judge {
	j := judge{check: check.New(p), kinds: make(map[trace.Kind]bool), names: check.Properties(), stakes: make(map[string]int64), wrong: make(map[string]bool)}
	for _, kind := range check.Kinds() {
		j.kinds[kind] = true
	}
	return j
}

// judged tells what has become of properties with the event.
func (t *teller) judged(last bool) {
	j := &t.judge
	if j.verdict == nil {
		j.verdict = make(map[int][]string)
		for _, v := range t.story.Trace.Footer.Verdict.Violations {
			seq := len(t.story.Trace.Events)
			if n := len(v.Events); n > 0 {
				seq = slices.Max(v.Events)
			}
			j.verdict[seq] = append(j.verdict[seq], v.Property)
		}
	}
	broken := j.verdict[t.e.Seq]
	watched := j.kinds[t.e.Kind] && len(t.story.Lanes) > 0
	if watched {
		j.check.Observe(*t.e)
	}
	if last && len(t.story.Lanes) > 0 {
		j.check.Verdict()
	}
	if watched || last {
		found := j.check.Found()
		for _, v := range found[j.found:] {
			broken = append(broken, v.Property)
		}
		j.found = len(found)
	}
	changed := make(map[string]bool)
	for _, property := range broken {
		if !j.wrong[property] {
			j.wrong[property], changed[property] = true, true
		}
	}
	if watched || last {
		for _, property := range j.names {
			if n := j.check.AtStake(property); n != j.stakes[property] {
				j.stakes[property], changed[property] = n, true
			}
		}
	}
	for _, property := range slices.Sorted(maps.Keys(changed)) {
		t.set(path("property", property), truth(j.wrong[property], j.stakes[property]))
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
