package sched_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/sched"
)

// cluster is a Manager whose commands commit at once. It plays every collaborator
// of a scheduler.
type cluster struct {
	manager *fsm.Manager
	clock   clockwork.Clock

	mu    sync.Mutex
	index uint64
	calls []string
	// intercept, when set, is asked before a call is carried out; its error is the
	// call's.
	intercept func(ctx context.Context, call string) error
	// listed, when set, runs when a list was made and is not returned yet.
	listed func()
}

func newCluster(clock clockwork.Clock) *cluster {
	return &cluster{manager: fsm.NewManager(fsm.ManagerParameters{}), clock: clock}
}

func (c *cluster) apply(kind api.CommandType, request any) error {
	command, err := api.NewApplyRequest(kind, request)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index++
	return c.manager.Apply(command, c.index)
}

func (c *cluster) now() int64 { return c.clock.Now().UnixMilli() }

// called notes a call and lets intercept have its way.
func (c *cluster) called(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	c.mu.Lock()
	c.calls = append(c.calls, call)
	intercept := c.intercept
	c.mu.Unlock()
	if intercept == nil {
		return nil
	}
	return intercept(ctx, call)
}

func (c *cluster) setIntercept(f func(ctx context.Context, call string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intercept = f
}

// count returns how many calls began with prefix.
func (c *cluster) count(prefix string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// add adds a task and returns its version.
func (c *cluster) add(t *testing.T, namespace, id string, barrier bool, units ...string) uint64 {
	request := &api.AddDistributedTaskRequest{
		Namespace: namespace, Id: id, SubmittedAtUnixMillis: c.now(),
		NeedsPreparationBarrier: barrier, AcksRequired: true,
	}
	for _, unit := range units {
		group, name, found := strings.Cut(unit, "/")
		if !found {
			group, name = "", unit
		}
		request.UnitSpecs = append(request.UnitSpecs, &api.UnitSpec{Id: name, GroupId: group})
	}
	require.NoError(t, c.apply(api.CommandAddTask, request))
	return c.task(namespace, id).Version
}

func (c *cluster) complete(t *testing.T, namespace, id string, version uint64, node string, units ...string) {
	for _, unit := range units {
		require.NoError(t, c.recordUnit(namespace, id, version, node, unit, ""))
	}
}

func (c *cluster) fail(t *testing.T, namespace, id string, version uint64, node, unit string) {
	require.NoError(t, c.recordUnit(namespace, id, version, node, unit, "broken"))
}

func (c *cluster) recordUnit(namespace, id string, version uint64, node, unit, failure string) error {
	return c.apply(api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Error: failure, FinishedAtUnixMillis: c.now()})
}

// giveUp gives a task up.
func (c *cluster) giveUp(namespace, id string, version uint64) error {
	return c.apply(api.CommandMarkTaskFailed, &api.MarkTaskFailedRequest{
		Namespace: namespace, Id: id, Version: version, Error: "given up", FailedAtUnixMillis: c.now()})
}

// remove makes the record of a terminal task go away.
func (c *cluster) remove(t *testing.T, namespace, id string, version uint64) {
	require.NoError(t, c.apply(api.CommandCleanUpTask, &api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: version}))
}

// task returns the record, nil when there is none.
func (c *cluster) task(namespace, id string) *fsm.Task {
	list, _ := c.manager.ListDistributedTasks(context.Background())
	i := slices.IndexFunc(list[namespace], func(t *fsm.Task) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return list[namespace][i]
}

func (c *cluster) status(namespace, id string) fsm.TaskStatus {
	if task := c.task(namespace, id); task != nil {
		return task.Status
	}
	return ""
}

func (c *cluster) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	if err := c.called(ctx, "list"); err != nil {
		return nil, err
	}
	list, err := c.manager.ListDistributedTasks(ctx)
	if c.listed != nil {
		c.listed()
	}
	return list, err
}

func (c *cluster) CleanUpDistributedTask(ctx context.Context, namespace, id string, version uint64) error {
	if err := c.called(ctx, "clean record %s/%s v%d", namespace, id, version); err != nil {
		return err
	}
	return c.apply(api.CommandCleanUpTask, &api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: version})
}

