package property

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/models/spec"
	"dtsim/sim/trace"
)

// answers is P15: what a caller learns of its command is what the log made of it,
// however it came back: an acceptance is one, a rejection that can never succeed is
// recognisable as such, no other is, and a command that is said to have had no effect
// has none, ever. What a node is asked whose Raft has shut down can never succeed there, and
// its caller is told so at once.
type answers struct {
	*findings
	// asked are the requests of the operations under way, the newest last.
	asked map[int64][]request
	// decided are the requests that the log has decided.
	decided map[request]decision
	// without are the requests that are said to have had no effect, and where.
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
type request struct {
	client string
	seq    uint64
}

// decision is what the log made of a request.
type decision struct {
	verdict spec.Verdict
	outcome string
	index   uint64
	seq     int
}

func newAnswers(f *findings) *answers {
	return &answers{findings: f, asked: make(map[int64][]request), decided: make(map[request]decision), without: make(map[request]int),
		shut: make(map[incarnation]place), vain: make(map[int64]vainCall)}
}

func requestOf(e *trace.Event) request {
	seq, _ := e.Get("seq")
	return request{e.Str("client"), seq.Uint()}
}

func (c *answers) observe(e *trace.Event, l *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch e.Kind {
	case trace.NodeState:
		if e.Str("state") == "Shutdown" {
			c.shut[who] = place{e.At, e.Seq}
		}
	case trace.Called:
		if shut, ok := c.shut[who]; ok && shut.at < e.At {
			c.vain[e.Int("op")] = vainCall{place{e.At, e.Seq}, who, e.Str("do")}
		}
	case trace.NodeStopped:
		for _, op := range slices.Sorted(maps.Keys(c.vain)) {
			if c.vain[op].who == who {
				c.ended(e, l, op)
			}
		}
	case trace.Proposed:
		op := e.Int("op")
		c.asked[op] = append(c.asked[op], requestOf(e))
	case trace.Committed:
		c.committed(e, l)
	case trace.Returned:
		op := e.Int("op")
		c.ended(e, l, op)
		if requests := c.asked[op]; len(requests) > 0 {
			c.returned(e, requests)
			delete(c.asked, op)
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
	c.stake("P15")
	if lasted := e.At - max(call.at, l.at(call.who.node).resumed); lasted > moment {
		c.report("P15", call.who.node, []int{c.shut[call.who].seq, call.seq}, "%s is called at a node whose Raft has shut down, and is not told so for %s", call.do, lasted)
	}
}

func (c *answers) committed(e *trace.Event, l *ledger) {
	r, cmd := requestOf(e), l.command
	if r.client == "" || cmd.duplicate || ofSessions(cmd.outcome) {
		return
	}
	if seq, ok := c.without[r]; ok && cmd.accepted {
		c.report("P15", e.Node, []int{seq}, "%s at index %d takes effect, its caller was told that it had none", cmd.name, cmd.index)
	}
	if first, twice := c.decided[r]; twice {
		c.report("P15", e.Node, []int{first.seq}, "request %s takes effect at index %d and again at index %d", r, first.index, cmd.index)
		return
	}
	c.decided[r] = decision{spec.ReadVerdict(cmd.outcome), cmd.outcome, cmd.index, e.Seq}
}

// returned holds an answer against the decision on the operation's last request; those
// before it had no effect.
func (c *answers) returned(e *trace.Event, requests []request) {
	last := requests[len(requests)-1]
	d, decided := c.decided[last]
	told := e.Str("outcome")
	c.stake("P15")
	if told == "error" {
		for _, r := range requests {
			if d, decided := c.decided[r]; decided && d.verdict.Class == spec.OK {
				c.report("P15", e.Node, []int{d.seq}, "%s is said to have had no effect (%s), it was accepted at index %d", e.Str("do"), e.Str("error"), d.index)
			}
			c.without[r] = e.Seq
		}
		return
	}
	if told == "ok" || told == "rejected" && !ofSessions(e.Str("error")) {
		c.compare(e, d, decided)
	}
}

// compare holds a verdict at the caller against that of the log.
func (c *answers) compare(e *trace.Event, d decision, decided bool) {
	told := spec.Verdict{Class: spec.OK}.String()
	if e.Str("outcome") == "rejected" {
		told = e.Str("class")
	}
	switch {
	case !decided:
		c.report("P15", e.Node, nil, "%s is %s, the log has not decided on it", e.Str("do"), told)
	case told != d.verdict.String():
		c.report("P15", e.Node, []int{d.seq}, "%s is %s to its caller (%s), the log at index %d says %s (%s)",
			e.Str("do"), told, e.Str("error"), d.index, d.verdict, d.outcome)
	case told != "ok" && e.Str("error") == "":
		c.report("P15", e.Node, []int{d.seq}, "%s is rejected without a word", e.Str("do"))
	}
}

// String is the name of the request.
func (r request) String() string { return fmt.Sprintf("%s/%d", r.client, r.seq) }

func (c *answers) finish(*ledger) {}
