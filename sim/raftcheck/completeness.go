package raftcheck

import (
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// completeness is R3: a node that becomes leader has in its log, or below its snapshot, all
// that was committed in earlier terms.
//
// What a node has applied is committed, in its own term at the latest. So only leaders of
// higher terms must have it: one of an older term may have been slow to learn that it was
// elected.
//
// And what is applied is on the disks of a majority: else a majority without it could elect
// a leader.
type completeness struct{ *run }

func (c *completeness) observe(e *trace.Event) {
	if b, ok := e.Body.(*event.Applied); ok {
		c.applied(e, b)
		return
	}
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

// applied: the first time that an entry is applied, a majority must have it. How many nodes are members is
// not known; it is taken that all that the plan removes are gone already.
func (c *completeness) applied(e *trace.Event, b *event.Applied) {
	if c.commits[c.committed[b.Index]].by.seq != e.Seq {
		return
	}
	members := c.plan.Cluster.Nodes
	for _, f := range c.plan.Faults {
		if f.Kind == plan.Leave || f.Kind == plan.Remove {
			members -= max(1, len(f.Nodes))
		}
	}
	have := 0
	for _, n := range c.nodes {
		if !n.disk.known || n.disk.holds(b.Index, b.Term) {
			have++
		}
	}
	c.exercise("R3")
	if have <= members/2 {
		c.report("R3", e.Node, nil, "%s applies %s at index %d, and %d of at least %d members have it", e.Node, named(b.Term, b.Sum), b.Index, have, members)
	}
}

func (c *completeness) finish() {}
