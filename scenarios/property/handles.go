package property

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// handles is P14: one live handle for a task on a node, terminated once the task has left
// STARTED, and none once the scheduler has been closed; and one scheduler, which refuses to
// be started twice. No goroutine of the system is left behind when all nodes are.
type handles struct {
	*findings
	live map[handleOf]*liveHandle
	// closing is when the scheduler began to close, closed the event that records that it
	// has closed.
	closing map[incarnation]time.Duration
	closed  map[incarnation]int
	// busy counts the callbacks under way.
	busy map[calledBy]int
}

// calledBy is a task of an incarnation.
type calledBy struct {
	who  incarnation
	task taskevent.Key
}

type handleOf struct {
	who    incarnation
	handle int64
}

type liveHandle struct {
	run     taskevent.Run
	started int
	// terminated is the event of the handle's termination; 0 for never.
	terminated int
}

// closeTimeout is how long a scheduler that closes waits for its workers, however long
// ago they were terminated (P14).
const closeTimeout = 10 * time.Second

func newHandles(f *findings) *handles {
	return &handles{
		findings: f, live: make(map[handleOf]*liveHandle),
		closing: make(map[incarnation]time.Duration), closed: make(map[incarnation]int),
		busy: make(map[calledBy]int),
	}
}

func (c *handles) observe(e *trace.Event, _ *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := e.Body.(type) {
	case *taskevent.HandleStarted:
		run := b.Run
		c.exercise("P14")
		if closed := c.closed[who]; closed > 0 {
			c.report("P14", e.Node, []int{closed}, "%s is started after the scheduler was closed", run)
		}
		for _, other := range c.of(who) {
			if h := c.live[other]; h.run.Namespace == run.Namespace && h.run.Task == run.Task && (h.run == run || c.profile.Has(OneRunAtATime)) {
				c.report("P14", e.Node, []int{h.started}, "%s is started while a handle of %s is alive", run, h.run)
			}
		}
		c.live[handleOf{who, b.Number}] = &liveHandle{run: run, started: e.Seq}
	case *taskevent.HandleTerminated:
		if h := c.live[handleOf{who, b.Number}]; h != nil {
			h.terminated = e.Seq
		}
	case *taskevent.HandleExited:
		delete(c.live, handleOf{who, b.Number})
	case *taskevent.Listed:
		if !b.Op.Set {
			c.terminatedAtOnce(e, who)
		}
	case *taskevent.CallbackStarted:
		c.busy[calledBy{who, b.Key()}]++
	case *taskevent.CallbackEnded:
		c.busy[calledBy{who, b.Key()}]--
	case *taskevent.StartedAgain:
		c.exercise("P14")
		if b.Error == "" {
			c.report("P14", e.Node, nil, "the scheduler is started a second time while it runs")
		}
	case *taskevent.SchedulerClosing:
		c.closing[who] = e.At
	case *taskevent.SchedulerClosed:
		c.closed[who] = e.Seq
		if !c.profile.Has(CloseWaits) {
			return
		}
		c.exercise("P14")
		// Close gives up on a worker only after its timeout, and only on a terminated one.
		began, closing := c.closing[who]
		waited := closing && e.At-began >= closeTimeout
		for _, id := range c.of(who) {
			if h := c.live[id]; h.terminated == 0 || !waited {
				c.report("P14", e.Node, []int{h.started, h.terminated}, "a handle of %s outlives the scheduler, which has not waited for it", h.run)
			}
		}
	case *event.LeftBehind:
		c.exercise("P14")
		c.report("P14", e.Node, nil, "goroutines of the system wait for ever: %d, one in %s at %s",
			b.N, b.In, b.At)
	case *event.NodeStopped:
		for _, id := range c.of(who) {
			delete(c.live, id)
		}
	case *event.AtRest:
		if b.What == event.RestState {
			c.terminatedInTime(e, who)
		}
	}
}

// terminatedAtOnce looks at the handles that are alive when a node has another list: a
// task that an earlier one has shown after STARTED was looked at then, unless a callback
// of it was under way, which its next action has to wait for.
func (c *handles) terminatedAtOnce(e *trace.Event, who incarnation) {
	index, list := c.ledger.at(e.Node).knew(e.At)
	if _, closing := c.closing[who]; closing || index == 0 || !c.ledger.timed() {
		return
	}
	for _, id := range c.of(who) {
		h := c.live[id]
		r := c.ledger.Runs[h.run]
		if r == nil || h.terminated > 0 || h.started > list || c.busy[calledBy{who, h.run.Key()}] > 0 {
			continue
		}
		left, ok := r.LeftStarted()
		if !ok || left.Index > index {
			continue
		}
		c.exercise("P14")
		c.report("P14", e.Node, []int{h.started, left.Seq, list}, "%s goes on working although this node has listed that it became %s at index %d",
			h.run, name(left.Status), left.Index)
	}
}

// terminatedInTime looks at the handles that are alive when the run ends.
func (c *handles) terminatedInTime(e *trace.Event, who incarnation) {
	l := c.ledger
	for _, id := range c.of(who) {
		h := c.live[id]
		r := l.Runs[h.run]
		if r == nil {
			continue
		}
		left, ok := r.LeftStarted()
		if !ok || h.terminated > 0 || l.stalled() {
			continue
		}
		c.exercise("P14")
		if since := max(left.At, l.follows(l.at(e.Node))); l.Now-since > l.bounds().reaction {
			c.report("P14", e.Node, []int{h.started, left.Seq}, "%s has been %s for %s and its handle was not terminated",
				h.run, name(left.Status), l.Now-left.At)
		}
	}
}

// of returns the live handles of an incarnation in order.
func (c *handles) of(who incarnation) []handleOf {
	var ids []handleOf
	for id := range maps.Keys(c.live) {
		if id.who == who {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b handleOf) int { return cmp.Compare(a.handle, b.handle) })
	return ids
}

func (c *handles) finish(*ledger) {}
