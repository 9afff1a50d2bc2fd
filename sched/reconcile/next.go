package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm"
)

// Next returns what the node does next for a key. The memory must be the one its
// earlier actions were settled into; the zero Memory is empty.
func Next(v View, m Memory) Action {
	basis := v.basis()
	s := situation{View: v, memory: m.seeing(basis)}
	for _, rule := range rules {
		if action, ok := rule(s); ok {
			action.Basis = basis
			return action
		}
	}
	return Action{Kind: Wait, Version: basis.Version, Basis: basis}
}

// rules are tried in this order; the first that decides, decides. A rule that
// answers Wait keeps all later ones from acting on the view.
var rules = []func(situation) (Action, bool){
	ignoreOldViews,
	lookAgainAfterEffects,
	stopSupersededWorkers,
	cleanSupersededState,
	recoverTerminalTask,
	runWorker,
	runGroupCallbacks,
	acknowledge,
	completeTask,
	finalize,
	cleanExpiredRecord,
}

// situation is a view together with what is remembered of its version.
type situation struct {
	View
	memory Memory
}

// act returns an action on the listed version.
func (s situation) act(kind Kind) (Action, bool) {
	return Action{Kind: kind, Version: s.Task.Version}, true
}

// tried reports whether the action was tried for this view's list already; it has to
// wait for a later one.
func (s situation) tried(kind Kind, version uint64, group string) bool {
	_, ok := s.memory.attempt(s.Pass, kind, version, group)
	return ok
}

// try returns the action unless it was tried for this list.
func (s situation) try(kind Kind) (Action, bool) {
	if s.tried(kind, s.Task.Version, "") {
		return Action{}, false
	}
	return s.act(kind)
}

// ignoreOldViews: a list that is older than what this node has seen decides
// nothing, and no callback ever gets it (P9). Local state of a newer version than
// the listed one proves the same after a restart, when nothing is remembered.
func ignoreOldViews(s situation) (Action, bool) {
	if !s.Present {
		return Action{}, false
	}
	newer := func(version uint64) bool { return version > s.Task.Version }
	old := newer(s.memory.Version) || s.Task.Progress.OlderThan(s.memory.Seen) ||
		slices.ContainsFunc(s.LocalState, newer)
	if !old {
		return Action{}, false
	}
	return s.act(Wait)
}

// lookAgainAfterEffects: after an accepted ack, finalization or removal the
// state of the task is not known here (of two acks the first wins, the last one lifts
// a barrier), so the next decision needs a list that was started later.
func lookAgainAfterEffects(s situation) (Action, bool) {
	if s.Pass > s.memory.EffectPass {
		return Action{}, false
	}
	return s.act(Relist)
}

// stopSupersededWorkers: workers of other versions stop first, and nothing else
// happens until they are gone (P14).
func stopSupersededWorkers(s situation) (Action, bool) {
	alive := false
	for _, h := range s.Handles {
		switch {
		case h.State == Exited:
			return Action{Kind: Reap, Version: h.Version}, true
		case !s.superseded(h.Version):
		case h.State == Running:
			return Action{Kind: Terminate, Version: h.Version}, true
		default:
			alive = true
		}
	}
	if alive {
		return s.act(Wait)
	}
	return Action{}, false
}

// cleanSupersededState: local state whose record is gone or replaced goes (P12).
// A key of which nothing is left is forgotten; a key without a record has no use
// for the rules that follow.
func cleanSupersededState(s situation) (Action, bool) {
	for _, version := range s.LocalState {
		if s.superseded(version) && !s.tried(CleanLocal, version, "") {
			return Action{Kind: CleanLocal, Version: version}, true
		}
	}
	switch {
	case s.Present:
		return Action{}, false
	case len(s.LocalState) == 0:
		return Action{Kind: Forget}, true
	default:
		return Action{Kind: Wait}, true
	}
}

