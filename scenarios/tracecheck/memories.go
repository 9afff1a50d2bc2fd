package tracecheck

import (
	"bytes"
	"slices"

	"dtsim/sched/reconcile"
)

// Memories returns what the scheduler of a node can remember of a task by now, when it has
// done what it can do in this instant: each memory once, in the order of their encodings.
// None: the node is down, has not listed the task, or the track is not followed any more.
func (o *Observer) Memories(node, namespace, id string) []reconcile.Memory {
	n := o.nodes[node]
	if n == nil {
		return nil
	}
	t := n.tracks[key{Namespace: namespace, Task: id}]
	if t == nil || t.lost {
		return nil
	}
	all, ok := t.reach(func(*hypothesis) {})
	if !ok {
		return nil
	}
	// What is on its way arrives, and what has ended is settled, before time can pass.
	if settled := slices.DeleteFunc(slices.Clone(all), func(h hypothesis) bool { return h.due(false) }); len(settled) > 0 {
		all = settled
	}
	type encoded struct {
		bytes  []byte
		memory reconcile.Memory
	}
	var memories []encoded
	for _, h := range all {
		memories = append(memories, encoded{h.decides.Memory.AppendBinary(nil), h.decides.Memory})
	}
	slices.SortFunc(memories, func(a, b encoded) int { return bytes.Compare(a.bytes, b.bytes) })
	memories = slices.CompactFunc(memories, func(a, b encoded) bool { return bytes.Equal(a.bytes, b.bytes) })
	var distinct []reconcile.Memory
	for _, m := range memories {
		distinct = append(distinct, m.memory)
	}
	return distinct
}

// Keys returns the tasks, by namespace and id, that the scheduler of a node has looked at,
// sorted.
func (o *Observer) Keys(node string) [][2]string {
	n := o.nodes[node]
	if n == nil {
		return nil
	}
	var keys [][2]string
	for _, k := range n.sorted() {
		keys = append(keys, [2]string{k.Namespace, k.Task})
	}
	return keys
}
