package property

import "dtsim/sim/trace"

// conflicts is P11: of tasks of one kind about the same data one is active, and
// while it is, nobody else changes its collection or property. That all replicas
// agree on the verdicts is part of P1.
type conflicts struct{ *findings }

func (c *conflicts) observe(e *trace.Event, l *ledger) {
	if e.Kind != trace.Committed || !l.command.Accepted {
		return
	}
	cmd := l.command
	switch cmd.Name {
	case addTask:
		c.stake("P11")
		r := l.order[len(l.order)-1]
		for _, other := range l.order[:len(l.order)-1] {
			if other.active() && other.id.Namespace == r.id.Namespace && r.touches(other.payload.Collection, other.payload.Property) {
				c.report("P11", e.Node, other.events(), "%s is accepted while %s is %s on the same data", r.id, other.id, other.status)
			}
		}
	case updateProperty:
		c.alone(e.Node, l, cmd.Property, l.flipped)
	case dropCollection, deleteTenants:
		c.alone(e.Node, l, "", nil)
	}
}

// alone complains about active tasks, but for the one that makes the change.
func (c *conflicts) alone(node string, l *ledger, property string, by *run) {
	cmd := l.command
	if cmd.Migration != nil && by == nil {
		return // the schema is as it was: a flip that came twice, tenants that swap alone
	}
	c.stake("P11")
	for _, r := range l.order {
		if r != by && r.active() && r.touches(cmd.Class, property) {
			c.report("P11", node, r.events(), "%s of %s at index %d is accepted while %s is %s", cmd.Name, cmd.Class, cmd.Index, r.id, r.status)
		}
	}
}

func (c *conflicts) finish(*ledger) {}