// recoverTerminalTask: of a task that was terminal when this incarnation began,
// an earlier one may have run all callbacks, some or none. Unless the provider knows
// which, nothing runs again (P9). Local state of a task that owes
// nothing is not needed any more (P12).
func recoverTerminalTask(s situation) (Action, bool) {
	if !s.suppressed() {
		return Action{}, false
	}
	if s.Caps.RecoveryAware && s.memory.Recovery == RecoveryUnknown {
		return s.try(AskRecovered)
	}
	if s.holdsLocalState() {
		return s.try(CleanLocal)
	}
	return Action{}, false
}

// suppressed reports whether the task was terminal at the start and that its provider
// has not asked for its callbacks.
func (s situation) suppressed() bool {
	return s.Bootstrap && s.Task.Status.IsTerminal() && s.memory.Recovery != RecoveryReplay
}

// callbacks reports whether the provider is to be called for the task.
func (s situation) callbacks() bool { return s.Caps.UnitAware && !s.suppressed() }

// runWorker: a worker runs while the task is STARTED and has units for this node,
// at most one (P14) and never beside the remains of an earlier version; otherwise
// it is terminated (P10).
func runWorker(s situation) (Action, bool) {
	handle := s.handle()
	if s.Task.Status == fsm.TaskStatusStarted && s.Task.Eligible {
		switch {
		case handle != Exited || s.supersededStateLeft():
		case s.supersededStateUnseen():
			return s.act(Relist)
		case s.tried(Start, s.Task.Version, ""):
		case s.exitUnseen():
			return s.act(Relist)
		default:
			return s.act(Start)
		}
	} else if handle == Running {
		return s.act(Terminate)
	}
	return Action{}, false
}

// exitUnseen reports whether the listed version's worker has exited, and that the list may be
// older than what it has reported: started on that, a worker would do again what is done.
func (s situation) exitUnseen() bool {
	return s.tried(Reap, s.Task.Version, "")
}

// supersededStateUnseen reports whether an earlier version was started, or its worker
// exited, too late for its local state to be in the view.
func (s situation) supersededStateUnseen() bool {
	return slices.ContainsFunc(s.memory.Tried, func(t Attempt) bool {
		return (t.Kind == Start || t.Kind == Reap) && s.superseded(t.Version)
	})
}

// supersededStateLeft reports whether local state of an earlier version could not be
// removed.
func (s situation) supersededStateLeft() bool {
	return slices.ContainsFunc(s.LocalState, func(version uint64) bool {
		attempt, ok := s.memory.attempt(s.Pass, CleanLocal, version, "")
		return s.superseded(version) && !(ok && attempt.OK)
	})
}

// groupPhase returns the callback the task's status asks for, and which groups it
// is due for; false when no callback is.
func (s situation) groupPhase() (kind Kind, due func(Group) bool, ok bool) {
	if !s.callbacks() {
		return Wait, nil, false
	}
	every := func(Group) bool { return true }
	acked := s.Task.OwnPostAck != AckNone && s.memory.Recovery != RecoveryReplay
	switch status := s.Task.Status; {
	case status == fsm.TaskStatusPreparing:
		return Prepare, every, s.Task.Barrier && s.Task.OwnPreparationAck == AckNone
	case acked:
		return Wait, nil, false
	case s.Task.Barrier:
		// Never on FAILED or CANCELLED: the barrier may not have lifted (P5).
		return Swap, every, status == fsm.TaskStatusSwapping || status == fsm.TaskStatusFinished
	case status == fsm.TaskStatusStarted:
		return CompleteGroup, func(g Group) bool { return g.Terminal }, true // P6
	default:
		return CompleteGroup, every, status == fsm.TaskStatusSwapping ||
			status == fsm.TaskStatusFinished || status == fsm.TaskStatusFailed
	}
}

// groupsOutstanding reports whether a group callback is due that has no result yet.
func (s situation) groupsOutstanding() bool {
	kind, due, ok := s.groupPhase()
	return ok && slices.ContainsFunc(s.Task.Groups, func(g Group) bool {
		return due(g) && !s.memory.hasResult(kind, g.ID)
	})
}

