package provider

import (
	"maps"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
)

// Noop is the provider that comes with package sched, unchanged, with its starts and
// callbacks in the trace and some of them in trouble. It keeps nothing on the disk and cannot say
// whether its part of a task is done: a callback that is lost with a crash stays lost. Its guards
// are asked about changes of the schema alone: it conflicts with nothing, and payloads are for it to read.
type Noop struct {
	guards
	base    base
	shipped *sched.ShardNoopProvider
}

var _ sched.UnitAwareProvider = (*Noop)(nil)

func newNoop(env Env) *Noop {
	n := &Noop{base: base{kind: taskplan.ShardNoop, env: env, forgets: true}}
	if env.Clock != nil { // else there is no node
		n.shipped = sched.NewShardNoopProvider(env.Node, nil, localShards{env}, "").WithClock(env.Clock)
	}
	return n
}

// noopPayload is what a [sched.ShardNoopProvider] reads of a payload beside the collection.
type noopPayload struct {
	FailUnitID        string            `json:"failUnitId,omitempty"`
	UnitToShard       map[string]string `json:"unitToShard,omitempty"`
	UnitToNode        map[string]string `json:"unitToNode,omitempty"`
	SlowUnitID        string            `json:"slowUnitId,omitempty"`
	SlowUnitDelayMs   int               `json:"slowUnitDelayMs,omitempty"`
	ProcessingDelayMs int               `json:"processingDelayMs,omitempty"`
	MaxConcurrency    int               `json:"maxConcurrency,omitempty"`
}

// newNoopPayload says in the words of that provider what a task is to do.
func newNoopPayload(t taskplan.Task, places map[string]Place) noopPayload {
	p := noopPayload{
		UnitToShard: make(map[string]string, len(places)), UnitToNode: make(map[string]string, len(places)),
		ProcessingDelayMs: int(t.MinUnitTime.D().Milliseconds()), MaxConcurrency: t.Parallel,
	}
	for unit, at := range places {
		p.UnitToShard[unit], p.UnitToNode[unit] = at.Shard, at.Node
	}
	if len(t.FailUnits) > 0 {
		p.FailUnitID = t.FailUnits[0]
	}
	if len(t.SlowUnits) > 0 {
		p.SlowUnitID, p.SlowUnitDelayMs = t.SlowUnits[0], 9*p.ProcessingDelayMs
	}
	return p
}

// localShards is the [sched.ShardLister] of a node: the schema, as far as it has applied it.
type localShards struct{ env Env }

// GetLocalShardNames implements sched.ShardLister.
func (l localShards) GetLocalShardNames(collection string) ([]string, error) {
	for _, c := range l.env.Schema.Collections() {
		if !strings.EqualFold(c.Name, collection) {
			continue
		}
		local := []string{}
		for _, shard := range slices.Sorted(maps.Keys(c.Replicas)) {
			if slices.Contains(c.Replicas[shard], l.env.Node) {
				local = append(local, shard)
			}
		}
		return local, nil
	}
	return nil, nil
}

// SetCompletionRecorder implements fsm.Provider.
func (n *Noop) SetCompletionRecorder(recorder fsm.TaskCompletionRecorder) {
	n.shipped.SetCompletionRecorder(recorder)
}

// GetLocalTasks implements fsm.Provider.
func (n *Noop) GetLocalTasks() []fsm.TaskDescriptor { return n.shipped.GetLocalTasks() }

// CleanupTask implements fsm.Provider.
func (n *Noop) CleanupTask(desc fsm.TaskDescriptor) error {
	if err := n.shipped.CleanupTask(desc); err != nil {
		return err
	}
	n.base.env.Emit(&taskevent.LocalStateRemoved{Run: n.base.run(desc)})
	return nil
}

// StartTask implements fsm.Provider.
func (n *Noop) StartTask(task *fsm.Task) (fsm.TaskHandle, error) {
	env, run := n.base.env, runOf(task)
	env.Emit(&taskevent.StartAsked{Run: run})
	env.reach(taskplan.StartTask, run)
	if err := env.Trouble.Start(run); err != nil {
		return nil, err
	}
	inner, err := n.shipped.StartTask(task)
	if err != nil {
		return nil, err
	}
	h := newHandle(env, taskevent.Handle{Run: run, Number: env.handles.Add(1)})
	go func() {
		defer h.exited()
		select {
		case <-inner.Done():
		case <-h.ctx.Done():
			inner.Terminate()
			<-inner.Done()
		}
		h.outlive()
	}()
	return h, nil
}

// OnGroupCompleted implements sched.UnitAwareProvider.
func (n *Noop) OnGroupCompleted(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return n.base.callback(taskevent.GroupCompleted, task, groupID, localUnitIDs, func() error {
		return n.shipped.OnGroupCompleted(task, groupID, localUnitIDs)
	})
}

// OnSwapRequested implements sched.UnitAwareProvider.
func (n *Noop) OnSwapRequested(task *fsm.Task, groupID string, localUnitIDs []string) error {
	return n.base.callback(taskevent.SwapRequested, task, groupID, localUnitIDs, func() error {
		return n.shipped.OnSwapRequested(task, groupID, localUnitIDs)
	})
}

// OnTaskCompleted implements sched.UnitAwareProvider. What goes wrong with it cannot be
// returned: it panics.
func (n *Noop) OnTaskCompleted(task *fsm.Task) {
	err := n.base.callback(taskevent.TaskCompleted, task, "", nil, func() error {
		n.shipped.OnTaskCompleted(task)
		return nil
	})
	if err != nil && n.base.env.Halt.Err() == nil {
		panic(err)
	}
}
