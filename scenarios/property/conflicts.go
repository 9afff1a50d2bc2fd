package property

import (
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// conflicts is P11: of tasks of one kind about the same data one is active, and
// while it is, no other command changes its collection or property. That all replicas
// agree on the verdicts is part of P1.
type conflicts struct{ *findings }

func (c *conflicts) observe(e *trace.Event, l *ledger) {
	if e.Kind != trace.Committed || !l.Command.Accepted {
		return
	}
	cmd := l.Command
	switch cmd.Name {
	case addTask:
		r := l.Order[len(l.Order)-1]
		if r.Payload.Kind == taskplan.ShardNoop {
			return // conflicts with nothing
		}
		c.exercise("P11")
		for _, other := range l.Order[:len(l.Order)-1] {
			if other.Active() && other.ID.Namespace == r.ID.Namespace && r.Touches(other.Payload.Collection, other.Payload.Property) {
				c.report("P11", e.Node, other.Events(), "%s is accepted while %s is %s on the same data", r.ID, other.ID, other.Status)
			}
		}
	case updateProperty:
		c.alone(e.Node, l, cmd.Property, l.Flipped)
	case dropCollection, deleteTenants:
		c.alone(e.Node, l, "", nil)
	}
}

// alone complains about active tasks, but for the one that makes the change.
func (c *conflicts) alone(node string, l *ledger, property string, by *projection.Run) {
	cmd := l.Command
	if cmd.Migration != nil && by == nil {
		return // the schema is as it was: a flip that came twice, tenants that swap alone
	}
	if by != nil && !c.profile.Has(FlipGuards) {
		return
	}
	c.exercise("P11")
	for _, r := range l.Order {
		if r != by && r.Active() && r.Touches(cmd.Class, property) {
			c.report("P11", node, r.Events(), "%s of %s at index %d is accepted while %s is %s", cmd.Name, cmd.Class, cmd.Index, r.ID, r.Status)
		}
	}
}

func (c *conflicts) finish(*ledger) {}