func (c *cluster) MarkDistributedTaskFinalized(ctx context.Context, namespace, id string, version uint64) error {
	if err := c.called(ctx, "finalize %s/%s v%d", namespace, id, version); err != nil {
		return err
	}
	return c.apply(api.CommandMarkTaskFinalized, &api.MarkTaskFinalizedRequest{
		Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: c.now()})
}

func (c *cluster) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, id string, version uint64, node string, success bool, msg string) error {
	if err := c.called(ctx, "ack %s/%s v%d %s %t %s", namespace, id, version, node, success, msg); err != nil {
		return err
	}
	return c.apply(api.CommandRecordPostAck, &api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, Success: success, Error: msg, AckedAtUnixMillis: c.now()})
}

func (c *cluster) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, id string, version uint64, node string, success bool, msg string) error {
	if err := c.called(ctx, "ack preparation %s/%s v%d %s %t %s", namespace, id, version, node, success, msg); err != nil {
		return err
	}
	return c.apply(api.CommandRecordPreparationAck, &api.RecordDistributedTaskPreparationCompleteAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, Success: success, Error: msg, AckedAtUnixMillis: c.now()})
}

func (c *cluster) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, id string, version uint64, node, unit string) error {
	if err := c.called(ctx, "complete %s/%s v%d %s %s", namespace, id, version, node, unit); err != nil {
		return err
	}
	return c.recordUnit(namespace, id, version, node, unit, "")
}

func (c *cluster) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, id string, version uint64, node, unit, msg string) error {
	return c.recordUnit(namespace, id, version, node, unit, msg)
}

func (c *cluster) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, id string, version uint64, node, unit string, progress float32) error {
	if err := c.called(ctx, "progress %s/%s v%d %s %s %g", namespace, id, version, node, unit, progress); err != nil {
		return err
	}
	return c.apply(api.CommandUpdateUnitProgress, &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Progress: progress, UpdatedAtUnixMillis: c.now()})
}

// plainProvider is a provider without callbacks that notes what it is asked.
// Workers do nothing until they are terminated.
type plainProvider struct {
	// hook, when set, runs inside every call, whose name it gets; its error is the
	// call's, where calls have errors.
	hook func(call string) error
	// stubborn workers do not stop when they are terminated.
	stubborn bool

	mu       sync.Mutex
	calls    []string
	recorder sched.TaskCompletionRecorder
	local    []sched.TaskDescriptor
	workers  []*worker
}

func (p *plainProvider) note(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	p.mu.Lock()
	p.calls = append(p.calls, call)
	p.mu.Unlock()
	if p.hook == nil {
		return nil
	}
	return p.hook(call)
}

// noted returns the calls that begin with one of the prefixes, all without any.
func (p *plainProvider) noted(prefixes ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := []string{}
	for _, call := range p.calls {
		if len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(call, prefix) }) {
			calls = append(calls, call)
		}
	}
	return calls
}

func (p *plainProvider) SetCompletionRecorder(recorder sched.TaskCompletionRecorder) {
	_ = p.note("set recorder")
	p.recorder = recorder
}

