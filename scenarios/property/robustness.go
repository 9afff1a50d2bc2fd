package property

import (
	"slices"
	"strings"

	"dtsim/models/spec"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// robustness is P18 as far as one run can show it: no command makes a replica panic,
// whatever is refused is refused with a word that names it, and a callback that fails or
// panics is an outcome like another, which is what its node acknowledges. A panic that
// nothing recovers ends a node, and here the run. What becomes of bad submissions, flaws
// says. That other tasks go on is progress, that replicas agree is P1.
type robustness struct {
	*findings
	callbacks *callbacks
	flaws     *flaws
	// flipped are the nodes of which a fault has made an ack tell a failure.
	flipped map[string]bool
}

func (c *robustness) observe(e *trace.Event, l *ledger) {
	c.flaws.observe(e, l)
	if e.Kind == trace.FaultBit && plan.FaultKind(e.Str("what")) == plan.AckFlip {
		c.flipped[e.Node] = true
	}
	if e.Kind == trace.Panicked {
		c.stake("P18")
		c.report("P18", e.Node, nil, "the system panics in %s at %s: %s", e.Str("in"), e.Str("at"), e.Str("what"))
	}
	if e.Kind != trace.Committed {
		return
	}
	cmd := l.command
	if cmd.outcome != "ok" {
		c.refused(e, cmd)
	}
	if cmd.accepted && (cmd.name == preparationAck || cmd.name == postAck) {
		c.acknowledged(e, l)
	}
}

// refused: a rejection says what it is about, and no replica has panicked on the way.
func (c *robustness) refused(e *trace.Event, cmd *command) {
	c.stake("P18")
	switch {
	case strings.Contains(cmd.outcome, " panicked: "):
		c.report("P18", e.Node, nil, "%s at index %d made the replica panic: %s", cmd.name, cmd.index, cmd.outcome)
	case strings.TrimSpace(cmd.outcome) == "":
		c.report("P18", e.Node, nil, "%s at index %d is refused without a word", cmd.name, cmd.index)
	case spec.ReadVerdict(cmd.outcome).Reason == spec.TaskNotExist && !strings.Contains(cmd.outcome, cmd.body.ID):
		c.report("P18", e.Node, nil, "%s at index %d is refused without the name of the task %q: %s", cmd.name, cmd.index, cmd.body.ID, cmd.outcome)
	}
}

// acknowledged: a node acknowledges success only when each of its callbacks of the step
// has succeeded, and a failure, with a word, only when one of them has failed; what was
// cancelled has no outcome.
func (c *robustness) acknowledged(e *trace.Event, l *ledger) {
	b := &l.command.body
	r := l.current[[2]string{b.Namespace, b.ID}]
	if r == nil || r.gone || r.id.Version != b.Version || !r.hasCallbacks() {
		return
	}
	callback := "OnGroupCompleted"
	if l.command.name == postAck && r.barrier {
		callback = "OnSwapRequested"
	}
	if !b.Success {
		c.stake("P18")
		if strings.TrimSpace(b.Error) == "" {
			c.report("P18", e.Node, nil, "%s of %s acknowledges a failure at index %d without a word", b.NodeID, r.id, l.command.index)
		}
		if slices.Contains(r.owners(), b.NodeID) && !c.flipped[b.NodeID] && !c.callbacks.failed(b.NodeID, r, callback) {
			c.report("P18", b.NodeID, c.callbacks.attempts(b.NodeID, r, callback), "%s acknowledges a failure for %s at index %d (%s), none of its %s has failed",
				b.NodeID, r.id, l.command.index, b.Error, callback)
		}
		return
	}
	for _, group := range r.groups() {
		if len(r.local(group, b.NodeID)) == 0 {
			continue
		}
		c.stake("P18")
		if _, ok := c.callbacks.succeeded(b.NodeID, r, callback, group); !ok {
			c.report("P18", b.NodeID, c.callbacks.attempts(b.NodeID, r, callback),
				"%s acknowledges success for %s at index %d, its %s of group %q has not succeeded", b.NodeID, r.id, l.command.index, callback, group)
		}
	}
}

// attempts are the places of all runs of a callback on a node, whatever their group.
func (c *callbacks) attempts(node string, r *run, callback string) []int {
	var seqs []int
	for key, a := range c.ran {
		if key.of(node, r, callback) {
			seqs = append(seqs, a.started, a.ended)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// failed says that a callback has ended on a node with an error that is an outcome.
func (c *callbacks) failed(node string, r *run, callback string) bool {
	for key, a := range c.ran {
		if key.of(node, r, callback) && a.err != "" && !strings.Contains(a.err, interrupted) {
			return true
		}
	}
	return false
}

// of says that it is a callback of a run on a node.
func (k calling) of(node string, r *run, callback string) bool {
	return k.who.node == node && k.run == r.id.Version && k.name == callback
}

func (c *robustness) finish(*ledger) {}
