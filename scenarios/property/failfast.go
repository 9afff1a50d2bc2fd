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
	case l.Change != nil && l.Command.Name == unitCompletion && l.Command.Accepted && l.Command.Error != "":
		c.exercise("P10")
		if l.Change.After != failed {
			c.report("P10", e.Node, l.Change.Run.Events(), "unit %s of %s failed at index %d and the task is %s",
				l.Command.UnitID, l.Change.Run.ID, l.Command.Index, l.Change.After)
		}
	}
}

// start complains when the node had listed the end of STARTED before it asked its
// provider to start the run.
func (c *failFast) start(e *trace.Event, run taskevent.Run, l *ledger) {
	r := l.Runs[run]
	if r == nil {
		c.report("P10", e.Node, nil, "%s is started and was never added", run)
		return
	}
	left, ok := r.LeftStarted()
	if !ok {
		return
	}
	c.exercise("P10")
	if index, list := l.at(e.Node).knew(e.At); index >= left.Index {
		c.report("P10", e.Node, []int{left.Seq, list}, "%s is started although this node has listed that it became %s at index %d",
			r.ID, name(left.Status), left.Index)
	}
}

func (c *failFast) finish(*ledger) {}
