package property

import (
	"slices"
	"strings"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// robustness is P18 as far as one run can show it: no command makes a replica panic,
// whatever is refused is refused with a word that names it, and a callback that fails or
// panics is an outcome like another, which is what its node acknowledges. A panic that
// nothing recovers ends a node, and here the run. What becomes of bad submissions is
// checked by flaws. That other tasks go on is progress, that replicas agree is P1.
type robustness struct {
	*findings
	callbacks *callbacks
	flaws     *flaws
	// flipped are the nodes of which a fault has made an ack report a failure.
	flipped map[string]bool
}

func (c *robustness) observe(e *trace.Event, l *ledger) {
	if c.profile.Has(BadSubmissions) {
		c.flaws.observe(e, l)
	}
	switch b := e.Body.(type) {
	case *event.FaultActivated:
		if plan.FaultKind(b.What) == taskplan.AckFlip {
			c.flipped[e.Node] = true
		}
	case *event.Panicked:
		c.exercise("P18")
		c.report("P18", e.Node, nil, "the system panics in %s at %s: %s", b.In, b.At, b.What)
	case *event.Committed:
		cmd := l.Command
		if cmd.Outcome != event.Accepted {
			c.refused(e, cmd)
		}
		if cmd.Accepted && (cmd.Name == preparationAck || cmd.Name == postAck) {
			c.acknowledged(e, l)
		}
	}
}

// refused: a rejection names what it is about, and no replica has panicked on the way.
func (c *robustness) refused(e *trace.Event, cmd *taskevent.Command) {
	c.exercise("P18")
	switch {
	case cmd.Verdict.Reason == taskevent.Panicked:
		c.report("P18", e.Node, nil, "%s at index %d made the replica panic: %s", cmd.Name, cmd.Index, cmd.Outcome)
	case strings.TrimSpace(cmd.Outcome) == "":
		c.report("P18", e.Node, nil, "%s at index %d is refused without a message", cmd.Name, cmd.Index)
	case cmd.Verdict.Reason == taskevent.TaskNotExist && !strings.Contains(cmd.Outcome, cmd.ID):
		c.report("P18", e.Node, nil, "%s at index %d is refused without the name of the task %q: %s", cmd.Name, cmd.Index, cmd.ID, cmd.Outcome)
	}
}

// acknowledged: a node acknowledges success only when each of its callbacks of the step
// has succeeded, and a failure, with a word, only when one of them has failed; what was
// cancelled has no outcome.
func (c *robustness) acknowledged(e *trace.Event, l *ledger) {
	b := &l.Command.Args
	r := l.Current[taskevent.Key{Namespace: b.Namespace, Task: b.ID}]
	if r == nil || r.Gone || r.ID.Version != b.Version || !hasCallbacks(r) {
		return
	}
	callback := taskevent.GroupCompleted
	if l.Command.Name == postAck && r.Barrier {
		callback = taskevent.SwapRequested
	}
	if !b.Success {
		c.exercise("P18")
		if strings.TrimSpace(b.Error) == "" {
			c.report("P18", e.Node, nil, "%s of %s acknowledges a failure at index %d without a message", b.NodeID, r.ID, l.Command.Index)
		}
		if slices.Contains(r.Owners(), b.NodeID) && !c.flipped[b.NodeID] && !c.callbacks.failed(b.NodeID, r, callback) {
			c.report("P18", b.NodeID, c.callbacks.attempts(b.NodeID, r, callback), "%s acknowledges a failure for %s at index %d (%s), none of its %s has failed",
				b.NodeID, r.ID, l.Command.Index, b.Error, callback)
		}
		return
	}
	for _, group := range r.Groups() {
		if len(r.Local(group, b.NodeID)) == 0 {
			continue
		}
		c.exercise("P18")
		if _, ok := c.callbacks.succeeded(b.NodeID, r, callback, group); !ok {
			c.report("P18", b.NodeID, c.callbacks.attempts(b.NodeID, r, callback),
				"%s acknowledges success for %s at index %d, its %s of group %q has not succeeded", b.NodeID, r.ID, l.Command.Index, callback, group)
		}
	}
}

// attempts are the places of all runs of a callback on a node, whatever their group.
func (c *callbacks) attempts(node string, r *projection.Run, callback string) []int {
	var seqs []int
	for key, a := range c.ran {
		if key.of(node, r, callback) {
			seqs = append(seqs, a.started, a.ended)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// failed reports whether a callback has ended on a node with an error that is an outcome.
func (c *callbacks) failed(node string, r *projection.Run, callback string) bool {
	for key, a := range c.ran {
		if key.of(node, r, callback) && a.err != "" && !a.interrupted {
			return true
		}
	}
	return false
}

// returned reports whether a callback has come to an end on a node, a good one or not.
func (c *callbacks) returned(node string, r *projection.Run, callback string) bool {
	for key, a := range c.ran {
		if key.of(node, r, callback) && a.ended > 0 {
			return true
		}
	}
	return false
}

// of reports whether it is a callback of a run on a node.
func (k calling) of(node string, r *projection.Run, callback string) bool {
	return k.who.node == node && k.run == r.ID.Version && k.name == callback
}

func (c *robustness) finish(*ledger) {}
