package check

import (
	"dtsim/sim/trace"
)

// agreement is P1: whoever has applied an index, however it got there, has the same
// state, gave the command the same verdict, and applied the same command.
type agreement struct {
	*findings
	verdicts map[uint64]witness
	states   map[uint64]witness
	// applied is the newest index of each incarnation.
	applied map[incarnation]uint64
}

// witness is what the first replica said about an index.
type witness struct{ who, what string }

func newAgreement(f *findings) *agreement {
	return &agreement{
		findings: f, verdicts: make(map[uint64]witness), states: make(map[uint64]witness), applied: make(map[incarnation]uint64),
	}
}

func (c *agreement) observe(e *trace.Event, _ *ledger) {
	field, _ := e.Get("index")
	index := field.Uint()
	who := incarnation{e.Node, e.Incarnation}
	switch e.Kind {
	case trace.Applied, trace.Replayed:
		verdict := e.Str("outcome") + " to the entry " + e.Str("sum")
		if first, ok := e.Get("first"); ok {
			verdict += " as a duplicate of " + first.Text()
		}
		c.agree(e, c.verdicts, index, "verdict", verdict)
		if _, sampled := e.Get("state"); sampled {
			c.agree(e, c.states, index, "state", e.Str("state"))
		}
		if e.Kind == trace.Applied {
			if before := c.applied[who]; index <= before {
				c.report("P1", e.Node, "index %d is applied after index %d", index, before)
			}
			c.applied[who] = index
		}
	case trace.SnapshotTaken:
		c.agree(e, c.states, index, "state", e.Str("hash"))
	case trace.SnapshotRestored:
		c.agree(e, c.states, index, "state", e.Str("hash"))
		c.applied[who] = index
	case trace.AtRest:
		if e.Str("what") == "state" {
			c.agree(e, c.states, index, "state", e.Str("hash"))
		}
	}
}

// agree compares what an event says about an index with what the first one said.
func (c *agreement) agree(e *trace.Event, said map[uint64]witness, index uint64, about, what string) {
	who := e.Node
	if e.Kind == trace.Replayed {
		who = "the replay of the log"
	}
	first, ok := said[index]
	if !ok {
		said[index] = witness{who, what}
		return
	}
	if first.what != what {
		c.report("P1", e.Node, "%s at index %d: %s of %s has %s, that of %s has %s", e.Kind, index, about, who, what, first.who, first.what)
	}
}

func (c *agreement) finish(*ledger) {}
