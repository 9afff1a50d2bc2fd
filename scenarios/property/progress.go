package property

import (
	"slices"
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// progress is P16, and the part of P9 that no callback is missed: when the faults have
// stopped for long enough, every task is terminal, every callback has run on every node
// that is up, and expired records and what nodes hold of them are gone. How long is
// long enough is defined by bounds; what may be left unfinished, by the waivers below.
type progress struct {
	*findings
	callbacks *callbacks
}

func (c *progress) observe(*trace.Event, *ledger) {}

func (c *progress) finish(l *ledger) {
	if l.end == 0 {
		return // no node was up
	}
	for _, r := range l.Order {
		c.ends(l, r)
		c.calls(l, r)
		c.expires(l, r)
	}
	c.forgets(l)
}

// ends: the run has become terminal.
func (c *progress) ends(l *ledger, r *projection.Run) {
	s := r.At(l.end)
	if s.Index == 0 {
		return
	}
	if s.Status == absent || s.Status.IsTerminal() {
		c.exercise("P16")
		return
	}
	since := max(l.settled(), r.History[0].At)
	if c.tooShort(l.end-since, l.bounds().tasks) {
		return
	}
	c.exercise("P16")
	if e := l.waiverFor(r, s); e != nil {
		c.waive("P16", e.name)
		return
	}
	c.report("P16", "", r.Events(), "%s is %s since %s, and nothing has gone wrong for %s; %s is enough, and no waiver applies",
		r.ID, s.Status, s.At, l.end-since, l.bounds().tasks)
}

// calls: OnTaskCompleted has succeeded on every node that was up long enough while
// there was a record of the end.
func (c *progress) calls(l *ledger, r *projection.Run) {
	ended, ok := r.Terminal()
	if !ok || !hasCallbacks(r) {
		return
	}
	until, gone := l.end, r.Last()
	if gone.Status == absent {
		until = min(until, gone.At)
	}
	for _, n := range l.resting() {
		since := max(l.follows(n), ended.At)
		if until < l.end && until-since < l.bounds().callbacks {
			continue // its record went away in between, and not for its age alone
		}
		if c.tooShort(until-since, l.bounds().callbacks) {
			continue
		}
		if l.stalled() {
			c.waive("P16", majorityLeft)
			continue
		}
		if _, terminal := n.terminal[r.ID]; terminal && r.Payload.Kind == taskplan.ShardNoop {
			c.waive("P16", lostWithCrash)
			continue
		}
		c.exercise("P16")
		if !c.profile.Has(FailedCompletion) && c.callbacks.returned(n.name, r, taskevent.TaskCompleted) {
			continue
		}
		if _, ran := c.callbacks.succeeded(n.name, r, taskevent.TaskCompleted, ""); !ran {
			c.report("P16", n.name, append(r.Events(), n.born), "OnTaskCompleted of %s has not succeeded on this node, %s after it became %s; %s is enough",
				r.ID, until-since, ended.Status, l.bounds().callbacks)
		}
	}
}

// expires: the record of a run that has ended is gone after its time to live.
func (c *progress) expires(l *ledger, r *projection.Run) {
	ended, ok := r.Terminal()
	if !ok {
		return // what has not ended has no age
	}
	ttl, last := l.plan.CompletedTaskTTL.D(), r.At(l.end)
	if ttl > shortLife {
		return // no run waits for that
	}
	due := l.stamped(r) + ttl
	switch lasted := l.end - max(l.settled(), ended.At, due); {
	case due > l.end && l.stamped(r) > ended.At:
		c.waive("P16", clockAhead)
	case c.tooShort(lasted, l.bounds().records):
	case l.stalled():
		c.waive("P16", majorityLeft)
	default:
		c.exercise("P16")
		if last.Status != absent {
			c.report("P16", "", r.Events(), "the record of %s is still there, %s after it became %s; its time to live is %s",
				r.ID, l.end-ended.At, last.Status, ttl)
		}
	}
}

// forgets: no node holds local state of a run whose record is gone.
func (c *progress) forgets(l *ledger) {
	for i := range l.atRest {
		e := &l.atRest[i]
		if e.What != taskevent.RestLocal {
			continue
		}
		r := l.Runs[e.Run]
		if r == nil {
			c.report("P16", e.node, []int{e.seq}, "there is local state of %s, which was never added", e.Run)
			continue
		}
		gone := r.Last()
		if gone.Status != absent || l.stalled() || c.tooShort(l.end-max(l.follows(l.at(e.node)), gone.At), l.bounds().callbacks) {
			continue
		}
		c.exercise("P16")
		c.report("P16", e.node, []int{gone.Seq, e.seq}, "there is local state of %s, whose record is gone since %s; %s is enough to remove it",
			r.ID, gone.At, l.bounds().callbacks)
	}
}

// tooShort reports whether the run has ended before anything was due, and counts it.
func (c *progress) tooShort(lasted, bound time.Duration) bool {
	if lasted >= bound {
		return false
	}
	c.waive("P16", runTooShort)
	return true
}

// settled is from when on the cluster works as one that nothing has happened to, as far
// as this follows from the plan.
func (l *ledger) settled() time.Duration {
	settled := l.quiescence + l.bounds().cluster
	for _, n := range l.resting() {
		settled = max(settled, l.follows(n))
	}
	return settled
}

// follows is from when on a node keeps up with the others: one whose shutdown took its
// time starts after quiescence.
func (l *ledger) follows(n *node) time.Duration {
	return max(l.quiescence, n.since) + l.bounds().cluster
}

// stamped is the true time of what the record of a run gives as its end.
func (l *ledger) stamped(r *projection.Run) time.Duration {
	return time.Duration(r.Ended-l.start) * time.Millisecond
}

// The waivers of P16.
const (
	// majorityLeft: so many nodes have left for good that nothing can be committed any
	// more. Its witness is that nothing was.
	majorityLeft = "majority-left"
	// participantLeft: a node that owes something to the task has left for good, and
	// no operator has given the task up. Its witness is the node's leaving.
	participantLeft = "participant-left"
	// clockAhead: the clock was ahead that stamped the end of the task, so that the time
	// to live of its record is not over. Its witness is the stamp.
	clockAhead = "clock-ahead"
	// newerVersion: only a newer version knows the status of the task, and what ends it; or
	// the task has swapped, and its flip has to wait for such a task of another kind, which
	// works on the same data. Its witnesses are the snapshot in which that version has left
	// the task, and the refusal of the flip.
	newerVersion = "newer-version"
	// lostWithCrash: the task was terminal when the node began, and its provider cannot say
	// whether its part was done, so that it is not called again. Its witness is the first list.
	lostWithCrash = "lost-with-a-crash"
	// runTooShort: the run has ended before it was due. Generated plans leave the time.
	runTooShort = "run-too-short"
)

// waiver is why something may stay unfinished, and the places of its witnesses.
type waiver struct {
	name  string
	seqs  []int
	nodes []string
}

// waiverFor returns why a run may stay where it is; nil for no reason.
func (l *ledger) waiverFor(r *projection.Run, s projection.Stage) *waiver {
	names, seqs := l.gone()
	if l.stalled() {
		return &waiver{majorityLeft, seqs, names}
	}
	if r.Inherited && s.Index == l.Inherited.Index {
		return &waiver{name: newerVersion, seqs: []int{s.Seq}}
	}
	if f := l.inTheWay(r); f != nil && s.Status == swapping {
		return &waiver{name: newerVersion, seqs: []int{f.Last().Seq, r.FlipRefused}}
	}
	e := &waiver{name: participantLeft}
	for i, name := range names {
		if owes(r, name, s) {
			e.seqs, e.nodes = append(e.seqs, seqs[i]), append(e.nodes, name)
		}
	}
	if len(e.nodes) == 0 || l.givenUp[r] > 0 {
		return nil // given up: then it is for P17 to end
	}
	return e
}

// inTheWay returns a run in a status that only a newer version knows, because of which a
// flip of r was refused; nil for none.
func (l *ledger) inTheWay(r *projection.Run) *projection.Run {
	if r.FlipRefused == 0 {
		return nil
	}
	i := slices.IndexFunc(l.Order, func(f *projection.Run) bool {
		return f.Inherited && f.Foreign() && f.ID.Namespace != r.ID.Namespace && f.Touches(r.Payload.Collection, r.Payload.Property)
	})
	if i < 0 {
		return nil
	}
	return l.Order[i]
}

// stalled reports whether so many voters of the newest configuration have left for good that the others are
// no majority, and that nothing was committed after quiescence since they left.
func (l *ledger) stalled() bool {
	names, _ := l.gone()
	voters, gone := l.voters(), 0
	for _, name := range voters {
		if slices.Contains(names, name) {
			gone++
		}
	}
	if gone*2 < len(voters) {
		return false
	}
	var since time.Duration
	for _, name := range names {
		since = max(since, l.nodes[name].leftAt)
	}
	return l.Committed <= max(since, l.quiescence)
}

// owes reports whether a run waits for a node, as far as the log shows: for the end of a
// unit that is the node's, or for its ack.
func owes(r *projection.Run, node string, s projection.Stage) bool {
	switch s.Status {
	case started:
		return slices.ContainsFunc(r.UnitIDs(), func(id string) bool {
			u := r.Units[id]
			return !u.Status.IsTerminal() && (u.Owner == node || r.Payload.Places[id].Node == node)
		})
	case preparing:
		return slices.Contains(r.Missing(r.Prepared), node)
	case swapping:
		return slices.Contains(r.Missing(r.Swapped), node)
	}
	return false
}
