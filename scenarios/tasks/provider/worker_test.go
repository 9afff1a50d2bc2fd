package provider

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
)

var retokenize = taskplan.Task{Kind: taskplan.Reindex, ID: "r", Property: "title", Tokenization: "trigram"}

// finish waits for the end of a start.
func finish(r *rig, h fsm.TaskHandle) {
	r.Helper()
	select {
	case <-h.Done():
	case <-time.After(time.Hour):
		require.Fail(r, "the worker does not end")
	}
}

func startTask(r *rig, p fsm.Provider, t *fsm.Task) fsm.TaskHandle {
	r.Helper()
	h, err := p.StartTask(t)
	require.NoError(r, err)
	return h
}

func TestAWorkerClaimsWorksAndReportsTheUnitsOfItsNode(t *testing.T) {
	inBubble(t, func(r *rig) {
		began := time.Now()
		finish(r, startTask(r, r.set.Reindex, r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Equal(r, []string{
			"progress s1__n1 0", "progress s1__n1 0.25", "progress s1__n1 0.5", "progress s1__n1 0.75", "complete s1__n1",
			"progress s2__n1 0", "progress s2__n1 0.25", "progress s2__n1 0.5", "progress s2__n1 0.75", "complete s2__n1",
		}, r.recorder.calls)
		require.Equal(r, 8*time.Second, time.Since(began), "one unit after the other")
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves(), "nothing swaps before its time")
		require.Equal(r, []fsm.TaskDescriptor{{ID: "r", Version: 9}}, r.set.Reindex.GetLocalTasks())
	})
}

func TestATacitWorkerReportsNothingButTheEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := retokenize
		task.Tacit, task.FailUnits = true, []string{"s2__n1"}
		finish(r, startTask(r, r.set.Reindex, r.task(task, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Equal(r, []string{"complete s1__n1", "fail s2__n1: unit s2__n1 fails as planned"}, r.recorder.calls)
	})
}

func TestParallelUnitsShareTheTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		began := time.Now()
		task := taskplan.Task{Kind: taskplan.Cleanup, ID: "c", Files: 10, Parallel: 4, SlowUnits: []string{"file-0001"}}
		finish(r, startTask(r, r.set.Cleanup, r.task(task, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Equal(r, 40*time.Second, time.Since(began), "the slow unit takes ten times as long, the others fit beside it")
	})
}

func TestAFailingUnitIsReportedAsFailed(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := retokenize
		task.FailUnits = []string{"s1__n1"}
		finish(r, startTask(r, r.set.Reindex, r.task(task, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Contains(r, r.recorder.calls, "fail s1__n1: unit s1__n1 fails as planned")
		require.NotContains(r, r.recorder.calls, "complete s1__n1")
	})
}

func TestAnOutcomeIsReportedUntilItIsTakenOrRefused(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"what may succeed later is tried three times": {errBusy, 3},
		"what never succeeds is tried once":           {fmt.Errorf("no: %w", fsm.ErrPermanentRejection), 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.recorder.refuse = func(call string) error {
					if strings.HasPrefix(call, "complete s1") {
						return c.err
					}
					return nil
				}
				finish(r, startTask(r, r.set.Reindex, r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
				var tries int
				for _, call := range r.recorder.calls {
					if call == "complete s1__n1" {
						tries++
					}
				}
				require.Equal(r, c.want, tries)
			})
		})
	}
}

func TestAUnitThatSomebodyElseHasIsNotWorkedOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.recorder.refuse = func(string) error { return fmt.Errorf("no: %w", fsm.ErrUnitWrongNode) }
		finish(r, startTask(r, r.set.Cleanup, r.task(taskplan.Task{Kind: taskplan.Cleanup, ID: "c", Files: 3}, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
		require.Equal(r, []string{"progress file-0001 0"}, r.recorder.calls, "the list was old: a fresh one is needed")
		require.Empty(r, r.changes())
	})
}

func TestACleanupLeavesOutWhatIsDoneOrClaimed(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(taskplan.Task{Kind: taskplan.Cleanup, ID: "c", Files: 4}, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		task.Units["file-0001"].Status = fsm.UnitStatusCompleted
		task.Units["file-0002"].NodeID = "n2"
		task.Units["file-0003"].NodeID = "n1"
		finish(r, startTask(r, r.set.Cleanup, task))
		require.Equal(r, []string{"work file-0003", "work file-0004"}, r.changes())
	})
}

