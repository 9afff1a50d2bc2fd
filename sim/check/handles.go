package check

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"dtsim/sim/provider"
	"dtsim/sim/trace"
)

// handles is P14: one live handle for a task on a node, terminated once the task
// has left STARTED, and none once the scheduler has been closed.
type handles struct {
	*findings
	live   map[handleOf]*liveHandle
	closed map[incarnation]bool
}

type handleOf struct {
	who    incarnation
	handle int64
}

type liveHandle struct {
	run        provider.Run
	terminated bool
}

func newHandles(f *findings) *handles {
	return &handles{findings: f, live: make(map[handleOf]*liveHandle), closed: make(map[incarnation]bool)}
}

func (c *handles) observe(e *trace.Event, _ *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	at := func() (handleOf, *liveHandle) {
		id := handleOf{who, e.Int("handle")}
		return id, c.live[id]
	}
	switch e.Kind {
	case trace.HandleStarted:
		id, _ := at()
		run := runOf(e)
		if c.closed[who] {
			c.report("P14", e.Node, "%s is started after the scheduler was closed", run)
		}
		for _, other := range c.of(who) {
			if h := c.live[other]; h.run.Namespace == run.Namespace && h.run.Task == run.Task {
				c.report("P14", e.Node, "%s is started while a handle of %s is alive", run, h.run)
			}
		}
		c.live[id] = &liveHandle{run: run}
	case trace.HandleTerminated:
		if _, h := at(); h != nil {
			h.terminated = true
		}
	case trace.HandleExited:
		id, _ := at()
		delete(c.live, id)
	case trace.SchedulerClosed:
		c.closed[who] = true
		for _, id := range c.of(who) {
			c.report("P14", e.Node, "a handle of %s outlives the scheduler", c.live[id].run)
		}
	case trace.NodeStopped:
		for _, id := range c.of(who) {
			delete(c.live, id)
		}
	case trace.AtRest:
		if e.Str("what") == "state" {
			c.terminatedInTime(e, who)
		}
	}
}

// terminatedInTime looks at the handles that are alive when the run ends.
func (c *handles) terminatedInTime(e *trace.Event, who incarnation) {
	l := c.ledger
	patience := 2*l.plan.Cluster.SchedulerTick.D() + time.Second
	for _, id := range c.of(who) {
		h := c.live[id]
		if r := l.runs[h.run]; r != nil && r.status != started && !h.terminated && l.now-r.since > patience {
			c.report("P14", e.Node, "%s has been %s for %s and its handle was not terminated", h.run, r.status, l.now-r.since)
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
