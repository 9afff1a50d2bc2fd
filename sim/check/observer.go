package check

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// maxViolations is how many violations of one property are kept: the first ones
// tell the most.
const maxViolations = 10

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch]
// calls it one event at a time.
type Observer struct {
	ledger *ledger
	checks []check
	found  findings
}

// check is one property, or a few that look at the same things.
type check interface {
	// observe looks at an event that the ledger has just taken in.
	observe(e *trace.Event, l *ledger)
	// finish looks at the end of the run.
	finish(l *ledger)
}

// New returns an observer for a run of p.
func New(p *plan.Plan) *Observer {
	o := &Observer{ledger: newLedger(p)}
	o.found.ledger = o.ledger
	o.found.counts = make(map[string]int)
	f := &o.found
	o.checks = []check{
		newAgreement(f), &lifecycle{f}, &ownership{f}, &barriers{f}, &schemaCheck{f},
		newFailFast(f), &conflicts{f}, newHandles(f), &promises{f},
	}
	return o
}

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if !slices.Contains(kinds, e.Kind) {
		return
	}
	o.ledger.take(&e)
	for _, c := range o.checks {
		c.observe(&e, o.ledger)
	}
}

// Verdict ends the run and says what was found. Call it once.
func (o *Observer) Verdict() trace.Verdict {
	for _, c := range o.checks {
		c.finish(o.ledger)
	}
	return trace.Verdict{Passed: len(o.found.violations) == 0, Violations: o.found.violations}
}

// Trace reads a whole trace, holds it against the properties and the promises of
// its plan, and returns the verdict. The error says why the trace cannot be read.
func Trace(r io.Reader) (trace.Verdict, error) {
	reader, err := trace.NewReader(r)
	if err != nil {
		return trace.Verdict{}, err
	}
	p := reader.Header().Plan
	o := New(&p)
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
	violations []trace.Violation
	counts     map[string]int
}

// report records a violation at the time of the event that showed it.
func (f *findings) report(property, node, format string, args ...any) {
	f.counts[property]++
	if f.counts[property] > maxViolations {
		return
	}
	f.violations = append(f.violations, trace.Violation{
		Property: property, Message: fmt.Sprintf(format, args...), At: f.ledger.now, Node: node,
	})
}