func TestATerminatedWorkerReportsNothingMoreAndMayStartAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		h := startTask(r, r.set.Reindex, task)
		time.Sleep(4500 * time.Millisecond) // s1 is done, s2 is at work
		h.Terminate()
		h.Terminate()
		finish(r, h)
		require.NotContains(r, r.recorder.calls, "complete s2__n1")
		require.Len(r, r.recorder.calls, 6)

		finish(r, startTask(r, r.set.Reindex, task))
		require.Contains(r, r.recorder.calls, "complete s2__n1")
		require.Equal(r, []string{"work s1__n1", "work s1__n1", "work s2__n1", "work s2__n1"}, r.changes())
	})
}

func TestWhatIsDurableIsNotWorkedOnAgainAfterACrash(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.recorder.refuse = func(call string) error {
			if call == "complete s1__n1" {
				return errBusy
			}
			return nil
		}
		task := r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		startTask(r, r.set.Reindex, task)
		time.Sleep(4100 * time.Millisecond) // s1 is durable, its completion is not recorded
		r.crash()
		synctest.Wait()
		r.recorder.calls, r.recorder.refuse = nil, nil
		require.Equal(r, []fsm.TaskDescriptor{{ID: "r", Version: 9}}, r.set.Reindex.GetLocalTasks())

		began := time.Now()
		finish(r, startTask(r, r.set.Reindex, task))
		require.Equal(r, []string{"progress s1__n1 0", "complete s1__n1"}, r.recorder.calls[:2])
		require.Equal(r, 4*time.Second, time.Since(began), "only s2 takes its time again")
	})
}

func TestAPayloadOfWhichNothingCanComeFailsItsUnits(t *testing.T) {
	for name, c := range map[string]struct {
		kind    taskplan.Kind
		payload string
		want    string
	}{
		"no JSON":          {taskplan.Cleanup, "{", "unexpected end"},
		"no bytes":         {taskplan.Cleanup, "", "unexpected end"},
		"null":             {taskplan.Cleanup, "null", `"" is no kind of task`},
		"other types":      {taskplan.Cleanup, `{"kind":7}`, "cannot unmarshal"},
		"another kind":     {taskplan.Cleanup, `{"kind":"repair","collection":"Articles"}`, "it is of a repair"},
		"no collection":    {taskplan.Repair, `{"kind":"repair"}`, "without a collection"},
		"no such property": {taskplan.Reindex, `{"kind":"reindex","collection":"articles","property":"nope","places":{"s1__n1":{"shard":"s1","node":"n1"}}}`, `has no property "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				unit := "s1__n1"
				task := &fsm.Task{
					Namespace: string(c.kind), TaskDescriptor: fsm.TaskDescriptor{ID: "x", Version: 9}, Payload: []byte(c.payload), Status: fsm.TaskStatusStarted,
					Units: map[string]*fsm.Unit{unit: {ID: unit, Status: fsm.UnitStatusPending}},
				}
				p := r.set.Providers()[string(c.kind)]
				finish(r, startTask(r, p, task))
				require.Equal(r, "progress s1__n1 0", r.recorder.calls[0])
				require.Len(r, r.recorder.calls, 2)
				require.Contains(r, r.recorder.calls[1], "fail s1__n1: unit s1__n1 cannot be worked on: payload: ")
				require.Contains(r, r.recorder.calls[1], c.want)
				require.NoError(r, p.CleanupTask(task.TaskDescriptor))
				require.Empty(r, p.GetLocalTasks())
			})
		})
	}
}

func TestTheFilesOfARunAreItsOwn(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(taskplan.Task{Kind: taskplan.Cleanup, ID: "a/b c", Files: 2}, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		other := r.task(taskplan.Task{Kind: taskplan.Cleanup, ID: "a", Files: 2}, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		finish(r, startTask(r, r.set.Cleanup, task))
		finish(r, startTask(r, r.set.Cleanup, other))
		require.ElementsMatch(r, []fsm.TaskDescriptor{task.TaskDescriptor, other.TaskDescriptor}, r.set.Cleanup.GetLocalTasks())
		require.NoError(r, r.set.Cleanup.CleanupTask(other.TaskDescriptor))
		require.Equal(r, []fsm.TaskDescriptor{task.TaskDescriptor}, r.set.Cleanup.GetLocalTasks())
		require.Len(r, r.mount.Files().List("unit/"), 2)
		require.NoError(r, r.set.Cleanup.CleanupTask(task.TaskDescriptor))
		require.NoError(r, r.set.Cleanup.CleanupTask(task.TaskDescriptor), "cleaning up again is no error")
		require.Empty(r, r.mount.Files().List("unit/"))
		require.Empty(r, r.mount.Files().List("run/"))
	})
}
