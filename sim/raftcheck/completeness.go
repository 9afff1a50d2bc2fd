package raftcheck

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// completeness is R3: a node that becomes leader has in its log, or below its snapshot, all
// that was committed in earlier terms.
//
// What a node has applied is committed, in its own term at the latest. So only leaders of
// higher terms must have it: one of an older term may have been slow to learn that it was
// elected.
type completeness struct{ *run }

func (c *completeness) observe(e *trace.Event) {
	b, ok := e.Body.(*event.NodeState)
	if !ok || b.State != event.Leader {
		return
	}
	n := c.node(e.Node)
	if !n.disk.known {
		return
	}
	exercised := false
	for i := range c.commits {
		committed := &c.commits[i]
		if committed.epoch == 0 || committed.epoch >= b.Term {
			continue
		}
		exercised = true
		if committed.index <= n.disk.snapshot.Index {
			continue
		}
		has, ok := n.disk.at(committed.index)
		if ok && has.Term == committed.term && has.Sum == committed.sum {
			continue
		}
		what := "nothing"
		if ok {
			what = named(has.Term, has.Sum)
		}
		c.report("R3", e.Node, []int{committed.by.seq}, "%s becomes leader of term %d and has %s at index %d; %s applied %s there in term %d",
			e.Node, b.Term, what, committed.index, committed.by.node, named(committed.term, committed.sum), committed.epoch)
		break
	}
	if exercised {
		c.exercise("R3")
	}
}

func (c *completeness) finish() {}
