package property

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// ownership is P4: the first report claims a unit, nobody else ever reports on it,
// a terminal unit has an owner and stays as it is, and progress never regresses.
type ownership struct{ *findings }

func (c *ownership) observe(e *trace.Event, l *ledger) {
	if l.change == nil || l.change.unit == nil {
		return
	}
	cmd, ch := l.command, l.change
	before, after := ch.unitBefore, *ch.unit
	complain := func(what string) {
		c.report("P4", e.Node, []int{ch.seqBefore}, "unit %s of %s at index %d (%s by %s): %s: it was %s of %q at %g and is %s of %q at %g",
			ch.unitID, ch.run.id, cmd.Index, cmd.Name, cmd.NodeID, what,
			before.status, before.owner, before.progress, after.status, after.owner, after.progress)
	}
	c.stake("P4")
	same := before.status == after.status && before.owner == after.owner && before.progress == after.progress
	switch {
	case !cmd.Accepted:
		if !same {
			complain("a command without effect changed it")
		}
		return
	case before.status.IsTerminal():
		// Late progress is ignored without an error, everything else is refused.
		if cmd.Name != unitProgress || !same {
			complain("it was terminal")
		}
		return
	case before.owner != "" && before.owner != cmd.NodeID:
		complain("it belongs to another node")
	case after.owner != cmd.NodeID:
		complain("the report did not claim it")
	case after.progress < before.progress:
		complain("its progress regressed")
	}
	wanted := taskevent.UnitInProgress
	if cmd.Name == unitCompletion {
		wanted = taskevent.UnitCompleted
		if cmd.Error != "" {
			wanted = taskevent.UnitFailed
		}
	}
	if after.status != wanted {
		complain("it should be " + string(wanted))
	}
}

func (c *ownership) finish(l *ledger) {
	for _, r := range l.order {
		for _, id := range r.unitIDs() {
			if u := r.units[id]; u.status.IsTerminal() && u.owner == "" {
				c.report("P4", "", []int{u.seq}, "unit %s of %s is %s and has no owner", id, r.id, u.status)
			}
		}
	}
}
