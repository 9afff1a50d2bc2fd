package property

import (
	"strings"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// flaws is P18 as far as it is about bad submissions. One whose command is bad in itself, or
// whose payload the guards of its namespace cannot read, is refused for ever, and its
// caller can recognise that. What only its provider can judge is accepted, and comes to nothing:
// no unit is completed, the failure has a message, and that the task ends is for P16.
type flaws struct {
	*findings
	// called are the flawed submissions under way by their operations, requests by their
	// requests.
	called   map[int64]flawed
	requests map[request]flawed
	// doomed are the runs that may come to nothing only, and why.
	doomed map[*projection.Run]taskplan.Flaw
	// guarded are the namespaces whose guards read payloads.
	guarded map[string]bool
}

// flawed is a submission with a flaw.
type flawed struct {
	flaw      taskplan.Flaw
	namespace string
	// request is its newest request.
	request request
}

func newFlaws(f *findings) *flaws {
	c := &flaws{
		findings: f, called: make(map[int64]flawed), requests: make(map[request]flawed),
		doomed: make(map[*projection.Run]taskplan.Flaw), guarded: make(map[string]bool),
	}
	for namespace := range provider.NewSet(provider.Env{}).ConflictDetectors() {
		c.guarded[namespace] = true
	}
	return c
}

// refusedForEver reports whether the submission may never be accepted, whatever the state.
func (c *flaws) refusedForEver(s flawed) bool {
	return s.flaw.OfCommand() || s.flaw.Unreadable() && c.guarded[s.namespace]
}

func (c *flaws) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *event.Called:
		if about := taskevent.CallOf(b); about.Flaw != "" {
			c.called[b.Op] = flawed{flaw: taskplan.Flaw(about.Flaw), namespace: about.Namespace}
		}
	case *event.Proposed:
		if s, ok := c.called[b.Op]; ok {
			s.request = b.Request
			c.called[b.Op], c.requests[b.Request] = s, s
		}
	case *event.Committed:
		if s, ok := c.requests[l.Command.Request]; ok && !l.Command.Duplicate && !taskevent.OfSessions(l.Command.Verdict) {
			c.decided(e, s, l.Command)
		}
		c.failed(e, l)
	case *event.Returned:
		if s, ok := c.called[b.Op]; ok {
			c.answered(e, b, l, s)
			delete(c.called, b.Op)
		}
	case *taskevent.TaskChanged:
		c.changed(e, l)
	}
}

// forEver is the verdict on what is bad in itself.
var forEver = event.Verdict{Class: event.ClassPermanent, Reason: taskevent.InvalidCommand}

// decided holds what the log makes of a submission against its flaw.
func (c *flaws) decided(e *trace.Event, s flawed, cmd *taskevent.Command) {
	c.exercise("P18")
	switch {
	case c.refusedForEver(s):
		if got := cmd.Verdict.AtCaller(); got != forEver {
			c.report("P18", e.Node, nil, "%s at index %d is %s (%s), its flaw is %s: it must be refused for ever",
				cmd.Name, cmd.Index, got, cmd.Outcome, s.flaw)
		}
	case s.flaw == taskplan.UnknownCollection:
		// Without its tenants the task may have no units, either, and that goes first, as
		// does an active task of its name.
		if cmd.Accepted || cmd.Verdict != forEver && cmd.Verdict.Reason != taskevent.TaskActive && !strings.Contains(cmd.Outcome, taskplan.Unknown) {
			c.report("P18", e.Node, nil, "%s at index %d names a collection that is not there, and is answered %q", cmd.Name, cmd.Index, cmd.Outcome)
		}
	}
}

// answered: the caller learns that it need not try again.
func (c *flaws) answered(e *trace.Event, b *event.Returned, l *ledger, s flawed) {
	if !c.refusedForEver(s) || l.SessionRefused[s.request] {
		return
	}
	switch {
	case b.Outcome == event.OK, b.Outcome == event.Rejected && taskevent.AnswerOf(b) != forEver:
		c.exercise("P18")
		c.report("P18", e.Node, nil, "the caller of a submission whose flaw is %s gets the answer %q (%s %s)", s.flaw, b.Outcome, b.Class, b.Error)
	case b.Outcome == event.Rejected:
		c.exercise("P18")
	}
}

// changed: nothing comes of a run that is doomed.
func (c *flaws) changed(e *trace.Event, l *ledger) {
	ch := l.Change
	if ch == nil {
		return
	}
	if l.Command.Name == addTask && l.Command.Accepted && ch.Run.ID.Version == l.Command.Index {
		s := c.requests[l.Command.Request]
		if s.flaw.Unreadable() || s.flaw == taskplan.UnknownProperty {
			c.doomed[ch.Run] = s.flaw
		}
	}
	flaw, doomed := c.doomed[ch.Run]
	if !doomed {
		return
	}
	c.exercise("P18")
	switch {
	case ch.After == preparing || ch.After == swapping || ch.After == finished:
		c.report("P18", e.Node, ch.Run.Events(), "%s is %s, its flaw is %s: nothing can have come of it", ch.Run.ID, ch.After, flaw)
	case ch.Unit != nil && ch.Unit.Status == taskevent.UnitCompleted:
		c.report("P18", e.Node, ch.Run.Events(), "unit %s of %s is completed, the flaw of the task is %s", ch.UnitID, ch.Run.ID, flaw)
	}
}

// failed: the failure of a unit of a doomed run describes what is wrong with the payload.
func (c *flaws) failed(e *trace.Event, l *ledger) {
	cmd := l.Command
	if cmd.Name != unitCompletion || !cmd.Accepted || cmd.Error == "" {
		return
	}
	r := l.Current[taskevent.Key{Namespace: cmd.Namespace, Task: cmd.ID}]
	if flaw, doomed := c.doomed[r]; doomed && r.ID.Version == cmd.Args.Version {
		c.exercise("P18")
		if !strings.Contains(cmd.Error, taskevent.UnreadablePayload) {
			c.report("P18", e.Node, r.Events(), "unit %s of %s fails with %q, the flaw of the task is %s", cmd.UnitID, r.ID, cmd.Error, flaw)
		}
	}
}
