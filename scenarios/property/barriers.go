package property

import (
	"maps"
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// barriers are P5, P6 and P7: what has to be in the log before a node prepares,
// swaps or finishes.
type barriers struct{ *findings }

func (c *barriers) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *taskevent.CallbackStarted:
		r := l.Runs[b.Run]
		if r == nil {
			c.report("P6", e.Node, nil, "%s of %s, which was never added", b.Name, b.Run)
			return
		}
		switch b.Name {
		case taskevent.SwapRequested:
			if b.Status != failed || c.profile.Has(SwapOfFailed) {
				c.swap(e, r)
			}
			c.group(e, &b.Callback, r)
		case taskevent.GroupCompleted:
			c.group(e, &b.Callback, r)
		}
	case *event.Committed:
		c.gate(e, l.Command)
	case *taskevent.TaskChanged:
		if l.Change != nil {
			c.acks(e.Node, l)
		}
	}
}

// gate is P7 for the node that will finalize the task, of any version: when a task is
// added, its command makes the log itself refuse to finish it before every owning node has
// acknowledged. What this version submits always does; an older one, which knows neither
// that nor requests with ids, does not.
func (c *barriers) gate(e *trace.Event, cmd *taskevent.Command) {
	if cmd.Name != addTask || !cmd.Accepted || cmd.Request.IsZero() {
		return
	}
	c.exercise("P7")
	if !cmd.AcksRequired {
		c.report("P7", e.Node, nil, "%s/%s is added at index %d without what makes the log wait for the acks of its owners: a node that finalizes too early finishes it",
			cmd.Namespace, cmd.ID, cmd.Index)
	}
}

// swap is P5.
func (c *barriers) swap(e *trace.Event, r *projection.Run) {
	c.exercise("P5")
	if missing := r.Missing(r.Prepared); len(missing) > 0 {
		c.report("P5", e.Node, r.Events(), "OnSwapRequested of %s runs before a successful preparation ack of %v", r.ID, missing)
	}
	if !r.Reached[swapping] {
		c.report("P5", e.Node, r.Events(), "OnSwapRequested of %s runs although the barrier never lifted: the task is %s", r.ID, r.Status)
	}
	if !r.Barrier {
		c.report("P5", e.Node, r.Events(), "OnSwapRequested of %s, which has no preparation barrier", r.ID)
	}
}

// group is P6: a group's callback comes when the group is complete, or the task has
// left STARTED, to the owners of its units, with those units. The state of the log now is
// at least what the node could know: a unit that is terminal there keeps its owner.
func (c *barriers) group(e *trace.Event, b *taskevent.Callback, r *projection.Run) {
	c.exercise("P6")
	group := b.Group
	if open := r.Open(group); len(open) > 0 && r.Status == started {
		c.report("P6", e.Node, []int{r.Units[open[0]].Seq}, "%s for group %q of %s while %d of its units are open, %s for one",
			b.Name, group, r.ID, len(open), open[0])
	}
	if r.Barrier && r.Status == started {
		c.report("P6", e.Node, r.Events(), "%s for group %q of %s, a barrier task that is STARTED", b.Name, group, r.ID)
	}
	got, _ := b.UnitIDs() // what is no list names no unit
	slices.Sort(got)
	want := r.Local(group, e.Node)
	if len(want) == 0 || !slices.Equal(got, want) {
		c.report("P6", e.Node, r.Seqs(want), "%s for group %q of %s with units %v, this node owns %v", b.Name, group, r.ID, got, want)
	}
}

// acks is P7, and that a failed ack of the current phase fails the task.
func (c *barriers) acks(node string, l *ledger) {
	ch, cmd := l.Change, l.Command
	r := ch.Run
	switch {
	case ch.After == finished && ch.Before != finished:
		if !hasCallbacks(r) && !c.profile.Has(CallbacklessAcks) {
			return
		}
		c.exercise("P7")
		if missing := r.Missing(r.Swapped); len(missing) > 0 {
			c.report("P7", node, r.Events(), "%s is FINISHED at index %d without a successful ack of %v", r.ID, cmd.Index, missing)
		}
	case ch.After == swapping:
		if ch.Before != swapping {
			c.lifted(node, l)
		}
		c.refused(node, "P7", r.Swapped, l)
	case ch.After == preparing:
		c.refused(node, "P5", r.Prepared, l)
	}
}

// lifted is P5 where a task begins to swap.
func (c *barriers) lifted(node string, l *ledger) {
	r := l.Change.Run
	if !r.Barrier {
		return
	}
	c.exercise("P5")
	if missing := r.Missing(r.Prepared); len(missing) > 0 {
		c.report("P5", node, r.Events(), "%s is SWAPPING at index %d without a successful preparation ack of %v", r.ID, l.Command.Index, missing)
	}
}

// refused complains about a task that goes on although a node has failed in its step.
func (c *barriers) refused(node, property string, acks map[string]projection.Ack, l *ledger) {
	for _, who := range slices.Sorted(maps.Keys(acks)) {
		if a := acks[who]; !a.Success {
			c.report(property, node, []int{a.Seq}, "%s is %s at index %d although %s has acknowledged a failure at index %d",
				l.Change.Run.ID, l.Change.After, l.Command.Index, who, a.Index)
			return
		}
	}
}

func (c *barriers) finish(*ledger) {}
