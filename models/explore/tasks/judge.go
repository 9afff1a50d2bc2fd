package tasks

import (
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/models/explore"
	"dtsim/sched/reconcile"
)

// Broken is a broken property.
type Broken = explore.Broken

// properties are those of the design that a step may break; P16 is a promise: see
// [Model.LivenessNames].
var properties = []string{"P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P12", "P14", "P17"}

// broke notes the first property that the step breaks.
func (s *step) broke(property, format string, args ...any) {
	if s.broken == nil {
		s.broken = &Broken{Property: property, Message: s.node() + ": " + fmt.Sprintf(format, args...)}
	}
}

// phase orders statuses: terminal ones are one phase.
func phase(status fsm.TaskStatus) uint8 {
	switch status {
	case fsm.TaskStatusStarted:
		return 1
	case fsm.TaskStatusPreparing:
		return 2
	case fsm.TaskStatusSwapping:
		return 3
	}
	return 4
}

// judgeDecision holds what a node is about to do against what it knows and what the
// log holds. A decision is judged where it is made: what the log holds later can only
// justify it.
func (s *step) judgeDecision(a reconcile.Action) {
	switch a.Kind {
	case reconcile.Start:
		s.judgeStart(a)
	case reconcile.Prepare, reconcile.CompleteGroup, reconcile.Swap, reconcile.CompleteTask:
		s.judgeCallback(a)
	case reconcile.AckPreparation, reconcile.AckPost:
		s.judgeAck(a)
	case reconcile.CleanLocal:
		s.judgeCleanLocal(a)
	}
}

// judgeStart is P10, and P14 for one live handle.
func (s *step) judgeStart(a reconcile.Action) {
	task := s.listed()
	if task.Status != fsm.TaskStatusStarted {
		s.broke("P10", "v%d is started, the node sees it %s", a.Version, task.Status)
	}
	if seen := (known{task.Version, phase(task.Status)}); seen.olderThan(s.p.known) {
		s.broke("P10", "v%d is started, the node has listed that it has left STARTED", a.Version)
	}
	for _, w := range s.p.workers {
		if !w.exited {
			s.broke("P14", "v%d is started while a handle of v%d is alive", a.Version, w.version)
		}
	}
}

func (s *step) judgeCallback(a reconcile.Action) {
	p, task := s.p, s.listed()
	group := uint8(max(0, indexOf(groupNames, a.Group)))
	// P9: once, for nothing older than what is known, and not again what is over.
	for _, c := range p.calls {
		if c.kind == a.Kind && (c.group == group || a.Kind == reconcile.CompleteTask) && a.Version == p.known.version {
			s.broke("P9", "%s of v%d, group %q, runs again", a.Kind, a.Version, a.Group)
		}
	}
	if seen := (known{task.Version, phase(task.Status)}); seen.olderThan(p.known) {
		s.broke("P9", "%s of v%d sees it %s, the node has listed a later state", a.Kind, a.Version, task.Status)
	}
	if p.ended == a.Version && p.replay != a.Version {
		s.broke("P9", "%s of v%d, which was terminal when the node began; its provider has not asked for it", a.Kind, a.Version)
	}
	if a.Kind == reconcile.CompleteTask {
		s.judgeCompletion(a, task)
		return
	}
	acks := task.PostCompletionAcks
	if a.Kind == reconcile.Prepare {
		acks = task.PreparationCompletionAcks
	}
	if _, acked := acks[s.node()]; acked && !(p.ended == a.Version && p.replay == a.Version) {
		s.broke("P9", "%s of v%d, group %q, runs although its outcome is in the log and was listed", a.Kind, a.Version, a.Group)
	}
	s.judgeGroup(a, task)
	if a.Kind == reconcile.Swap {
		switch {
		case s.r.lifted != a.Version:
			s.broke("P5", "OnSwapRequested of v%d, whose barrier never lifted", a.Version)
		case !succeeds(task):
			s.broke("P5", "OnSwapRequested of v%d, which is %s", a.Version, task.Status)
		case !task.NeedsPreparationBarrier:
			s.broke("P5", "OnSwapRequested of v%d, which has no preparation barrier", a.Version)
		}
	}
}

// judgeGroup is P6.
func (s *step) judgeGroup(a reconcile.Action, task *fsm.Task) {
	now := task
	if s.r.shows(a.Version) {
		now = s.r.task // a unit that is terminal in the older one keeps its owner
	}
	if now.Status == fsm.TaskStatusStarted {
		if now.NeedsPreparationBarrier {
			s.broke("P6", "%s of v%d, a barrier task that is STARTED", a.Kind, a.Version)
		}
		if !now.AllGroupUnitsTerminal(a.Group) {
			s.broke("P6", "%s for group %q of v%d, which has open units", a.Kind, a.Group, a.Version)
		}
	}
	if want := now.LocalGroupUnitIDs(a.Group, s.node()); len(want) == 0 || !slices.Equal(want, slices.Sorted(slices.Values(a.Units))) {
		s.broke("P6", "%s for group %q of v%d with units %v, the node owns %v", a.Kind, a.Group, a.Version, a.Units, want)
	}
}

