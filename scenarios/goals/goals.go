// Package goals has the situations that some run of a campaign should come to, because they
// are where a task manager goes wrong; and what coverage has to know of tasks: in which
// states faults find them, and what shows that something went another way.
//
// It judges nothing: a run that reaches no goal passes.
package goals

import (
	"maps"
	"slices"
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tried"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// The names commands have in a trace.
const (
	addTask        = taskevent.CommandAddTask
	cancelTask     = taskevent.CommandCancelTask
	cleanUpTask    = taskevent.CommandCleanUpTask
	unitCompletion = taskevent.CommandUnitCompletion
	unitProgress   = taskevent.CommandUnitProgress
	markFinalized  = taskevent.CommandMarkFinalized
	markFailed     = taskevent.CommandMarkFailed
	postAck        = taskevent.CommandPostAck
	preparationAck = taskevent.CommandPreparationAck
	dropCollection = taskevent.CommandDropCollection
	updateProperty = taskevent.CommandUpdateProperty
	deleteTenants  = taskevent.CommandDeleteTenants
)

// The statuses of a task.
const (
	started   = taskevent.Started
	preparing = taskevent.Preparing
	swapping  = taskevent.Swapping
	finished  = taskevent.Finished
	failed    = taskevent.Failed
	cancelled = taskevent.Cancelled
)

// goal is a situation that some run of a campaign should come to.
type goal struct {
	Name  string
	About string

	on trace.Kind
	// reached reports whether an event of the kind, which the state has just taken in,
	// completes the situation.
	reached func(s *state, e *trace.Event) bool
}

// goals are all goals of tasks.
var goals = slices.Concat(crashGoals, restartGoals, leaderGoals, snapshotGoals, fileGoals, answerGoals, commandGoals, providerGoals,
	inheritedGoals, clockGoals)

// Goals returns all goals, those of any application among them, in a fixed order.
func Goals() []coverage.Goal {
	all := coverage.NodeGoals()
	for _, g := range goals {
		all = append(all, coverage.Goal{Name: g.Name, About: g.About})
	}
	return all
}

// noTask is the state of a cluster without an active task.
const noTask = "no task"

// States returns the columns of the table of faults and states: those of nodes (see
// [coverage.NodeStates]), the statuses of active tasks, and that there is none. A fault
// that is about one task counts under the status of that one.
func States() []string {
	return append(coverage.NodeStates(), string(started), string(preparing), string(swapping), noTask)
}

// watcher is the [coverage.Application] of the task manager.
type watcher struct {
	*state
	goals  map[trace.Kind][]goal
	counts map[string]int64
	// tries counts what the run has tried, beside the goals.
	tries *tried.Observer
}

// New returns what coverage has to know of tasks in a run of p. The log is one that others
// may share, which have not taken in more than this one has.
func New(p *taskplan.Plan, log *projection.Log) func(*coverage.Nodes) coverage.Application {
	return func(nodes *coverage.Nodes) coverage.Application {
		w := &watcher{state: newState(p, nodes, log), goals: make(map[trace.Kind][]goal), counts: make(map[string]int64), tries: tried.New(p)}
		for _, g := range goals {
			w.goals[g.on] = append(w.goals[g.on], g)
		}
		return w
	}
}

// Of is [New] for a plan that was carried, with a log of its own.
func Of(p *plan.Plan) (func(*coverage.Nodes) coverage.Application, error) {
	decoded, err := taskplan.Of(p)
	if err != nil {
		return nil, err
	}
	return New(decoded, projection.NewLog()), nil
}

// Catalog is what an account of the task manager lists; the properties are those that it is
// judged by.
func Catalog(properties []string) coverage.Catalog {
	return coverage.Catalog{Faults: taskplan.FaultKinds(), Goals: Goals(), Properties: properties, Possible: tried.Rows()}
}

// Kinds implements [coverage.Application].
func (w *watcher) Kinds() []trace.Kind {
	all := slices.Concat(kinds, tried.Kinds())
	slices.Sort(all)
	return slices.Compact(all)
}

// Read implements [coverage.Application].
func (w *watcher) Read(e *trace.Event) trace.Body { return taskevent.Of(e) }

// Take implements [coverage.Application].
func (w *watcher) Take(e *trace.Event) {
	w.take(e)
	w.tries.Take(e, w.Log)
	for _, g := range w.goals[e.Kind] {
		if g.reached(w.state, e) {
			w.counts[coverage.SometimesPrefix+g.Name]++
		}
	}
}

// Counters implements [coverage.Application].
func (w *watcher) Counters() map[string]int64 {
	all := maps.Clone(w.counts)
	w.tries.AddTo(all)
	return all
}

// Reach implements [coverage.Application]: schedulers look at every tick.
func (w *watcher) Reach() time.Duration { return w.plan.SchedulerTick.D() }

// Operates implements [coverage.Application]: operations that an operator does for a fault
// are numbered behind those of the workload.
func (w *watcher) Operates(op int64) int {
	i := int(op) - len(w.plan.Workload)
	if i < 0 || i >= len(w.plan.Faults) || w.plan.Faults[i].Kind != plan.Operate {
		return -1
	}
	return i
}

// Repeats implements [coverage.Application].
func (w *watcher) Repeats(kind plan.FaultKind) bool { return kind == taskplan.AckFlip }

// StatesAt implements [coverage.Application].
func (w *watcher) StatesAt(e *trace.Event) []string {
	var about taskevent.Key
	switch b := e.Body.(type) {
	case *event.FaultActivated:
		t := taskevent.TroubleOf(b)
		about = t.Key()
	case *event.Called:
		c := taskevent.CallOf(b)
		about = c.Key()
	}
	var states []string
	for _, status := range []taskevent.TaskStatus{started, preparing, swapping} {
		if w.any(func(r *run) bool { return r.Status == status && (about.Task == "" || r.ID.Key() == about) }) != nil {
			states = append(states, string(status))
		}
	}
	if states == nil {
		return []string{noTask}
	}
	return states
}

// Consequence implements [coverage.Application].
func (w *watcher) Consequence(e *trace.Event) (node string, is bool) {
	switch b := e.Body.(type) {
	case *taskevent.ListFailed:
		return e.Node, true
	case *taskevent.TaskChanged:
		r := w.run(b.Run)
		by := w.command.Name
		return "", r != nil && r.Status != failed && b.Status == failed && (by == preparationAck || by == postAck || by == markFailed)
	case *taskevent.CallbackEnded:
		return e.Node, b.Error != ""
	case *taskevent.CallbackStarted:
		r := w.run(b.Run)
		return e.Node, r != nil && r.callbacks[callbackKey{e.Node, b.Name, b.Group}] != nil
	case *taskevent.WorkEnded:
		return e.Node, b.Outcome != event.OK
	case *taskevent.RecoveryAsked:
		return e.Node, !b.Done
	}
	return "", false
}
