package raftcheck

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// availability is R7: long enough after quiescence, while a majority is up, calls are decided:
// accepted or rejected. A leader that is there and refuses every command violates it.
//
// Single calls may end undecided, since their callers give up; so it is violated when calls
// have asked for [decision] in which none was decided, and nothing was committed.
type availability struct {
	*run
	// open are the calls under way, by their number.
	open map[int64]called
	// decided is when a call was decided last.
	decided time.Duration
	// refused is the first call that was not decided since something was, since when it has asked
	// in vain; its do is empty if there is none.
	refused called
	since   time.Duration
}

// called is a call.
type called struct {
	do   string
	node string
	inc  int
	at   time.Duration
	seq  int
	// due is set if by then the cluster has to be available.
	due bool
}

func (c *availability) observe(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.Called:
		n := c.node(e.Node)
		since := max(c.quiet, n.since)
		c.open[b.Op] = called{
			do: b.Do, node: e.Node, inc: e.Incarnation, at: e.At, seq: e.Seq,
			due: n.up && c.calm() && c.majority() && e.At-since >= Bound(c.plan),
		}
	case *event.Returned:
		call, ok := c.open[b.Op]
		delete(c.open, b.Op)
		if !ok || !call.due || e.Node != call.node || e.Incarnation != call.inc || !c.node(e.Node).up {
			return
		}
		c.exercise("R7")
		if b.Outcome == event.OK || b.Outcome == event.Rejected {
			c.decided = e.At
			return
		}
		c.undecided(call)
		if waited := e.At - c.since; waited >= decision(c.plan) {
			c.report("R7", e.Node, []int{c.refused.seq, call.seq}, "since %s at %s, made %s after quiescence with a majority up, no call was decided for %s; the last one, %s at %s, ended with %q: %s",
				c.refused.do, c.refused.node, c.refused.at-c.quiet, waited, call.do, call.node, b.Outcome, b.Error)
		}
	}
}

// undecided takes in a call that is not decided.
func (c *availability) undecided(call called) {
	decided := max(c.decided, c.committedAt)
	if since := max(call.at, decided); c.refused.do == "" || c.since < decided || since < c.since {
		c.refused, c.since = call, since
	}
}

// majority reports whether enough voters are up to commit.
func (c *availability) majority() bool {
	up, voters := 0, c.voters()
	for _, name := range voters {
		if c.node(name).up {
			up++
		}
	}
	return up > len(voters)/2
}

// finish: a call that waits at the end is not decided, either.
func (c *availability) finish() {
	if c.counts["R7"] > 0 {
		return
	}
	for _, call := range slices.SortedFunc(maps.Values(c.open), func(a, b called) int { return cmp.Compare(a.seq, b.seq) }) {
		n := c.node(call.node)
		if !call.due || !n.rested || call.at < n.since {
			continue
		}
		c.exercise("R7")
		if waits := c.rest - call.at; waits >= Bound(c.plan) {
			c.report("R7", call.node, []int{call.seq}, "%s at %s, made %s after quiescence with a majority up, is not decided after %s",
				call.do, call.node, call.at-c.quiet, waits)
		}
	}
}
