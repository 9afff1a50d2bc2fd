package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// inheritance is the snapshot that a newer version of the software has left on every
// disk. A run that inherits nothing has none.
type inheritance struct {
	// index is that of the last entry that the snapshot stands for.
	index    uint64
	snapshot []byte
	runs     []provider.Run
}

// inheritedTerm is the term of all entries that an inherited snapshot stands for, and
// firstIndex that of the configuration of the cluster.
const (
	inheritedTerm = 1
	firstIndex    = 1
)

// newerTask is a record as the newer version writes it, with a field that this one does
// not know.
type newerTask struct {
	*fsm.Task
	PausedBy string `json:"pausedBy"`
}

// inherit writes the snapshot of a plan: entry after entry, the configuration comes
// first, then the collections, then the tasks.
func (c *Cluster) inherit(h *taskplan.Inherited) *inheritance {
	if h == nil {
		return nil
	}
	left := &inheritance{index: firstIndex}
	var document struct {
		AppliedIndex uint64 `json:"applied_index"`
		Tasks        struct {
			Tasks map[string][]newerTask `json:"tasks"`
		} `json:"distributed_tasks"`
		Schema   []replica.Collection `json:"schema"`
		Sessions []struct{}           `json:"sessions"`
	}
	for i := range h.Collections {
		left.index++
		document.Schema = append(document.Schema, c.inheritCollection(&h.Collections[i], left.index))
	}
	document.Tasks.Tasks = make(map[string][]newerTask)
	for i := range h.Tasks {
		left.index++
		t := &h.Tasks[i]
		namespace := string(t.Task.Kind)
		run := provider.Run{Namespace: namespace, Task: t.Task.ID, Version: left.index}
		record := c.inheritTask(t, h.Units(t, c.plan.Cluster.Nodes), run)
		document.Tasks.Tasks[namespace] = append(document.Tasks.Tasks[namespace], newerTask{record, plan.NodeName(1)})
		left.runs = append(left.runs, run)
	}
	document.AppliedIndex = left.index
	var err error
	if left.snapshot, err = json.Marshal(document); err != nil {
		panic(fmt.Sprintf("cluster: inherited snapshot: %s", err)) // no value of a valid plan can fail
	}
	return left
}

func (c *Cluster) inheritCollection(of *taskplan.Collection, index uint64) replica.Collection {
	made := replica.Collection{
		Name: of.Name, Version: index, MultiTenant: len(of.Tenants) > 0,
		Properties: make(map[string]replica.Property), Shards: make(map[string]replica.Shard),
	}
	for name, tokenization := range of.Properties {
		made.Properties[name] = replica.Property{Tokenization: tokenization}
	}
	for _, s := range c.placement(of).Shards {
		made.Shards[s.Name] = replica.Shard{Nodes: s.Nodes, Status: replica.ShardHot}
	}
	return made
}

// inheritedAge is how long before the run the work on inherited tasks began.
const inheritedAge = time.Hour

func (c *Cluster) inheritTask(t *taskplan.InheritedTask, units []taskplan.Unit, run provider.Run) *fsm.Task {
	payload, err := json.Marshal(provider.NewPayload(t.Task, units))
	if err != nil {
		panic(fmt.Sprintf("cluster: payload of inherited task %s: %s", run, err))
	}
	began := c.start.Add(-inheritedAge).UTC().Truncate(time.Millisecond)
	record := &fsm.Task{
		Namespace: run.Namespace, TaskDescriptor: fsm.TaskDescriptor{ID: run.Task, Version: run.Version},
		Payload: payload, NeedsPreparationBarrier: t.Task.Barrier, AcksRequired: true,
		Status: fsm.TaskStatus(t.Status), StartedAt: began, Units: make(map[string]*fsm.Unit, len(units)),
	}
	for _, u := range units {
		unit := &fsm.Unit{ID: u.ID, GroupID: u.Group, NodeID: u.Node, Status: fsm.UnitStatusPending}
		if u.Node != "" {
			unit.Status, unit.Progress, unit.UpdatedAt = fsm.UnitStatusInProgress, 0.5, began
		}
		record.Units[u.ID] = unit
	}
	return record
}

// restore replaces the state of a replica that belongs to no node with what is inherited.
func (h *inheritance) restore(r Replica) {
	if h == nil {
		return
	}
	if err := r.Restore(io.NopCloser(bytes.NewReader(h.snapshot))); err != nil {
		panic(fmt.Sprintf("cluster: inherited snapshot: %s", err)) // every node has begun with it
	}
}

// inherit writes the inherited snapshot to an empty disk.
func (n *Node) inherit(all raft.Configuration) {
	h := n.cluster.inherited
	mount := n.disk.Open(0)
	defer mount.Close()
	endpoint := n.cluster.network.Open(n.name, 0)
	defer endpoint.Close()
	// The key is raft's own.
	err := mount.Stable().SetUint64([]byte("CurrentTerm"), inheritedTerm)
	if err == nil {
		err = h.write(mount.Snapshots(), all, endpoint)
	}
	if err != nil {
		panic(fmt.Sprintf("cluster: inherited snapshot on %s: %s", n.name, err))
	}
}

func (h *inheritance) write(to raft.SnapshotStore, all raft.Configuration, transport raft.Transport) error {
	sink, err := to.Create(raft.SnapshotVersionMax, h.index, inheritedTerm, all, firstIndex, transport)
	if err != nil {
		return err
	}
	if _, err := sink.Write(h.snapshot); err != nil {
		return err
	}
	return sink.Close()
}
