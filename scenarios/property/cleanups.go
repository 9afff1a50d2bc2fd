package property

import (
	"strings"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// cleanups is P12: a record goes away only past its time to live, by the word of an
// operator, or with its collection; local state goes away only after the record, or
// where it is not needed any more; and nothing of a dropped collection stays.
type cleanups struct {
	*findings
	// bound are the runs that a drop has to take with it, dropped where it is.
	bound   []*projection.Run
	dropped int
	// done are the runs that have come to their end on a node, as its provider knows.
	done map[local]bool
}

// local is a run on a node.
type local struct {
	node string
	run  taskevent.Run
}

func newCleanups(f *findings) *cleanups {
	return &cleanups{findings: f, done: make(map[local]bool)}
}

func (c *cleanups) observe(e *trace.Event, l *ledger) {
	if e.Kind != trace.TaskChanged {
		c.taken(e.Node)
	}
	switch b := e.Body.(type) {
	case *event.Committed:
		if l.Command.Accepted && l.Command.Name == dropCollection {
			c.drop(e, l)
		}
	case *taskevent.TaskChanged:
		if ch := l.Change; ch != nil && ch.After == absent && ch.Before != absent {
			c.removed(e, l)
		}
	case *taskevent.CallbackEnded:
		if b.Name == taskevent.TaskCompleted {
			// Also one that failed may have done all that there was to do.
			c.done[local{e.Node, b.Run}] = true
		}
	case *taskevent.LocalStateRemoved:
		c.localRemoved(e, b.Run, l)
	}
}

// removed: a record that a command has removed was old enough by the command's own time
// and time to live, which are those of the plan.
func (c *cleanups) removed(e *trace.Event, l *ledger) {
	cmd, r := l.Command, l.Change.Run
	if cmd.Name != cleanUpTask {
		return // a drop, or a successor: which commands remove records is for P3 to say
	}
	if !c.profile.Has(TerminalTime) {
		return
	}
	c.exercise("P12")
	if cmd.CleanedUpAt == 0 {
		if !operated(l.plan, taskplan.CleanUpTask, r.ID.Namespace, r.ID.Task) {
			c.report("P12", e.Node, r.Events(), "the record of %s is removed at index %d by a command without a time, and no operator asked for it", r.ID, cmd.Index)
		}
		return
	}
	ttl := l.plan.CompletedTaskTTL.D().Milliseconds()
	if age := cmd.CleanedUpAt - r.Ended; age <= cmd.TTL {
		c.report("P12", e.Node, r.Events(), "the record of %s is removed at index %d, %d ms after it ended: its time to live is %d ms", r.ID, cmd.Index, age, cmd.TTL)
	}
	if cmd.TTL != ttl {
		c.report("P12", e.Node, r.Events(), "the record of %s is removed at index %d after a time to live of %d ms, in the plan it is %d ms", r.ID, cmd.Index, cmd.TTL, ttl)
	}
}

// operated reports whether an operator of the plan does something to a task.
func operated(p *taskplan.Plan, do taskplan.Action, namespace, task string) bool {
	is := func(op *taskplan.Operation) bool {
		return op != nil && op.Do == do && op.Namespace == namespace && op.TaskID == task
	}
	for i := range p.Workload {
		if is(&p.Workload[i]) {
			return true
		}
	}
	for i := range p.Faults {
		if is(p.Does(i)) {
			return true
		}
	}
	return false
}

// drop notes which runs go with a collection.
func (c *cleanups) drop(e *trace.Event, l *ledger) {
	c.exercise("P12")
	c.dropped = e.Seq
	for _, r := range l.Order {
		if !r.Gone && r.Payload.Kind != taskplan.Cleanup && strings.EqualFold(r.Payload.Collection, l.Command.Class) {
			c.bound = append(c.bound, r)
		}
	}
}

// taken: what belongs to a dropped collection goes with the command that drops it.
func (c *cleanups) taken(node string) {
	for _, r := range c.bound {
		if !r.Gone {
			c.report("P12", node, append(r.Events(), c.dropped), "the record of %s outlives its collection %s", r.ID, r.Payload.Collection)
		}
	}
	c.bound = nil
}

// localRemoved: local state is still needed while the record is there, until the run is
// over on the node.
func (c *cleanups) localRemoved(e *trace.Event, run taskevent.Run, l *ledger) {
	r := l.Runs[run]
	if r == nil {
		c.report("P12", e.Node, nil, "local state of %s is removed, which was never added", run)
		return
	}
	c.exercise("P12")
	if r.Gone {
		return
	}
	answer := l.at(e.Node).recovered[r.ID]
	switch callbacks := hasCallbacks(r); {
	case !r.Status.IsTerminal():
		c.report("P12", e.Node, r.Events(), "local state of %s is removed while it is %s", r.ID, r.Status)
	case callbacks && !c.done[local{e.Node, r.ID}] && !answer.done:
		c.report("P12", e.Node, append(r.Events(), answer.seq), "local state of %s is removed before its OnTaskCompleted has run on this node", r.ID)
	}
}

// hasCallbacks reports whether the provider of the run has callbacks.
func hasCallbacks(r *projection.Run) bool { return r.ID.Namespace != string(taskplan.Cleanup) }

func (c *cleanups) finish(*ledger) {}
