package tasks

import (
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// localState is what the provider holds local state of. That a run has ended here is
// worth knowing for as long as it is on record, and local state after that.
func (s *step) localState() []uint64 {
	local := s.p.disk.runs
	for _, version := range s.p.disk.ended {
		if !s.r.shows(version) {
			local = with(local, version)
		}
	}
	return local
}

// start launches a worker, or returns why not.
func (s *step) start() error {
	p := s.p
	task := s.listed()
	units, at := uint32(0), 0
	for unit := range s.Units {
		u := task.Units[s.unitName(unit)]
		if s.Compete {
			if u != nil && !u.Status.IsTerminal() && (u.NodeID == "" || u.NodeID == s.node()) {
				units |= 1 << unit
			}
			continue
		}
		if s.home(unit) != p.node {
			continue
		}
		if u != nil && !u.Status.IsTerminal() {
			if by, held := p.disk.shards[at].heldBy(); held && by != task.Version {
				return fmt.Errorf("shard of %s is not settled after v%d", s.unitName(unit), by)
			}
			units |= 1 << unit
		}
		at++
	}
	if units != 0 {
		p.disk.runs = with(p.disk.runs, task.Version)
	}
	w := worker{version: task.Version, at: -1, units: units, exited: units == 0}
	p.workers = append(slices.Clone(p.workers), w)
	s.out.handleStarted(s, w.version)
	if w.exited {
		s.out.handleExited(s, w.version)
	}
	return nil
}

// drain waits until no worker of a run is at work.
func (s *step) drain(version uint64) {
	p := s.p
	p.workers = slices.Clone(p.workers)
	for i := range p.workers {
		if w := &p.workers[i]; w.version == version && !w.exited {
			s.exit(w)
		}
	}
}

// exit ends a worker.
func (s *step) exit(w *worker) {
	w.exited, w.at, w.units = true, -1, 0
	s.out.handleExited(s, w.version)
}

// schemaChange is what a callback has to write to the schema before it goes on; false for
// nothing.
func (s *step) schemaChange(a reconcile.Action) (command, bool) {
	c := command{key: uint8(s.p.key), version: a.Version, success: true}
	task := s.listed()
	switch {
	case a.Kind == reconcile.CompleteGroup && s.alone():
		if g := indexOf(groupNames, a.Group); s.swaps(task, g) && !s.r.swapped(a.Version, g) {
			c.keep = 1 << g
		}
	case a.Kind != reconcile.CompleteTask:
	case succeeds(task):
		c.flip = s.r.flipped < a.Version
	case s.alone():
		for _, unit := range s.localUnits(s.p.node) {
			if g := s.groupOf(unit); s.swaps(task, g) && !s.r.swapped(a.Version, g) {
				c.keep |= 1 << g
			}
		}
	}
	return c, c.flip || c.keep != 0
}

// succeeds reports whether a task has swapped, or can only finish.
func succeeds(task *fsm.Task) bool {
	return task.Status == fsm.TaskStatusSwapping || task.Status == fsm.TaskStatusFinished
}

// swapped reports whether the schema knows a group to have swapped for a run.
func (r *record) swapped(version uint64, group int) bool {
	return r.flipped == version || r.kept[group] == version
}

// callback runs what is left of a callback once the schema has it.
func (s *step) callback(a reconcile.Action) error {
	task := s.listed()
	switch a.Kind {
	case reconcile.Prepare:
		if task.Status.IsTerminal() {
			return nil
		}
		return s.each(a.Units, func(d *shard) (string, error) { return d.prepare(a.Version) })
	case reconcile.CompleteGroup, reconcile.Swap:
		if !s.swaps(task, max(0, indexOf(groupNames, a.Group))) {
			return nil
		}
		return s.each(a.Units, func(d *shard) (string, error) { return d.swap(a.Version) })
	}
	if !succeeds(task) {
		s.drain(a.Version)
	}
	if err := s.settleShards(a.Version, func(group int) bool { return s.swaps(task, group) }); err != nil {
		return err
	}
	s.p.disk.ended = with(s.p.disk.ended, a.Version)
	return nil
}

// each changes the shards of units.
func (s *step) each(units []string, change func(*shard) (why string, err error)) error {
	d := &s.p.disk
	d.shards = slices.Clone(d.shards)
	for i, unit := range s.localUnits(s.p.node) {
		if !slices.Contains(units, s.unitName(unit)) {
			continue
		}
		why, err := change(&d.shards[i])
		if err != nil {
			return fmt.Errorf("shard of %s: %w", s.unitName(unit), err)
		}
		s.out.shard(s, unit, d.shards[i], why)
	}
	return nil
}

// settleShards makes every replica of a run what the record has, for good: swapped
// without a way back, or as it was.
func (s *step) settleShards(version uint64, swaps func(group int) bool) error {
	d := &s.p.disk
	d.shards = slices.Clone(d.shards)
	for i, unit := range s.localUnits(s.p.node) {
		why, err := d.shards[i].settle(version, swaps(s.groupOf(unit)))
		if err != nil {
			return fmt.Errorf("shard of %s: %w", s.unitName(unit), err)
		}
		s.out.shard(s, unit, d.shards[i], why)
	}
	return nil
}

// cleanLocal removes the local state of a run. The record is gone, or this node has
// settled it; if the node has missed how the task ended, the schema has it.
func (s *step) cleanLocal(version uint64) error {
	s.drain(version)
	d := &s.p.disk
	if slices.Contains(d.runs, version) {
		if err := s.settleShards(version, func(group int) bool { return s.r.swapped(version, group) }); err != nil {
			return err
		}
	}
	d.runs = without(d.runs, version)
	if !s.r.shows(version) {
		d.ended = without(d.ended, version)
	}
	s.out.localRemoved(s, version)
	return nil
}

// errNotBuilt reports whether there is nothing to prepare or to swap in.
var errNotBuilt = fmt.Errorf("no segments were built")

func (d *shard) build(version uint64) {
	if d.active != version && d.built != version {
		d.built, d.ready = version, false
	}
}

func (d *shard) prepare(version uint64) (string, error) {
	switch {
	case d.active == version, d.built == version && d.ready:
		return "", nil
	case d.built != version:
		return "", errNotBuilt
	}
	d.ready = true
	return "prepared", nil
}

func (d *shard) swap(version uint64) (string, error) {
	if d.active == version {
		return "", nil
	}
	if _, err := d.prepare(version); err != nil {
		return "", err
	}
	d.replaced, d.kept = d.active, true
	d.active, d.built, d.ready = version, 0, false
	return "swapped", nil
}

// settle swaps for good, or rolls back.
func (d *shard) settle(version uint64, swaps bool) (why string, err error) {
	switch {
	case swaps:
		if d.built == version {
			if why, err = d.swap(version); err != nil {
				return "", err
			}
		}
		if d.active == version {
			d.kept, d.replaced = false, 0
		}
		return why, nil
	case d.built == version:
		d.built, d.ready = 0, false
	}
	if d.active == version && d.kept {
		d.active, d.kept, d.replaced = d.replaced, false, 0
		why = "rolled-back"
	}
	return why, nil
}

// heldBy is the run whose segments wait for their swap, or whose swap may still be
// taken back.
func (d *shard) heldBy() (uint64, bool) {
	if d.built != 0 {
		return d.built, true
	}
	return d.active, d.kept
}
