package property

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
)

// maxViolations is how many violations of one property are kept: the first ones are the
// most useful.
const maxViolations = 10

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch]
// calls it one event at a time.
type Observer struct {
	// event is the one just taken in: as a local variable it would be allocated.
	event  trace.Event
	ledger *ledger
	checks []check
	found  findings
	// raft has the properties of any Raft application; gathered is how many of its violations
	// are among those found.
	raft     *raftcheck.Observer
	gathered int
	// brokenOff reports whether the system has ended the run before its time.
	brokenOff, ended bool
}

// check is one property, or a few that look at the same things.
type check interface {
	// observe looks at an event that the ledger has just taken in.
	observe(e *trace.Event, l *ledger)
	// finish looks at the end of the run.
	finish(l *ledger)
}

// New returns an observer for a run of p that is judged by a profile.
func New(p *taskplan.Plan, by *Profile) *Observer {
	o := &Observer{ledger: newLedger(p), raft: raftcheck.New(&p.Plan)}
	o.ledger.voters = o.raft.Voters
	o.found.ledger = o.ledger
	o.found.counts = make(map[string]int)
	o.found.exercised, o.found.waived = make(map[string]int64), make(map[string]int64)
	o.found.profile = by
	f := &o.found
	calls := newCallbacks(f)
	for _, c := range []struct {
		part  Rule
		check check
	}{
		{check: newAgreement(f)}, {Specification, newSpecification(f)}, {Specification, newLinearizable(f)}, {check: &lifecycle{f}},
		{check: &ownership{f}}, {check: &barriers{f}}, {check: &schemaCheck{f, calls}}, {check: calls}, {check: &failFast{f}},
		{check: &conflicts{f}}, {check: newCleanups(f)}, {check: newThrottle(f)}, {check: newHandles(f)}, {check: newAnswers(f)}, {check: newRequests(f)},
		{check: &progress{f, calls}}, {Promptness, newPromptness(f)}, {check: newUpkeep(f)}, {check: &wedges{findings: f}},
		{check: &robustness{findings: f, callbacks: calls, flaws: newFlaws(f), flipped: make(map[string]bool)}},
		{check: &patience{f, make(map[incarnation]map[trying][]int)}}, {check: newMemory(f)}, {check: &promises{f}},
	} {
		if by.Has(c.part) {
			o.checks = append(o.checks, c.check)
		}
	}
	return o
}

// Log returns the projection of the log, for another observer of the same run to share.
func (o *Observer) Log() *projection.Log { return o.ledger.Log.Share() }

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if watched[e.Kind] {
		o.take(e)
	}
	o.raft.Observe(e)
	o.gather()
}

// take has the checks of the task manager look at an event.
func (o *Observer) take(e trace.Event) {
	o.event = e
	o.event.Body = taskevent.Of(&o.event)
	switch e.Kind {
	case trace.RunEnded:
		o.ended = true
	case trace.Panicked, trace.LeftBehind:
		o.brokenOff = !o.ended
	}
	o.ledger.take(&o.event)
	for _, c := range o.checks {
		c.observe(&o.event, o.ledger)
	}
}

// Counters returns how often each property was exercised, that is how often something was
// looked at that could have violated it ("at-stake/P5"), and what was left unfinished
// for a reason that a check accepts ("excused/P16/participant-left"). Every property is
// among them. Call it after [Observer.Verdict].
func (o *Observer) Counters() map[string]int64 {
	counters := maps.Clone(o.found.waived)
	for _, property := range Properties() {
		counters["at-stake/"+property] = o.Exercised(property)
	}
	return counters
}

// Exercised returns how often a property was exercised so far; it may be called while the run
// goes on.
func (o *Observer) Exercised(property string) int64 {
	return o.found.exercised[property] + o.raft.Exercised(property)
}

// Found are the violations found so far, the first ones of each property; it may be
// called while the run goes on.
func (o *Observer) Found() []trace.Violation {
	return slices.Clip(o.found.violations)
}

// names are the names of the properties of the task manager in the design, P1 first.
var names = [...]string{
	"agreement", "linearizability", "lifecycle", "ownership", "prepare barrier", "group barrier", "finish barrier", "schema", "callbacks",
	"fail fast", "conflicts", "cleanup", "throttle", "handles", "errors", "progress", "no wedge", "robustness", "memory",
}

// Properties are the identifiers of the properties, in order: those of the task manager, and
// behind them those of any Raft application.
func Properties() []string {
	var all []string
	for i := range names {
		all = append(all, fmt.Sprintf("P%d", i+1))
	}
	return append(all, raftcheck.Properties()...)
}

// Name returns the name of a property, "" for an identifier of none.
func Name(property string) string {
	for i, name := range names {
		if property == fmt.Sprintf("P%d", i+1) {
			return name
		}
	}
	return raftcheck.Name(property)
}

// Verdict ends the run and returns what was found. It must be called once. Of a run that the system
// has broken off no check looks at the end: what it owes, it could not do any more.
func (o *Observer) Verdict() trace.Verdict {
	for _, c := range o.checks {
		if !o.brokenOff {
			c.finish(o.ledger)
		}
	}
	o.raft.Verdict()
	o.gather()
	return trace.Verdict{Passed: len(o.found.violations) == 0, Violations: o.found.violations}
}

// gather puts what the checks of Raft have found behind what was found before.
func (o *Observer) gather() {
	if found := o.raft.Found(); len(found) > o.gathered {
		o.found.violations = append(o.found.violations, found[o.gathered:]...)
		o.gathered = len(found)
	}
}

// Trace reads a whole trace, checks it against the properties and the promises of its
// plan, and returns the verdict. It returns an error if the trace cannot be read.
func Trace(r io.Reader) (trace.Verdict, error) {
	reader, err := trace.NewReader(r)
	if err != nil {
		return trace.Verdict{}, err
	}
	header := reader.Header()
	p, err := taskplan.Of(&header.Plan)
	if err != nil {
		return trace.Verdict{}, err
	}
	by, err := ProfileNamed(header.Profile)
	if err != nil {
		return trace.Verdict{}, err
	}
	o := New(p, by)
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return o.Verdict(), nil
		}
		if err != nil {
			return trace.Verdict{}, err
		}
		o.Observe(e)
	}
}

// findings collects violations.
type findings struct {
	ledger     *ledger
	profile    *Profile
	violations []trace.Violation
	counts     map[string]int
	// exercised counts by property, waived by counter.
	exercised, waived map[string]int64
}

// report records a violation at the time of the event that showed it; led are the
// places of the events that led there, 0 for none.
func (f *findings) report(property, node string, led []int, format string, args ...any) {
	f.counts[property]++
	if f.counts[property] > maxViolations {
		return
	}
	events := append(slices.Clone(led), f.ledger.Seq)
	slices.Sort(events)
	events = slices.Compact(slices.DeleteFunc(events, func(seq int) bool { return seq == 0 }))
	f.violations = append(f.violations, trace.Violation{
		Property: property, Message: fmt.Sprintf(format, args...), At: f.ledger.Now, Node: node, Events: events,
	})
}

// exercise counts that a property was exercised: something was looked at that could have
// violated it.
func (f *findings) exercise(property string) { f.exercised[property]++ }

// waive counts something that was left unfinished for a reason that the check names.
func (f *findings) waive(property, name string) { f.waived["excused/"+property+"/"+name]++ }
