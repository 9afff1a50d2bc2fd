package property

import (
	"dtsim/fsm/replica"
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// memory is P19: what a node keeps in memory when all is at rest is what it still needs. A session
// keeps the outcomes that its client may still ask for, a scheduler looks after tasks that
// there are, and throttles units that are not reported to their end; who waits for the log is
// a call that is under way.
type memory struct {
	*findings
	// open are the requests of calls that have not returned, by operation.
	open    map[int64]event.Request
	clients map[string]*client
	// index is that of the last command of the log.
	index uint64
	// reports are the ends of units that are being reported, by operation; reported those that the
	// log has taken.
	reports  map[int64]unitOf
	reported map[unitOf]int
}

// client is what the log comes to for the session of a client.
type client struct {
	// open are its requests whose callers wait, with the lowest of them when each began.
	open map[uint64]bool
	lows map[uint64]uint64
	// low is the lowest request that it may still ask for, applied are those from there on that the
	// log has.
	low     uint64
	applied map[uint64]bool
}

func newMemory(f *findings) *memory {
	return &memory{
		findings: f, open: make(map[int64]event.Request), clients: make(map[string]*client),
		reports: make(map[int64]unitOf), reported: make(map[unitOf]int),
	}
}

func (c *memory) of(name string) *client {
	found := c.clients[name]
	if found == nil {
		found = &client{open: make(map[uint64]bool), lows: make(map[uint64]uint64), applied: make(map[uint64]bool)}
		c.clients[name] = found
	}
	return found
}

func (c *memory) observe(e *trace.Event, _ *ledger) {
	switch b := e.Body.(type) {
	case *event.Called:
		if about := taskevent.CallOf(b); (b.Do == taskevent.CompleteUnit || b.Do == taskevent.FailUnit) && !about.Resent {
			c.reports[b.Op] = unitOf{incarnation{e.Node, e.Incarnation}, about.Version.Value, about.Unit}
		}
	case *event.Proposed:
		c.end(b.Op) // what it was before its session expired
		c.open[b.Op] = b.Request
		of := c.of(b.Request.Client)
		of.open[b.Request.Seq] = true
		low := b.Request.Seq
		for seq := range of.open {
			low = min(low, seq)
		}
		of.lows[b.Request.Seq] = low
	case *event.Returned:
		c.end(b.Op)
		if unit, ok := c.reports[b.Op]; ok && b.Outcome == event.OK {
			c.reported[unit] = e.Seq
		}
		delete(c.reports, b.Op)
	case *event.Committed:
		c.index = b.Index
		if b.Request.Client != "" {
			c.of(b.Request.Client).apply(b.Request.Seq)
		}
	}
}

// end: nobody waits for a request any more.
func (c *memory) end(op int64) {
	if q, ok := c.open[op]; ok {
		delete(c.of(q.Client).open, q.Seq)
		delete(c.open, op)
	}
}

// apply takes in that a request is in the log.
func (c *client) apply(seq uint64) {
	c.applied[seq] = true
	if low := c.lows[seq]; low > c.low {
		c.low = low
		for old := range c.applied {
			if old < low {
				delete(c.applied, old)
				delete(c.lows, old)
			}
		}
	}
}

func (c *memory) finish(l *ledger) {
	sessions := make(map[string]int)
	for i := range l.atRest {
		e := &l.atRest[i]
		n := l.at(e.node)
		switch e.What {
		case taskevent.RestSession:
			sessions[e.node]++
			c.session(n, e)
		case taskevent.RestWaiting:
			c.exercise("P19")
			// Every scheduler may be about to list, and the leader waits, too, for what others ask.
			if most := 2 * (len(c.open) + len(l.nodes)); e.Count > int64(most) {
				c.report("P19", e.node, []int{e.seq}, "%d requests and reads wait for the log, at most %d of all calls are under way", e.Count, most)
			}
		case taskevent.RestTask:
			c.task(l, n, e)
		case taskevent.RestUnit:
			c.exercise("P19")
			if seq := c.reported[unitOf{incarnation{e.node, e.life}, e.Version, e.Unit}]; seq != 0 {
				c.report("P19", e.node, []int{seq, e.seq}, "the progress of unit %s of %s is still throttled, and its end was recorded", e.Unit, e.Run)
			}
		}
	}
	most := l.plan.MaxSessions
	if most == 0 {
		most = replica.DefaultMaxSessions
	}
	for _, n := range l.resting() {
		if sessions[n.name] > most {
			c.report("P19", n.name, nil, "%d clients have a session, %d may", sessions[n.name], most)
		}
	}
}

// session: of a client's outcomes those are kept that it may ask for again.
func (c *memory) session(n *node, e *restItem) {
	if n.restIndex < c.index {
		return // it has not seen all that the client has told
	}
	c.exercise("P19")
	if most := len(c.of(e.Client).applied); e.Count > int64(most) {
		c.report("P19", e.node, []int{e.seq}, "the session of %s keeps %d outcomes, the client may ask for %d", e.Client, e.Count, most)
	}
}

// task: a scheduler looks after a task as long as there is a record of it, or local state.
func (c *memory) task(l *ledger, n *node, e *restItem) {
	var last *projection.Run
	for _, r := range l.Order {
		if r.ID.Namespace == e.Namespace && r.ID.Task == e.Task {
			last = r
		}
	}
	if last == nil {
		c.exercise("P19")
		c.report("P19", e.node, []int{e.seq}, "the scheduler looks after %s/%s, which was never added", e.Namespace, e.Task)
		return
	}
	for i := range l.atRest {
		if o := &l.atRest[i]; o.node == e.node && o.What == taskevent.RestLocal && o.Namespace == e.Namespace && o.Task == e.Task {
			return
		}
	}
	gone := last.Last()
	if gone.Status != absent || n.restIndex < gone.Index || l.stalled() || l.end-max(l.follows(n), gone.At) < l.bounds().callbacks {
		return
	}
	c.exercise("P19")
	c.report("P19", e.node, []int{gone.Seq, e.seq}, "the scheduler looks after %s/%s, whose record is gone since %s; %s is enough to forget it",
		e.Namespace, e.Task, gone.At, l.bounds().callbacks)
}
