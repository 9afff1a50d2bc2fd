package html

import (
	"fmt"
	"io"
	"strings"

	"dtsim/models/explore/counterexample"
	"dtsim/reports/timeline"
	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

// RunView is the input of the page of a run: what happened in it, when and where, as a
// diagram to step through, and with each step the state of everything.
//
// The page carries all events. What is worth reading without a script (the violation, what
// led to it, a table of events) is in it as HTML. The diagram is drawn by modules in run/,
// which read the columns that run_pack.go writes:
//
//	model.js    the run: events, and the state at any of them
//	pick.js     which events are shown
//	axis.js     their positions
//	spans.js    which of the things that last are in view
//	paint.js    the diagram, lanes.js the parts of a lane
//	view.js     zooming and panning
//	state.js    the state at a step
//	run.js      the page
//
// The modules up to spans.js know nothing of a page, and are tested alone.
type RunView struct {
	Timeline *timeline.Timeline
	// Replay is the command that reproduces the run; empty for none.
	Replay string
	// Plan is the run's plan as a document, Shrunk describes what it was shrunk from; both
	// may be empty.
	Plan   []byte
	Shrunk string
}

// runBody is the data of run.html.
type runBody struct {
	Steps bool
	// Violations is the violation that has a panel, More are the others.
	Violations []violationPanel
	More       []trace.Violation
	Why        table
	Events     table
	Plan       string
	Shrunk     string
	History    *clientHistory
	// Profile is nil for the profile of this repository.
	Profile *property.Profile
}

// runPage is a page in the making.
type runPage struct {
	*timeline.Describer
	tl *timeline.Timeline
	// steps is true for a trace of the model checker, which has no times.
	steps bool
}

func newRunPage(tl *timeline.Timeline) *runPage {
	return &runPage{Describer: tl.Describer(), tl: tl, steps: tl.Trace.Header.Engine == counterexample.Engine}
}

// WriteRun writes the page of a run.
func WriteRun(w io.Writer, v RunView) error {
	tl := v.Timeline
	r := newRunPage(tl)
	var history *clientHistory
	if tl.Profile.Has(property.Specification) {
		var err error
		if history, err = historyOf(tl.Trace); err != nil {
			return err
		}
	}
	b := runBody{Steps: r.steps, Plan: timeline.VisibleLines(string(v.Plan)), Shrunk: v.Shrunk, History: history, Events: r.allEvents()}
	if tl.Profile != property.Own {
		b.Profile = tl.Profile
	}
	packed := []packedViolation{}
	for i, violation := range byRelevance(tl.Trace.Footer.Verdict.Violations) {
		explain, absent := tl.Explain(violation), tl.Absent(violation)
		packed = append(packed, packViolation(tl, violation, explain, absent))
		if i == 0 {
			b.Violations = append(b.Violations, r.panel(violation, absent))
			b.Why = r.table("The events that explain the violation", explain)
		} else {
			b.More = append(b.More, violation)
		}
	}
	data, err := packRun(r, packed)
	if err != nil {
		return err
	}
	body, err := render(templates, "run.html", b)
	if err != nil {
		return err
	}
	p := page{
		Kind: "run", Title: runTitle(&tl.Trace.Header), Verdict: runBadge(&tl.Trace.Footer), Facts: r.facts(), Build: shortHash(tl.Trace.Header.Build),
		Command: command{Label: "Reproduce", Line: v.Replay}, Body: body, Wide: true, Styles: []string{asset("run/run.css")},
		Modules: []module{{Files: assets, Name: "run/run.js"}}, Data: []dataBlock{{ID: "run", Type: "application/gzip", Text: data}},
	}
	if history != nil && history.Frame != "" {
		p.Frames = []string{history.Frame}
	}
	return p.write(w)
}

// byRelevance returns the violations with the first one in front whose property is more
// specific than P1 and P2, which nearly every defect violates.
func byRelevance(all []trace.Violation) []trace.Violation {
	var first, rest []trace.Violation
	for _, v := range all {
		if len(first) == 0 && v.Property != "P2" && v.Property != "P1" {
			first = append(first, v)
		} else {
			rest = append(rest, v)
		}
	}
	return append(first, rest...)
}

func runTitle(h *trace.Header) string {
	if h.Engine == counterexample.Engine {
		return "a counterexample of the model checker"
	}
	return fmt.Sprintf("%s, seed %d", h.Plan.Name, h.Plan.Seed)
}

// maxBadgeNames is how many properties the badge names.
const maxBadgeNames = 5

func runBadge(f *trace.Footer) badge {
	if f.Verdict.Passed {
		return badge{Text: "passed", Tone: toneGood}
	}
	seen := make(map[string]bool)
	var names []string
	for _, v := range byRelevance(f.Verdict.Violations) {
		if !seen[v.Property] {
			seen[v.Property] = true
			names = append(names, v.Property)
		}
	}
	if n := len(names) - maxBadgeNames; n > 0 {
		names = append(names[:maxBadgeNames], fmt.Sprintf("%d more", n))
	}
	return badge{Text: strings.Join(names, ", ") + " violated", Tone: toneBad}
}

func (r *runPage) facts() []headerFact {
	h, f := &r.tl.Trace.Header, &r.tl.Trace.Footer
	all := []headerFact{{Name: "Events", Value: timeline.Count(int64(len(r.tl.Trace.Events)))}}
	if !r.steps {
		all = append(all,
			headerFact{Name: "Time", Value: formatDuration(f.VirtualTime), Exact: f.VirtualTime.String()},
			headerFact{Name: "Nodes", Value: fmt.Sprint(len(r.tl.Lanes))},
			headerFact{Name: "Engine", Value: fmt.Sprintf("%s, entropy %d", h.Engine, h.Entropy)})
	}
	if h.Profile != "" {
		all = append(all, headerFact{Name: "Profile", Value: h.Profile})
	}
	return append(all, headerFact{Name: "Hash", Value: shortHash(f.Hash), Exact: f.Hash, Mono: true})
}

// timeOf returns the time of an event.
func timeOf(e *trace.Event) string { return formatDuration(e.At) }
