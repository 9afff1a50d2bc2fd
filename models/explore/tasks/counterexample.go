package tasks

import (
	"fmt"
	"time"

	"dtsim/models/explore"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// longest is how long the plan of a counterexample lasts: a second for each step.
const longest = 24 * time.Hour

// Run is a path as a simulated run.
type Run struct {
	// Plan is the cluster and the workload of the configuration.
	Plan plan.Plan
	// Events are what happens, a slice for each step; those of the first come before any.
	// One step is one second.
	Events [][]trace.Event
}

// RunOf walks a path of the model on values alone: the Manager and package reconcile
// decide anew on every step, without what a search has remembered.
func (m *Model) RunOf(path explore.Path) (Run, error) {
	if path.Initial != 0 {
		return Run{}, fmt.Errorf("there is no initial state %d", path.Initial)
	}
	t := Run{Plan: *m.plan().Encode(), Events: [][]trace.Event{nil}}
	j := newJournal(m.world, func(e trace.Event) {
		last := len(t.Events) - 1
		t.Events[last] = append(t.Events[last], e)
	})
	x := newMachine(m.world, j)
	for i, a := range path.Actions {
		j.at = time.Duration(i+1) * time.Second
		t.Events = append(t.Events, nil)
		if _, err := x.step(a); err != nil {
			return Run{}, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return t, nil
}

// plan is the cluster and the workload of the configuration, for those who read traces.
func (w *world) plan() *taskplan.Plan {
	p := taskplan.Default()
	p.Name = "model " + w.Name
	p.Duration = plan.Duration(longest)
	p.Cluster.Nodes = w.Nodes
	p.CompletedTaskTTL = plan.Duration(ttl)
	created := &taskplan.Collection{Name: collection, Properties: map[string]string{}, Replicas: 1}
	for key := range w.Tasks {
		created.Properties[w.propertyOf(key)] = was
	}
	if w.Groups > 1 {
		created.Replicas = min(w.Nodes, w.Units)
		for g := range w.Groups {
			created.Tenants = append(created.Tenants, w.groupName(g))
		}
	} else {
		for unit := range w.Units {
			created.Shards = append(created.Shards, w.shardName(unit))
		}
	}
	p.Workload = append(p.Workload, taskplan.Operation{Node: "n1", Do: taskplan.CreateCollection, Collection: created})
	for key := range w.Tasks {
		task := w.payload(key).Task
		p.Workload = append(p.Workload, taskplan.Operation{At: plan.Duration(time.Millisecond), Node: "n1", Do: taskplan.AddTask, Task: &task})
	}
	return &p
}
