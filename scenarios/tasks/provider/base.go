package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/disk"
	"dtsim/sim/plan"
)

// Schema is what a provider needs of the replicated schema.
type Schema interface {
	// Collections returns the schema of this node.
	Collections() []Collection
	// Index is a log index that the schema is at least of, for a schema that is read
	// afterwards.
	Index() uint64
	// Flip sets the tokenization of a property in the name of a run, for the whole
	// cluster; a tenant that is not among the shards, which the run was about, keeps what it
	// serves. It succeeds again when it is done again by the same run.
	Flip(ctx context.Context, collection, property, tokenization string, run Run, shards []string) error
	// SwapTenants records for the whole cluster that tenants keep what a run has made of a
	// property of theirs, whatever becomes of the run. It may be done again.
	SwapTenants(ctx context.Context, collection, property, tokenization string, run Run, tenants []string) error
}

// Env is the node a provider works on, for one incarnation of it.
type Env struct {
	// Node is the node's name.
	Node string
	// Seed feeds how long units take.
	Seed uint64
	// Clock is the node's.
	Clock clockwork.Clock
	// Files is where runs keep what they have done.
	Files *disk.Files
	// Shards are the node's data.
	Shards *Shards
	// Schema is the replicated schema.
	Schema Schema
	// Emit appends to the trace.
	Emit Emit
	// OnRecord reports whether there is a record of a run, as far as this node knows.
	OnRecord func(Run) bool
	// Trouble decides what goes wrong; nil is none.
	Trouble Trouble
	// Reach announces a moment of a run, and returns when what waits for it has
	// happened; nil announces nothing.
	Reach func(plan.Moment, Run)
	// Halt ends when the incarnation ends.
	Halt context.Context

	// handles numbers the handles of all kinds.
	handles *atomic.Int64
}

// base is what the provider kinds share: the state of runs on the disk, and the
// workers.
type base struct {
	kind taskplan.Kind
	env  Env
	// finish makes the work on one unit durable; it is called with nothing reported
	// yet, and again when a crash came in between.
	finish func(p Payload, run Run, unit string) error
	// fits returns why nothing can ever come of a payload; nil when everything may.
	fits func(p Payload) error
	// ready returns why work on units cannot begin yet; nil when it always can.
	ready func(p Payload, run Run, units []string) error
	// forgets is set if the disk does not keep that OnTaskCompleted of a run has come to its end.
	forgets bool

	mu       sync.Mutex
	recorder fsm.TaskCompletionRecorder
	handles  map[Run]*handle
}

// SetCompletionRecorder implements fsm.Provider.
func (b *base) SetCompletionRecorder(recorder fsm.TaskCompletionRecorder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recorder = recorder
}

// GetLocalTasks implements fsm.Provider: the runs with files on the disk. That a run
// has ended here is worth knowing for as long as it is on record, and local state to
// be removed after that.
func (b *base) GetLocalTasks() []fsm.TaskDescriptor {
	var local []fsm.TaskDescriptor
	for _, name := range b.env.Files.List(runs.of(b.kind)) {
		if desc, ok := runs.parse(b.kind, name); ok {
			local = append(local, desc)
		}
	}
	for _, name := range b.env.Files.List(ends.of(b.kind)) {
		if desc, ok := ends.parse(b.kind, name); ok && !slices.Contains(local, desc) && !b.env.OnRecord(b.run(desc)) {
			local = append(local, desc)
		}
	}
	return local
}

// run names a run of this kind.
func (b *base) run(desc fsm.TaskDescriptor) Run {
	return Run{Namespace: string(b.kind), Task: desc.ID, Version: desc.Version}
}