func (p *plainProvider) GetLocalTasks() []sched.TaskDescriptor {
	if p.hook != nil {
		_ = p.hook("get local tasks")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

func (p *plainProvider) setLocal(descs ...sched.TaskDescriptor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = descs
}

func (p *plainProvider) CleanupTask(desc sched.TaskDescriptor) error {
	if err := p.note("clean local %s v%d", desc.ID, desc.Version); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = slices.DeleteFunc(slices.Clone(p.local), func(d sched.TaskDescriptor) bool { return d == desc })
	return nil
}

func (p *plainProvider) StartTask(task *fsm.Task) (sched.TaskHandle, error) {
	if err := p.note("start %s v%d", task.ID, task.Version); err != nil {
		return nil, err
	}
	w := &worker{provider: p, name: fmt.Sprintf("%s v%d", task.ID, task.Version), done: make(chan struct{}), stubborn: p.stubborn}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = append(p.workers, w)
	if !slices.Contains(p.local, task.TaskDescriptor) {
		p.local = append(slices.Clone(p.local), task.TaskDescriptor)
	}
	return w, nil
}

// worker returns the i-th worker that was started.
func (p *plainProvider) worker(i int) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workers[i]
}

type worker struct {
	provider *plainProvider
	name     string
	stubborn bool
	once     sync.Once
	done     chan struct{}
}

func (w *worker) Terminate() {
	_ = w.provider.note("terminate %s", w.name)
	if !w.stubborn {
		w.exit()
	}
}

func (w *worker) exit()                 { w.once.Do(func() { close(w.done) }) }
func (w *worker) Done() <-chan struct{} { return w.done }

// callbackProvider has rc.0's callbacks.
type callbackProvider struct{ plainProvider }

func (p *callbackProvider) OnGroupCompleted(task *fsm.Task, group string, units []string) error {
	return p.note("group %s v%d %s %q %v", task.ID, task.Version, task.Status, group, units)
}

func (p *callbackProvider) OnSwapRequested(task *fsm.Task, group string, units []string) error {
	return p.note("swap %s v%d %s %q %v", task.ID, task.Version, task.Status, group, units)
}

func (p *callbackProvider) OnTaskCompleted(task *fsm.Task) {
	_ = p.note("task %s v%d %s", task.ID, task.Version, task.Status)
}

// fallibleProvider's OnTaskCompleted returns an error.
type fallibleProvider struct{ plainProvider }

func (p *fallibleProvider) OnGroupCompleted(task *fsm.Task, group string, units []string) error {
	return p.note("group %s v%d %s %q %v", task.ID, task.Version, task.Status, group, units)
}

func (p *fallibleProvider) OnSwapRequested(task *fsm.Task, group string, units []string) error {
	return p.note("swap %s v%d %s %q %v", task.ID, task.Version, task.Status, group, units)
}

func (p *fallibleProvider) OnTaskCompleted(task *fsm.Task) error {
	return p.note("task %s v%d %s", task.ID, task.Version, task.Status)
}

// recoveringProvider can report whether its part is done; it is not when its hook returns an error.
type recoveringProvider struct{ callbackProvider }

func (p *recoveringProvider) LocalCallbacksDone(task *fsm.Task, node string) bool {
	return p.note("done? %s v%d %s %s", task.ID, task.Version, task.Status, node) == nil
}

// node is a scheduler under test in a bubble, on a fake clock.
type node struct {
	*sched.Scheduler
	t       *testing.T
	cluster *cluster
	clock   *clockwork.FakeClock
	logs    *logrustest.Hook
}

const (
	tick = 10 * time.Second
	ttl  = time.Hour
	ns   = "ns"
)

// newNode makes a scheduler of node n1 with one provider for the namespace "ns",
// wired to a cluster of its own. It is closed at the end of the test. Call it in a
// bubble.
func newNode(t *testing.T, provider sched.Provider, options ...func(*sched.SchedulerParams)) *node {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	c := newCluster(clock)
	logger, hook := logrustest.NewNullLogger()
	logger.SetOutput(io.Discard)
	logger.SetLevel(logrus.DebugLevel)
	params := sched.SchedulerParams{
		CompletionRecorder: c, TaskLister: c, TaskCleaner: c, TaskFinalizer: c, AckRecorder: c,
		Providers: map[string]sched.Provider{ns: provider},
		Clock:     clock, Logger: logger, LocalNode: "n1", CompletedTaskTTL: ttl, TickInterval: tick,
	}
	for _, option := range options {
		option(&params)
	}
	n := &node{Scheduler: sched.NewScheduler(params), t: t, cluster: c, clock: clock, logs: hook}
	t.Cleanup(n.Close)
	return n
}

// start starts the scheduler and lets everything that follows happen.
func (n *node) start() {
	require.NoError(n.t, n.Start(n.t.Context()))
	synctest.Wait()
}

// tick lets one interval pass and everything that follows happen.
func (n *node) tick() {
	n.clock.Advance(tick)
	synctest.Wait()
}

// wake asks for a pass and lets everything that follows happen.
func (n *node) wake() {
	n.Wake()
	synctest.Wait()
}

// logged counts the lines at a level that contain text.
func (n *node) logged(level logrus.Level, text string) (count int) {
	for _, entry := range n.logs.AllEntries() {
		if entry.Level == level && strings.Contains(entry.Message, text) {
			count++
		}
	}
	return count
}
