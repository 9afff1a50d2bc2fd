package property

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// patience is the part of P18 that what fails at once and for ever costs little: what a
// scheduler has tried in vain it tries again when it has another list. It may hold one
// already that came during the attempt, so that two attempts in a row prove nothing.
type patience struct {
	*findings
	// tries are the places of the attempts of each incarnation since its last list.
	tries map[incarnation]map[trying][]int
}

// trying is what a scheduler does about a run: a call, or a callback, of a group or of none.
type trying struct {
	run         taskevent.Run
	what, group string
}

func (c *patience) observe(e *trace.Event, _ *ledger) {
	switch b := e.Body.(type) {
	case *event.Called:
		switch b.Do {
		case taskevent.AckPreparation, taskevent.AckSwap, taskevent.FinalizeTask, taskevent.CleanUpTask:
			// A call without a version is an operator's.
			if about := taskevent.CallOf(b); !about.Resent && about.Version.Set {
				c.tried(e, trying{about.Run(), b.Do, ""})
			}
		}
	case *taskevent.StartAsked:
		c.tried(e, trying{b.Run, "StartTask", ""})
	case *taskevent.CallbackStarted:
		c.tried(e, trying{b.Run, b.Name, b.Group})
	case *taskevent.Listed:
		if !b.Op.Set {
			delete(c.tries, incarnation{e.Node, e.Incarnation})
		}
	}
}

func (c *patience) tried(e *trace.Event, key trying) {
	who := incarnation{e.Node, e.Incarnation}
	if c.tries[who] == nil {
		c.tries[who] = make(map[trying][]int)
	}
	seqs := append(c.tries[who][key], e.Seq)
	c.tries[who][key] = seqs
	c.exercise("P18")
	if len(seqs) > 2 {
		c.report("P18", e.Node, seqs, "%s of %s is tried for the third time without another list", key.what, key.run)
	}
}

func (c *patience) finish(*ledger) {}
