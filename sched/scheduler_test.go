package sched_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/sched"
)

func TestATaskGoesFromStartToCleanUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", true, "a/u1", "b/u2")
		n.start()
		assert.Equal(t, []string{"set recorder", "start job v1"}, p.noted())

		require.NoError(t, p.recorder.UpdateDistributedTaskUnitProgress(t.Context(), ns, "job", v, "n1", "u1", 0))
		require.NoError(t, p.recorder.UpdateDistributedTaskUnitProgress(t.Context(), ns, "job", v, "n1", "u1", 0.3))
		require.NoError(t, p.recorder.UpdateDistributedTaskUnitProgress(t.Context(), ns, "job", v, "n1", "u1", 0.4))
		assert.Equal(t, 2, n.cluster.count("progress"), "the recorder is throttled")
		n.cluster.complete(t, ns, "job", v, "n1", "u1", "u2")

		// One wake is enough: what this node's own acks change it looks at itself.
		n.wake()
		assert.Equal(t, []string{
			"set recorder", "start job v1", "terminate job v1",
			`group job v1 PREPARING "a" [u1]`, `group job v1 PREPARING "b" [u2]`,
			`swap job v1 SWAPPING "a" [u1]`, `swap job v1 SWAPPING "b" [u2]`,
			"task job v1 SWAPPING",
		}, p.noted())
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))

		n.tick()
		assert.NotNil(t, n.cluster.task(ns, "job"), "the record lives until its time is up")
		n.clock.Advance(ttl)
		synctest.Wait()
		assert.Nil(t, n.cluster.task(ns, "job"))
		assert.Equal(t, []string{"clean local job v1"}, p.noted("clean local"), "after the record")
		calls := len(p.noted())
		n.tick()
		assert.Len(t, p.noted(), calls, "then there is peace")
		assert.Zero(t, n.Remembered())
	})
}

func TestAProviderWithoutCallbacksFinishesItsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &plainProvider{})
		v := n.cluster.add(t, ns, "job", true, "u1")
		n.start()
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.wake()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
	})
}

func TestCallbacksThatACrashSwallowedAreMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &recoveringProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "done? undone") || strings.HasPrefix(call, "done? cancelled") {
				return errors.New("not done")
			}
			return nil
		}
		n := newNode(t, p)
		for _, id := range []string{"done", "undone"} {
			v := n.cluster.add(t, ns, id, false, "u1")
			n.cluster.fail(t, ns, id, v, "n1", "u1")
		}
		p.setLocal(sched.TaskDescriptor{ID: "done", Version: 1}, sched.TaskDescriptor{ID: "undone", Version: 3},
			sched.TaskDescriptor{ID: "vanished", Version: 1})
		n.start()
		n.tick()
		assert.ElementsMatch(t, []string{"done? done v1 FAILED n1", "done? undone v3 FAILED n1"}, p.noted("done?"), "asked once")
		assert.Equal(t, []string{`group undone v3 FAILED "" [u1]`, "task undone v3 FAILED"}, p.noted("group", "task"))
		assert.ElementsMatch(t, []string{"clean local done v1", "clean local vanished v1"}, p.noted("clean local"))
	})
}

func TestADeadWorkerIsLaunchedAgainOncePerPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{}
		n := newNode(t, p)
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		for passes := 1; passes <= 3; passes++ {
			p.worker(passes - 1).exit()
			synctest.Wait()
			assert.Len(t, p.noted("start"), passes, "an exit alone launches nothing")
			n.tick()
			assert.Len(t, p.noted("start"), passes+1)
		}
		assert.Empty(t, p.noted("terminate"))
	})
}

// The last report of a worker and its exit come while a list is under way: the list shows
// the unit open and the worker is gone, but there is nothing left to do (P4).
func TestAWorkerIsNotLaunchedAgainOnAListThatIsOlderThanItsExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		n.cluster.listed = func() {
			if n.cluster.task(ns, "job").Status == fsm.TaskStatusStarted {
				n.cluster.complete(t, ns, "job", v, "n1", "u1")
				p.worker(0).exit()
			}
		}
		n.tick()
		assert.Equal(t, []string{"start job v1"}, p.noted("start"))
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"), "a later list was asked for at once")
	})
}

func TestAWorkerThatExitsAtOnceMakesNoHotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &exitingProvider{}
		n := newNode(t, p)
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		n.tick()
		n.tick()
		assert.Equal(t, 3, p.starts)
		assert.Equal(t, 3, n.cluster.count("list"))
	})
}

