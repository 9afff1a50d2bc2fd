package provider

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
)

// at does something at the nth moment at which something of a run is not synced.
func (r *rig) at(nth int, do func()) {
	r.atMoment = func(m plan.Moment, run Run) {
		if m != plan.FileUnsynced || run.Version == 0 {
			return
		}
		if nth--; nth == 0 {
			do()
		}
	}
}

// A unit is built, prepared and swapped, with a crash at every step of every write, and
// with everything that crashes make of files that are not synced. The provider comes to
// the same end, and what it holds is whole.
func TestACrashBetweenTwoStepsLeavesNothingTorn(t *testing.T) {
	torn := 0
	for seed := range uint64(12) {
		for nth := 1; nth <= 6; nth++ {
			inBubble(t, func(r *rig) {
				end := r.disk.AddRule(disk.Rule{Draw: keyed.New(seed, "tear"), Ops: []disk.Op{disk.Tear}, Rate: 700_000})
				defer end()
				barrier := taskplan.Task{Kind: taskplan.Reindex, ID: "r", Property: "title", Tokenization: "trigram", Barrier: true}
				started := r.task(barrier, fsm.TaskStatusStarted, fsm.UnitStatusPending)
				for id := range started.Units {
					if id != "s2__n1" {
						started.Units[id].Status = fsm.UnitStatusCompleted // only s2 is left to build here
					}
				}
				steps := []func() error{
					func() error { finish(r, startTask(r, r.set.Reindex, started)); return nil },
					func() error {
						return r.set.Reindex.OnGroupCompleted(r.task(barrier, fsm.TaskStatusPreparing, fsm.UnitStatusCompleted), "", []string{"s2__n1"})
					},
					func() error {
						return r.set.Reindex.OnSwapRequested(r.task(barrier, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted), "", []string{"s2__n1"})
					},
				}
				crashed := false
				r.at(nth, func() { crashed = true; r.mount.Crash() })
				for i := 0; i < len(steps); i++ {
					err := steps[i]()
					synctest.Wait()
					if !crashed {
						require.NoError(r, err)
						continue
					}
					crashed, r.atMoment = false, nil
					for _, name := range r.disk.Open(100).Files().List(Drafts) {
						torn++
						require.Equal(r, Drafts+"shard/articles/s2", name)
					}
					r.boot()
					require.Empty(r, r.mount.Files().List(Drafts))
					i-- // its end was not reported, so it is done again
				}
				require.Equal(r, map[string]string{"s1": "word", "s2": "trigram"}, r.serves())
			})
		}
	}
	require.Greater(t, torn, 10, "crashes leave drafts")
}

// A write that fails when the new contents have their name has not happened, and is
// undone before anything is built on it.
func TestAWriteThatNobodyIsSureOfIsWrittenAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		task := r.task(retokenize, fsm.TaskStatusStarted, fsm.UnitStatusPending)
		var end func()
		r.at(2, func() {
			end = r.disk.AddRule(disk.Rule{Ops: []disk.Op{disk.FileRemove}, Err: disk.ErrIO, Count: 1})
		})
		finish(r, startTask(r, r.set.Reindex, task))
		end()
		require.True(r, slices.ContainsFunc(r.recorder.calls, func(call string) bool { return strings.HasPrefix(call, "fail s1__n1") }), "the first write has failed: %v", r.recorder.calls)
		for _, s := range r.shards.All() {
			if s.Shard == "s1" {
				require.Empty(r, s.Built, "as far as the node knows, nothing is built")
			}
		}
		require.NoError(r, r.set.Reindex.OnTaskCompleted(r.task(retokenize, fsm.TaskStatusFailed, fsm.UnitStatusCompleted)))
		r.mount.Close()
		r.boot()
		for _, s := range r.shards.All() {
			require.Empty(r, s.Built, "%s: what failed is not there after a restart either", s.Shard)
		}
	})
}
