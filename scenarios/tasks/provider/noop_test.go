package provider

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
)

var doNothing = taskplan.Task{Kind: taskplan.ShardNoop, ID: "t", Parallel: 1, FailUnits: []string{"s2__n1"}, SlowUnits: []string{"s1__n1"}}

func TestTheShippedProviderWorksOnTheUnitsOfItsNode(t *testing.T) {
	require.EqualValues(t, sched.ShardNoopProviderNamespace, taskplan.ShardNoop)
	inBubble(t, func(r *rig) {
		began := time.Now()
		h := startTask(r, r.set.Noop, r.task(doNothing, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		require.Equal(r, []fsm.TaskDescriptor{{ID: "t", Version: 9}}, r.set.Noop.GetLocalTasks())
		finish(r, h)
		require.Equal(r, []string{
			"progress s1__n1 0.5", "complete s1__n1", "progress s2__n1 0.5", "fail s2__n1: dummy failure",
		}, r.recorder.calls)
		require.Equal(r, 44*time.Second, time.Since(began), "the slow unit takes ten times as long")
		require.NoError(r, r.set.Noop.CleanupTask(fsm.TaskDescriptor{ID: "t", Version: 9}))
		require.Empty(r, r.set.Noop.GetLocalTasks())
	})
}

func TestTheShippedProviderEndsWithItsNodeAndKeepsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		h := startTask(r, r.set.Noop, r.task(doNothing, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		time.Sleep(time.Second)
		r.crash()
		finish(r, h)
		require.Equal(r, []string{"progress s1__n1 0.5"}, r.recorder.calls)
		require.Empty(r, r.set.Noop.GetLocalTasks())
	})
}

func TestTroubleOfTheShippedProvider(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(doNothing, fsm.TaskStatusFinished, fsm.UnitStatusCompleted)
		r.trouble.start = errBusy
		_, err := r.set.Noop.StartTask(task)
		require.ErrorIs(r, err, errBusy)
		r.trouble.callback = map[string]CallbackTrouble{
			taskevent.GroupCompleted: {Err: errBusy}, taskevent.TaskCompleted: {Err: errBusy, Late: true},
		}
		require.ErrorIs(r, r.set.Noop.OnGroupCompleted(task, "", []string{"s1__n1"}), errBusy)
		require.NoError(r, r.set.Noop.OnSwapRequested(task, "", []string{"s1__n1"}))
		require.PanicsWithError(r, errBusy.Error(), func() { r.set.Noop.OnTaskCompleted(task) }, "it has no error to return")
	})
}