// exitingProvider's workers exit at once.
type exitingProvider struct {
	plainProvider
	starts int
}

func (p *exitingProvider) StartTask(*fsm.Task) (sched.TaskHandle, error) {
	p.starts++
	w := &worker{provider: &p.plainProvider, done: make(chan struct{})}
	w.exit()
	return w, nil
}

func TestTheOldVersionIsGoneBeforeTheNewOneStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{stubborn: true}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1", "u2")
		n.start()
		n.cluster.fail(t, ns, "job", v, "n2", "u2")
		n.cluster.add(t, ns, "job", false, "u1")
		n.wake()
		n.tick()
		assert.Equal(t, []string{"start job v1", "terminate job v1"}, p.noted("start", "terminate", "clean"),
			"the old worker does not stop, so nothing starts beside it")

		p.worker(0).exit()
		synctest.Wait()
		assert.Equal(t, []string{"start job v1", "terminate job v1", "clean local job v1", "start job v3"},
			p.noted("start", "terminate", "clean"), "its exit is noticed without a tick, its state goes first")
	})
}

func TestLocalStateGoesAfterTheWorkerOfAVanishedTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{stubborn: true}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		n.cluster.fail(t, ns, "job", v, "n1", "u1")
		n.cluster.remove(t, ns, "job", v)
		n.wake()
		n.tick()
		assert.Equal(t, []string{"terminate job v1"}, p.noted("terminate", "clean"))
		p.worker(0).exit()
		synctest.Wait()
		assert.Equal(t, []string{"terminate job v1", "clean local job v1"}, p.noted("terminate", "clean"))
	})
}

func TestAStuckCallbackHoldsUpItsOwnTaskAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var mu sync.Mutex
		busy := map[string]int{}
		p := &callbackProvider{}
		p.hook = func(call string) error {
			if !strings.HasPrefix(call, "group") {
				return nil
			}
			id := strings.Fields(call)[1]
			mu.Lock()
			busy[id]++
			assert.Equal(t, 1, busy[id], "calls of one task are sequential")
			mu.Unlock()
			if id == "stuck" {
				<-release
			}
			mu.Lock()
			busy[id]--
			mu.Unlock()
			return nil
		}
		n := newNode(t, p)
		for _, id := range []string{"a", "stuck", "z"} {
			v := n.cluster.add(t, ns, id, false, "g1/u1", "g2/u2")
			n.cluster.complete(t, ns, id, v, "n1", "u1", "u2")
		}
		n.start()
		n.tick()
		n.tick()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "a"))
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "z"))
		assert.Equal(t, []string{`group stuck v4 SWAPPING "g1" [u1]`}, p.noted("group stuck", "task stuck"))
		close(release)
		synctest.Wait()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "stuck"))
	})
}

func TestACallbackSeesTheNewestStatusKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := &callbackProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, `group job v1 STARTED "a"`) {
				<-release
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "a/u1", "b/u2", "c/u3")
		n.cluster.complete(t, ns, "job", v, "n1", "u1", "u2")
		n.start()
		n.cluster.fail(t, ns, "job", v, "n1", "u3")
		n.wake()
		close(release)
		synctest.Wait()
		assert.Equal(t, []string{
			`group job v1 STARTED "a" [u1]`, `group job v1 FAILED "b" [u2]`, `group job v1 FAILED "c" [u3]`, "task job v1 FAILED",
		}, p.noted("group", "task"))
	})
}

func TestEqualIDsInTwoNamespacesDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &callbackProvider{}, &callbackProvider{}
		n := newNode(t, a, func(params *sched.SchedulerParams) {
			params.Providers = map[string]sched.Provider{"a": a, "b": b}
		})
		va := n.cluster.add(t, "a", "job", false, "u1")
		n.cluster.add(t, "b", "job", false, "u1")
		vc := n.cluster.add(t, "c", "job", false, "u1")
		n.cluster.complete(t, "c", "job", vc, "n1", "u1")
		n.start()
		n.cluster.complete(t, "a", "job", va, "n1", "u1")
		n.tick()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status("a", "job"))
		assert.Equal(t, fsm.TaskStatusStarted, n.cluster.status("b", "job"))
		assert.Equal(t, fsm.TaskStatusSwapping, n.cluster.status("c", "job"), "no provider here has that namespace")
		assert.Equal(t, []string{"set recorder", "start job v2"}, b.noted())
	})
}