// runGroupCallbacks: each group in which this node owns units is called once per
// phase, in group order.
func runGroupCallbacks(s situation) (Action, bool) {
	kind, due, ok := s.groupPhase()
	if !ok {
		return Action{}, false
	}
	for _, g := range s.Task.Groups {
		if due(g) && !s.memory.hasResult(kind, g.ID) && !s.tried(kind, s.Task.Version, g.ID) {
			return Action{Kind: kind, Version: s.Task.Version, Group: g.ID, Units: slices.Clone(g.LocalUnits)}, true
		}
	}
	return Action{}, false
}

// acknowledge: when a phase has a result for every local group, its outcome is
// recorded, by nodes that own units. A provider without callbacks has nothing to
// fail, so it acknowledges success at once where that is awaited.
func acknowledge(s situation) (Action, bool) {
	if !s.Caps.Acks || !s.Task.Owner || s.groupsOutstanding() {
		return Action{}, false
	}
	var kind Kind
	switch s.Task.Status {
	case fsm.TaskStatusPreparing:
		if !s.Task.Barrier || s.Task.OwnPreparationAck != AckNone || s.memory.Did(AckPreparation) {
			return Action{}, false
		}
		kind = AckPreparation
	case fsm.TaskStatusSwapping:
		awaited := s.Caps.UnitAware || s.Task.AcksRequired
		if !awaited || s.Task.OwnPostAck != AckNone || s.memory.Did(AckPost) {
			return Action{}, false
		}
		kind = AckPost
	default:
		return Action{}, false
	}
	action, ok := s.try(kind)
	action.Success, action.Message = s.phaseOutcome(kind)
	return action, ok
}

// phaseOutcome sums the results of the local groups up for an ack.
func (s situation) phaseOutcome(ack Kind) (success bool, message string) {
	var failures []string
	for _, g := range s.Task.Groups {
		if r, ok := s.memory.result(ack == AckPreparation, g.ID); ok && r.Failed {
			failures = append(failures, fmt.Sprintf("group=%q: %s", g.ID, r.Err))
		}
	}
	return len(failures) == 0, strings.Join(failures, "; ")
}

// postAcksComplete reports whether nothing but FINISHED can become of a SWAPPING task,
// or no acks are awaited: this node sends none, and the Manager
// does not insist.
func (s situation) postAcksComplete() bool {
	return s.Task.AllPostAcksSucceeded || !s.Caps.Acks && !s.Task.AcksRequired
}

// completeTask: OnTaskCompleted runs once, when the task is terminal or can only
// become FINISHED (P8), after the group callbacks.
func completeTask(s situation) (Action, bool) {
	due := s.Task.Status.IsTerminal() ||
		s.Task.Status == fsm.TaskStatusSwapping && s.postAcksComplete()
	if !due || !s.callbacks() || s.memory.Did(CompleteTask) || s.groupsOutstanding() {
		return Action{}, false
	}
	return s.try(CompleteTask)
}

// finalize: a task is finished after this node's OnTaskCompleted, and after every
// ack there must be (P7). A failure is tried again without another callback (P9).
func finalize(s situation) (Action, bool) {
	if s.Task.Status != fsm.TaskStatusSwapping || !s.Caps.Finalizer || s.memory.Did(Finalize) {
		return Action{}, false
	}
	if s.Caps.UnitAware && !s.memory.Did(CompleteTask) {
		return Action{}, false
	}
	if (s.Caps.UnitAware || s.Task.AcksRequired) && !s.postAcksComplete() {
		return Action{}, false
	}
	return s.try(Finalize)
}

// cleanExpiredRecord: the record of a terminal task goes when its time is up (P12).
func cleanExpiredRecord(s situation) (Action, bool) {
	if !s.Expired || !s.Task.Status.IsTerminal() || s.memory.Did(CleanRecord) {
		return Action{}, false
	}
	return s.try(CleanRecord)
}
