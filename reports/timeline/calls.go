package timeline

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace/event"
)

// projectCommits projects the log.
func (tl *Timeline) projectCommits() {
	at := make(map[uint64]int)
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		switch b := e.Body.(type) {
		case *event.Committed:
			at[b.Index] = len(tl.Commits)
			tl.Commits = append(tl.Commits, Commit{Seq: e.Seq, Command: taskevent.ReadCommand(b)})
		case *event.Applied:
			if i, ok := at[b.Index]; ok {
				tl.Commits[i].Applied = append(tl.Commits[i].Applied, e.Seq)
			}
		}
	}
}

// projectCalls projects operations from call to return.
func (tl *Timeline) projectCalls() {
	open := make(map[int64]int)
	requests := make(map[event.Request]int)
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		switch b := e.Body.(type) {
		case *event.Called:
			c := taskevent.CallOf(b)
			open[b.Op] = len(tl.Calls)
			tl.Calls = append(tl.Calls, Call{
				Op: b.Op, Do: b.Do, Node: e.Node, Run: c.Run(), Unit: c.Unit, Called: e.Seq, ByOperator: !c.Version.Set, Resent: c.Resent,
			})
		case *event.Proposed:
			if i, ok := open[b.Op]; ok {
				if c := &tl.Calls[i]; c.Proposed == 0 {
					c.Proposed = e.Seq
				}
				requests[b.Request] = i
			}
		case *event.Committed:
			if i, ok := requests[b.Request]; ok && !b.Request.IsZero() && tl.Calls[i].Committed == 0 {
				tl.Calls[i].Committed = e.Seq
			}
		case *event.Returned:
			if i, ok := open[b.Op]; ok {
				c := &tl.Calls[i]
				c.Returned, c.Outcome, c.Class, c.Error = e.Seq, b.Outcome, b.Class, b.Error
				delete(open, c.Op)
			}
		case *event.NodeStopped:
			for op, i := range open {
				if c := &tl.Calls[i]; c.Node == e.Node && tl.Event(c.Called).Incarnation == e.Incarnation {
					c.Outcome = "cut off"
					delete(open, op)
				}
			}
		}
	}
}
