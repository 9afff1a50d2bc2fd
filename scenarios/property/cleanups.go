package property

import (
	"strings"

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
	bound   []*run
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
		if l.command.Accepted && l.command.Name == dropCollection {
			c.drop(e, l)
		}
	case *taskevent.TaskChanged:
		if ch := l.change; ch != nil && ch.after == absent && ch.before != absent {
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
	cmd, r := l.command, l.change.run
	if cmd.Name != cleanUpTask {
		return // a drop, or a successor: which commands remove records is for P3 to say
	}
	c.stake("P12")
	if cmd.CleanedUpAt == 0 {
		if !mayForce(l.plan, r.id) {
			c.report("P12", e.Node, r.events(), "the record of %s is removed at index %d by a command without a time, and no operator asked for it", r.id, cmd.Index)
		}
		return
	}
	ttl := l.plan.CompletedTaskTTL.D().Milliseconds()
	if age := cmd.CleanedUpAt - r.ended; age <= cmd.TTL {
		c.report("P12", e.Node, r.events(), "the record of %s is removed at index %d, %d ms after it ended: its time to live is %d ms", r.id, cmd.Index, age, cmd.TTL)
	}
	if cmd.TTL != ttl {
		c.report("P12", e.Node, r.events(), "the record of %s is removed at index %d after a time to live of %d ms, the plan says %d ms", r.id, cmd.Index, cmd.TTL, ttl)
	}
}

// mayForce says that an operator of the plan removes records of the task by force.
func mayForce(p *taskplan.Plan, id taskevent.Run) bool {
	forces := func(op *taskplan.Operation) bool {
		return op != nil && op.Do == taskplan.CleanUpTask && op.Namespace == id.Namespace && op.TaskID == id.Task
	}
	for i := range p.Workload {
		if forces(&p.Workload[i]) {
			return true
		}
	}
	for i := range p.Faults {
		if forces(p.Does(i)) {
			return true
		}
	}
	return false
}

// drop notes which runs go with a collection.
func (c *cleanups) drop(e *trace.Event, l *ledger) {
	c.stake("P12")
	c.dropped = e.Seq
	for _, r := range l.order {
		if !r.gone && r.payload.Kind != taskplan.Cleanup && strings.EqualFold(r.payload.Collection, l.command.Class) {
			c.bound = append(c.bound, r)
		}
	}
}

// taken: what belongs to a dropped collection goes with the command that drops it.
func (c *cleanups) taken(node string) {
	for _, r := range c.bound {
		if !r.gone {
			c.report("P12", node, append(r.events(), c.dropped), "the record of %s outlives its collection %s", r.id, r.payload.Collection)
		}
	}
	c.bound = nil
}

// localRemoved: local state is still needed while the record is there, until the run is
// over on the node.
func (c *cleanups) localRemoved(e *trace.Event, run taskevent.Run, l *ledger) {
	r := l.runs[run]
	if r == nil {
		c.report("P12", e.Node, nil, "local state of %s is removed, which was never added", run)
		return
	}
	c.stake("P12")
	if r.gone {
		return
	}
	said := l.at(e.Node).recovered[r.id]
	switch callbacks := r.hasCallbacks(); {
	case !r.status.IsTerminal():
		c.report("P12", e.Node, r.events(), "local state of %s is removed while it is %s", r.id, r.status)
	case callbacks && !c.done[local{e.Node, r.id}] && !said.done:
		c.report("P12", e.Node, append(r.events(), said.seq), "local state of %s is removed before its OnTaskCompleted has run on this node", r.id)
	}
}

// hasCallbacks says that the provider of the run has callbacks.
func (r *run) hasCallbacks() bool { return r.id.Namespace != string(taskplan.Cleanup) }

func (c *cleanups) finish(*ledger) {}
