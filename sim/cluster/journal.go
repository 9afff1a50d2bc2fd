package cluster

import (
	"github.com/hashicorp/raft"

	"dtsim/sim/disk"
	"dtsim/sim/trace/event"
)

// journal is the cluster's log as the replicas have applied it, each entry once. The
// cluster's applying lock guards it.
type journal struct {
	entries []*raft.Log
}

// offer takes an entry in, and reports whether it is new.
func (j *journal) offer(entry *raft.Log) bool {
	if n := len(j.entries); n > 0 && entry.Index <= j.entries[n-1].Index {
		return false
	}
	j.entries = append(j.entries, entry)
	return true
}

// sampled reports whether the state at an index is compared between nodes.
func (c *Cluster) sampled(index uint64) bool {
	s, ok := c.app.(Sampler)
	return !ok || s.Sampled(index)
}

// replay applies the whole log to a machine that belongs to no node, from the initial
// state on.
func (c *Cluster) replay() {
	var o Outcome
	fresh := c.app.NewMachine(func(decided Outcome) { o = decided })
	c.initial.restore(fresh)
	for _, entry := range c.log.entries {
		o = Outcome{Words: event.Accepted}
		fresh.Apply(entry)
		if fresh.AppliedIndex() == entry.Index {
			c.emit(&event.Replayed{
				Index: entry.Index, Outcome: o.Words, Verdict: o.Verdict, Sum: disk.Sum(entry),
				First: o.duplicateOf(entry.Index), State: c.sample(fresh, entry.Index),
			})
		}
	}
}
