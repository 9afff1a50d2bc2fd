package provider

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
)

// with returns the record in another status.
func with(t *fsm.Task, status fsm.TaskStatus) *fsm.Task {
	c := t.Clone()
	c.Status = status
	return c
}

// built returns a record whose units this node has built.
func built(r *rig, t taskplan.Task) *fsm.Task {
	r.Helper()
	finish(r, startTask(r, r.set.Reindex, r.task(t, fsm.TaskStatusStarted, fsm.UnitStatusPending)))
	r.changes()
	return r.task(t, fsm.TaskStatusStarted, fsm.UnitStatusCompleted)
}

var local = []string{"s1__n1", "s2__n1"}

func TestABarrierReindexPreparesSwapsAndFlips(t *testing.T) {
	inBubble(t, func(r *rig) {
		barrier := retokenize
		barrier.Barrier = true
		task := built(r, barrier)
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusPreparing), "", local))
		require.Equal(r, []string{"prepared s1", "prepared s2"}, r.changes())
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())

		require.NoError(r, r.set.Reindex.OnSwapRequested(with(task, fsm.TaskStatusSwapping), "", local))
		require.Equal(r, []string{"swapped s1", "swapped s2"}, r.changes())
		require.Equal(r, map[string]string{"s1": "trigram", "s2": "trigram"}, r.serves())
		require.Empty(r, r.schema.flips)

		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusSwapping)))
		require.Equal(r, []string{"Articles.title=trigram by reindex/r@9"}, r.schema.flips)
		require.True(r, r.set.Reindex.LocalCallbacksDone(with(task, fsm.TaskStatusFinished), "n1"))
	})
}

func TestEveryCallbackMayRunAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		barrier := retokenize
		barrier.Barrier = true
		task := built(r, barrier)
		for range 2 {
			require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusPreparing), "", local))
			r.crash()
		}
		for range 2 {
			require.NoError(r, r.set.Reindex.OnSwapRequested(with(task, fsm.TaskStatusSwapping), "", local))
			r.crash()
		}
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusPreparing), "", local), "late, and without effect")
		for range 2 {
			require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFinished)))
			r.crash()
		}
		require.Equal(r, []string{"prepared s1", "prepared s2", "swapped s1", "swapped s2"}, r.changes())
		require.Equal(r, map[string]string{"s1": "trigram", "s2": "trigram"}, r.serves())
	})
}

func TestWithoutTheBarrierTheGroupSwaps(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := built(r, retokenize)
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local))
		require.Equal(r, []string{"swapped s1", "swapped s2"}, r.changes())
	})
}

func TestNothingSwapsForATaskThatHasFailed(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, barrier := range []bool{false, true} {
			task := retokenize
			task.Barrier = barrier
			failed := with(built(r, task), fsm.TaskStatusFailed)
			require.NoError(r, r.set.Reindex.OnGroupCompleted(failed, "", local))
			require.NoError(r, r.set.Reindex.OnSwapRequested(failed, "", local))
			require.Empty(r, r.changes())
			require.NoError(r, r.set.Reindex.OnTaskCompleted(failed))
			require.Empty(r, r.schema.flips)
			require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
		}
	})
}

func TestASwapWithoutSegmentsFails(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(retokenize, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted)
		require.ErrorContains(r, r.set.Reindex.OnGroupCompleted(task, "", local), "has built no segments of title")
		require.ErrorContains(r, r.set.Reindex.OnGroupCompleted(task, "", []string{"s9__n1"}), "no place")
	})
}

func TestATaskThatFailsAfterSomeHaveSwappedSwapsBack(t *testing.T) {
	for _, status := range []fsm.TaskStatus{fsm.TaskStatusFailed, fsm.TaskStatusCancelled} {
		inBubble(t, func(r *rig) {
			task := built(r, retokenize)
			require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local[:1]))
			require.Equal(r, map[string]string{"s1": "trigram", "s2": "word"}, r.serves())
			r.crash()
			ended := with(task, status)
			require.False(r, r.set.Reindex.LocalCallbacksDone(ended, "n1"), "a swap and segments are left over")
			r.changes()
			require.NoError(r, r.set.Reindex.OnTaskCompleted(ended))
			require.Equal(r, []string{"rolled-back s1"}, r.changes())
			require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
			require.True(r, r.set.Reindex.LocalCallbacksDone(ended, "n1"))
			for _, s := range r.shards.All() {
				require.Empty(r, s.Built)
				require.Empty(r, s.Replaced)
			}
		})
	}
}

