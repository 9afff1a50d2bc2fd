package raftcheck

import (
	"fmt"
	"strings"

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
// And what is applied is on the disks of a majority of the voters: else a majority without it could elect
// a leader. Who votes is what the configuration says that is in force.
//
// A leader whose state a user has replaced (raft.Restore) has a snapshot that ends behind its log, and that
// stands for entries that it has aborted. It is taken to hold what is below, so that this check sees
// less there; nothing is waived, since such a leader is a member no more unless a majority has the
// snapshot, too.
//
// Where a cluster is recovered from the disk of one node (see [event.Recovered]), that commits all entries of its
// log, however many nodes have them. Of the two halves that waives the second, for what the node
// applies meanwhile; that the log holds what was committed before, which the first half says, is not waived.
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

// applied: the first time that an entry is applied, a majority of the voters must have it.
func (c *completeness) applied(e *trace.Event, b *event.Applied) {
	if c.commits[c.committed[b.Index]].by.seq != e.Seq || c.recovering == e.Node {
		return
	}
	c.exercise("R3")
	var counted []string
	for _, conf := range c.committing(b.Index, c.node(e.Node)) {
		have := 0
		for _, name := range conf.voters {
			if n := c.node(name); !n.disk.known || n.disk.holds(b.Index, b.Term) {
				have++
			}
		}
		if have > len(conf.voters)/2 {
			return
		}
		counted = append(counted, fmt.Sprintf("%d of %d", have, len(conf.voters)))
	}
	c.report("R3", e.Node, nil, "%s applies %s at index %d, and %s voters have it", e.Node, named(b.Term, b.Sum), b.Index, strings.Join(counted, ", or "))
}

func (c *completeness) finish() {}