// ended records, durably, that OnTaskCompleted of a run has come to its end here.
func (b *base) ended(run Run) error {
	name := ends.file(run)
	if _, err := b.env.Files.Read(name); err == nil {
		return nil
	}
	if err := b.env.Files.Put(name, nil); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// LocalCallbacksDone implements sched.RecoveryAwareProvider, for kinds with
// callbacks: done is what OnTaskCompleted has come to the end of on this node,
// whether it owns a unit or not (P9).
func (b *base) LocalCallbacksDone(task *fsm.Task, _ string) bool {
	_, err := b.env.Files.Read(ends.file(runOf(task)))
	b.env.Emit(&taskevent.RecoveryAsked{Run: runOf(task), Status: taskevent.TaskStatus(task.Status), Done: err == nil})
	return err == nil
}

// removeRun removes the files of a run: those of its units first, so that what is
// interrupted is still listed.
func (b *base) removeRun(run Run) error {
	files := append(b.env.Files.List(unitsPrefix(run)), runs.file(run))
	if !b.env.OnRecord(run) {
		files = append(files, ends.file(run))
	}
	for _, name := range files {
		if err := b.env.Files.Remove(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.env.Files.SyncDir(); err != nil {
		return fmt.Errorf("local state of %s: %w", run, err)
	}
	b.mu.Lock()
	delete(b.handles, run)
	b.mu.Unlock()
	b.env.Emit(&taskevent.LocalStateRemoved{Run: run})
	return nil
}

// CleanupTask implements fsm.Provider for kinds whose runs leave nothing in the
// shards.
func (b *base) CleanupTask(desc fsm.TaskDescriptor) error {
	run := b.run(desc)
	if err := b.drain(run); err != nil {
		return err
	}
	return b.removeRun(run)
}

// StartTask implements fsm.Provider. A payload of which nothing can ever come is no
// reason to fail the start, again and again: then the units fail, and the task with
// them, and the record has the reason (P18).
func (b *base) StartTask(task *fsm.Task) (fsm.TaskHandle, error) {
	p, unfit := DecodePayload(task.Payload)
	if unfit == nil && p.Kind != b.kind {
		unfit = fmt.Errorf("payload: it is of a %s", p.Kind)
	}
	run := runOf(task)
	b.env.Emit(&taskevent.StartAsked{Run: run})
	b.env.reach(taskplan.StartTask, run)
	if err := b.env.Trouble.Start(run); err != nil {
		return nil, err
	}
	placed := unfit == nil && p.Kind != taskplan.Cleanup
	units := b.units(p, task, placed)
	if placed {
		// The node knows the task, so it knows the collection, but perhaps not its shards yet.
		index := b.env.Schema.Index()
		if err := b.env.Shards.Follow(b.env.Schema.Collections(), index); err != nil {
			return nil, err
		}
	}
	if unfit == nil && b.fits != nil {
		unfit = b.fits(p)
	}
	if unfit == nil && b.ready != nil {
		if err := b.ready(p, run, units); err != nil {
			return nil, err
		}
	}
	if len(units) > 0 {
		if err := b.remember(run, task.Payload); err != nil {
			return nil, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := newHandle(b.env, taskevent.Handle{Run: run, Number: b.env.handles.Add(1)})
	w := &worker{base: b, handle: h, recorder: b.recorder, payload: p, unfit: unfit, run: run, units: units}
	if b.handles == nil {
		b.handles = make(map[Run]*handle)
	}
	b.handles[run] = h
	go func() {
		defer h.exited()
		w.work(h.ctx)
		h.outlive()
	}()
	return h, nil
}

// units are the units of a record that this node may have to work on: its own, or
// for tasks that are not placed those that no other node has claimed, beginning at another
// place on each node so that nodes rarely compete.
func (b *base) units(p Payload, task *fsm.Task, placed bool) []string {
	var units []string
	if placed {
		for _, id := range p.local(b.env.Node) {
			if u := task.Units[id]; u != nil && !u.Status.IsTerminal() {
				units = append(units, id)
			}
		}
		return units
	}
	for id, u := range task.Units {
		if !u.Status.IsTerminal() && (u.NodeID == "" || u.NodeID == b.env.Node) {
			units = append(units, id)
		}
	}
	slices.Sort(units)
	if len(units) == 0 {
		return nil
	}
	var ordinal int
	if _, err := fmt.Sscanf(b.env.Node, "n%d", &ordinal); err != nil {
		return units
	}
	// Multiples of the golden ratio spread any number of nodes well.
	first := len(units) * ((ordinal - 1) * 618 % 1000) / 1000
	return slices.Concat(units[first:], units[:first])
}

// remember makes the run known to later incarnations.
func (b *base) remember(run Run, payload []byte) error {
	name := runs.file(run)
	if _, err := b.env.Files.Read(name); err == nil {
		return nil
	}
	if err := b.env.Files.Put(name, payload); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// drain waits until no worker of the run is at work, at most drainTime.
func (b *base) drain(run Run) error {
	b.mu.Lock()
	h := b.handles[run]
	b.mu.Unlock()
	if h == nil {
		return nil
	}
	h.stop()
	patience := b.env.Clock.NewTimer(drainTime)
	defer patience.Stop()
	select {
	case <-h.done:
		return nil
	case <-patience.Chan():
		return fmt.Errorf("the worker of %s is still at work after %s", run, drainTime)
	}
}

// drainTime is how long a rollback waits for the workers.
const drainTime = 10 * time.Second

// callback runs one callback between its two events. That OnTaskCompleted has come to
// its end is noted when nothing can go wrong with it any more.
func (b *base) callback(name string, task *fsm.Task, group string, units []string, f func() error) (err error) {
	list, err := json.Marshal(units)
	if err != nil {
		return err
	}
	callback := taskevent.Callback{Name: name, Run: runOf(task), Status: taskevent.TaskStatus(task.Status), Group: group, Units: string(list)}
	b.env.Emit(&taskevent.CallbackStarted{Callback: callback})
	begin, end := moments(name, task.NeedsPreparationBarrier)
	defer func() {
		died := recover()
		ended := &taskevent.CallbackEnded{Callback: callback}
		switch {
		case died != nil:
			ended.Error, ended.Result = fmt.Sprintf("panic: %v", died), taskevent.CallbackPanicked
		case errors.Is(err, context.Canceled):
			ended.Error, ended.Result = err.Error(), taskevent.CallbackInterrupted
		case err != nil:
			ended.Error, ended.Result = err.Error(), taskevent.CallbackFailed
		}
		b.env.Emit(ended)
		b.env.reach(end, runOf(task))
		if died != nil {
			panic(died)
		}
	}()
	b.env.reach(begin, runOf(task))
	if err := b.env.Trouble.Callback(name, runOf(task)).do(b.env, name, f); err != nil || name != taskevent.TaskCompleted || b.forgets {
		return err
	}
	return b.ended(runOf(task))
}
