package property

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// failFast is P10: one failed unit fails the task at once, and nothing starts for it
// on a node whose scheduler has seen that. That reports after it are refused is in
// lifecycle's table.
type failFast struct{ *findings }

func (c *failFast) observe(e *trace.Event, l *ledger) {
	b, asked := e.Body.(*taskevent.StartAsked)
	switch {
	case asked:
		c.start(e, b.Run, l)
	case l.change != nil && l.command.Name == unitCompletion && l.command.Accepted && l.command.Error != "":
		c.stake("P10")
		if l.change.after != failed {
			c.report("P10", e.Node, l.change.run.events(), "unit %s of %s failed at index %d and the task is %s",
				l.command.UnitID, l.change.run.id, l.command.Index, l.change.after)
		}
	}
}

// start complains when the node had listed the end of STARTED before it asked its
// provider to start the run.
func (c *failFast) start(e *trace.Event, run taskevent.Run, l *ledger) {
	r := l.runs[run]
	if r == nil {
		c.report("P10", e.Node, nil, "%s is started and was never added", run)
		return
	}
	left, ok := r.leftStarted()
	if !ok {
		return
	}
	c.stake("P10")
	if index, list := l.at(e.Node).knew(e.At); index >= left.index {
		c.report("P10", e.Node, []int{left.seq, list}, "%s is started although this node has listed that it became %s at index %d",
			r.id, name(left.status), left.index)
	}
}

func (c *failFast) finish(*ledger) {}