func TestARollbackWaitsForTheWorkers(t *testing.T) {
	inBubble(t, func(r *rig) {
		h := startTask(r, r.set.Reindex, r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		time.Sleep(time.Second)
		require.NoError(r, r.set.Reindex.OnTaskCompleted(r.task(retokenize, fsm.TaskStatusCancelled, fsm.UnitStatusInProgress)))
		select {
		case <-h.Done():
		default:
			require.Fail(r, "a worker is still at work")
		}
		require.NotContains(r, r.recorder.calls, "complete s1__n1")
	})
}

// A failed task with a group per tenant keeps the tenants that had completed, on
// every replica, and no other.
func TestACompletedTenantKeepsItsSwap(t *testing.T) {
	tenants := retokenize
	tenants.PerTenant = true
	for name, status := range map[string]fsm.TaskStatus{"failed": fsm.TaskStatusFailed, "cancelled": fsm.TaskStatusCancelled} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				task := built(r, tenants)
				task.Units["s2__n1"].Status = fsm.UnitStatusFailed
				ended := with(task, status)
				require.False(r, r.set.Reindex.LocalCallbacksDone(ended, "n1"))
				// This node had not swapped s1 when the task ended; the others had.
				require.NoError(r, r.set.Reindex.OnTaskCompleted(ended))
				require.Equal(r, map[string]string{"s1": "trigram", "s2": "word"}, r.serves())
				require.Equal(r, []string{"Articles.title=trigram of [s1] by reindex/r@9"}, r.schema.flips, "the schema itself stays")
				require.True(r, r.set.Reindex.LocalCallbacksDone(ended, "n1"))
			})
		})
	}
	t.Run("its group swaps while the task is at work", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			task := built(r, tenants)
			task.Units["s2__n1"].Status = fsm.UnitStatusInProgress
			require.NoError(r, r.set.Reindex.OnGroupCompleted(task, "s1", local[:1]))
			require.Equal(r, map[string]string{"s1": "trigram", "s2": "word"}, r.serves())
			task.Units["s2__n1"].Status = fsm.UnitStatusFailed
			require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusFailed), "s2", local[1:]))
			require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFailed)))
			require.Equal(r, map[string]string{"s1": "trigram", "s2": "word"}, r.serves())
		})
	})
	t.Run("but behind the barrier all swap or none", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			barrier := tenants
			barrier.Barrier = true
			task := built(r, barrier)
			require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFailed)))
			require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
		})
	})
}

func TestAFlipThatFailsIsAnErrorAndSettlesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := built(r, retokenize)
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local))
		r.schema.err = errBusy
		require.ErrorIs(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusSwapping)), errBusy)
		require.False(r, r.set.Reindex.LocalCallbacksDone(with(task, fsm.TaskStatusFinished), "n1"))
		r.schema.err = nil
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusSwapping)))
		require.Len(r, r.schema.flips, 2)
	})
}

// A tenant may have been added since the task was submitted: what the flip is about is told.
func TestAFlipOfTenantsNamesThoseOfTheTask(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := built(r, retokenize)
		r.schema.collections[0].MultiTenant = true
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local))
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusSwapping)))
		require.Len(r, r.schema.flips, 1)
		require.Contains(r, r.schema.flips[0], "of [s1 s2 s3]")
	})
}

func TestANodeThatMissedTheEndIsSettledByTheSchema(t *testing.T) {
	tenants := retokenize
	tenants.PerTenant = true
	for name, c := range map[string]struct {
		task taskplan.Task
		has  Property
		want map[string]string
	}{
		"which the run has flipped":         {retokenize, Property{Tokenization: "trigram", UserIndex: 5, FlippedBy: 9}, map[string]string{"s1": "trigram", "s2": "trigram"}},
		"which another run has flipped":     {retokenize, Property{Tokenization: "trigram", UserIndex: 5, FlippedBy: 7}, map[string]string{"s1": "word", "s2": "word"}},
		"which no task has flipped":         {retokenize, Property{Tokenization: "word", UserIndex: 5}, map[string]string{"s1": "word", "s2": "word"}},
		"in which a tenant has swapped":     {tenants, Property{Tokenization: "word", UserIndex: 5, SwappedBy: map[string]uint64{"s2": 9}}, map[string]string{"s1": "word", "s2": "trigram"}},
		"in which another run swapped":      {tenants, Property{Tokenization: "word", UserIndex: 5, SwappedBy: map[string]uint64{"s2": 8}}, map[string]string{"s1": "word", "s2": "word"}},
		"which the run flipped for tenants": {tenants, Property{Tokenization: "trigram", UserIndex: 5, FlippedBy: 9}, map[string]string{"s1": "trigram", "s2": "trigram"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				task := built(r, c.task)
				require.NoError(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local[:1]))
				r.schema.collections[0].Properties["title"] = c.has
				r.gone[runOf(task)] = true
				require.NoError(r, r.set.Reindex.CleanupTask(task.TaskDescriptor))
				require.Equal(r, c.want, r.serves())
				require.Empty(r, r.set.Reindex.GetLocalTasks())
			})
		})
	}
}

