package provider

import (
	"sync/atomic"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
)

// Cleanup spreads files over any nodes (journey 1). It has no callbacks, and
// conflicts with nothing.
type Cleanup struct{ base }

func newCleanup(env Env) *Cleanup {
	return &Cleanup{base{
		kind: taskplan.Cleanup,
		env:  env,
		// The marker of the unit is all there is.
		finish: func(Payload, Run, string) error { return nil },
	}}
}

// Repair rebuilds every replica of a collection as it is (journey 2). Each swaps
// as soon as it is rebuilt, so its callbacks have nothing left to do.
type Repair struct {
	base
	guards
}

func newRepair(env Env) *Repair {
	r := &Repair{base: base{kind: taskplan.Repair, env: env}}
	r.finish = func(p Payload, run Run, unit string) error {
		return env.Shards.change(p.Collection, p.Places[unit].Shard, run, "", func(s *Shard) (bool, string, error) {
			if s.Rebuilt == run {
				return false, "", nil
			}
			s.Rebuilt = run
			return true, "rebuilt", nil
		})
	}
	return r
}

// OnGroupCompleted has nothing to do: the replicas have swapped.
func (r *Repair) OnGroupCompleted(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return r.callback("OnGroupCompleted", task, groupID, localUnitIDs, func() error { return nil })
}

// OnSwapRequested has nothing to do: the replicas have swapped.
func (r *Repair) OnSwapRequested(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return r.callback("OnSwapRequested", task, groupID, localUnitIDs, func() error { return nil })
}

// OnTaskCompleted makes sure that the workers of a task that came to nothing have
// stopped. What was rebuilt is as good as what it replaced and stays.
func (r *Repair) OnTaskCompleted(task *fsm.Task) error {
	return r.callback("OnTaskCompleted", task, "", nil, func() error { return r.drain(runOf(task)) })
}

// Set holds one provider of each kind for one incarnation of a node.
type Set struct {
	Cleanup *Cleanup
	Repair  *Repair
	Reindex *Reindex
	Noop    *Noop
}

// NewSet returns the providers of a node. With the zero Env only what is a pure
// function works: the guards and the extractors, all that a replica needs that is
// not part of a node.
func NewSet(env Env) *Set {
	env.handles = new(atomic.Int64)
	if env.Trouble == nil {
		env.Trouble = none{}
	}
	if env.OnRecord == nil {
		env.OnRecord = func(Run) bool { return false }
	}
	return &Set{Cleanup: newCleanup(env), Repair: newRepair(env), Reindex: newReindex(env), Noop: newNoop(env)}
}

// Providers returns the providers by namespace.
func (s *Set) Providers() map[string]fsm.Provider {
	return map[string]fsm.Provider{
		string(taskplan.Cleanup): s.Cleanup, string(taskplan.Repair): s.Repair, string(taskplan.Reindex): s.Reindex,
		string(taskplan.ShardNoop): s.Noop,
	}
}

// ConflictDetectors returns the detectors by namespace.
func (s *Set) ConflictDetectors() map[string]fsm.ConflictDetector {
	return map[string]fsm.ConflictDetector{string(taskplan.Repair): s.Repair, string(taskplan.Reindex): s.Reindex}
}

// SchemaMutationDetectors returns the detectors by namespace.
func (s *Set) SchemaMutationDetectors() map[string]fsm.SchemaMutationDetector {
	return map[string]fsm.SchemaMutationDetector{
		string(taskplan.Repair): s.Repair, string(taskplan.Reindex): s.Reindex, string(taskplan.ShardNoop): s.Noop,
	}
}

// Extractors returns the collection extractors by namespace.
func (s *Set) Extractors() map[string]fsm.CollectionExtractor {
	return map[string]fsm.CollectionExtractor{
		string(taskplan.Repair): extractCollection, string(taskplan.Reindex): extractCollection, string(taskplan.ShardNoop): extractCollection,
	}
}
