package property

import (
	"slices"
	"time"

	"dtsim/sched"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// throttle is P13: of the progress of a unit, at most one report in an interval is let
// through; claims and terminal reports are not held back; and a report that failed
// does not hold back the next one.
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

// reports are what an incarnation has said of a unit.
type reports struct {
	// claimed says that a report of no progress was accepted since work on the unit last
	// began, and where.
	claimed int
	// passed is when the last report of progress was answered, -1 for none; answered
	// where, shown what the node's clock showed.
	passed, shown time.Duration
	answered      int
	// claiming says that the report under way is a claim.
	claiming bool
	// repeated says that a fault sends reports of the unit again: those are no worker's.
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
	switch e.Kind {
	case trace.Called:
		switch e.Str("do") {
		case "update-progress":
			c.progress(e, l)
		case "complete-unit", "fail-unit":
			c.of(e).worked = 0
		}
	case trace.Returned:
		if r := c.ops[e.Int("op")]; r != nil {
			c.returned(e, r)
		}
	case trace.FaultBit:
		c.disturbed(e)
	case trace.ClockSet:
		c.set(e)
	case trace.WorkStarted:
		if r := c.of(e); !l.tacit(runOf(e)) {
			c.stake("P13")
			if r.claimed == 0 {
				c.report("P13", e.Node, nil, "work on unit %s of %s begins without a claim that reached the log: it was held back", e.Str("unit"), runOf(e))
			}
			r.claimed = 0 // whoever takes it up again claims it again
		}
		c.overdue(e, l)
	case trace.WorkEnded:
		r := c.of(e)
		r.worked, r.workedAt = e.Seq, e.At
		key := unitKey(e)
		worker := handleKey{key.who, key.run}
		c.owed[worker] = append(c.open(worker), key)
	case trace.HandleExited:
		delete(c.owed, handleKey{incarnation{e.Node, e.Incarnation}, runOf(e).Version})
	}
}

func unitKey(e *trace.Event) unitOf {
	return unitOf{incarnation{e.Node, e.Incarnation}, runOf(e).Version, e.Str("unit")}
}

func (c *throttle) of(e *trace.Event) *reports {
	key := unitKey(e)
	r := c.units[key]
	if r == nil {
		r = &reports{passed: -1}
		c.units[key] = r
	}
	return r
}

// progress is a report that was let through.
func (c *throttle) progress(e *trace.Event, l *ledger) {
	if e.Bool("resent") {
		return // the throttle has let it through before
	}
	r := c.of(e)
	r.claiming = e.Str("progress") == "0"
	c.ops[e.Int("op")] = r
	if r.claiming || r.passed < 0 || r.repeated {
		return
	}
	w := c.walls[e.Node]
	if w.unsure(r.passed, e.At, l.at(e.Node).resumed) {
		return
	}
	c.stake("P13")
	apart, interval := w.shows(e.At)-r.shown, sched.DefaultThrottleInterval
	if apart < interval-w.slack() {
		c.report("P13", e.Node, []int{r.answered, w.place()}, "progress of unit %s of %s is reported %s after the last report was recorded, by the node's clock; the interval is %s",
			e.Str("unit"), runOf(e), apart, interval)
	}
}

func (c *throttle) returned(e *trace.Event, r *reports) {
	delete(c.ops, e.Int("op"))
	switch {
	case e.Str("outcome") != "ok":
	case r.claiming:
		r.claimed = e.Seq
	default:
		r.passed, r.answered, r.shown = e.At, e.Seq, c.walls[e.Node].shows(e.At)
	}
}

// disturbed notes what faults do to reports and workers.
func (c *throttle) disturbed(e *trace.Event) {
	switch plan.FaultKind(e.Str("what")) {
	case plan.CallTwice, plan.CallLate:
		if e.Str("op") != "update-progress" {
			return
		}
		// The repetition may come from a later life of the node, or from another one.
		for key, r := range c.units {
			if key.run == runOf(e).Version && key.unit == e.Str("unit") {
				r.repeated = true
			}
		}
		c.of(e).repeated = true
	}
}

// overdue: a worker takes up another unit only when it has reported the end of the last
// one. Who was told to stop reports nothing, and takes up nothing.
func (c *throttle) overdue(e *trace.Event, l *ledger) {
	key := unitKey(e)
	for _, unit := range c.owed[handleKey{key.who, key.run}] {
		r := c.units[unit]
		if r.worked == 0 || e.At <= max(r.workedAt, l.at(e.Node).resumed) {
			continue // reported, or about to be
		}
		c.report("P13", e.Node, []int{r.worked}, "work on unit %s of %s begins and the end of unit %s, %s ago, was not reported: it was held back",
			key.unit, runOf(e), unit.unit, e.At-r.workedAt)
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
