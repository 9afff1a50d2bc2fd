package property

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// ownership is P4: the first report claims a unit, no other node ever reports on it,
// a terminal unit has an owner and stays as it is, and progress never regresses.
type ownership struct{ *findings }

func (c *ownership) observe(e *trace.Event, l *ledger) {
	if l.Change == nil || l.Change.Unit == nil {
		return
	}
	cmd, ch := l.Command, l.Change
	before, after := ch.UnitBefore, *ch.Unit
	complain := func(what string) {
		c.report("P4", e.Node, []int{ch.SeqBefore}, "unit %s of %s at index %d (%s by %s): %s: it was %s of %q at %g and is %s of %q at %g",
			ch.UnitID, ch.Run.ID, cmd.Index, cmd.Name, cmd.NodeID, what,
			before.Status, before.Owner, before.Progress, after.Status, after.Owner, after.Progress)
	}
	c.exercise("P4")
	same := before.Status == after.Status && before.Owner == after.Owner && before.Progress == after.Progress
	switch {
	case !cmd.Accepted:
		if !same {
			complain("a command without effect changed it")
		}
		return
	case before.Status.IsTerminal():
		// Late progress is ignored without an error, everything else is refused.
		if cmd.Name != unitProgress || !same {
			complain("it was terminal")
		}
		return
	case before.Owner != "" && before.Owner != cmd.NodeID:
		complain("it belongs to another node")
	case after.Owner != cmd.NodeID:
		complain("the report did not claim it")
	case after.Progress < before.Progress:
		complain("its progress regressed")
	}
	wanted := taskevent.UnitInProgress
	if cmd.Name == unitCompletion {
		wanted = taskevent.UnitCompleted
		if cmd.Error != "" {
			wanted = taskevent.UnitFailed
		}
	}
	if after.Status != wanted {
		complain("it should be " + string(wanted))
	}
}

func (c *ownership) finish(l *ledger) {
	for _, r := range l.Order {
		for _, id := range r.UnitIDs() {
			if u := r.Units[id]; u.Status.IsTerminal() && u.Owner == "" {
				c.report("P4", "", []int{u.Seq}, "unit %s of %s is %s and has no owner", id, r.ID, u.Status)
			}
		}
	}
}
