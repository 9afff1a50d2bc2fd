package provider

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.trouble.start = errBusy
		_, err := r.set.Reindex.StartTask(r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		require.ErrorIs(r, err, errBusy)
		require.Empty(r, r.set.Reindex.GetLocalTasks())
	})
}

func TestAWorkerThatDiesReportsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		trouble UnitTrouble
		durable int
	}{
		"before its work": {UnitTrouble{Die: true}, 0},
		"after its work":  {UnitTrouble{Die: true, Late: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.trouble.unit = map[string]UnitTrouble{"s1__n1": c.trouble}
				task := r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)
				finish(r, startTask(r, r.set.Reindex, task))
				require.NotContains(r, r.recorder.calls, "complete s1__n1")
				require.NotContains(r, r.recorder.calls, "progress s2__n1 0", "it takes up no other unit")
				require.Len(r, r.mount.Files().List("unit/"), c.durable)
				r.trouble.unit = nil
				finish(r, startTask(r, r.set.Reindex, task))
				require.Contains(r, r.recorder.calls, "complete s1__n1")
			})
		})
	}
}

func TestAUnitThatIsSpoiltFails(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.trouble.unit = map[string]UnitTrouble{"s1__n1": {Fail: true}}
		finish(r, startTask(r, r.set.Reindex, r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Contains(r, r.recorder.calls, "fail s1__n1: unit s1__n1 fails as planned")
		require.Contains(r, r.recorder.calls, "complete s2__n1")
	})
}

// A worker that does not stop when it is terminated writes what must not outlive the run.
func TestAWorkerThatLingersIsWaitedFor(t *testing.T) {
	for name, task := range map[string]taskplan.Task{
		"reindex": retokenize, "repair": {Kind: taskplan.Repair, ID: "r"}, "cleanup": {Kind: taskplan.Cleanup, ID: "r", Files: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.trouble.linger = 15 * time.Second
				task.SlowUnits = []string{"s1__n1", "file-0001"}
				p := r.set.Providers()[name]
				record := r.task(task, fsm.TaskStatusStarted, fsm.UnitStatusPending)
				h := startTask(r, p, record)
				time.Sleep(time.Second)
				h.Terminate()
				r.gone[runOf(record)] = true
				require.ErrorContains(r, p.CleanupTask(record.TaskDescriptor), "still at work")
				require.NotEmpty(r, p.GetLocalTasks(), "it has to be tried again")
				require.NoError(r, p.CleanupTask(record.TaskDescriptor))
				finish(r, h)
				require.Empty(r, p.GetLocalTasks())
				require.Empty(r, r.mount.Files().List("unit/"))
				require.NotEmpty(r, r.recorder.calls)
			})
		})
	}
}

func TestAWorkerLingersAlsoWhenItHasNothingToDo(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.trouble.linger = 15 * time.Second
		h := startTask(r, r.set.Reindex, r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		time.Sleep(time.Second)
		r.recorder.refuse = func(string) error { return fsm.ErrTaskNotRunning }
		h.Terminate()
		terminated := time.Now()
		finish(r, h)
		require.Equal(r, 15*time.Second, time.Since(terminated))
	})
}

func TestWhatBecomesOfACallback(t *testing.T) {
	swapped := map[string]string{"s1": "trigram", "s2": "trigram"}
	as := map[string]string{"s1": "word", "s2": "word"}
	for name, c := range map[string]struct {
		trouble CallbackTrouble
		panics  bool
		serves  map[string]string
		takes   time.Duration
	}{
		"it fails and has done nothing":  {CallbackTrouble{Err: errBusy}, false, as, 0},
		"it fails and has done all":      {CallbackTrouble{Err: errBusy, Late: true}, false, swapped, 0},
		"it panics and has done nothing": {CallbackTrouble{Panic: true}, true, as, 0},
		"it panics and has done all":     {CallbackTrouble{Panic: true, Late: true}, true, swapped, 0},
		"it is slow":                     {CallbackTrouble{Slow: time.Minute}, false, swapped, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				task := built(r, retokenize)
				r.trouble.callback = map[string]CallbackTrouble{"OnGroupCompleted": c.trouble}
				began := time.Now()
				call := func() error { return r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local) }
				if c.panics {
					require.Panics(r, func() { _ = call() })
				} else {
					require.ErrorIs(r, call(), c.trouble.Err)
				}
				require.Equal(r, c.takes, time.Since(began))
				require.Equal(r, c.serves, r.serves())
				require.Equal(r, taskplan.SwapBegin, r.reached[1], "behind the start")
				require.Equal(r, taskplan.SwapEnd, r.reached[len(r.reached)-1], "even if it panics")
			})
		})
	}
}

// What fails after it has done all has failed: it is not known to have ended (P9).
func TestAnEndThatFailsHasNotEnded(t *testing.T) {
	for name, trouble := range map[string]CallbackTrouble{"by an error": {Err: errBusy, Late: true}, "by a panic": {Panic: true, Late: true}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				failed := with(built(r, retokenize), fsm.TaskStatusFailed)
				r.trouble.callback = map[string]CallbackTrouble{"OnTaskCompleted": trouble}
				func() {
					defer func() { _ = recover() }()
					require.Error(r, r.set.Reindex.OnTaskCompleted(failed))
				}()
				require.False(r, r.set.Reindex.LocalCallbacksDone(failed, "n1"))
				r.trouble.callback = nil
				require.NoError(r, r.set.Reindex.OnTaskCompleted(failed))
				require.True(r, r.set.Reindex.LocalCallbacksDone(failed, "n1"))
			})
		})
	}
}

func TestASlowCallbackEndsWithItsNode(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := built(r, retokenize)
		r.trouble.callback = map[string]CallbackTrouble{"OnGroupCompleted": {Slow: time.Hour}}
		ended := make(chan error, 1)
		go func() { ended <- r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local) }()
		synctest.Wait()
		r.cancel()
		require.Error(r, <-ended)
	})
}

func TestTheMomentsOfCallbacksAreReached(t *testing.T) {
	inBubble(t, func(r *rig) {
		barrier := retokenize
		barrier.Barrier = true
		task := built(r, barrier)
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusPreparing), "", local))
		require.NoError(r, r.set.Reindex.OnSwapRequested(with(task, fsm.TaskStatusSwapping), "", local))
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusSwapping)))
		require.Equal(r, []plan.Moment{taskplan.StartTask, taskplan.Prepare, taskplan.PrepareDone, taskplan.SwapBegin, taskplan.SwapBetweenShards, taskplan.SwapEnd, taskplan.CompleteTask}, r.reached)
	})
}
