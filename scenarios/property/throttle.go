package property

import (
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// throttle is P13: of the progress of a unit, at most one report in an interval is let
// through, and when the interval is over the next one is; claims and terminal reports are not
// delayed; and a report that failed does not delay the next one.
type throttle struct {
	*findings
	units map[unitOf]*reports
	// ops are the reports of progress that have not returned.
	ops map[int64]*reports
	// walls are the clocks of nodes that were set: the interval is one by the node's own
	// clock.
	walls map[string]*wall
	// owed are the units that a handle has worked on; reported ones have no worked.
	owed map[handleKey][]unitOf
}

// unitOf is a unit as an incarnation knows it.
type unitOf struct {
	who  incarnation
	run  uint64 // its version, which no other has
	unit string
}

// reports are what an incarnation has reported of a unit.
type reports struct {
	// claimed is where a report of no progress was accepted since work on the unit last
	// began; 0 for none.
	claimed int
	// passed is when the last report of progress was answered, -1 for none; answered
	// where, shown what the node's clock showed.
	passed, shown time.Duration
	answered      int
	// called is when the newest report was made, calledShown what the node's clock showed.
	called, calledShown time.Duration
	// due is where a worker was about to report progress that must get through, 0 for nowhere.
	due int
	// claiming reports whether the report under way is a claim.
	claiming bool
	// repeated reports whether a fault sends reports of the unit again: those are no worker's.
	repeated bool
	// worked is where the work on the unit ended and nothing was reported yet.
	worked   int
	workedAt time.Duration
}

func newThrottle(f *findings) *throttle {
	return &throttle{
		findings: f, units: make(map[unitOf]*reports), ops: make(map[int64]*reports), owed: make(map[handleKey][]unitOf), walls: make(map[string]*wall),
	}
}

func (c *throttle) observe(e *trace.Event, l *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := e.Body.(type) {
	case *event.Called:
		switch b.Do {
		case taskevent.UpdateProgress:
			c.progress(e, b, l)
		case taskevent.CompleteUnit, taskevent.FailUnit:
			about := taskevent.CallOf(b)
			r := c.of(unitOf{who, about.Version.Value, about.Unit})
			if r.worked = 0; !c.profile.Has(ThrottleCounts) {
				r.passed = -1
			}
		}
	case *event.Returned:
		if r := c.ops[b.Op]; r != nil {
			delete(c.ops, b.Op)
			c.returned(e, b.Outcome, r)
		}
	case *event.FaultActivated:
		c.disturbed(who, b)
	case *event.ClockSet:
		c.set(e, b)
	case *taskevent.WorkStarted:
		key := unitOf{who, b.Version, b.Unit}
		if r := c.of(key); !l.tacit(b.Run) {
			c.exercise("P13")
			if r.claimed == 0 {
				c.report("P13", e.Node, nil, "work on unit %s of %s begins without a claim that reached the log: it was throttled", b.Unit, b.Run)
			}
			r.claimed = 0 // the next worker that takes it up claims it again
		}
		c.overdue(e, b, key, l)
	case *taskevent.WorkProgressed:
		c.progressed(e, b, c.of(unitOf{who, b.Version, b.Unit}), l)
	case *taskevent.WorkEnded:
		key := unitOf{who, b.Version, b.Unit}
		r := c.of(key)
		c.held(e, b.Run, b.Unit, r)
		r.worked, r.workedAt = e.Seq, e.At
		worker := handleKey{who, key.run}
		c.owed[worker] = append(c.open(worker), key)
	case *taskevent.HandleExited:
		delete(c.owed, handleKey{who, b.Version})
	}
}

func (c *throttle) of(key unitOf) *reports {
	r := c.units[key]
	if r == nil {
		r = &reports{passed: -1}
		c.units[key] = r
	}
	return r
}

// progress is a report that was let through.
func (c *throttle) progress(e *trace.Event, call *event.Called, l *ledger) {
	about := taskevent.CallOf(call)
	if about.Resent {
		return // the throttle has let it through before
	}
	r := c.of(unitOf{incarnation{e.Node, e.Incarnation}, about.Version.Value, about.Unit})
	r.claiming, r.called, r.calledShown = about.Progress == "0", e.At, c.walls[e.Node].shows(e.At)
	c.ops[call.Op], r.due = r, 0
	if r.claiming || r.passed < 0 || r.repeated {
		return
	}
	w := c.walls[e.Node]
	if w.unsure(r.passed, e.At, l.at(e.Node).wentOn(e.At)) {
		return
	}
	c.exercise("P13")
	apart, interval := w.shows(e.At)-r.shown, sched.DefaultThrottleInterval
	if apart < interval-w.slack() {
		c.report("P13", e.Node, []int{r.answered, w.place()}, "progress of unit %s of %s is reported %s after the last report was recorded, by the node's clock; the interval is %s",
			about.Unit, about.Run(), apart, interval)
	}
}

// progressed: a worker is about to report progress. The one before has returned: a worker does one
// thing at a time.
func (c *throttle) progressed(e *trace.Event, b *taskevent.WorkProgressed, r *reports, l *ledger) {
	c.held(e, b.Run, b.Unit, r)
	w := c.walls[e.Node]
	switch since := max(r.passed, l.at(e.Node).wentOn(e.At)); {
	case r.repeated, c.underWay(r):
		return // another report is on its way, or it is not known when the last one was over
	case r.passed < 0:
	case w != nil && (w.at >= since || w.back >= since), w.shows(e.At)-w.shows(since) < sched.DefaultThrottleInterval+2*rounding:
		return
	}
	c.exercise("P13")
	r.due = e.Seq
}

// underWay reports whether a report of a unit has not returned.
func (c *throttle) underWay(r *reports) bool {
	for _, of := range c.ops {
		if of == r {
			return true
		}
	}
	return false
}

// held: what was due has not been sent.
func (c *throttle) held(e *trace.Event, run taskevent.Run, unit string, r *reports) {
	if r.due != 0 {
		c.report("P13", e.Node, []int{r.due}, "progress of unit %s of %s was not let through, though the last report was over an interval ago, or there was none", unit, run)
	}
	r.due = 0
}

func (c *throttle) returned(e *trace.Event, outcome string, r *reports) {
	switch {
	case outcome != event.OK:
	case r.claiming:
		r.claimed = e.Seq
	default:
		r.passed, r.answered, r.shown = e.At, e.Seq, c.walls[e.Node].shows(e.At)
		if !c.profile.Has(ThrottleCounts) {
			r.passed, r.shown = r.called, r.calledShown
		}
	}
}

// disturbed notes what faults do to reports and workers.
func (c *throttle) disturbed(who incarnation, b *event.FaultActivated) {
	switch plan.FaultKind(b.What) {
	case plan.CallTwice, plan.CallLate:
		about := taskevent.TroubleOf(b)
		if about.Op != taskevent.UpdateProgress {
			return
		}
		// The repetition may come from a later life of the node, or from another one.
		for key, r := range c.units {
			if key.run == about.Version && key.unit == about.Unit {
				r.repeated = true
			}
		}
		c.of(unitOf{who, about.Version, about.Unit}).repeated = true
	}
}

// overdue: a worker takes up another unit only when it has reported the end of the last
// one. A terminated worker reports nothing and takes up nothing.
func (c *throttle) overdue(e *trace.Event, b *taskevent.WorkStarted, key unitOf, l *ledger) {
	for _, unit := range c.owed[handleKey{key.who, key.run}] {
		r := c.units[unit]
		if r.worked == 0 || e.At <= max(r.workedAt, l.at(e.Node).wentOn(e.At)) {
			continue // reported, or about to be
		}
		c.report("P13", e.Node, []int{r.worked}, "work on unit %s of %s begins and the end of unit %s, %s ago, was not reported: it was throttled",
			key.unit, b.Run, unit.unit, e.At-r.workedAt)
	}
}

// open are the units of a worker that are not reported.
func (c *throttle) open(worker handleKey) []unitOf {
	return slices.DeleteFunc(c.owed[worker], func(unit unitOf) bool { return c.units[unit].worked == 0 })
}

// handleKey is what works on a run: one handle at a time (P14).
type handleKey struct {
	who incarnation
	run uint64
}

func (c *throttle) finish(*ledger) {}
