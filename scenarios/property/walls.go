package property

import (
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// wall is a node's clock, as far as the trace shows it: so far ahead of the run's time when
// it was last set, and further from there by its drift. A nil wall shows the run's time.
type wall struct {
	at, ahead time.Duration
	drift     int64
	seq       int
	// back is when the clock was last set back, -1 for never.
	back time.Duration
}

// set takes in that a node's clock was set.
func (c *throttle) set(e *trace.Event, b *event.ClockSet) {
	before := c.walls[e.Node]
	next := &wall{at: e.At, ahead: b.Ahead, drift: b.Drift, seq: e.Seq, back: -1}
	if before != nil {
		next.back = before.back
	}
	if next.shows(e.At) < before.shows(e.At)-rounding {
		next.back = e.At
	}
	c.walls[e.Node] = next
}

// rounding is how far off a computed reading can be.
const rounding = time.Microsecond

// shows is what the clock shows at a time of the run, since the run's start.
func (w *wall) shows(at time.Duration) time.Duration {
	if w == nil {
		return at
	}
	d := at - w.at
	return at + w.ahead + d/1e6*time.Duration(w.drift) + d%1e6*time.Duration(w.drift)/1e6
}

// slack is how far off an interval by the clock can be.
func (w *wall) slack() time.Duration {
	if w == nil {
		return 0
	}
	return 2 * rounding
}

// place is where the clock was last set, 0 for nowhere.
func (w *wall) place() int {
	if w == nil {
		return 0
	}
	return w.seq
}

// unsure reports whether it is unknown what the node itself read between a report that
// was answered and the next call: the clock was set back in the instant of either, before
// the event or after it, or while the call was delayed by a pause. Set forward, it may
// only let the node believe that more time has passed than the events show.
func (w *wall) unsure(answered, called, resumed time.Duration) bool {
	switch {
	case w == nil || w.back < 0:
		return false
	case w.back == answered, w.back == called:
		return true
	}
	return called == resumed && w.back > answered
}
