package property

import (
	"strconv"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// agreement is P1: every replica that has applied an index, however it got there, has the same
// state, gave the command the same verdict, and applied the same command.
type agreement struct {
	*findings
	verdicts map[uint64]witness
	states   map[uint64]witness
	// applied is the newest index of each incarnation.
	applied map[incarnation]witness
}

// witness is what the first replica has recorded of an index.
type witness struct {
	who   string
	index uint64
	what  verdictOf
	seq   int
}

// verdictOf is what a replica made of an index, or the state it had there.
type verdictOf struct {
	outcome, state string
	sum, first     uint64
}

func newAgreement(f *findings) *agreement {
	return &agreement{
		findings: f, verdicts: make(map[uint64]witness), states: make(map[uint64]witness), applied: make(map[incarnation]witness),
	}
}

func (c *agreement) observe(e *trace.Event, _ *ledger) {
	who := incarnation{e.Node, e.Incarnation}
	switch b := e.Body.(type) {
	case *event.Applied:
		c.verdict(e, b.Index, verdictOf{outcome: b.Outcome, sum: b.Sum, first: b.First}, b.State)
		if before := c.applied[who]; b.Index <= before.index {
			c.report("P1", e.Node, []int{before.seq}, "index %d is applied after index %d", b.Index, before.index)
		}
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
	case *event.Replayed:
		if !c.profile.Has(Replay) {
			return
		}
		c.verdict(e, b.Index, verdictOf{outcome: b.Outcome, sum: b.Sum, first: b.First}, b.State)
	case *event.SnapshotTaken:
		c.state(e, b.Index, b.Hash)
	case *event.SnapshotReread:
		c.state(e, b.Index, b.Hash)
	case *event.SnapshotRestored:
		c.state(e, b.Index, b.Hash)
		c.applied[who] = witness{index: b.Index, seq: e.Seq}
	case *event.AtRest:
		if b.What == event.RestState {
			c.state(e, b.Index, b.Hash)
		}
	}
}

// verdict takes in what a replica made of an index, and its state there if it is known.
func (c *agreement) verdict(e *trace.Event, index uint64, v verdictOf, state string) {
	if v.outcome != event.Accepted && !c.profile.Has(RejectionTexts) {
		v.outcome = event.Rejected
	}
	c.agree(e, c.verdicts, index, "verdict", v)
	if state != "" {
		c.state(e, index, state)
	}
}

func (c *agreement) state(e *trace.Event, index uint64, hash string) {
	c.agree(e, c.states, index, "state", verdictOf{state: hash})
}

// agree compares what an event shows at an index with what the first event showed.
func (c *agreement) agree(e *trace.Event, seen map[uint64]witness, index uint64, about string, what verdictOf) {
	first, ok := seen[index]
	if !ok {
		seen[index] = witness{e.Node, index, what, e.Seq}
		return
	}
	c.exercise("P1")
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

// String returns the state or the verdict of a replica.
func (v verdictOf) String() string {
	if v.state != "" {
		return v.state
	}
	text := "\"" + v.outcome + "\" to the entry " + strconv.FormatUint(v.sum, 16)
	if v.first != 0 {
		text += " as a duplicate of " + strconv.FormatUint(v.first, 10)
	}
	return text
}

func (c *agreement) finish(*ledger) {}
