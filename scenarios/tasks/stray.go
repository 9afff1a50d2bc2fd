package tasks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
)

// Names that nothing has.
const (
	strayName = "stray"
	strayNode = "n0"
)

// errNoStray is the error of a stray for which there is nothing that it could be about.
var errNoStray = errors.New("nothing is there that the command could be about")

// versions are those of all runs that were ever added, by task. It is safe for concurrent use.
type versions struct {
	mu sync.Mutex
	of map[provider.Run][]uint64 // by the run without its version, in ascending order
}

func (v *versions) add(run provider.Run) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil {
		v.of = make(map[provider.Run][]uint64)
	}
	version := run.Version
	run.Version = 0
	v.of[run] = append(v.of[run], version)
}

// before returns the version of the last run before one; 0 if there is none.
func (v *versions) before(run provider.Run, version uint64) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	run.Version = 0
	last := uint64(0)
	for _, w := range v.of[run] {
		if w < version {
			last = w
		}
	}
	return last
}

// stray is what a stray command says.
type stray struct {
	provider.Run
	node, unit string
	progress   float32
}

// sendStray sends a command that must not have an effect: it is about what is on record now, but for
// what is wrong with it. Where that cannot be, since there was no run before, no unit is claimed, or the
// id has no case, nothing is sent, and the operation has no effect.
func (p *process) sendStray(ctx context.Context, c Client, op operation) error {
	seen := p.replica.AppliedIndex() // runs up to here that the list does not show are over
	tasks, err := c.ListDistributedTasks(ctx)
	if err != nil {
		return err
	}
	of := tasks[op.Namespace]
	at := slices.IndexFunc(of, func(t *fsm.Task) bool { return t.ID == op.TaskID })
	var task *fsm.Task
	if at >= 0 {
		task = of[at]
	}
	command, wrong := op.Stray.Parts()
	s, ok := p.stray(task, runOf(op.Namespace, op.TaskID, 0), seen, wrong)
	if !ok {
		return errNoStray
	}
	return s.send(ctx, c, command, p.run.submitted(op))
}

// stray makes something that is wrong about a task, nil if it was not on record at an index; false if it
// cannot be.
func (p *process) stray(task *fsm.Task, run provider.Run, seen uint64, wrong string) (stray, bool) {
	s := stray{Run: run, node: p.Node(), unit: strayName}
	claimed := ""
	if task != nil {
		s.Version = task.Version
		for id, u := range task.Units {
			if u.NodeID != "" && (claimed == "" || id < claimed) {
				claimed = id
			}
		}
	}
	switch wrong {
	case taskplan.OlderRun:
		if task == nil {
			s.Version = seen + 1
		}
		s.Version = p.run.versions.before(run, s.Version)
		return s, s.Version > 0
	case taskplan.LaterRun:
		s.Version += 1 << 40
	case taskplan.NoRun:
		s.Version = 0
	case taskplan.OtherTask:
		s.Task = strayName
	case taskplan.OtherCase:
		s.Task = strings.ToUpper(s.Task)
		return s, s.Task != run.Task
	case taskplan.OtherNamespace:
		s.Namespace = strayName
	case taskplan.EmptyTask:
		s.Task = ""
	case taskplan.EmptyUnit:
		s.unit = ""
	case taskplan.OtherNode:
		s.unit, s.node = claimed, strayNode
	case taskplan.EmptyNode:
		s.unit, s.node = claimed, ""
	case taskplan.BelowZero:
		if claimed == "" {
			return s, false
		}
		s.unit, s.node, s.progress = claimed, task.Units[claimed].NodeID, -1
	}
	return s, wrong != taskplan.OtherNode && wrong != taskplan.EmptyNode || claimed != ""
}

// submitted returns a task as the plan submits it first.
func (r *run) submitted(op operation) *taskplan.Task {
	for _, o := range r.plan.Workload {
		if o.Do == taskplan.AddTask && string(o.Task.Kind) == op.Namespace && o.Task.ID == op.TaskID {
			return o.Task
		}
	}
	return new(taskplan.Task) // it is inherited
}

// send sends the command; as is how the task was submitted.
func (s stray) send(ctx context.Context, c Client, command string, as *taskplan.Task) error {
	switch command {
	case taskevent.UpdateProgress:
		return c.UpdateDistributedTaskUnitProgress(ctx, s.Namespace, s.Task, s.Version, s.node, s.unit, s.progress)
	case taskevent.CompleteUnit:
		return c.RecordDistributedTaskUnitCompletion(ctx, s.Namespace, s.Task, s.Version, s.node, s.unit)
	case taskevent.FailUnit:
		return c.RecordDistributedTaskUnitFailure(ctx, s.Namespace, s.Task, s.Version, s.node, s.unit, "stray")
	case taskevent.AckPreparation:
		return c.RecordDistributedTaskPreparationCompleteAck(ctx, s.Namespace, s.Task, s.Version, s.node, true, "")
	case taskevent.AckSwap:
		return c.RecordDistributedTaskPostCompletionAck(ctx, s.Namespace, s.Task, s.Version, s.node, true, "")
	case taskevent.FinalizeTask:
		return c.MarkDistributedTaskFinalized(ctx, s.Namespace, s.Task, s.Version)
	case string(taskplan.CancelTask):
		return c.CancelDistributedTask(ctx, s.Namespace, s.Task, s.Version)
	case string(taskplan.FailTask):
		return c.FailDistributedTask(ctx, s.Namespace, s.Task, s.Version, "stray")
	case taskevent.CleanUpTask:
		return c.CleanUpDistributedTask(ctx, s.Namespace, s.Task, s.Version)
	case taskevent.SwapTenants:
		return c.SwapTenants(ctx, as.Collection, as.Property, as.Tokenization, s.Namespace, fsm.TaskDescriptor{ID: s.Task, Version: s.Version}, []string{strayName})
	case taskevent.FlipProperty:
		return c.FlipProperty(ctx, as.Collection, as.Property, as.Tokenization, s.Namespace, fsm.TaskDescriptor{ID: s.Task, Version: s.Version}, nil)
	}
	return c.ForceCleanUpDistributedTask(ctx, s.Namespace, s.Task, s.Version)
}
