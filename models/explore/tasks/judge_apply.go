package tasks

import (
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// transition is a move of a status; "" is no record.
type transition struct{ from, to fsm.TaskStatus }

// legal are the moves that each accepted command may make (P3).
var legal = map[api.CommandType][]transition{
	api.CommandCancelTask:           {{"STARTED", "CANCELLED"}},
	api.CommandRecordUnitCompletion: {{"STARTED", "FAILED"}, {"STARTED", "PREPARING"}, {"STARTED", "SWAPPING"}},
	api.CommandRecordPreparationAck: {{"PREPARING", "SWAPPING"}, {"PREPARING", "FAILED"}},
	api.CommandRecordPostAck:        {{"SWAPPING", "FAILED"}},
	api.CommandMarkTaskFinalized:    {{"SWAPPING", "FINISHED"}},
	api.CommandMarkTaskFailed:       {{"STARTED", "FAILED"}, {"PREPARING", "FAILED"}, {"SWAPPING", "FAILED"}},
	api.CommandCleanUpTask:          {{"FINISHED", ""}, {"FAILED", ""}, {"CANCELLED", ""}},
}

// judgement holds the two sides of an apply.
type judgement struct {
	*world
	before, after *record
	command       command
	err           error
}

// judgeApply holds what a command did against the properties.
func (w *world) judgeApply(before, after *record, c command, err error) *Broken {
	j := judgement{w, before, after, c, err}
	for _, judge := range []func(judgement) *Broken{
		judgement.lifecycle, judgement.units, judgement.acks, judgement.barriers, judgement.schema, judgement.cleanup, judgement.wedge,
	} {
		if broken := judge(j); broken != nil {
			return broken
		}
	}
	return nil
}

func (j judgement) broken(property, format string, args ...any) *Broken {
	outcome := "accepted"
	if j.err != nil {
		outcome = "rejected (" + j.err.Error() + ")"
	}
	return &Broken{Property: property, Message: fmt.Sprintf("%s, %s: %s", j.command, outcome, fmt.Sprintf(format, args...))}
}

func (r *record) status() fsm.TaskStatus {
	if r.task == nil {
		return ""
	}
	return r.task.Status
}

// same reports whether the record before and after is one of the same run.
func (j judgement) same() bool { return j.before.task != nil && j.after.shows(j.before.version()) }

// lifecycle is P3.
func (j judgement) lifecycle() *Broken {
	from, to := j.before.status(), j.after.status()
	switch {
	case j.command.kind == api.CommandAddTask && j.err == nil:
		switch {
		case j.before.task != nil && from.IsActive():
			return j.broken("P3", "v%d, which is %s, is replaced", j.before.version(), from)
		case j.after.version() <= j.before.version() || to != fsm.TaskStatusStarted:
			return j.broken("P3", "v%d follows v%d and is %s", j.after.version(), j.before.version(), to)
		}
		return nil
	case j.after.task != nil && j.after.version() != j.before.version():
		return j.broken("P3", "v%d became v%d", j.before.version(), j.after.version())
	case from == to:
		return nil
	case j.err != nil || !slices.Contains(legal[j.command.kind], transition{from, to}) || j.before.version() != j.command.version:
		return j.broken("P3", "%q became %q", from, to)
	}
	return nil
}

// units is P4, P10, and that a task leaves STARTED with its last unit (P3).
func (j judgement) units() *Broken {
	if !j.same() {
		return nil
	}
	c := j.command
	report := c.kind == api.CommandRecordUnitCompletion || c.kind == api.CommandUpdateUnitProgress
	open := 0
	for unit := range j.Units {
		id := j.unitName(unit)
		was, is := j.before.task.Units[id], j.after.task.Units[id]
		switch {
		case is == nil:
			return j.broken("P4", "unit %s is gone", id)
		case is.Status.IsTerminal() && is.NodeID == "":
			return j.broken("P4", "unit %s is %s and has no owner", id, is.Status)
		case !is.Status.IsTerminal():
			open++
		}
		if *was == *is {
			continue
		}
		switch {
		case j.err != nil || !report || int(c.unit) != unit:
			return j.broken("P4", "unit %s changed", id)
		case j.before.status() != fsm.TaskStatusStarted:
			return j.broken("P10", "unit %s changed, the task is %s", id, j.before.status())
		case was.Status.IsTerminal():
			return j.broken("P4", "unit %s was %s and changed", id, was.Status)
		case was.NodeID != "" && was.NodeID != j.nodeName(int(c.node)):
			return j.broken("P4", "unit %s belongs to %s", id, was.NodeID)
		case is.NodeID != j.nodeName(int(c.node)):
			return j.broken("P4", "unit %s was not claimed by its report: it belongs to %q", id, is.NodeID)
		case is.Progress < was.Progress:
			return j.broken("P4", "the progress of unit %s fell from %v to %v", id, was.Progress, is.Progress)
		}
	}
	if c.kind != api.CommandRecordUnitCompletion || j.err != nil {
		return nil
	}
	switch to := j.after.status(); {
	case !c.success && to != fsm.TaskStatusFailed:
		return j.broken("P10", "a unit failed and the task is %s", to)
	case c.success && open > 0 && to != fsm.TaskStatusStarted:
		return j.broken("P3", "the task is %s with %d open units", to, open)
	case c.success && open == 0 && to == fsm.TaskStatusStarted:
		return j.broken("P3", "the task is STARTED without an open unit")
	}
	return nil
}

// acks is what P5 and P7 rest on: the first ack of a node is its last word, and a
// failed one of the current step ends the task.
func (j judgement) acks() *Broken {
	if !j.same() {
		return nil
	}
	for _, step := range []struct {
		property, what string
		status         fsm.TaskStatus
		was, is        map[string]fsm.PostCompletionAck
	}{
		{"P5", "preparation", fsm.TaskStatusPreparing, j.before.task.PreparationCompletionAcks, j.after.task.PreparationCompletionAcks},
		{"P7", "post-completion", fsm.TaskStatusSwapping, j.before.task.PostCompletionAcks, j.after.task.PostCompletionAcks},
	} {
		for node := range j.Nodes {
			name := j.nodeName(node)
			was, acked := step.was[name]
			is, still := step.is[name]
			switch {
			case acked && was != is:
				return j.broken(step.property, "the first %s ack of %s was success=%t, and is success=%t now", step.what, name, was.Success, is.Success)
			case still && !is.Success && j.after.status() == step.status:
				return j.broken(step.property, "%s has acknowledged a failed %s and the task is %s", name, step.what, step.status)
			}
		}
	}
	return nil
}

// barriers is P5 where a barrier lifts, and P7.
func (j judgement) barriers() *Broken {
	if !j.same() || j.before.status() == j.after.status() {
		return nil
	}
	t := j.after.task
	switch {
	case t.Status == fsm.TaskStatusSwapping && t.NeedsPreparationBarrier:
		if nodes := missing(t, t.PreparationCompletionAcks); len(nodes) > 0 {
			return j.broken("P5", "the task is SWAPPING without a successful preparation ack of %v", nodes)
		}
	case t.Status == fsm.TaskStatusPreparing && !t.NeedsPreparationBarrier:
		return j.broken("P3", "a task without barrier is PREPARING")
	case t.Status == fsm.TaskStatusFinished && (!j.Compete || !j.AcksOptional): // else none are awaited: there are no callbacks
		if nodes := missing(t, t.PostCompletionAcks); len(nodes) > 0 {
			return j.broken("P7", "the task is FINISHED without a successful ack of %v", nodes)
		}
	}
	return nil
}

// schema is P8 in the log.
func (j judgement) schema() *Broken {
	switch {
	case j.command.flip && j.after.flipped != j.before.flipped:
		switch t := j.before.task; {
		case !j.before.shows(j.command.version):
			return j.broken("P8", "the schema flips for a run without a record")
		case t.Status != fsm.TaskStatusSwapping && t.Status != fsm.TaskStatusFinished:
			return j.broken("P8", "the schema flips for a task that is %s", t.Status)
		case len(missing(t, t.PostCompletionAcks)) > 0:
			return j.broken("P8", "the schema flips before %v have swapped", missing(t, t.PostCompletionAcks))
		}
	case !j.same() || j.before.status() == j.after.status() || j.Compete:
	case j.after.status() == fsm.TaskStatusFinished && j.after.flipped != j.after.version():
		return j.broken("P8", "the task is FINISHED and the schema has not flipped")
	case j.after.status().IsTerminal() && j.after.status() != fsm.TaskStatusFinished && j.after.flipped == j.after.version():
		return j.broken("P8", "the task is %s and the schema has flipped", j.after.status())
	}
	return nil
}

// cleanup is P12 for records.
func (j judgement) cleanup() *Broken {
	switch {
	case j.before.task == nil || j.after.task != nil:
		return nil
	case j.command.kind != api.CommandCleanUpTask:
		return j.broken("P12", "the record is gone")
	case !j.before.aged:
		return j.broken("P12", "the record is removed before its time")
	}
	return nil
}

// wedge is P17: a task can be given up until it can only finish.
func (j judgement) wedge() *Broken {
	if j.command.kind != api.CommandMarkTaskFailed || !j.before.shows(j.command.version) {
		return nil
	}
	t := j.before.task
	open := t.Status.IsActive() && (t.Status != fsm.TaskStatusSwapping || len(missing(t, t.PostCompletionAcks)) > 0)
	switch {
	case open && j.after.status() != fsm.TaskStatusFailed:
		return j.broken("P17", "the task is %s and cannot be given up", t.Status)
	case !open && t.Status == fsm.TaskStatusSwapping && j.err == nil:
		return j.broken("P17", "every owner has acknowledged its swap, and the task is given up")
	}
	return nil
}
