package tasks

import (
	"fmt"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/clock"
	"dtsim/sim/cluster"
)

// Application returns the task manager as an application of the simulator: sys, in
// clusters that do what is in the tasks' part of a plan.
func Application(sys System) cluster.Application { return application{sys} }

type application struct{ sys System }

// Begin implements cluster.Application.
func (a application) Begin(c *cluster.Cluster) (cluster.Instance, error) {
	p, err := taskplan.Of(c.Plan())
	if err != nil {
		return nil, err
	}
	r := &run{cluster: c, plan: p, sys: a.sys, stride: strideOf(p), milestones: make(map[milestone]bool)}
	r.records.onRecord = make(map[provider.Run]bool)
	r.inherit()
	return r, nil
}

// run is the task manager in one run of the simulator.
type run struct {
	cluster *cluster.Cluster
	plan    *taskplan.Plan
	sys     System
	// stride is how far apart the indexes are at which states are compared.
	stride uint64
	// inherited is the snapshot that stands on every disk at the start; nil for none.
	inherited *cluster.Initial

	// Written during applies only, of which there is one at a time.
	records    records
	milestones map[milestone]bool

	versions versions
}

var (
	_ cluster.Beginner = (*run)(nil)
	_ cluster.Operator = (*run)(nil)
	_ cluster.Roles    = (*run)(nil)
	_ cluster.Sampler  = (*run)(nil)
)

// With up to fewUnits in the plan's tasks, every index is compared. Hashing a state
// takes as long as it has units, so with more of them the indexes are the further
// apart the more there are: the cost of a run stays in proportion to its commands.
const (
	fewUnits       = 64
	unitsPerStride = 8
)

// strideOf returns how far apart the indexes are at which states are compared.
func strideOf(p *taskplan.Plan) uint64 {
	units := 0
	for i, op := range p.Workload {
		if op.Do == taskplan.AddTask {
			units += len(p.TaskUnits(i))
		}
	}
	if h := p.Inherited; h != nil {
		for i := range h.Tasks {
			units += len(h.Units(&h.Tasks[i], p.Cluster.Nodes))
		}
	}
	if units <= fewUnits {
		return 1
	}
	return uint64(units / unitsPerStride)
}

// Sampled implements cluster.Sampler.
func (r *run) Sampled(index uint64) bool { return index%r.stride == 0 }

// NewMachine implements cluster.Instance: a replica with a clock that is far ahead and a time
// to live that is over at once (P1).
func (r *run) NewMachine(onApply func(cluster.Outcome)) cluster.Machine {
	c := ReplicaConfig{
		Guards: r.sys.NewProviders(provider.Env{}), Clock: clock.New(10 * 365 * 24 * time.Hour), CompletedTaskTTL: time.Nanosecond,
		MaxSessions: r.plan.MaxSessions, Logger: quiet(),
	}
	if onApply != nil {
		c.OnApply = func(a Applied) { onApply(a.outcome()) }
	}
	return r.sys.NewReplica(c)
}

// NewProcess implements cluster.Instance.
func (r *run) NewProcess(i *cluster.Incarnation) (cluster.Process, error) {
	p := &process{Incarnation: i, run: r, follow: make(chan struct{}, 1)}
	var err error
	if p.shards, err = provider.OpenShards(i.Node(), i.Files(), p.provided, p.reach); err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	p.providers = r.sys.NewProviders(provider.Env{
		Node: i.Node(), Seed: r.plan.Seed, Clock: i.Clock(), Files: i.Files(), Shards: p.shards,
		Schema: (*schema)(p), Emit: p.provided, OnRecord: p.onRecord, Halt: i.Halt(),
		Trouble: (*trouble)(p), Reach: p.reach,
	})
	p.replica = r.sys.NewReplica(ReplicaConfig{
		Guards: p.providers, Notifier: (*notifier)(p), OnApply: p.applied,
		Clock: i.Clock(), CompletedTaskTTL: r.plan.CompletedTaskTTL.D(), MaxSessions: r.plan.MaxSessions, Logger: quiet(),
	})
	return p, nil
}

// Holders implements cluster.Roles: the owner of a task is a node that owns one of the units
// of its current run, as the freshest replica has it.
func (r *run) Holders(role string, about cluster.About) ([]string, bool) {
	if role != taskplan.Owner {
		return nil, false
	}
	var freshest *process
	for _, i := range r.cluster.Running() {
		if p, ok := i.Process().(*process); ok && (freshest == nil || p.replica.AppliedIndex() > freshest.replica.AppliedIndex()) {
			freshest = p
		}
	}
	if freshest == nil {
		return nil, true
	}
	return ownersIn(freshest.replica, about[taskplan.AboutNamespace], about[taskplan.AboutTask]), true
}
