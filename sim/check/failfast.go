package check

import (
	"time"

	"dtsim/sim/trace"
)

// failFast is P10: one failed unit fails the task at once, and nothing starts for
// it on a node that knows. That reports after it are refused is in lifecycle's
// table.
type failFast struct {
	*findings
	// knows is the newest index that each incarnation has listed, and when.
	knows map[incarnation]listed
}

type incarnation struct {
	node   string
	number int
}

type listed struct {
	index uint64
	at    time.Duration
	// before is the index it knew before the current instant.
	before uint64
}

func newFailFast(f *findings) *failFast {
	return &failFast{findings: f, knows: make(map[incarnation]listed)}
}

func (c *failFast) observe(e *trace.Event, l *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch {
	case e.Kind == trace.Listed:
		index, _ := e.Get("index")
		known := c.knows[who]
		if e.At > known.at {
			known.before = known.index
		}
		known.index, known.at = max(known.index, index.Uint()), e.At
		c.knows[who] = known
	case e.Kind == trace.HandleStarted:
		c.startedHandle(e, l, c.knows[who])
	case l.change != nil && l.command.name == unitCompletion && l.command.accepted && l.command.body.Error != "":
		if l.change.after != failed {
			c.report("P10", e.Node, "unit %s of %s failed at index %d and the task is %s",
				l.command.body.UnitID, l.change.run.id, l.command.index, l.change.after)
		}
	}
}

// startedHandle complains when the node had listed the end of STARTED at an earlier
// instant; within one instant the start may have been under way.
func (c *failFast) startedHandle(e *trace.Event, l *ledger, known listed) {
	r := l.runs[runOf(e)]
	if r == nil {
		c.report("P10", e.Node, "%s is started and was never added", runOf(e))
		return
	}
	index := known.index
	if known.at == e.At {
		index = known.before
	}
	if r.status != started && r.leftAt > 0 && index >= r.leftAt {
		c.report("P10", e.Node, "%s is started although this node has listed that it left STARTED at index %d", r.id, r.leftAt)
	}
}

func (c *failFast) finish(*ledger) {}