// judgeCompletion is P8 for OnTaskCompleted: the task has ended, or can only finish.
func (s *step) judgeCompletion(a reconcile.Action, task *fsm.Task) {
	switch {
	case task.Status.IsTerminal():
	case task.Status != fsm.TaskStatusSwapping:
		s.broke("P8", "OnTaskCompleted of v%d, which the node sees %s", a.Version, task.Status)
	case s.r.shows(a.Version) && len(missing(s.r.task, s.r.task.PostCompletionAcks)) > 0:
		s.broke("P8", "OnTaskCompleted of v%d, which is %s, before a successful ack of %v",
			a.Version, s.r.task.Status, missing(s.r.task, s.r.task.PostCompletionAcks))
	}
}

// judgeAck is the truth of an ack (P5 and P7 rest on it): every local group had its
// callback in this life of the node, and it has their outcome.
func (s *step) judgeAck(a reconcile.Action) {
	property, kind := "P7", reconcile.CompleteGroup
	if s.Barrier {
		kind = reconcile.Swap
	}
	if a.Kind == reconcile.AckPreparation {
		property, kind = "P5", reconcile.Prepare
	}
	if s.Compete {
		return // a provider without callbacks has no outcome
	}
	owns, failed := false, false
	for g := range s.Groups {
		if len(s.listed().LocalGroupUnitIDs(s.groupName(g), s.node())) == 0 {
			continue
		}
		owns = true
		i := slices.IndexFunc(s.p.calls, func(c call) bool { return c.kind == kind && int(c.group) == g })
		if i < 0 {
			s.broke(property, "%s of v%d before %s of group %q", a.Kind, a.Version, kind, s.groupName(g))
			return
		}
		failed = failed || s.p.calls[i].failed
	}
	switch {
	case !owns:
		s.broke(property, "%s of v%d by a node without units", a.Kind, a.Version)
	case a.Success == failed:
		s.broke(property, "%s of v%d has success=%t, but whether a callback failed is %t", a.Kind, a.Version, a.Success, failed)
	}
}

// judgeCleanLocal is P12 for local state.
func (s *step) judgeCleanLocal(a reconcile.Action) {
	for _, w := range s.p.workers {
		if w.version == a.Version && !w.exited {
			s.broke("P12", "local state of v%d is removed while its worker runs", a.Version)
		}
	}
	if !s.r.shows(a.Version) {
		return
	}
	switch {
	case s.r.task.Status.IsActive():
		s.broke("P12", "local state of v%d is removed while it is %s", a.Version, s.r.task.Status)
	case !slices.Contains(s.p.disk.ended, a.Version) && !s.Compete:
		s.broke("P12", "local state of v%d is removed before its OnTaskCompleted has run here", a.Version)
	}
}

// judgeRest looks at a runner that has nothing to do on a look: P14, the workers of a
// task that has left STARTED were terminated.
func (s *step) judgeRest(l *look, a reconcile.Action) {
	task := l.Source.task
	if a.Kind != reconcile.Wait || task == nil || task.Status == fsm.TaskStatusStarted {
		return
	}
	seen := known{task.Version, phase(task.Status)}
	for _, w := range s.p.workers {
		if !w.exited && !w.terminated && !seen.olderThan(s.p.known) && w.version <= task.Version {
			s.broke("P14", "the node has listed v%d as %s and lets the worker of v%d run", task.Version, task.Status, w.version)
		}
	}
}

// judgePart is P8 at rest: where a node has come to the end of a task, its shards
// serve what the schema has.
func (w *world) judgePart(p *part, r *record) *Broken {
	if w.Compete || !w.settled(p, r) {
		return nil
	}
	for i, unit := range w.localUnits(p.node) {
		d, want := p.disk.shards[i], max(r.flipped, r.kept[w.groupOf(unit)])
		if d.active != want || d.built != 0 || d.kept {
			return &Broken{Property: "P8", Message: fmt.Sprintf("%s: at rest the shard of %s is %s, in the schema v%d serves",
				w.nodeName(p.node), w.unitName(unit), d, want)}
		}
	}
	return nil
}

// settled reports whether a node owes nothing to the task, as far as it goes: its callbacks
// have run, or the record is gone and with it what the node had of it.
func (w *world) settled(p *part, r *record) bool {
	if !p.passes.Listed || !p.quiet() {
		return false
	}
	for _, w := range p.workers {
		if !w.exited {
			return false
		}
	}
	switch {
	case r.task == nil:
		return len(p.disk.runs) == 0 && len(p.disk.ended) == 0 && p.decides.Memory.Version == 0
	case r.task.Status.IsActive():
		return false
	case w.Compete:
		return true
	}
	return slices.Contains(p.disk.ended, r.version())
}

func (d shard) String() string {
	text := fmt.Sprintf("v%d", d.active)
	if d.kept {
		text += fmt.Sprintf(" in place of v%d", d.replaced)
	}
	if d.built != 0 {
		text += fmt.Sprintf(", with v%d waiting", d.built)
	}
	return text
}

// missing are the owners of units without a successful ack, sorted.
func missing(t *fsm.Task, acks map[string]fsm.PostCompletionAck) []string {
	var nodes []string
	for _, u := range t.Units {
		if u.NodeID != "" && !acks[u.NodeID].Success {
			nodes = append(nodes, u.NodeID)
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}
