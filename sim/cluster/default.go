package cluster

import (
	"encoding/json"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
)

// Default returns the system of this repository: fsm/replica and sched.
func Default() System { return system{} }

type system struct{}

// NewReplica implements System. It has no use for a clock or a time to live.
func (system) NewReplica(c ReplicaConfig) Replica {
	config := replica.Config{
		ConflictDetectors:       c.Guards.ConflictDetectors(),
		SchemaMutationDetectors: c.Guards.SchemaMutationDetectors(),
		CollectionExtractors:    c.Guards.Extractors(),
		Notifier:                c.Notifier,
		Logger:                  c.Logger,
	}
	if c.OnApply != nil {
		config.OnApply = func(index, term uint64, req api.ApplyRequest, res replica.Result) {
			c.OnApply(applied(index, term, req, res))
		}
	}
	return defaultReplica{replica.New(config)}
}

// Stores implements System.
func (system) Stores(log raft.LogStore, snapshots raft.SnapshotStore) (raft.LogStore, raft.SnapshotStore, error) {
	return replica.Stores(log, snapshots)
}

// NewScheduler implements System.
func (system) NewScheduler(p sched.SchedulerParams) Scheduler { return sched.NewScheduler(p) }

// applied says what a command was, in the words of the trace.
func applied(index, term uint64, req api.ApplyRequest, res replica.Result) Applied {
	a := Applied{
		Index: index, Term: term, Command: replica.CommandName(req.Type), Class: req.Class, Body: string(req.SubCommand),
		Schema: req.Type < replica.CommandReadBarrier, Err: res.Err, First: res.Index,
		Request: req.RequestID,
	}
	if a.Schema {
		return a
	}
	var about struct {
		Namespace string `json:"namespace"`
		ID        string `json:"id"`
		Version   uint64 `json:"version"`
		UnitID    string `json:"unit_id"`
	}
	if err := json.Unmarshal(req.SubCommand, &about); err != nil {
		return a
	}
	a.Run = provider.Run{Namespace: about.Namespace, Task: about.ID, Version: about.Version}
	if req.Type == api.CommandAddTask {
		a.Run.Version = res.Index
	}
	a.Unit = about.UnitID
	return a
}

// defaultReplica gives replica.Replica the face of Replica.
type defaultReplica struct{ *replica.Replica }

func (r defaultReplica) Unit(run provider.Run, unit string) (fsm.TaskStatus, *fsm.Unit) {
	status, u, err := r.Replica.Unit(run.Namespace, run.Task, run.Version, unit)
	if err != nil {
		return "", nil
	}
	return status, u
}

func (r defaultReplica) Collections() []provider.Collection {
	var all []provider.Collection
	for _, c := range r.Schema().Collections {
		one := provider.Collection{
			Name: c.Name, Born: c.Version,
			Properties: make(map[string]provider.Property, len(c.Properties)),
			Replicas:   make(map[string][]string, len(c.Shards)),
		}
		for name, p := range c.Properties {
			one.Properties[name] = provider.Property{
				Tokenization: p.Tokenization, UserIndex: max(c.Version, p.UpdatedAt), FlippedBy: p.FlippedBy, SwappedBy: make(map[string]uint64),
			}
		}
		for name, shard := range c.Shards {
			one.Replicas[name] = shard.Nodes
			for property, swap := range shard.Swapped {
				one.Properties[property].SwappedBy[name] = swap.By
			}
		}
		all = append(all, one)
	}
	return all
}

func (r defaultReplica) NewClient(c ClientConfig) (Client, error) {
	return replica.NewClient(replica.ClientConfig{
		ID: c.ID, NodeID: c.Node, Replica: r.Replica, Raft: c.Raft, Forwarder: c.Forwarder,
		Clock: c.Clock, CompletedTaskTTL: c.CompletedTaskTTL, AttemptTimeout: c.AttemptTimeout, Logger: c.Logger,
		OnRequest: c.OnRequest,
	})
}
