package property

import (
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// upkeep is P16 as far as it is about the nodes themselves: after quiescence each node that
// is up takes part, and no log keeps for long what a snapshot holds.
//
// A node takes part when its scheduler gets a list: for that there is a leader, the node
// knows it, a majority follows it, and the node has applied what was committed before.
type upkeep struct {
	*findings
	// stored is the newest snapshot of each node that it was given, or took, in its newest
	// incarnation.
	stored map[string]stored
}

// stored is a snapshot on a disk.
type stored struct {
	index uint64
	at    time.Duration
	seq   int
}

func newUpkeep(f *findings) *upkeep { return &upkeep{f, make(map[string]stored)} }

func (c *upkeep) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *event.NodeStarted:
		delete(c.stored, e.Node)
	case *event.SnapshotStored:
		c.stored[e.Node] = stored{b.Index, e.At, e.Seq}
	}
}

func (c *upkeep) finish(l *ledger) {
	for _, n := range l.resting() {
		c.takesPart(l, n)
	}
	for i := range l.atRest {
		if e := &l.atRest[i]; e.What == event.RestLog {
			c.compacted(l, e)
		}
	}
}

// takesPart: the scheduler of the node has listed not long ago.
func (c *upkeep) takesPart(l *ledger, n *node) {
	since := max(l.follows(n), n.seen)
	if l.stalled() || l.end-l.follows(n) < l.bounds().reaction {
		return
	}
	c.exercise("P16")
	if l.end-since >= l.bounds().reaction {
		c.report("P16", n.name, []int{n.born, n.list}, "the node is up since %s and nothing has gone wrong for %s, and its scheduler has not got a list since %s; %s is enough",
			n.since, l.end-l.follows(n), n.seen, l.bounds().reaction)
	}
}

// compacted: when a node has got a snapshot, its log keeps of what that holds no more
// than the trailing entries of the plan, and the one at which it ends (fsm/replica
// spares that). Only what was stored after quiescence counts: before, the disk may have failed,
// or the node crashed, between the two.
func (c *upkeep) compacted(l *ledger, e *restItem) {
	s, ok := c.stored[e.node]
	if !ok || s.index != e.rest.Snapshot || s.at < l.quiescence || l.end-s.at < compaction+2*l.plan.Cluster.Disk.SyncLatency.D() {
		return
	}
	c.exercise("P16")
	most := int64(l.plan.Cluster.Raft.TrailingLogs) + 1
	if n := e.rest.Covered; n > most {
		c.report("P16", e.node, []int{s.seq, e.seq}, "the log holds %d entries that the snapshot up to %d holds as well, %s after that was stored; %d are enough",
			n, s.index, l.end-s.at, most)
	}
}

// compaction is how long a log may keep what a new snapshot holds, besides what its disk
// takes.
const compaction = time.Second
