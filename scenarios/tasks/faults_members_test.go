package tasks

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// changed returns the changes of the members of a run, each with its node.
func changed(events []trace.Event) (changes []string) {
	for _, e := range of(events, trace.FaultActivated) {
		if c := event.Of(&e).(*event.FaultActivated).Change(); c.What != "" {
			changes = append(changes, fmt.Sprintf("%s %s", e.Node, c.What))
		}
	}
	return changes
}

// voters returns the voters that each configuration names, one after the other, as nodes have first
// stored them.
func voters(events []trace.Event) (all []string) {
	var last uint64
	for _, e := range of(events, trace.Configured) {
		if b := event.Of(&e).(*event.Configured); b.Index > last {
			last = b.Index
			all = append(all, b.Voters)
		}
	}
	return all
}

// member is a plan with time to settle.
func member(faults ...plan.Fault) *taskplan.Plan {
	p := beset(faults...)
	p.Duration += plan.Duration(plan.Settles)
	return p
}

func TestAVoterIsDemotedAndPromotedAgain(t *testing.T) {
	p := member(plan.Fault{Kind: plan.Demote, Node: "n2", At: 8 * second, For: 6 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, []string{"n2 demoted", "n2 promoted"}, changed(events))
	require.Equal(t, []string{"n1,n3", "n1,n2,n3"}, voters(events))
}

func TestALeaderIsRemovedAndAddedAgain(t *testing.T) {
	for op, want := range map[string][]string{
		plan.AsVoter:    {"removed", "added"},
		plan.AsNonVoter: {"removed", "added-non-voter", "added"},
	} {
		t.Run(op, func(t *testing.T) {
			p := member(plan.Fault{Kind: plan.Rejoin, Node: plan.Leader, Op: op, At: 8 * second, For: 6 * second})
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			who := of(events, trace.FaultBegan)[0].Str("nodes")
			for i := range want {
				want[i] = who + " " + want[i]
			}
			require.Equal(t, want, changed(events))
			require.NotContains(t, voters(events)[0], who)
			require.Equal(t, 3, len(event.Of(&of(events, trace.Configured)[len(of(events, trace.Configured))-1]).(*event.Configured).VoterNames()))
		})
	}
}

func TestANodeComesBackWithAnEmptyDisk(t *testing.T) {
	for _, who := range []string{plan.Leader, plan.Follower} {
		t.Run(who, func(t *testing.T) {
			p := member(plan.Fault{Kind: plan.Replace, Node: who, At: 8 * second, For: 6 * second})
			events, verdict, counters := play(t, p)
			require.Empty(t, verdict.Violations)
			require.Equal(t, 4, counters.Starts)
			name := of(events, trace.FaultBegan)[0].Str("nodes")
			require.Equal(t, []string{name + " removed", name + " added"}, changed(events))
			emptied := of(events, trace.DiskEmptied)
			require.Len(t, emptied, 1)
			require.Equal(t, name, emptied[0].Node)
			for _, e := range of(events, trace.StoresOpened) {
				if e.Node == name && e.At >= emptied[0].At {
					require.Zero(t, event.Of(&e).(*event.StoresOpened).Last)
				}
			}
			index := uint64(0)
			for _, e := range of(events, trace.AtRest) {
				if b := event.Of(&e).(*event.AtRest); b.What == event.RestState {
					require.True(t, index == 0 || index == b.Index, "all have the same")
					index = b.Index
				}
			}
		})
	}
}

// A change that comes too late is taken back at quiescence, and one waits for another.
func TestOneNodeAtATimeIsNoVoter(t *testing.T) {
	p := member(plan.Fault{Kind: plan.Demote, Node: "n1", At: 8 * second, For: 10 * second},
		plan.Fault{Kind: plan.Replace, Node: "n2", At: 9 * second},
		plan.Fault{Kind: plan.Rejoin, Node: "n3", At: 9 * second, For: 2 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, []string{"n1 demoted", "n1 promoted", "n2 removed", "n2 added"}, changed(events))
	for _, v := range voters(events) {
		require.GreaterOrEqual(t, len(v), len("n1,n2"))
	}
	require.Greater(t, of(events, trace.Quiescence)[0].At, p.Quiescence.D())
	require.Less(t, of(events, trace.Quiescence)[0].At, p.Quiescence.D()+10*time.Second)
}

// The cluster goes on from the disk of one node, with all that was committed.
func TestAClusterIsRecoveredFromOneDisk(t *testing.T) {
	p := member(plan.Fault{Kind: plan.Recover, At: 8 * second, For: 3 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 6, counters.Starts, "each node twice")
	began := of(events, trace.Recovered)
	require.Len(t, began, 1)
	require.Len(t, of(events, trace.DiskEmptied), 2)
	all := changed(events)
	require.Len(t, all, 3)
	require.Equal(t, began[0].Node+" recovered", all[0])
	require.Equal(t, []string{"added", "added"}, []string{all[1][3:], all[2][3:]})
}

func TestADiskThatFailsIsRecoveredFromLater(t *testing.T) {
	p := member(plan.Fault{Kind: plan.Recover, At: 8 * second, For: 3 * second},
		plan.Fault{Kind: plan.DiskFull, Node: "n1", At: 8 * second, For: 8 * second},
		plan.Fault{Kind: plan.DiskFull, Node: "n2", At: 8 * second, For: 8 * second},
		plan.Fault{Kind: plan.DiskFull, Node: "n3", At: 8 * second, For: 8 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Contains(t, changed(events)[0], "recovered")
	for _, e := range of(events, trace.NodeState) {
		require.False(t, e.At > 9*time.Second && e.At < 16*time.Second && e.Str("state") == "Leader")
	}
}

// Nothing that was committed is lost, and all nodes take the state from the leader.
func TestAUserReplacesTheStateOfALeader(t *testing.T) {
	for at := range 5 {
		p := member(plan.Fault{Kind: plan.UserRestore, At: (8 + plan.Duration(at)) * second})
		events, verdict, _ := play(t, p)
		require.Empty(t, verdict.Violations)
		require.Len(t, changed(events), 1)
		require.Contains(t, changed(events)[0], "restored")
		by := map[string]bool{}
		for _, e := range of(events, trace.SnapshotRestored) {
			by[e.Node] = true
		}
		require.Len(t, by, 3)
	}
}

// A leader that is cut off in the middle of it crashes, and is replaced.
func TestALeaderThatIsAheadOfTheOthersIsReplaced(t *testing.T) {
	p := member(plan.Fault{Kind: plan.Partition, Nodes: []string{plan.Leader}, At: 9 * second, For: 5 * second},
		plan.Fault{Kind: plan.UserRestore, At: 9*second + second/100})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	who := of(events, trace.FaultBegan)[0].Str("nodes")
	require.Equal(t, []string{who + " removed", who + " added"}, changed(events))
}
