package property

import (
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// wedges is P17: a task whose participant has left for good is brought to its end by the
// command fail-task of an operator. It may be refused only where the task has ended, or
// will end by itself because every owner has acknowledged its swap, or where only a newer
// version knows what it is doing. That it breaks
// neither P5 nor P8 is for those checks to see.
type wedges struct {
	*findings
	// asked are the operators' commands under way.
	asked map[int64]wedge
}

// wedge is a task that an operator gives up.
type wedge struct {
	run *projection.Run
	seq int
	// stuck are the places at which nodes left for which the task waits.
	stuck []int
}

func (c *wedges) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *event.Called:
		if b.Do == string(taskplan.FailTask) {
			c.called(e, b, l)
		}
	case *event.Returned:
		if w, ok := c.asked[b.Op]; ok {
			delete(c.asked, b.Op)
			c.returned(e, b, l, w)
		}
	case *event.Committed:
		if l.Command.Name == markFailed {
			c.decided(e, l)
		}
	}
}

func (c *wedges) called(e *trace.Event, b *event.Called, l *ledger) {
	about := taskevent.CallOf(b)
	r := l.Current[about.Key()]
	if r == nil || r.Gone || r.Status.IsTerminal() {
		return
	}
	w := wedge{run: r, seq: e.Seq}
	names, seqs := l.gone()
	for i, name := range names {
		if owes(r, name, r.Last()) {
			w.stuck = append(w.stuck, seqs[i])
		}
	}
	if c.asked == nil {
		c.asked = make(map[int64]wedge)
	}
	c.asked[b.Op] = w
}

// returned: the operator's word has ended the task, if it was the same one all the time.
func (c *wedges) returned(e *trace.Event, b *event.Returned, l *ledger, w wedge) {
	if r := w.run; len(w.stuck) > 0 && b.Outcome == event.Rejected && !c.profile.Has(FailTask) && !r.Gone && owing(r) {
		c.exercise("P17")
		c.report("P17", e.Node, append(w.stuck, w.seq), "%s is %s, waits for a node that has left, and cannot be given up: %s", r.ID, r.Status, b.Error)
	}
	if len(w.stuck) == 0 || b.Outcome != event.OK {
		return
	}
	c.exercise("P17")
	if l.givenUp == nil {
		l.givenUp = make(map[*projection.Run]time.Duration)
	}
	l.givenUp[w.run] = e.At
	if r := w.run; !r.Gone && !r.Status.IsTerminal() {
		c.report("P17", e.Node, append(w.stuck, w.seq), "%s waits for a node that has left, an operator has given it up, and it is %s", r.ID, r.Status)
	}
}

// decided: what the log makes of the command. The status is that before it.
func (c *wedges) decided(e *trace.Event, l *ledger) {
	cmd := l.Command
	r := l.Current[taskevent.Key{Namespace: cmd.Namespace, Task: cmd.ID}]
	if r == nil || r.Gone || r.ID.Version != cmd.Args.Version || cmd.Duplicate || taskevent.OfSessions(cmd.Verdict) {
		return
	}
	c.exercise("P17")
	if r.Foreign() {
		c.untouchable(e, r, cmd)
		return
	}
	open := owing(r)
	switch {
	case open && !cmd.Accepted && !c.profile.Has(FailTask):
		return // it is a scheduler's
	case open && !cmd.Accepted:
		c.report("P17", e.Node, r.Events(), "%s is %s and cannot be given up at index %d: %s", r.ID, r.Status, cmd.Index, cmd.Outcome)
	case r.Status == swapping && !open && cmd.Accepted:
		c.report("P17", e.Node, r.Events(), "%s is given up at index %d, every owner has acknowledged its swap", r.ID, cmd.Index)
	case !cmd.Accepted && cmd.Verdict.Class != event.ClassPermanent:
		c.report("P17", e.Node, r.Events(), "%s cannot be given up at index %d, and its operator gets the answer to try again: %s", r.ID, cmd.Index, cmd.Outcome)
	}
}

// owing reports whether a task waits for something that a node may never do.
func owing(r *projection.Run) bool {
	return r.Status == started || r.Status == preparing || r.Status == swapping && len(r.Missing(r.Swapped)) > 0
}

// untouchable: whether the schema may have changed in a status that only a newer version
// knows, is unknown (P8). It is not given up, and not for ever: that version may
// bring it where it can be.
func (c *wedges) untouchable(e *trace.Event, r *projection.Run, cmd *taskevent.Command) {
	switch {
	case cmd.Accepted:
		c.report("P17", e.Node, r.Events(), "%s is %s, an unknown status, and is given up at index %d", r.ID, r.Status, cmd.Index)
	case cmd.Verdict.Class == event.ClassPermanent:
		c.report("P17", e.Node, r.Events(), "%s is %s, an unknown status, and its operator gets the answer at index %d that it can never be given up: %s",
			r.ID, r.Status, cmd.Index, cmd.Outcome)
	}
}

// finish: what was given up after quiescence has ended.
func (c *wedges) finish(l *ledger) {
	for _, r := range l.Order {
		at, ok := l.givenUp[r]
		if !ok {
			continue
		}
		c.exercise("P17")
		if s := r.At(l.end); l.end > at && s.Index > 0 && s.Status != absent && !s.Status.IsTerminal() {
			c.report("P17", "", r.Events(), "%s was given up at %s and is %s", r.ID, at, s.Status)
		}
	}
}
