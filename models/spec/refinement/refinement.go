// Package refinement maps the detectors, errors and tasks of fsm to those of models/spec, so
// that the two can be compared.
//
// Its invariant: nothing is decided here. What it must not know: how fsm comes to its
// verdicts.
package refinement

import (
	"errors"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec"
	"dtsim/sim/trace/event"
)

// reasons are the ids of fsm's sentinels.
var reasons = []struct {
	sentinel error
	reason   string
}{
	{fsm.ErrTaskNotRunning, spec.TaskNotRunning},
	{fsm.ErrTaskDoesNotExist, spec.TaskNotExist},
	{fsm.ErrUnitAlreadyTerminal, spec.UnitTerminal},
	{fsm.ErrUnitWrongNode, spec.UnitWrongNode},
	{fsm.ErrTaskNotInFinalizingState, spec.TaskNotFinalizing},
	{fsm.ErrInvalidCommand, spec.InvalidCommand},
}

// Verdict is the verdict that an error of a Manager stands for (P15).
func Verdict(err error) spec.Verdict {
	switch {
	case err == nil:
		return spec.Verdict{Class: spec.OK}
	case !errors.Is(err, fsm.ErrPermanentRejection):
		return spec.Verdict{Class: spec.Retryable}
	}
	for _, r := range reasons {
		if errors.Is(err, r.sentinel) {
			return spec.Verdict{Class: spec.Permanent, Reason: r.reason}
		}
	}
	return spec.Verdict{Class: spec.Permanent}
}

// Logged is the verdict of an error as it is put into a trace: the reason that the text of a
// permanent rejection carries to the proposer, or the reason that the state machine has for a
// retryable one. What the text of a retryable one may hold, names that somebody has given,
// says nothing.
func Logged(err error) event.Verdict {
	if err == nil {
		return event.Verdict{Class: event.ClassOK}
	}
	if Verdict(err).Class == spec.Permanent {
		return event.Verdict{Class: event.ClassPermanent, Reason: spec.ReadVerdict(err.Error()).Reason}
	}
	v := event.Verdict{Class: event.ClassRetryable}
	v.Reason, v.About = fsm.Reason(err)
	return v
}

// Rules returns the rules of a machine that calls fsm's detectors and extractors.
func Rules(conflicts map[string]fsm.ConflictDetector, mutations map[string]fsm.SchemaMutationDetector, extractors map[string]fsm.CollectionExtractor) *spec.Rules {
	rules := &spec.Rules{Guards: make(map[string]spec.Guard), Collections: make(map[string]func([]byte) (string, bool))}
	for namespace, d := range conflicts {
		if d != nil {
			g := rules.Guards[namespace]
			if checker, ok := d.(fsm.PayloadChecker); ok {
				g.Payload = checker.CheckPayload
			}
			g.Conflict = func(payload []byte, tasks []*spec.Task) error { return d.CheckConflict(payload, records(tasks)) }
			rules.Guards[namespace] = g
		}
	}
	for namespace, d := range mutations {
		if d != nil {
			g := rules.Guards[namespace]
			g.Property = func(class, property string, tasks []*spec.Task) error {
				return d.CheckPropertyUpdate(class, property, records(tasks))
			}
			g.Class = func(class string, tasks []*spec.Task) error { return d.CheckClassMutation(class, records(tasks)) }
			g.Tenants = func(class string, tenants []string, tasks []*spec.Task) error {
				return d.CheckTenantMutation(class, tenants, records(tasks))
			}
			rules.Guards[namespace] = g
		}
	}
	for namespace, extract := range extractors {
		if namespace != "" && extract != nil {
			rules.Collections[namespace] = extract
		}
	}
	return rules
}

// records are tasks in the form that detectors read.
func records(tasks []*spec.Task) []*fsm.Task {
	all := make([]*fsm.Task, len(tasks))
	for i, t := range tasks {
		all[i] = Record(t)
	}
	return all
}

// Record is the task of fsm that a task of the specification stands for.
func Record(t *spec.Task) *fsm.Task {
	r := &fsm.Task{
		Namespace: t.Namespace, TaskDescriptor: fsm.TaskDescriptor{ID: t.ID, Version: t.Version},
		Payload: t.Payload, NeedsPreparationBarrier: t.Barrier, AcksRequired: t.AcksRequired,
		Status: fsm.TaskStatus(t.Status), StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, TerminalAt: t.TerminalAt,
		Error: t.Error, Units: make(map[string]*fsm.Unit, t.Units.Len()),
		PreparationCompletionAcks: acks(t.Prepared), PostCompletionAcks: acks(t.Swapped),
	}
	for id, u := range t.Units.All() {
		r.Units[id] = &fsm.Unit{
			ID: id, GroupID: u.Group, NodeID: u.Node, Status: fsm.UnitStatus(u.Status), Progress: u.Progress,
			Error: u.Error, UpdatedAt: u.UpdatedAt, FinishedAt: u.FinishedAt,
		}
	}
	return r
}

func acks(of spec.Map[spec.Ack]) map[string]fsm.PostCompletionAck {
	if of.Len() == 0 {
		return nil
	}
	all := make(map[string]fsm.PostCompletionAck, of.Len())
	for node, a := range of.All() {
		all[node] = fsm.PostCompletionAck{Success: a.Success, Error: a.Error, AckedAt: a.At}
	}
	return all
}

// Digest is the digest of the same task in the specification; it takes time in proportion
// to its units and its payload.
func Digest(t *fsm.Task) uint64 {
	units := uint64(0)
	for id, u := range t.Units {
		units += spec.EntryDigest(id, spec.Unit{
			Group: u.GroupID, Node: u.NodeID, Status: spec.UnitStatus(u.Status), Progress: u.Progress,
			Error: u.Error, UpdatedAt: u.UpdatedAt, FinishedAt: u.FinishedAt,
		}.Digest())
	}
	return spec.TaskDigest(spec.Head{
		Namespace: t.Namespace, ID: t.ID, Version: t.Version, Payload: t.Payload,
		Barrier: t.NeedsPreparationBarrier, AcksRequired: t.AcksRequired, Status: spec.Status(t.Status),
		StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, TerminalAt: t.TerminalAt, Error: t.Error,
	}, units, ackDigest(t.PreparationCompletionAcks), ackDigest(t.PostCompletionAcks))
}

func ackDigest(acks map[string]fsm.PostCompletionAck) uint64 {
	sum := uint64(0)
	for node, a := range acks {
		sum += spec.EntryDigest(node, spec.Ack{Success: a.Success, Error: a.Error, At: a.AckedAt}.Digest())
	}
	return sum
}

// TaskCommands are the commands of the task API by their name in a trace. They are only
// read.
var TaskCommands = func() map[string]api.CommandType {
	commands := make(map[string]api.CommandType)
	for _, t := range []api.CommandType{
		api.CommandAddTask, api.CommandCancelTask, api.CommandCleanUpTask, api.CommandRecordUnitCompletion,
		api.CommandUpdateUnitProgress, api.CommandMarkTaskFinalized, api.CommandRecordPostAck,
		api.CommandRecordPreparationAck, api.CommandMarkTaskFailed,
	} {
		commands[replica.CommandName(t)] = t
	}
	return commands
}()
