package raftcheck

import (
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// catchUp is R6: at the end of a run whose quiescence was long enough, every node that is
// up has applied what any node has.
type catchUp struct {
	*run
	// newest is the highest index that was applied, and when and where it first was.
	newest uint64
	at     time.Duration
	seq    int
}

func (c *catchUp) observe(e *trace.Event) {
	if b, ok := event.Of(e).(*event.Applied); ok && b.Index > c.newest {
		c.newest, c.at, c.seq = b.Index, e.At, e.Seq
	}
}

func (c *catchUp) finish() {
	bound := Bound(c.plan)
	for _, n := range c.sorted() {
		since := max(c.quiet, n.since, c.at)
		if !n.rested || n.left || c.rest-since < bound {
			continue
		}
		c.exercise("R6")
		if n.index < c.newest {
			c.report("R6", n.name, []int{n.born, c.seq}, "%s is up since %s and nothing has gone wrong for %s, and it has applied up to index %d; %d was applied elsewhere %s ago; %s is enough",
				n.name, n.since, c.rest-max(c.quiet, n.since), n.index, c.newest, c.rest-c.at, bound)
		}
	}
}