func TestTheTimeToLiveBeginsWhenTheTaskIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &callbackProvider{})
		v := n.cluster.add(t, ns, "job", false, "u1", "u2")
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.cluster.complete(t, ns, "job", v, "n2", "u2")
		n.start()
		n.clock.Advance(ttl)
		synctest.Wait()
		require.NoError(t, n.cluster.RecordDistributedTaskPostCompletionAck(t.Context(), ns, "job", v, "n2", true, ""))
		n.wake()
		n.clock.Advance(ttl - time.Second)
		synctest.Wait()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
		n.tick()
		assert.Nil(t, n.cluster.task(ns, "job"))
	})
}

func TestEveryCallGetsACopyOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &vandal{}
		n := newNode(t, p)
		half := n.cluster.add(t, ns, "half", false, "a/u1", "b/u2")
		n.cluster.complete(t, ns, "half", half, "n1", "u1")
		v := n.cluster.add(t, ns, "job", true, "a/u1", "b/u2")
		n.cluster.complete(t, ns, "job", v, "n1", "u1", "u2")
		n.start()
		n.tick()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
		assert.Equal(t, 7, p.calls)
		assert.Zero(t, p.damaged, "no callback saw what another had done to its copy")
	})
}

// vandal ruins every task it gets.
type vandal struct {
	plainProvider
	calls, damaged int
}

func (p *vandal) ruin(task *fsm.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if task.Status == "RUINED" || len(task.Units) == 0 {
		p.damaged++
	}
	task.Status = "RUINED"
	clear(task.Units)
}

func (p *vandal) StartTask(task *fsm.Task) (sched.TaskHandle, error) {
	p.ruin(task)
	return p.plainProvider.StartTask(&fsm.Task{})
}

func (p *vandal) OnGroupCompleted(task *fsm.Task, _ string, _ []string) error {
	p.ruin(task)
	return nil
}

func (p *vandal) OnSwapRequested(task *fsm.Task, _ string, _ []string) error {
	p.ruin(task)
	return nil
}

func (p *vandal) OnTaskCompleted(task *fsm.Task) { p.ruin(task) }

func TestWithoutCollaboratorsTheSchedulerDoesWhatItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p, func(params *sched.SchedulerParams) {
			params.AckRecorder, params.TaskFinalizer, params.TaskCleaner, params.CompletionRecorder = nil, nil, nil, nil
			params.Logger = nil
			params.TickInterval = -1
		})
		v := n.cluster.add(t, ns, "job", false, "u1")
		failed := n.cluster.add(t, ns, "failed", false, "u1")
		n.cluster.fail(t, ns, "failed", failed, "n1", "u1")
		n.start()
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.clock.Advance(sched.DefaultTickInterval - 1)
		synctest.Wait()
		assert.Equal(t, 1, n.cluster.count("list"))
		n.clock.Advance(ttl)
		synctest.Wait()
		assert.Equal(t, []string{"start job v1", "terminate job v1", `group job v1 SWAPPING "" [u1]`}, p.noted(),
			"the task requires acks, so OnTaskCompleted waits for them")
		assert.NotNil(t, n.cluster.task(ns, "failed"))
	})
}

// TestOnTheRealClock runs without a bubble, on the real clock: the scheduler needs
// no simulator.
func TestOnTheRealClock(t *testing.T) {
	finished := make(chan struct{})
	p := &callbackProvider{}
	p.hook = func(call string) error {
		if strings.HasPrefix(call, "task") {
			close(finished)
		}
		return nil
	}
	c := newCluster(clockwork.NewRealClock())
	s := sched.NewScheduler(sched.SchedulerParams{
		CompletionRecorder: c, TaskLister: c, TaskCleaner: c, TaskFinalizer: c, AckRecorder: c,
		Providers: map[string]sched.Provider{ns: p}, LocalNode: "n1", CompletedTaskTTL: ttl,
	})
	c.manager.SetSchedulerNotifier(s)
	require.NoError(t, s.Start(t.Context()))
	v := c.add(t, ns, "job", true, "u1")
	c.complete(t, ns, "job", v, "n1", "u1")
	<-finished
	s.Close()
	assert.Equal(t, []string{
		`group job v1 PREPARING "" [u1]`, `swap job v1 SWAPPING "" [u1]`, "task job v1 SWAPPING",
	}, p.noted("group", "swap", "task"))
}
