package property

import (
	"strconv"

	"dtsim/sim/trace"
)

// agreement is P1: whoever has applied an index, however it got there, has the same
// state, gave the command the same verdict, and applied the same command.
type agreement struct {
	*findings
	verdicts map[uint64]witness
	states   map[uint64]witness
	// applied is the newest index of each incarnation.
	applied map[incarnation]witness
}

// witness is what the first replica said about an index.
type witness struct {
	who   string
	index uint64
	what  verdictOf
	seq   int
}

// verdictOf is what a replica made of an index, or the state it had there.
type verdictOf struct {
	outcome, state, first string
	sum                   uint64
}

func newAgreement(f *findings) *agreement {
	return &agreement{
		findings: f, verdicts: make(map[uint64]witness), states: make(map[uint64]witness), applied: make(map[incarnation]witness),
	}
}

func (c *agreement) observe(e *trace.Event, _ *ledger) {
	switch e.Kind {
	case trace.Applied, trace.Replayed:
		c.appliedIndex(e)
	case trace.SnapshotTaken, trace.SnapshotReread, trace.SnapshotRestored:
		index, _ := e.Get("index")
		c.agree(e, c.states, index.Uint(), "state", verdictOf{state: e.Str("hash")})
		if e.Kind == trace.SnapshotRestored {
			c.applied[incarnation{e.Node, e.Incarnation}] = witness{index: index.Uint(), seq: e.Seq}
		}
	case trace.AtRest:
		if e.Str("what") == "state" {
			index, _ := e.Get("index")
			c.agree(e, c.states, index.Uint(), "state", verdictOf{state: e.Str("hash")})
		}
	}
}

func (c *agreement) appliedIndex(e *trace.Event) {
	field, _ := e.Get("index")
	index := field.Uint()
	sum, _ := e.Get("sum")
	verdict := verdictOf{outcome: e.Str("outcome"), sum: sum.Uint()}
	if first, ok := e.Get("first"); ok {
		verdict.first = first.Text()
	}
	c.agree(e, c.verdicts, index, "verdict", verdict)
	if state, sampled := e.Get("state"); sampled {
		c.agree(e, c.states, index, "state", verdictOf{state: state.Text()})
	}
	if e.Kind == trace.Applied {
		who := incarnation{e.Node, e.Incarnation}
		if before := c.applied[who]; index <= before.index {
			c.report("P1", e.Node, []int{before.seq}, "index %d is applied after index %d", index, before.index)
		}
		c.applied[who] = witness{index: index, seq: e.Seq}
	}
}

// agree compares what an event says about an index with what the first one said.
func (c *agreement) agree(e *trace.Event, said map[uint64]witness, index uint64, about string, what verdictOf) {
	first, ok := said[index]
	if !ok {
		said[index] = witness{e.Node, index, what, e.Seq}
		return
	}
	c.stake("P1")
	if first.what != what {
		who := e.Node
		switch e.Kind {
		case trace.Replayed:
			who = "the replay of the log"
		case trace.SnapshotReread:
			who = "what " + e.Node + " has written"
		}
		c.report("P1", e.Node, []int{first.seq}, "%s at index %d: the %s of %s is %v, that of %s is %v",
			e.Kind, index, about, who, what, first.who, first.what)
	}
}

// String tells what a replica said.
func (v verdictOf) String() string {
	if v.state != "" {
		return v.state
	}
	text := "\"" + v.outcome + "\" to the entry " + strconv.FormatUint(v.sum, 16)
	if v.first != "" {
		text += " as a duplicate of " + v.first
	}
	return text
}

func (c *agreement) finish(*ledger) {}
