package check

import (
	"encoding/json"
	"slices"

	"dtsim/sim/trace"
)

// barriers are P5, P6 and P7: what has to be in the log before a node prepares,
// swaps or finishes.
type barriers struct{ *findings }

func (c *barriers) observe(e *trace.Event, l *ledger) {
	switch {
	case e.Kind == trace.CallbackStarted:
		r := l.runs[runOf(e)]
		if r == nil {
			c.report("P6", e.Node, "%s of %s, which was never added", e.Str("callback"), runOf(e))
			return
		}
		switch e.Str("callback") {
		case "OnSwapRequested":
			c.swap(e, r)
			c.group(e, r)
		case "OnGroupCompleted":
			c.group(e, r)
		}
	case l.change != nil:
		c.acks(e.Node, l)
	}
}

// swap is P5.
func (c *barriers) swap(e *trace.Event, r *run) {
	if missing := r.missing(r.prepared); len(missing) > 0 {
		c.report("P5", e.Node, "OnSwapRequested of %s runs before a successful preparation ack of %v", r.id, missing)
	}
	if !r.reached[swapping] {
		c.report("P5", e.Node, "OnSwapRequested of %s runs although the barrier never lifted: the task is %s", r.id, r.status)
	}
	if !r.barrier {
		c.report("P5", e.Node, "OnSwapRequested of %s, which has no preparation barrier", r.id)
	}
}

// group is P6: a group's callback comes when the group is complete, or the task has
// left STARTED, to the owners of its units, with those units.
func (c *barriers) group(e *trace.Event, r *run) {
	group := e.Str("group")
	if open := r.open(group); len(open) > 0 && r.status == started {
		c.report("P6", e.Node, "%s for group %q of %s while %d of its units are open, %s for one", e.Str("callback"), group, r.id, len(open), open[0])
	}
	if r.barrier && r.status == started {
		c.report("P6", e.Node, "%s for group %q of %s, a barrier task that is STARTED", e.Str("callback"), group, r.id)
	}
	var got []string
	if err := json.Unmarshal([]byte(e.Str("units")), &got); err != nil {
		got = nil
	}
	slices.Sort(got)
	want := r.local(group, e.Node)
	if len(want) == 0 || !slices.Equal(got, want) {
		c.report("P6", e.Node, "%s for group %q of %s with units %v, this node owns %v", e.Str("callback"), group, r.id, got, want)
	}
}

// acks is P7, and that a failed ack of the current phase fails the task.
func (c *barriers) acks(node string, l *ledger) {
	ch, cmd := l.change, l.command
	if ch.after == finished && ch.before != finished {
		if missing := ch.run.missing(ch.run.swapped); len(missing) > 0 {
			c.report("P7", node, "%s is FINISHED at index %d without a successful ack of %v", ch.run.id, cmd.index, missing)
		}
	}
	if ch.after == swapping && slices.Contains(values(ch.run.swapped), false) {
		c.report("P7", node, "%s is SWAPPING at index %d although a node has acknowledged a failure", ch.run.id, cmd.index)
	}
	if ch.after == preparing && slices.Contains(values(ch.run.prepared), false) {
		c.report("P5", node, "%s is PREPARING at index %d although a node has acknowledged a failure", ch.run.id, cmd.index)
	}
	if ch.after == swapping && ch.before != swapping && ch.run.barrier {
		if missing := ch.run.missing(ch.run.prepared); len(missing) > 0 {
			c.report("P5", node, "%s is SWAPPING at index %d without a successful preparation ack of %v", ch.run.id, cmd.index, missing)
		}
	}
}

func values(acks map[string]bool) []bool {
	var all []bool
	for _, ok := range acks {
		all = append(all, ok)
	}
	return all
}

func (c *barriers) finish(*ledger) {}
