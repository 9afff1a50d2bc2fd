package cluster

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/clock"
	"dtsim/sim/disk"
	"dtsim/sim/trace"
)

// rest says what the node holds.
func (n *Node) rest() {
	i := n.running()
	if i == nil {
		return
	}
	say := func(what string, fields ...trace.Field) {
		i.emit(trace.AtRest, append([]trace.Field{trace.Str("what", what)}, fields...)...)
	}
	say("state", trace.Uint("index", i.replica.AppliedIndex()), trace.Str("hash", stateOf(i.replica)))
	first, last, end, covered := logOf(i.mount)
	say("log", trace.Uint("first", first), trace.Uint("last", last), trace.Uint("snapshot", end), trace.Int("covered", covered))
	tasks := i.replica.Tasks()
	for _, namespace := range slices.Sorted(maps.Keys(tasks)) {
		for _, t := range tasks[namespace] {
			say("record", append(taskFields(namespace, t.ID, t.Version), trace.Str("status", string(t.Status)),
				trace.Str("digest", strconv.FormatUint(refinement.Digest(t), 16)))...)
		}
	}
	providers := i.providers.Providers()
	for _, namespace := range slices.Sorted(maps.Keys(providers)) {
		for _, desc := range providers[namespace].GetLocalTasks() {
			say("local", taskFields(namespace, desc.ID, desc.Version)...)
		}
	}
	for _, c := range i.replica.Collections() {
		for _, property := range slices.Sorted(maps.Keys(c.Properties)) {
			say("schema", trace.Str("collection", c.Name), trace.Str("property", property),
				trace.Str("tokenization", c.Properties[property].Tokenization))
			for _, tenant := range slices.Sorted(maps.Keys(c.Properties[property].SwappedBy)) {
				say("alone", trace.Str("collection", c.Name), trace.Str("shard", tenant), trace.Str("property", property),
					trace.Uint("version", c.Properties[property].SwappedBy[tenant]))
			}
		}
	}
	for _, s := range i.shards.All() {
		for _, property := range slices.Sorted(maps.Keys(s.Active)) {
			say("shard", trace.Str("collection", s.Collection), trace.Str("shard", s.Shard), trace.Str("property", property),
				trace.Str("tokenization", s.Active[property].Tokenization))
		}
	}
}

// logOf returns between which indices the log on a disk holds entries, where the newest
// snapshot ends, and how many of the entries that covers; all zero for none.
func logOf(m *disk.Mount) (first, last, end uint64, covered int64) {
	if list, err := m.Snapshots().List(); err == nil && len(list) > 0 {
		end = list[0].Index
	}
	log := m.Log()
	first, _ = log.FirstIndex()
	last, _ = log.LastIndex()
	for index := first; first > 0 && index <= min(last, end); index++ {
		if log.GetLog(index, new(raft.Log)) == nil {
			covered++
		}
	}
	return first, last, end, covered
}

// fresh returns an empty replica that belongs to no node, with a clock that is far ahead
// and a time to live that is over at once.
func (c *Cluster) fresh(onApply func(Applied)) Replica {
	return c.sys.NewReplica(ReplicaConfig{
		Guards: provider.NewSet(provider.Env{}), Clock: clock.New(10 * 365 * 24 * time.Hour), CompletedTaskTTL: time.Nanosecond, Logger: quiet(),
		OnApply: onApply,
	})
}

// replay applies the whole log to a fresh replica, from what is inherited on.
func (c *Cluster) replay() {
	var sum uint64
	var fresh Replica
	fresh = c.fresh(func(a Applied) {
		fields := append([]trace.Field{trace.Uint("index", a.Index)}, verdict(a.Err)...)
		fields = append(fields, trace.Uint("sum", sum))
		if a.First != a.Index {
			fields = append(fields, trace.Uint("first", a.First))
		}
		if c.log.sampled(a.Index) {
			fields = append(fields, trace.Str("state", stateOf(fresh)))
		}
		c.emit(trace.Replayed, fields...)
	})
	c.inherited.restore(fresh)
	for _, entry := range c.log.entries {
		sum = sumOf(entry.Data)
		fresh.Apply(entry)
	}
}
