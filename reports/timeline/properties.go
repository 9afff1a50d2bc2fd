package timeline

import (
	"maps"
	"slices"
	"strconv"

	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

// propertyProjector projects the state of each property: what the checks of this build find and
// what the verdict of the trace has.
type propertyProjector struct {
	changes
	// check is nil for a model without a cluster.
	check     *property.Observer
	watched   map[trace.Kind]bool
	names     []string
	exercised map[string]int64
	found     int
	violated  map[string]bool
	// verdict has the violated properties by the event that shows it.
	verdict map[int][]string
}

func newPropertyProjector(tl *Timeline) *propertyProjector {
	p := &propertyProjector{
		changes: newChanges(), watched: make(map[trace.Kind]bool), names: property.Properties(),
		exercised: make(map[string]int64), violated: make(map[string]bool), verdict: make(map[int][]string),
	}
	if len(tl.Lanes) > 0 {
		p.check = property.New(tl.plan, tl.Profile)
		for _, kind := range property.Kinds() {
			p.watched[kind] = true
		}
	}
	for _, v := range tl.Trace.Footer.Verdict.Violations {
		seq := len(tl.Trace.Events)
		if len(v.Events) > 0 {
			seq = slices.Max(v.Events)
		}
		p.verdict[seq] = append(p.verdict[seq], v.Property)
	}
	return p
}

// observe projects the properties that an event changes.
func (p *propertyProjector) observe(e *trace.Event, last bool) {
	p.e = e
	violated := p.verdict[e.Seq]
	changed := make(map[string]bool)
	if p.check != nil && (p.watched[e.Kind] || last) {
		if p.watched[e.Kind] {
			p.check.Observe(*e)
		}
		if last {
			p.check.Verdict()
		}
		found := p.check.Found()
		for _, v := range found[p.found:] {
			violated = append(violated, v.Property)
		}
		p.found = len(found)
		for _, property := range p.names {
			if n := p.check.Exercised(property); n != p.exercised[property] {
				p.exercised[property], changed[property] = n, true
			}
		}
	}
	for _, property := range violated {
		if !p.violated[property] {
			p.violated[property], changed[property] = true, true
		}
	}
	for _, property := range slices.Sorted(maps.Keys(changed)) {
		p.set(path("property", property), propertyValue(p.violated[property], p.exercised[property]))
	}
}

// propertyValue returns the state of a property as text.
func propertyValue(violated bool, exercised int64) string {
	text := "exercised " + strconv.FormatInt(exercised, 10) + " times"
	if exercised == 1 {
		text = "exercised once"
	}
	switch {
	case violated && exercised == 0:
		return "violated"
	case violated:
		return "violated, " + text
	}
	return text
}
