package tasks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func TestALeaderThatCannotWriteItsLogStepsDown(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.DiskError, Op: "log", Node: plan.Leader, At: 10 * second, For: 5 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 3, counters.Starts)
	first := activated(t, p, events, 0)[0]
	require.Equal(t, "log", first.Str("op"))
	require.Equal(t, leaders(events)[0], first.Node)
	require.Greater(t, len(leaders(events)), 1)
}

// Raft panics when it cannot store its term: that ends the node, not the run.
func TestANodeThatCannotStoreItsTermCrashes(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.DiskError, Op: "stable", Node: "n2", At: 9 * second, Count: 2},
		plan.Fault{Kind: plan.Crash, Node: plan.Leader, At: 10 * second, For: 5 * second},
		plan.Fault{Kind: plan.Partition, Nodes: []string{"n2"}, At: 17 * second, For: 4 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	crashed, back := false, false
	for _, e := range activated(t, p, events, 0) {
		require.Equal(t, "n2", e.Node)
		for _, stop := range of(events, trace.NodeStopped) {
			crashed = crashed || stop.Node == "n2" && stop.At == e.At && stop.Str("how") == "crash"
		}
		for _, start := range of(events, trace.NodeStarted) {
			back = back || start.Node == "n2" && start.At == e.At+time.Second
		}
	}
	require.True(t, crashed)
	require.True(t, back)
	require.Greater(t, counters.Starts, 4)
}

func TestAFullDiskTakesNothing(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.DiskFull, Node: plan.Follower, At: 8 * second, For: 10 * second})
	p.Promises = nil // the units of the node may fail
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	node := activated(t, p, events, 0)[0].Node
	for _, e := range between(of(events, trace.FileWritten), 8*time.Second, 18*time.Second) {
		require.NotEqual(t, node, e.Node)
	}
}

func TestWorkThatCannotBeStoredFails(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.DiskError, Op: "files", Node: "n1", At: 7 * second})
	p.Promises = []taskplan.Promise{{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "retokenize", Status: "FAILED"}}
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	for _, e := range activated(t, p, events, 0) {
		require.Equal(t, "n1", e.Node)
		require.Contains(t, []string{"files", "files-remove"}, e.Str("op"))
	}
}

func TestASnapshotThatFailsIsTakenAgain(t *testing.T) {
	for _, op := range []string{"create", "write", "close"} {
		t.Run(op, func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.SnapshotError, Op: op, Node: plan.Leader, At: 5 * second})
			events, verdict, counters := play(t, p)
			require.Empty(t, verdict.Violations)
			require.Equal(t, 3, counters.Starts)
			require.Greater(t, len(activated(t, p, events, 0)), 1)
		})
	}
}

func TestALaggingNodeIsGivenASnapshot(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.ForceSnapshot, Node: plan.Follower, At: 9 * second, For: 4 * second})
	p.Cluster.Raft.SnapshotThreshold, p.Cluster.Raft.TrailingLogs = 10_000, 10_000
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	restored := of(events, trace.SnapshotRestored)
	require.Len(t, restored, 1)
	require.Equal(t, of(events, trace.FaultBegan)[0].Str("nodes"), restored[0].Node)
	require.Greater(t, restored[0].At, 13*time.Second)
	activated(t, p, events, 0)
}

func TestASnapshotThatCannotBeInstalledIsSentAgain(t *testing.T) {
	for _, op := range []string{"create", "write", "close", "restore"} {
		t.Run(op, func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.ForceSnapshot, Node: "n3", At: 9 * second, For: 4 * second},
				plan.Fault{Kind: plan.InstallError, Op: op, Node: "n3", Count: 2})
			p.Cluster.Raft.SnapshotThreshold, p.Cluster.Raft.TrailingLogs = 10_000, 10_000
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			activations := activated(t, p, events, 1)
			require.Len(t, activations, 2)
			restored := of(events, trace.SnapshotRestored)
			require.NotEmpty(t, restored)
			require.Greater(t, restored[0].At, activations[1].At)
		})
	}
}

func TestANodeCrashesWhenItHasBeenGivenASnapshot(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: plan.SnapshotInstalled}, Node: plan.Here, For: 3 * second},
		plan.Fault{Kind: plan.ForceSnapshot, Node: "n3", At: 9 * second, For: 4 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	activatedAt(t, p, events, 0, plan.SnapshotInstalled)
}

// Every write of n1 is cut off once, in each of its two steps.
func TestTornFilesAreThereAtTheNextStart(t *testing.T) {
	for nth := 1; nth <= 10; nth++ {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.TornFiles, Node: "n1"},
				plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: plan.FileUnsynced, Node: "n1", Nth: nth}, For: second})
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			activatedAt(t, p, events, 1, plan.FileUnsynced)
			torn := activated(t, p, events, 0)
			var found []string
			for _, e := range of(events, trace.FileRemoved) {
				if e.Node == "n1" && e.Incarnation == 2 && strings.HasPrefix(e.Str("file"), provider.Drafts) {
					found = append(found, e.Str("file"))
				}
			}
			if nth%2 == 0 { // the draft has its name
				require.Empty(t, found)
				require.False(t, strings.HasPrefix(torn[0].Str("name"), provider.Drafts))
				return
			}
			require.Equal(t, []string{torn[0].Str("name")}, found)
		})
	}
}
