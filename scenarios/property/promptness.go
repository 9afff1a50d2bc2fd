package property

import (
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// promptness is the part of P16 that a scheduler does not wait for its next tick when
// there is something to do: a task's new status or the end of a unit, which its replica
// applies, and the exit of a terminated worker, it looks at when it happens, or
// as soon as the look under way is over. Only what becomes of a record that is gone has
// time. In the traces of the model checker schedulers list at any time.
type promptness struct {
	*findings
	nodes map[incarnation]*attention
	// notable are the indexes of the log that schedulers are to look at.
	notable map[uint64]bool
}

// attention is what the scheduler of an incarnation has to look at.
type attention struct {
	// seq is its event, 0 for nothing; due is since when.
	seq int
	due time.Duration
	// looked is when the last look was over.
	looked time.Duration
	// terminated are the handles of the workers that were terminated.
	terminated map[int64]bool
}

func newPromptness(f *findings) *promptness {
	return &promptness{findings: f, nodes: make(map[incarnation]*attention), notable: make(map[uint64]bool)}
}

func (c *promptness) of(e *trace.Event) *attention {
	who := incarnation{e.Node, e.Incarnation}
	a := c.nodes[who]
	if a == nil {
		a = &attention{terminated: make(map[int64]bool)}
		c.nodes[who] = a
	}
	return a
}

func (c *promptness) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *taskevent.TaskChanged:
		if l.Change != nil && notable(l.Change) {
			c.notable[l.Command.Index] = true
		}
	case *event.Applied:
		if c.notable[b.Index] {
			c.attract(e, l)
		}
	case *taskevent.HandleTerminated:
		c.of(e).terminated[b.Number] = true
	case *taskevent.HandleExited:
		if a := c.of(e); a.terminated[b.Number] {
			c.attract(e, l)
		}
	case *taskevent.Listed:
		if !b.Op.Set {
			c.looked(e, b.Called, l)
		}
	case *taskevent.ListFailed:
		if a := c.of(e); !b.Op.Set {
			a.seq, a.looked = 0, e.At
		}
	}
}

// notable reports whether a change needs a reaction of schedulers.
func notable(ch *projection.Change) bool {
	ended := ch.Unit != nil && ch.Unit.Status.IsTerminal() && !ch.UnitBefore.Status.IsTerminal()
	return ch.After != "" && (ch.Before != ch.After || ended)
}

// attract notes that there is something to look at. A scheduler that has not looked yet
// looks for the first time when it can.
func (c *promptness) attract(e *trace.Event, l *ledger) {
	if a := c.of(e); a.seq == 0 && l.at(e.Node).first && l.timed() {
		a.seq, a.due = e.Seq, e.At
	}
}

// looked: the look began as soon as there was something to see. Of one that came to
// nothing only its end is known.
func (c *promptness) looked(e *trace.Event, began time.Duration, l *ledger) {
	a := c.of(e)
	last := a.looked
	a.looked = e.At
	if a.seq == 0 || began < a.due {
		return // it was under way before
	}
	c.exercise("P16")
	if due := max(a.due, last, l.at(e.Node).wentOn(e.At)); began > due {
		c.report("P16", e.Node, []int{a.seq}, "the scheduler looks at what has happened %s later", began-due)
	}
	a.seq = 0
}

func (c *promptness) finish(*ledger) {}
