package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
)

// Reindex changes the tokenization of a property (journeys 3 and 4): its workers
// build new segments, its callbacks prepare and swap them, and the last one flips
// the schema. See the package comment for what becomes of a task that fails.
type Reindex struct {
	base
	guards
}

func newReindex(env Env) *Reindex {
	r := &Reindex{base: base{kind: taskplan.Reindex, env: env}}
	r.fits = r.hasProperty
	r.ready = r.unsettled
	r.finish = func(p Payload, run Run, unit string) error {
		return r.change(p, run, unit, func(s *Shard) (bool, string, error) {
			return s.build(run, p.Property, p.Tokenization), "", nil
		})
	}
	return r
}

// change applies f to the shard of a unit.
func (r *Reindex) change(p Payload, run Run, unit string, f func(*Shard) (bool, string, error)) error {
	at, ok := p.Places[unit]
	if !ok {
		return fmt.Errorf("unit %s is in no place of the payload", unit)
	}
	return r.env.Shards.change(p.Collection, at.Shard, run, p.Property, f)
}

// OnGroupCompleted prepares the swap of a barrier task and swaps otherwise.
func (r *Reindex) OnGroupCompleted(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return r.callback("OnGroupCompleted", task, groupID, localUnitIDs, func() error {
		p, err := DecodePayload(task.Payload)
		if err != nil {
			return err
		}
		switch {
		case !task.NeedsPreparationBarrier:
			return r.swapGroup(p, task, groupID, localUnitIDs)
		case task.Status.IsTerminal():
			return nil
		}
		return r.each(p, task, localUnitIDs, func(s *Shard, run Run) (bool, string, error) {
			changed, err := s.prepare(run, p.Property)
			return changed, "prepared", err
		})
	})
}

// OnSwapRequested swaps what was prepared.
func (r *Reindex) OnSwapRequested(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return r.callback("OnSwapRequested", task, groupID, localUnitIDs, func() error {
		p, err := DecodePayload(task.Payload)
		if err != nil {
			return err
		}
		return r.swapGroup(p, task, groupID, localUnitIDs)
	})
}

