package property

import (
	"maps"
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// answers is P15: what a caller learns of its command is what the log made of it,
// however it came back: an acceptance is one, a rejection that can never succeed is
// recognisable as such, no other is, and a command that was answered as without effect
// has none, ever. A call at a node whose Raft has shut down can never succeed there, and
// its caller gets that error at once.
type answers struct {
	*findings
	// asked are the requests of the operations under way, the newest last.
	asked map[int64][]request
	// decided are the requests that the log has decided.
	decided map[request]decision
	// without are the requests that were answered as without effect, and where.
	without map[request]int
	// shut is when the Raft of an incarnation shut down, vain are the calls that were begun
	// there afterwards and are under way.
	shut map[incarnation]place
	vain map[int64]vainCall
}

// place is where something stands in the trace.
type place struct {
	at  time.Duration
	seq int
}

// vainCall is a call that nothing can come of.
type vainCall struct {
	place
	who incarnation
	do  string
}

// request is a command's name.
type request = event.Request

// decision is what the log made of a request.
type decision struct {
	verdict event.Verdict
	outcome string
	index   uint64
	seq     int
}

func newAnswers(f *findings) *answers {
	return &answers{findings: f, asked: make(map[int64][]request), decided: make(map[request]decision), without: make(map[request]int),
		shut: make(map[incarnation]place), vain: make(map[int64]vainCall)}
}

func (c *answers) observe(e *trace.Event, l *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := e.Body.(type) {
	case *event.NodeState:
		if b.State == event.RaftShutdown {
			c.shut[who] = place{e.At, e.Seq}
		}
	case *event.Called:
		if shut, ok := c.shut[who]; ok && shut.at < e.At {
			c.vain[b.Op] = vainCall{place{e.At, e.Seq}, who, b.Do}
		}
	case *event.NodeStopped:
		for _, op := range slices.Sorted(maps.Keys(c.vain)) {
			if c.vain[op].who == who {
				c.ended(e, l, op)
			}
		}
	case *event.Proposed:
		c.asked[b.Op] = append(c.asked[b.Op], b.Request)
	case *event.Committed:
		c.committed(e, l)
	case *event.Returned:
		c.ended(e, l, b.Op)
		if requests := c.asked[b.Op]; len(requests) > 0 {
			c.returned(e, b, l, requests)
			delete(c.asked, b.Op)
		}
	}
}

// ended: a call that nothing can come of has ended, with an answer or with its node.
func (c *answers) ended(e *trace.Event, l *ledger, op int64) {
	call, vain := c.vain[op]
	if !vain {
		return
	}
	delete(c.vain, op)
	c.exercise("P15")
	if lasted := e.At - max(call.at, l.at(call.who.node).wentOn(e.At)); lasted > moment {
		c.report("P15", call.who.node, []int{c.shut[call.who].seq, call.seq}, "%s is called at a node whose Raft has shut down, and gets no error for %s", call.do, lasted)
	}
}

func (c *answers) committed(e *trace.Event, l *ledger) {
	cmd := l.Command
	r := cmd.Request
	if r.Client == "" || cmd.Duplicate || taskevent.OfSessions(cmd.Verdict) {
		return
	}
	if seq, ok := c.without[r]; ok && cmd.Accepted {
		c.report("P15", e.Node, []int{seq}, "%s at index %d takes effect, its caller got the answer that it had none", cmd.Name, cmd.Index)
	}
	if first, twice := c.decided[r]; twice {
		c.report("P15", e.Node, []int{first.seq}, "request %s takes effect at index %d and again at index %d", r, first.index, cmd.Index)
		return
	}
	c.decided[r] = decision{cmd.Verdict.AtCaller(), cmd.Outcome, cmd.Index, e.Seq}
}

// returned holds an answer against the decision on the operation's last request; those
// before it had no effect.
func (c *answers) returned(e *trace.Event, b *event.Returned, l *ledger, requests []request) {
	last := requests[len(requests)-1]
	d, decided := c.decided[last]
	c.exercise("P15")
	if b.Outcome == event.NoEffect {
		for _, r := range requests {
			if d, decided := c.decided[r]; decided && d.verdict.Class == event.ClassOK {
				c.report("P15", e.Node, []int{d.seq}, "%s was answered as without effect (%s), it was accepted at index %d", b.Do, b.Error, d.index)
			}
			c.without[r] = e.Seq
		}
		return
	}
	if b.Outcome == event.OK || b.Outcome == event.Rejected && !l.SessionRefused[last] {
		c.compare(e, b, d, decided)
	}
}

// compare compares the verdict at the caller with that of the log.
func (c *answers) compare(e *trace.Event, b *event.Returned, d decision, decided bool) {
	answer := taskevent.AnswerOf(b)
	switch {
	case !decided:
		c.report("P15", e.Node, nil, "%s is %s, the log has not decided on it", b.Do, answer)
	case answer.Class == d.verdict.Class && !c.profile.Has(Reasons):
	case answer != d.verdict:
		c.report("P15", e.Node, []int{d.seq}, "%s is %s to its caller (%s), the log at index %d has %s (%s)",
			b.Do, answer, b.Error, d.index, d.verdict, d.outcome)
	case answer.Class != event.ClassOK && b.Error == "":
		c.report("P15", e.Node, []int{d.seq}, "%s is rejected without a message", b.Do)
	}
}

func (c *answers) finish(*ledger) {}
