package distributedtask_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
	"dtsim/sched/distributedtask"
)

const (
	localNode = "node-1"
	ttl       = time.Hour
	tick      = time.Minute
)

// cluster is one node whose log is a counter: what the reference calls Raft
// applies at once. It is every interface that a scheduler needs of a cluster.
type cluster struct {
	t       *testing.T
	manager *distributedtask.Manager

	mu      sync.Mutex
	index   uint64
	watched string                       // the ID of the task whose statuses are noted
	path    []distributedtask.TaskStatus // that were seen, in their order
	reports map[string]int               // of each kind and unit
}

var (
	_ distributedtask.TaskLister                = (*cluster)(nil)
	_ distributedtask.TaskCleaner               = (*cluster)(nil)
	_ distributedtask.TaskFinalizer             = (*cluster)(nil)
	_ distributedtask.TaskCompletionRecorder    = (*cluster)(nil)
	_ distributedtask.PostCompletionAckRecorder = (*cluster)(nil)
)

// node is a cluster, its scheduler and its provider, at work.
type node struct {
	*cluster
	scheduler *distributedtask.Scheduler
	provider  *distributedtask.ShardNoopProvider
}

// startNode wires a node up as the page describes. It is closed with the test.
func startNode(t *testing.T, shards distributedtask.ShardLister, root string) *node {
	t.Helper()
	clock := clockwork.NewRealClock() // virtual in a bubble
	c := &cluster{t: t, reports: map[string]int{}}
	c.manager = distributedtask.NewManager(distributedtask.ManagerParameters{Clock: clock, CompletedTaskTTL: ttl})
	provider := distributedtask.NewShardNoopProvider(localNode, nil, shards, root)
	scheduler := distributedtask.NewScheduler(distributedtask.SchedulerParams{
		CompletionRecorder: c,
		TaskLister:         c,
		TaskCleaner:        c,
		TaskFinalizer:      c,
		AckRecorder:        c,
		Providers:          map[string]distributedtask.Provider{distributedtask.ShardNoopProviderNamespace: provider},
		Clock:              clock,
		LocalNode:          localNode,
		CompletedTaskTTL:   ttl,
		TickInterval:       tick,
	})
	c.manager.SetSchedulerNotifier(scheduler)
	require.NoError(t, scheduler.Start(t.Context()))
	t.Cleanup(scheduler.Close)
	return &node{c, scheduler, provider}
}

// inBubble runs a test where time is virtual.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// apply commits one command.
func (c *cluster) apply(command func(*api.ApplyRequest) error, request any) error {
	sub, err := json.Marshal(request)
	require.NoError(c.t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index++
	err = command(&api.ApplyRequest{SubCommand: sub})
	if task := c.taskLocked(c.watched); task != nil && (len(c.path) == 0 || c.path[len(c.path)-1] != task.Status) {
		c.path = append(c.path, task.Status)
	}
	return err
}

// add commits a task and watches it from now on.
func (c *cluster) add(id string, barrier bool, payload any, specs ...distributedtask.UnitSpec) (distributedtask.TaskDescriptor, error) {
	raw, err := json.Marshal(payload)
	require.NoError(c.t, err)
	request := &api.AddDistributedTaskRequest{
		Namespace:               distributedtask.ShardNoopProviderNamespace,
		Id:                      id,
		Payload:                 raw,
		SubmittedAtUnixMillis:   time.Now().UnixMilli(),
		NeedsPreparationBarrier: barrier,
	}
	for _, spec := range specs {
		request.UnitSpecs = append(request.UnitSpecs, &api.UnitSpec{Id: spec.ID, GroupId: spec.GroupID})
	}
	c.mu.Lock()
	c.watched, c.path = id, nil
	c.mu.Unlock()
	var version uint64
	err = c.apply(func(a *api.ApplyRequest) error {
		version = c.index
		return c.manager.AddTask(a, version)
	}, request)
	return distributedtask.TaskDescriptor{ID: id, Version: version}, err
}

func (c *cluster) cancel(desc distributedtask.TaskDescriptor) error {
	return c.apply(c.manager.CancelTask, &api.CancelDistributedTaskRequest{
		Namespace: distributedtask.ShardNoopProviderNamespace, Id: desc.ID, Version: desc.Version,
		CancelledAtUnixMillis: time.Now().UnixMilli(),
	})
}

// task returns the record of a task, nil when there is none.
func (c *cluster) task(id string) *distributedtask.Task {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taskLocked(id)
}

func (c *cluster) taskLocked(id string) *distributedtask.Task {
	all, err := c.manager.ListDistributedTasks(c.t.Context())
	require.NoError(c.t, err)
	tasks := all[distributedtask.ShardNoopProviderNamespace]
	if i := slices.IndexFunc(tasks, func(t *distributedtask.Task) bool { return t.ID == id }); i >= 0 {
		return tasks[i]
	}
	return nil
}

// statuses returns the statuses that the task added last went through.
func (c *cluster) statuses() []distributedtask.TaskStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.path)
}

// reported returns how many reports of a kind each unit had.
func (c *cluster) reported(kind string, unit string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reports[kind+" "+unit]
}

func (c *cluster) note(kind, unit string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports[kind+" "+unit]++
}

func (c *cluster) ListDistributedTasks(ctx context.Context) (map[string][]*distributedtask.Task, error) {
	return c.manager.ListDistributedTasks(ctx)
}

func (c *cluster) CleanUpDistributedTask(_ context.Context, namespace, id string, version uint64) error {
	return c.apply(c.manager.CleanUpTask, &api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: version})
}

func (c *cluster) MarkDistributedTaskFinalized(_ context.Context, namespace, id string, version uint64) error {
	return c.apply(c.manager.MarkTaskFinalized, &api.MarkTaskFinalizedRequest{
		Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: time.Now().UnixMilli(),
	})
}

func (c *cluster) RecordDistributedTaskUnitCompletion(_ context.Context, namespace, id string, version uint64, node, unit string) error {
	c.note("completion", unit)
	return c.apply(c.manager.RecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, FinishedAtUnixMillis: time.Now().UnixMilli(),
	})
}

func (c *cluster) RecordDistributedTaskUnitFailure(_ context.Context, namespace, id string, version uint64, node, unit, message string) error {
	c.note("failure", unit)
	return c.apply(c.manager.RecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Error: message,
		FinishedAtUnixMillis: time.Now().UnixMilli(),
	})
}

func (c *cluster) UpdateDistributedTaskUnitProgress(_ context.Context, namespace, id string, version uint64, node, unit string, progress float32) error {
	c.note("progress", unit)
	return c.apply(c.manager.UpdateUnitProgress, &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Progress: progress,
		UpdatedAtUnixMillis: time.Now().UnixMilli(),
	})
}

func (c *cluster) RecordDistributedTaskPostCompletionAck(_ context.Context, namespace, id string, version uint64, node string, success bool, message string) error {
	return c.apply(c.manager.RecordPostCompletionAck, &api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, Success: success, Error: message,
		AckedAtUnixMillis: time.Now().UnixMilli(),
	})
}

func (c *cluster) RecordDistributedTaskPreparationCompleteAck(_ context.Context, namespace, id string, version uint64, node string, success bool, message string) error {
	return c.apply(c.manager.RecordPreparationCompleteAck, &api.RecordDistributedTaskPreparationCompleteAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, Success: success, Error: message,
		AckedAtUnixMillis: time.Now().UnixMilli(),
	})
}
