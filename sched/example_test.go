package sched_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/sched"
)

// localLog is a cluster of one node: a Manager whose commands commit at once. With a
// replicated log, these are the methods of its client.
type localLog struct {
	manager  *fsm.Manager
	mu       sync.Mutex
	index    uint64
	finished chan struct{}
}

func (l *localLog) apply(t api.CommandType, request any) error {
	command, err := api.NewApplyRequest(t, request)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return l.manager.Apply(command, l.index)
}

// ListDistributedTasks implements sched.TaskLister.
func (l *localLog) ListDistributedTasks(ctx context.Context) (map[string][]*sched.Task, error) {
	return l.manager.ListDistributedTasks(ctx)
}

// MarkDistributedTaskFinalized implements sched.TaskFinalizer.
func (l *localLog) MarkDistributedTaskFinalized(_ context.Context, namespace, id string, version uint64) error {
	defer close(l.finished)
	return l.apply(api.CommandMarkTaskFinalized, &api.MarkTaskFinalizedRequest{
		Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: time.Now().UnixMilli()})
}

// The other methods implement sched.TaskCompletionRecorder.

func (l *localLog) RecordDistributedTaskUnitCompletion(_ context.Context, namespace, id string, version uint64, node, unit string) error {
	return l.record(namespace, id, version, node, unit, "")
}

func (l *localLog) RecordDistributedTaskUnitFailure(_ context.Context, namespace, id string, version uint64, node, unit, failure string) error {
	return l.record(namespace, id, version, node, unit, failure)
}

func (l *localLog) record(namespace, id string, version uint64, node, unit, failure string) error {
	return l.apply(api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Error: failure, FinishedAtUnixMillis: time.Now().UnixMilli()})
}

func (l *localLog) UpdateDistributedTaskUnitProgress(_ context.Context, namespace, id string, version uint64, node, unit string, progress float32) error {
	return l.apply(api.CommandUpdateUnitProgress, &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Progress: progress, UpdatedAtUnixMillis: time.Now().UnixMilli()})
}

// indexer is a provider without callbacks and without local state.
type indexer struct {
	node     string
	recorder sched.TaskCompletionRecorder
}

func (p *indexer) SetCompletionRecorder(r sched.TaskCompletionRecorder) { p.recorder = r }
func (p *indexer) GetLocalTasks() []sched.TaskDescriptor                { return nil }
func (p *indexer) CleanupTask(sched.TaskDescriptor) error               { return nil }

// StartTask launches a worker for the units that this node has not completed yet.
func (p *indexer) StartTask(task *sched.Task) (sched.TaskHandle, error) {
	ctx, terminate := context.WithCancel(context.Background())
	w := &indexing{terminate: terminate, done: make(chan struct{})}
	var units []string
	for id, unit := range task.Units {
		if !unit.Status.IsTerminal() && (unit.NodeID == "" || unit.NodeID == p.node) {
			units = append(units, id)
		}
	}
	slices.Sort(units)
	go func() {
		defer close(w.done)
		for _, unit := range units {
			// The first report claims the unit. It fails when another node was faster.
			if p.recorder.UpdateDistributedTaskUnitProgress(ctx, task.Namespace, task.ID, task.Version, p.node, unit, 0) != nil {
				continue
			}
			fmt.Println("indexing", unit)
			if p.recorder.RecordDistributedTaskUnitCompletion(ctx, task.Namespace, task.ID, task.Version, p.node, unit) != nil {
				return // the scheduler starts the task again
			}
		}
	}()
	return w, nil
}

type indexing struct {
	terminate func()
	done      chan struct{}
}

func (w *indexing) Terminate()            { w.terminate() }
func (w *indexing) Done() <-chan struct{} { return w.done }

// A Scheduler takes a task from its submission to its end.
func Example() {
	log := &localLog{manager: fsm.NewManager(fsm.ManagerParameters{}), finished: make(chan struct{})}
	s := sched.NewScheduler(sched.SchedulerParams{
		LocalNode:          "n1",
		Providers:          map[string]sched.Provider{"index": &indexer{node: "n1"}},
		TaskLister:         log,
		TaskFinalizer:      log,
		CompletionRecorder: log,
		CompletedTaskTTL:   24 * time.Hour,
	})
	log.manager.SetSchedulerNotifier(s) // applied commands wake the scheduler

	if err := s.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	err := log.apply(api.CommandAddTask, &api.AddDistributedTaskRequest{
		Namespace: "index", Id: "books", UnitIds: []string{"shard-1", "shard-2"}, SubmittedAtUnixMillis: time.Now().UnixMilli(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-log.finished
	task, err := log.manager.Task("index", "books", 1)
	fmt.Println(task.Status, err)
	// Output:
	// indexing shard-1
	// indexing shard-2
	// FINISHED <nil>
}

// Progress of a unit reaches the log at most once an interval; what claims a unit and what
// ends it always does.
func ExampleThrottledRecorder() {
	clock := clockwork.NewFakeClock()
	r := sched.NewThrottledRecorder(printed{}, 30*time.Second, clock)
	for _, progress := range []float32{0, 0.1, 0.2, 0.3} {
		_ = r.UpdateDistributedTaskUnitProgress(context.Background(), "index", "books", 1, "n1", "shard-1", progress)
		clock.Advance(20 * time.Second)
	}
	_ = r.RecordDistributedTaskUnitCompletion(context.Background(), "index", "books", 1, "n1", "shard-1")
	// Output:
	// shard-1 0.0
	// shard-1 0.1
	// shard-1 0.3
	// shard-1 completed
}

// printed is a recorder.
type printed struct{ sched.TaskCompletionRecorder }

func (printed) UpdateDistributedTaskUnitProgress(_ context.Context, _, _ string, _ uint64, _, unit string, progress float32) error {
	fmt.Printf("%s %.1f\n", unit, progress)
	return nil
}

func (printed) RecordDistributedTaskUnitCompletion(_ context.Context, _, _ string, _ uint64, _, unit string) error {
	fmt.Println(unit, "completed")
	return nil
}

// A done context takes no slot.
func ExampleConcurrencyLimiter() {
	l := sched.NewConcurrencyLimiter(1)
	fmt.Println(l.Acquire(context.Background()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(l.Acquire(ctx))
	l.Release()
	// Output:
	// <nil>
	// context deadline exceeded
}
