package property

import (
	"strings"

	"dtsim/fsm"
	"dtsim/models/spec"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// flaws is what P18 says of bad submissions. One whose command is bad in itself, or
// whose payload the guards of its namespace cannot read, is refused for ever, and its
// caller can tell. What only its provider can judge is accepted, and comes to nothing:
// no unit is completed, the failure has a word, and that the task ends is for P16.
type flaws struct {
	*findings
	// called are the flawed submissions under way by their operations, requests by their
	// requests.
	called   map[int64]flawed
	requests map[request]flawed
	// doomed are the runs that may come to nothing only, and why.
	doomed map[*run]plan.Flaw
	// guarded are the namespaces whose guards read payloads.
	guarded map[string]bool
}

// flawed is a submission with a flaw.
type flawed struct {
	flaw      plan.Flaw
	namespace string
}

func newFlaws(f *findings) *flaws {
	c := &flaws{
		findings: f, called: make(map[int64]flawed), requests: make(map[request]flawed),
		doomed: make(map[*run]plan.Flaw), guarded: make(map[string]bool),
	}
	for namespace := range provider.NewSet(provider.Env{}).ConflictDetectors() {
		c.guarded[namespace] = true
	}
	return c
}

// refusedForEver says that the submission may never be accepted, whatever the state.
func (c *flaws) refusedForEver(s flawed) bool {
	return s.flaw.OfCommand() || s.flaw.Unreadable() && c.guarded[s.namespace]
}

func (c *flaws) observe(e *trace.Event, l *ledger) {
	switch e.Kind {
	case trace.Called:
		if flaw := plan.Flaw(e.Str("flaw")); flaw != "" {
			c.called[e.Int("op")] = flawed{flaw, e.Str("namespace")}
		}
	case trace.Proposed:
		if s, ok := c.called[e.Int("op")]; ok {
			c.requests[requestOf(e)] = s
		}
	case trace.Committed:
		if s, ok := c.requests[l.command.request]; ok && !l.command.duplicate && !ofSessions(l.command.outcome) {
			c.decided(e, s, l.command)
		}
		c.failed(e, l)
	case trace.Returned:
		if s, ok := c.called[e.Int("op")]; ok {
			c.told(e, s)
			delete(c.called, e.Int("op"))
		}
	case trace.TaskChanged:
		c.changed(e, l)
	}
}

// forEver is the verdict on what is bad in itself.
var forEver = spec.Verdict{Class: spec.Permanent, Reason: spec.InvalidCommand}

// decided holds what the log makes of a submission against its flaw.
func (c *flaws) decided(e *trace.Event, s flawed, cmd *command) {
	c.stake("P18")
	switch {
	case c.refusedForEver(s):
		if got := spec.ReadVerdict(cmd.outcome); got != forEver {
			c.report("P18", e.Node, nil, "%s at index %d is %s (%s), its flaw is %s: it must be refused for ever",
				cmd.name, cmd.index, got, cmd.outcome, s.flaw)
		}
	case s.flaw == plan.UnknownCollection:
		// Without its tenants the task may have no units, either, and that goes first.
		if cmd.accepted || spec.ReadVerdict(cmd.outcome) != forEver && !strings.Contains(cmd.outcome, plan.Unknown) {
			c.report("P18", e.Node, nil, "%s at index %d names a collection that is not there, and is answered %q", cmd.name, cmd.index, cmd.outcome)
		}
	}
}

// told: the caller learns that it need not try again.
func (c *flaws) told(e *trace.Event, s flawed) {
	if !c.refusedForEver(s) || ofSessions(e.Str("error")) {
		return
	}
	switch told := e.Str("outcome"); {
	case told == "ok", told == "rejected" && e.Str("class") != forEver.String():
		c.stake("P18")
		c.report("P18", e.Node, nil, "the caller of a submission whose flaw is %s is told %q (%s %s)", s.flaw, told, e.Str("class"), e.Str("error"))
	case told == "rejected":
		c.stake("P18")
	}
}

// changed: nothing comes of a run that is doomed.
func (c *flaws) changed(e *trace.Event, l *ledger) {
	ch := l.change
	if ch == nil {
		return
	}
	if l.command.name == addTask && l.command.accepted && ch.run.id.Version == l.command.index {
		s := c.requests[l.command.request]
		if s.flaw.Unreadable() || s.flaw == plan.UnknownProperty {
			c.doomed[ch.run] = s.flaw
		}
	}
	flaw, doomed := c.doomed[ch.run]
	if !doomed {
		return
	}
	c.stake("P18")
	switch {
	case ch.after == fsm.TaskStatusPreparing || ch.after == fsm.TaskStatusSwapping || ch.after == fsm.TaskStatusFinished:
		c.report("P18", e.Node, ch.run.events(), "%s is %s, its flaw is %s: nothing can have come of it", ch.run.id, ch.after, flaw)
	case ch.unit != nil && ch.unit.status == fsm.UnitStatusCompleted:
		c.report("P18", e.Node, ch.run.events(), "unit %s of %s is completed, the flaw of the task is %s", ch.unitID, ch.run.id, flaw)
	}
}

// failed: the failure of a unit of a doomed run says what is wrong with the payload.
func (c *flaws) failed(e *trace.Event, l *ledger) {
	cmd := l.command
	if cmd.name != unitCompletion || !cmd.accepted || cmd.body.Error == "" {
		return
	}
	r := l.current[[2]string{cmd.body.Namespace, cmd.body.ID}]
	if flaw, doomed := c.doomed[r]; doomed && r.id.Version == cmd.body.Version {
		c.stake("P18")
		if !strings.Contains(cmd.body.Error, "payload: ") {
			c.report("P18", e.Node, r.events(), "unit %s of %s fails with %q, the flaw of the task is %s", cmd.body.UnitID, r.id, cmd.body.Error, flaw)
		}
	}
}