// A node whose report is lost swaps nothing alone: the others could not know of it later.
func TestATenantSwapsOnlyOnceTheSchemaTells(t *testing.T) {
	inBubble(t, func(r *rig) {
		tenants := retokenize
		tenants.PerTenant = true
		task := built(r, tenants)
		r.schema.err = errBusy
		require.ErrorIs(r, r.set.Reindex.OnGroupCompleted(task, "s1", local[:1]), errBusy)
		require.ErrorIs(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFailed)), errBusy)
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
		require.False(r, r.set.Reindex.LocalCallbacksDone(with(task, fsm.TaskStatusFailed), "n1"))
		r.schema.err, r.schema.flips = nil, nil
		require.NoError(r, r.set.Reindex.OnGroupCompleted(task, "s1", local[:1]))
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFailed)))
		require.Equal(r, []string{"Articles.title=trigram of [s1] by reindex/r@9", "Articles.title=trigram of [s2] by reindex/r@9"}, r.schema.flips,
			"each tenant once")
		require.Equal(r, map[string]string{"s1": "trigram", "s2": "trigram"}, r.serves())
	})
}

// A second run on shards that the first has not settled would take the first one's
// swap for what was there before, and swap back to it.
func TestARunWaitsUntilTheOneBeforeItIsSettled(t *testing.T) {
	inBubble(t, func(r *rig) {
		first := built(r, retokenize)
		require.NoError(r, r.set.Reindex.OnGroupCompleted(with(first, fsm.TaskStatusSwapping), "", local[:1]))
		again := retokenize
		again.ID, again.Tokenization = "again", "field"
		second := r.task(again, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		second.Version = 11
		_, err := r.set.Reindex.StartTask(second)
		require.ErrorContains(r, err, "is not settled after reindex/r@9")
		require.Equal(r, []fsm.TaskDescriptor{first.TaskDescriptor}, r.set.Reindex.GetLocalTasks(), "nothing of the second is there")
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(first, fsm.TaskStatusFailed)))
		finish(r, startTask(r, r.set.Reindex, second))
		require.Contains(r, r.recorder.calls, "complete s2__n1")
	})
}

// What a node knows of the end of a run stays as long as the record does (P9), and
// goes with it (P12), on nodes without units, too.
func TestANodeWithoutUnitsKnowsThatATaskHasEndedHere(t *testing.T) {
	for name, task := range map[string]taskplan.Task{
		"reindex": {Kind: taskplan.Reindex, ID: "r", Property: "title", Tokenization: "trigram"}, "repair": {Kind: taskplan.Repair, ID: "r"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				p := r.set.Providers()[name].(sched.FallibleUnitAwareProvider)
				done := func() bool {
					return r.set.Providers()[name].(sched.RecoveryAwareProvider).LocalCallbacksDone(r.task(task, fsm.TaskStatusFinished, fsm.UnitStatusCompleted), "n1")
				}
				record := r.task(task, fsm.TaskStatusFinished, fsm.UnitStatusCompleted)
				for id := range record.Units {
					record.Units[id].NodeID = "n2"
				}
				require.False(r, done(), "it was missed")
				require.NoError(r, p.OnTaskCompleted(record))
				r.crash()
				require.True(r, done())
				p = r.set.Providers()[name].(sched.FallibleUnitAwareProvider)
				require.Empty(r, p.GetLocalTasks())
				require.NoError(r, p.CleanupTask(record.TaskDescriptor))
				require.True(r, done(), "the record is still there")
				r.gone[runOf(record)] = true
				require.Equal(r, []fsm.TaskDescriptor{record.TaskDescriptor}, p.GetLocalTasks())
				require.NoError(r, p.CleanupTask(record.TaskDescriptor))
				require.Empty(r, p.GetLocalTasks())
				require.Empty(r, r.mount.Files().List("ended/"))
			})
		})
	}
}

func TestARunLeavesACollectionAloneThatIsYoungerThanItself(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := built(r, retokenize)
		r.schema.collections[0].Born = 20
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		require.Equal(r, []string{"created s1", "created s2"}, r.changes())
		require.ErrorIs(r, r.set.Reindex.OnGroupCompleted(with(task, fsm.TaskStatusSwapping), "", local), errGone)
		require.NoError(r, r.set.Reindex.OnTaskCompleted(with(task, fsm.TaskStatusFinished)), "there is nothing to settle")
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
		require.True(r, r.set.Reindex.LocalCallbacksDone(with(task, fsm.TaskStatusFinished), "n1"))
	})
}

func TestARepairSwapsEachReplicaAsItIsRebuilt(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(taskplan.Task{Kind: taskplan.Repair, ID: "r"}, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		for range 2 {
			finish(r, startTask(r, r.set.Repair, task))
			r.crash()
		}
		require.Equal(r, []string{"rebuilt s1", "rebuilt s2", "work s1__n1", "work s1__n1", "work s2__n1", "work s2__n1"}, r.changes())
		require.NoError(r, r.set.Repair.OnGroupCompleted(task, "", local))
		require.NoError(r, r.set.Repair.OnSwapRequested(task, "", local))
		require.NoError(r, r.set.Repair.OnTaskCompleted(task))
		require.True(r, r.set.Repair.LocalCallbacksDone(task, "n1"))
	})
}
