package tasks

import (
	"encoding/json"
	"fmt"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
)

// newerTask is a record as the newer version writes it, with a field that this one does
// not know.
type newerTask struct {
	*fsm.Task
	PausedBy string `json:"pausedBy"`
}

// inherit makes the snapshot of a plan that inherits something: entry after entry, the
// configuration comes first, then the collections, then the tasks.
func (r *run) inherit() {
	h := r.plan.Inherited
	if h == nil {
		return
	}
	index := uint64(1) // of the configuration
	var document struct {
		AppliedIndex uint64 `json:"applied_index"`
		Tasks        struct {
			Tasks map[string][]newerTask `json:"tasks"`
		} `json:"distributed_tasks"`
		Schema   []replica.Collection `json:"schema"`
		Sessions []struct{}           `json:"sessions"`
	}
	for i := range h.Collections {
		index++
		document.Schema = append(document.Schema, r.inheritCollection(&h.Collections[i], index))
	}
	document.Tasks.Tasks = make(map[string][]newerTask)
	for i := range h.Tasks {
		index++
		t := &h.Tasks[i]
		run := provider.Run{Namespace: string(t.Task.Kind), Task: t.Task.ID, Version: index}
		record := r.inheritTask(t, h.Units(t, r.plan.Cluster.Nodes), run)
		document.Tasks.Tasks[run.Namespace] = append(document.Tasks.Tasks[run.Namespace], newerTask{record, plan.NodeName(1)})
		r.records.added(run)
	}
	document.AppliedIndex = index
	snapshot, err := json.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("tasks: inherited snapshot: %s", err)) // no value of a valid plan can fail
	}
	r.inherited = &cluster.Initial{Index: index, Snapshot: snapshot}
}

// Initial implements cluster.Beginner.
func (r *run) Initial() *cluster.Initial { return r.inherited }

func (r *run) inheritCollection(of *taskplan.Collection, index uint64) replica.Collection {
	made := replica.Collection{
		Name: of.Name, Version: index, MultiTenant: len(of.Tenants) > 0,
		Properties: make(map[string]replica.Property), Shards: make(map[string]replica.Shard),
	}
	for name, tokenization := range of.Properties {
		made.Properties[name] = replica.Property{Tokenization: tokenization}
	}
	for _, s := range r.placement(of).Shards {
		made.Shards[s.Name] = replica.Shard{Nodes: s.Nodes, Status: replica.ShardHot}
	}
	return made
}

// inheritedAge is how long before the run the work on inherited tasks began.
const inheritedAge = time.Hour

func (r *run) inheritTask(t *taskplan.InheritedTask, units []taskplan.Unit, run provider.Run) *fsm.Task {
	payload, err := json.Marshal(provider.NewPayload(t.Task, units))
	if err != nil {
		panic(fmt.Sprintf("tasks: payload of inherited task %s: %s", run, err))
	}
	began := r.cluster.Began().Add(-inheritedAge).UTC().Truncate(time.Millisecond)
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
