package raftcheck

import (
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// catchUp is R6: at the end of a run whose quiescence was long enough, every node that is
// up has applied what any node has applied long enough ago; and after quiescence none is sent
// the same snapshot more than [maxSnapshots] times.
type catchUp struct {
	*run
	// sent are the snapshots that nodes were sent last.
	sent map[string]*sent
}

// sent is a snapshot that a node was sent.
type sent struct {
	index uint64
	// times is how often, since is the place of the first.
	times, since int
}

func (c *catchUp) observe(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.MessageSent:
		if b.Msg == "snapshot" {
			c.snapshot(e, b)
		}
	case *event.NodeStarted:
		delete(c.sent, e.Node)
	}
}

// snapshot: a snapshot is sent to a node.
func (c *catchUp) snapshot(e *trace.Event, b *event.MessageSent) {
	if to := c.node(b.To); !c.calm() || !to.up {
		return
	}
	c.exercise("R6")
	s := c.sent[b.To]
	if s == nil || s.index != b.Last.Value {
		s = &sent{index: b.Last.Value, since: e.Seq}
		c.sent[b.To] = s
	}
	if s.times++; s.times == maxSnapshots+1 {
		c.report("R6", b.To, []int{s.since}, "%s is sent the snapshot that ends at index %d for the %dth time after quiescence, now by %s",
			b.To, s.index, s.times, e.Node)
	}
}

func (c *catchUp) finish() {
	bound := Bound(c.plan)
	due := c.due(c.rest - bound)
	for _, n := range c.sorted() {
		since := max(c.quiet, n.since)
		if !n.rested || n.left || due == nil || c.rest-since < bound {
			continue
		}
		c.exercise("R6")
		if n.index < due.index {
			c.report("R6", n.name, []int{n.born, due.by.seq}, "%s is up since %s and nothing has gone wrong for %s, and it has applied up to index %d; %d was applied elsewhere %s ago; %s is enough",
				n.name, n.since, c.rest-since, n.index, due.index, c.rest-due.at, bound)
		}
	}
}

// due returns the newest entry that was applied by a time, nil if there is none.
func (c *catchUp) due(by time.Duration) (newest *commit) {
	for i := range c.commits {
		if e := &c.commits[i]; e.at <= by && (newest == nil || e.index > newest.index) {
			newest = e
		}
	}
	return newest
}