// swapGroup swaps the replicas of a group, if it swaps by the record.
func (r *Reindex) swapGroup(p Payload, task *fsm.Task, group string, units []string) error {
	if !swaps(p, task, group) {
		return nil
	}
	if err := r.keep(p, task, group); err != nil {
		return err
	}
	for n, unit := range units {
		if n > 0 {
			r.env.reach(taskplan.SwapBetweenShards, runOf(task))
		}
		err := r.change(p, runOf(task), unit, func(s *Shard) (bool, string, error) {
			changed, err := s.swap(runOf(task), p.Property)
			return changed, "swapped", err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// swaps reports whether the replicas of a group end on the new tokenization, as far
// as the record shows.
func swaps(p Payload, task *fsm.Task, group string) bool {
	if !alone(p, task) {
		return task.Status == fsm.TaskStatusSwapping || task.Status == fsm.TaskStatusFinished
	}
	for _, u := range task.Units {
		if u.GroupID == group && u.Status != fsm.UnitStatusCompleted {
			return false
		}
	}
	return true
}

// alone reports whether each tenant swaps alone. Behind the barrier tenants swap
// together or not at all.
func alone(p Payload, task *fsm.Task) bool { return p.PerTenant && !task.NeedsPreparationBarrier }

// keep records in the schema, before the first replica swaps, that tenants swap
// alone: the task may still come to nothing, and a node that comes back when its
// record is gone must not swap back what all others have kept.
func (r *Reindex) keep(p Payload, task *fsm.Task, tenants ...string) error {
	if !alone(p, task) {
		return nil
	}
	run, known := runOf(task), r.property(p)
	tenants = slices.DeleteFunc(tenants, func(tenant string) bool { return known.swaps(run, tenant) })
	if len(tenants) == 0 {
		return nil
	}
	if err := r.env.Schema.SwapTenants(r.env.Halt, p.Collection, p.Property, p.Tokenization, run, tenants); err != nil {
		return fmt.Errorf("swap of tenants %v for %s: %w", tenants, run, err)
	}
	return nil
}

// migrated returns the shards that a task is about, if others may have come since; nil otherwise.
func (r *Reindex) migrated(p Payload) []string {
	for _, c := range r.env.Schema.Collections() {
		if strings.EqualFold(c.Name, p.Collection) && c.MultiTenant {
			return p.shards()
		}
	}
	return nil
}

// property returns this node's schema of the property that p is about.
func (r *Reindex) property(p Payload) Property {
	for _, c := range r.env.Schema.Collections() {
		if strings.EqualFold(c.Name, p.Collection) {
			return c.Properties[p.Property]
		}
	}
	return Property{}
}

// each applies f to the shards of units.
func (r *Reindex) each(p Payload, task *fsm.Task, units []string, f func(*Shard, Run) (bool, string, error)) error {
	run := runOf(task)
	for _, unit := range units {
		if err := r.change(p, run, unit, func(s *Shard) (bool, string, error) { return f(s, run) }); err != nil {
			return err
		}
	}
	return nil
}

// OnTaskCompleted flips the schema of a task that succeeds, and settles the shards
// either way. Idempotent: whatever of it is done is left as it is.
func (r *Reindex) OnTaskCompleted(task *fsm.Task) error {
	return r.callback("OnTaskCompleted", task, "", nil, func() error {
		p, err := DecodePayload(task.Payload)
		if err != nil {
			return err
		}
		if task.Status == fsm.TaskStatusSwapping || task.Status == fsm.TaskStatusFinished {
			if err := r.env.Schema.Flip(r.env.Halt, p.Collection, p.Property, p.Tokenization, runOf(task), r.migrated(p)); err != nil {
				return fmt.Errorf("schema flip of %s: %w", runOf(task), err)
			}
		} else if err := r.drain(runOf(task)); err != nil {
			return err
		}
		return r.settle(p, task)
	})
}

// settle makes every replica of the run on this node what the record requires for
// good: swapped without a way back, or as it was.
func (r *Reindex) settle(p Payload, task *fsm.Task) error {
	swaps := func(group string) bool { return swaps(p, task, group) }
	var tenants []string
	for _, unit := range p.local(r.env.Node) {
		if group := p.group(p.Places[unit].Shard); swaps(group) && !slices.Contains(tenants, group) {
			tenants = append(tenants, group)
		}
	}
	if err := r.keep(p, task, tenants...); err != nil {
		return err
	}
	return r.settleUnits(p, runOf(task), swaps)
}

func (r *Reindex) settleUnits(p Payload, run Run, swaps func(group string) bool) error {
	for _, unit := range p.local(r.env.Node) {
		err := r.change(p, run, unit, func(s *Shard) (bool, string, error) {
			return settleShard(s, p, run, swaps(p.group(s.Shard)))
		})
		// A shard that is no longer here went with its collection.
		if err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	return nil
}

// settleShard is settle for one shard.
func settleShard(s *Shard, p Payload, run Run, swaps bool) (changed bool, why string, err error) {
	if !swaps {
		changed, swappedBack := s.rollBack(run, p.Property)
		if swappedBack {
			why = "rolled-back"
		}
		return changed, why, nil
	}
	if s.Built[p.Property].By == run {
		if changed, err = s.swap(run, p.Property); err != nil {
			return false, "", err
		}
		why = "swapped"
	}
	return s.forget(run, p.Property) || changed, why, nil
}

// CleanupTask implements fsm.Provider. The record is gone, or this node has
// settled it. If the node has missed how the task ended, the schema decides: it has
// the run that has flipped it, and the tenants that a run has swapped alone.
func (r *Reindex) CleanupTask(desc fsm.TaskDescriptor) error {
	run := r.run(desc)
	if err := r.drain(run); err != nil {
		return err
	}
	if b, err := r.env.Files.Read(runs.file(run)); err == nil {
		// Nothing was ever built from a payload that cannot be read.
		if p, err := DecodePayload(b); err == nil {
			known := r.property(p)
			if err := r.settleUnits(p, run, func(group string) bool { return known.swaps(run, group) }); err != nil {
				return err
			}
		}
	}
	return r.removeRun(run)
}

// hasProperty returns an error if the collection does not have the property: it never will. A
// collection that is gone takes the task with it.
func (r *Reindex) hasProperty(p Payload) error {
	for _, c := range r.env.Schema.Collections() {
		if !strings.EqualFold(c.Name, p.Collection) {
			continue
		}
		if _, ok := c.Properties[p.Property]; !ok {
			return fmt.Errorf("payload: collection %s has no property %q", c.Name, p.Property)
		}
	}
	return nil
}

// unsettled returns which earlier run has left something in the shards of units that is
// not decided yet: what is built on that could not be taken back.
func (r *Reindex) unsettled(p Payload, run Run, units []string) error {
	for _, unit := range units {
		s, err := r.env.Shards.Get(p.Collection, p.Places[unit].Shard)
		if err != nil {
			continue
		}
		if by, prepared := s.preparedBy(p.Property); prepared && by != run {
			return fmt.Errorf("%s waits: shard %s/%s is not settled after %s", run, s.Collection, s.Shard, by)
		}
	}
	return nil
}
