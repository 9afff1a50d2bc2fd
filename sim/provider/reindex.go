package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/sim/plan"
)

// Reindex changes the tokenization of a property (journeys 3 and 4): its workers
// build new segments, its callbacks prepare and swap them, and the last one flips
// the schema. See the package comment for what becomes of a task that fails.
type Reindex struct {
	base
	guards
}

func newReindex(env Env) *Reindex {
	r := &Reindex{base: base{kind: plan.Reindex, env: env}}
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

// swapGroup swaps the replicas of a group, if the record says that it swaps.
func (r *Reindex) swapGroup(p Payload, task *fsm.Task, group string, units []string) error {
	if !swaps(p, task, group) {
		return nil
	}
	return r.each(p, task, units, func(s *Shard, run Run) (bool, string, error) {
		changed, err := s.swap(run, p.Property)
		return changed, "swapped", err
	})
}

// swaps says whether the replicas of a group end on the new tokenization, as far
// as the record can tell. Behind the barrier tenants swap together or not at all.
func swaps(p Payload, task *fsm.Task, group string) bool {
	if !p.PerTenant || task.NeedsPreparationBarrier {
		return task.Status == fsm.TaskStatusSwapping || task.Status == fsm.TaskStatusFinished
	}
	for _, u := range task.Units {
		if u.GroupID == group && u.Status != fsm.UnitStatusCompleted {
			return false
		}
	}
	return true
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
			if err := r.env.Schema.Flip(r.env.Halt, p.Collection, p.Property, p.Tokenization, runOf(task)); err != nil {
				return fmt.Errorf("schema flip of %s: %w", runOf(task), err)
			}
		} else if err := r.drain(runOf(task)); err != nil {
			return err
		}
		return r.settle(p, task)
	})
}

// settle makes every replica of the run on this node what the record says for
// good: swapped without a way back, or as it was.
func (r *Reindex) settle(p Payload, task *fsm.Task) error {
	return r.settleUnits(p, runOf(task), func(group string) bool { return swaps(p, task, group) })
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
// settled it. If the node has missed how the task ended, the schema tells: it has
// the tokenization of a task that finished.
func (r *Reindex) CleanupTask(desc fsm.TaskDescriptor) error {
	run := Run{Namespace: string(r.kind), Task: desc.ID, Version: desc.Version}
	if err := r.drain(run); err != nil {
		return err
	}
	if b, err := r.env.Files.Read(runFile(run)); err == nil {
		// Nothing was ever built from a payload that cannot be read.
		if p, err := DecodePayload(b); err == nil {
			finished := slices.ContainsFunc(r.env.Schema.Collections(), func(c Collection) bool {
				return strings.EqualFold(c.Name, p.Collection) && c.Properties[p.Property].Tokenization == p.Tokenization
			})
			if err := r.settleUnits(p, run, func(string) bool { return finished }); err != nil {
				return err
			}
		}
	}
	return r.removeRun(run)
}

// LocalCallbacksDone implements sched.RecoveryAwareProvider: done is what has left
// nothing open in the shards, and has swapped what the record says is swapped.
func (r *Reindex) LocalCallbacksDone(task *fsm.Task, localNode string) bool {
	p, err := DecodePayload(task.Payload)
	if err != nil {
		return true
	}
	run := runOf(task)
	for _, unit := range p.local(localNode) {
		at := p.Places[unit]
		s, err := r.env.Shards.Get(p.Collection, at.Shard)
		if err != nil {
			continue
		}
		active := s.Active[p.Property]
		older := max(s.Born, s.Seen, active.By.Version) < run.Version
		if older && swaps(p, task, p.group(at.Shard)) || s.holds(run, p.Property) {
			return false
		}
	}
	return true
}
