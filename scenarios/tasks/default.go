package tasks

import (
	"encoding/json"
	"sync"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
	"dtsim/sim/cluster"
)

// Default returns the system of this repository: fsm, fsm/replica and sched, with the
// providers of package scenarios/tasks/provider.
func Default() System { return With(Parts{}) }

// Parts are constructors of the parts of a system; a nil one stands for the part of this
// repository.
type Parts struct {
	// NewMachine returns the state machine of the tasks.
	NewMachine func(fsm.ManagerParameters) replica.Machine
	// NewScheduler returns a scheduler that has not been started.
	NewScheduler func(sched.SchedulerParams) Scheduler
	// NewProviders returns the providers of a node.
	NewProviders func(provider.Env) Providers
	// NewClient returns a client that makes its calls by the one of this repository; it may be a
	// [TaskFailer].
	NewClient func(Client) Client
}

// With returns the system of this repository with other parts.
func With(parts Parts) System { return system{parts, &subjects{known: make(map[string]subject)}} }

type system struct {
	parts    Parts
	subjects *subjects
}

// NewProviders implements System.
func (s system) NewProviders(env provider.Env) Providers {
	if s.parts.NewProviders != nil {
		return s.parts.NewProviders(env)
	}
	return provider.NewSet(env)
}

// newMachine returns the constructor of the state machine, with what our own has no use
// for: a clock and a time to live; nil for our own.
func (s system) newMachine(c ReplicaConfig) func(fsm.ManagerParameters) replica.Machine {
	if s.parts.NewMachine == nil {
		return nil
	}
	return func(p fsm.ManagerParameters) replica.Machine {
		p.Clock, p.CompletedTaskTTL = c.Clock, c.CompletedTaskTTL
		return s.parts.NewMachine(p)
	}
}

// NewReplica implements System.
func (s system) NewReplica(c ReplicaConfig) Replica {
	config := replica.Config{
		NewMachine:              s.newMachine(c),
		ConflictDetectors:       c.Guards.ConflictDetectors(),
		SchemaMutationDetectors: c.Guards.SchemaMutationDetectors(),
		CollectionExtractors:    c.Guards.Extractors(),
		Notifier:                c.Notifier,
		MaxSessions:             c.MaxSessions,
		Logger:                  c.Logger,
	}
	if c.OnApply != nil {
		config.OnApply = func(index, term uint64, req api.ApplyRequest, res replica.Result) {
			c.OnApply(s.applied(index, term, req, res))
		}
	}
	return defaultReplica{replica.New(config), s.parts.NewClient}
}

// NewRaft implements System.
func (system) NewRaft(
	c *raft.Config, machine raft.FSM, log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, t raft.Transport,
) (*raft.Raft, cluster.Transferrer, error) {
	r, err := replica.NewRaft(c, machine, log, stable, snapshots, t)
	if err != nil {
		return nil, nil, err
	}
	return r.Raft, r, nil
}

// NewScheduler implements System.
func (s system) NewScheduler(p sched.SchedulerParams) Scheduler {
	if s.parts.NewScheduler != nil {
		return s.parts.NewScheduler(p)
	}
	return sched.NewScheduler(p)
}

// applied returns what a command was, in the terms of the trace.
func (s system) applied(index, term uint64, req api.ApplyRequest, res replica.Result) Applied {
	a := Applied{
		Index: index, Term: term, Type: req.Type, Command: replica.CommandName(req.Type), Class: req.Class,
		Schema: req.Type < replica.CommandReadBarrier, Err: res.Err, First: res.Index,
		Request: req.RequestID,
	}
	if a.Schema {
		a.Body = string(req.SubCommand)
		return a
	}
	about := s.subjects.of(req.SubCommand)
	a.Body, a.Run, a.Unit = about.body, about.run, about.unit
	if req.Type == api.CommandAddTask && a.Run != (provider.Run{}) {
		a.Run.Version = res.Index
	}
	return a
}

// subject is what a command of the task API is about; nothing if it cannot be read.
type subject struct {
	body string
	run  provider.Run
	unit string
}

// subjects remembers what commands are about: every replica applies each of them. It is safe
// for concurrent use.
type subjects struct {
	mu    sync.Mutex
	known map[string]subject
}

func (s *subjects) of(command []byte) subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := s.known[string(command)]
	if known {
		return found
	}
	found.body = string(command)
	var about struct {
		Namespace string `json:"namespace"`
		ID        string `json:"id"`
		Version   uint64 `json:"version"`
		UnitID    string `json:"unit_id"`
	}
	if err := json.Unmarshal(command, &about); err == nil {
		found.run = provider.Run{Namespace: about.Namespace, Task: about.ID, Version: about.Version}
		found.unit = about.UnitID
	}
	s.known[found.body] = found
	return found
}

// defaultReplica adapts replica.Replica to Replica.
type defaultReplica struct {
	*replica.Replica
	newClient func(Client) Client
}

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
			Name: c.Name, Born: c.Version, MultiTenant: c.MultiTenant,
			Properties: make(map[string]provider.Property, len(c.Properties)),
			Replicas:   make(map[string][]string, len(c.Shards)),
		}
		for name, p := range c.Properties {
			one.Properties[name] = provider.Property{
				Tokenization: p.Tokenization, UserIndex: max(c.Version, p.UpdatedAt), FlippedBy: p.FlippedBy, SwappedBy: make(map[string]uint64), Kept: make(map[string]string),
			}
		}
		for name, shard := range c.Shards {
			one.Replicas[name] = shard.Nodes
			for property, swap := range shard.Swapped {
				one.Properties[property].SwappedBy[name], one.Properties[property].Kept[name] = swap.By, swap.Tokenization
			}
		}
		all = append(all, one)
	}
	return all
}

func (r defaultReplica) NewClient(c ClientConfig) (Client, error) {
	own, err := replica.NewClient(replica.ClientConfig{
		ID: c.ID, NodeID: c.Node, Replica: r.Replica, Raft: anyVersion{c.Raft}, Forwarder: c.Forwarder,
		Clock: c.Clock, CompletedTaskTTL: c.CompletedTaskTTL, AttemptTimeout: c.AttemptTimeout, Logger: c.Logger,
		OnRequest: c.OnRequest,
	})
	if err != nil || r.newClient == nil {
		return own, err
	}
	return r.newClient(own), nil
}

// anyVersion is a raft of any version of the library.
type anyVersion struct{ *raft.Raft }

// CurrentTerm implements replica.Raft: older versions have no such method.
func (r anyVersion) CurrentTerm() uint64 { return cluster.TermOf(r.Raft) }
