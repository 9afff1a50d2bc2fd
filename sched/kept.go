package sched

import (
	"cmp"
	"maps"
	"slices"
)

// Kept is what a scheduler keeps in memory of tasks, for diagnosis and for tests: it is bounded by
// the tasks that this node knows of, and by the units that it has not reported to their end.
type Kept struct {
	// Tasks are those that it looks after, all versions of each, sorted.
	Tasks []KeptTask
	// Units are those whose progress it throttles, sorted.
	Units []KeptUnit
}

// KeptTask names a task.
type KeptTask struct{ Namespace, ID string }

// KeptUnit names a unit of one version of a task.
type KeptUnit struct {
	KeptTask
	Version uint64
	Unit    string
}

// Kept returns what the scheduler keeps now. It may be called at any time.
func (s *Scheduler) Kept() Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept Kept
	for _, k := range slices.SortedFunc(maps.Keys(s.runners), compareKeys) {
		kept.Tasks = append(kept.Tasks, KeptTask{k.namespace, k.id})
	}
	if s.recorder != nil {
		kept.Units = s.recorder.kept()
	}
	return kept
}

// kept returns the units that have an entry.
func (r *ThrottledRecorder) kept() []KeptUnit {
	r.mu.Lock()
	defer r.mu.Unlock()
	var units []KeptUnit
	for k := range r.units {
		units = append(units, KeptUnit{KeptTask{k.namespace, k.taskID}, k.version, k.unitID})
	}
	slices.SortFunc(units, func(a, b KeptUnit) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Unit, b.Unit))
	})
	return units
}
