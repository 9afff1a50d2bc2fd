package tasks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func TestANodeCrashesAtATimeAndComesBack(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, Node: "n2", At: 10 * second, For: 3 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 4, counters.Starts)
	stopped := of(events, trace.NodeStopped)[0]
	require.Equal(t, 10*time.Second, stopped.At)
	require.Equal(t, "crash", stopped.Str("how"))
	require.Equal(t, 13*time.Second, of(events, trace.NodeStarted)[3].At)
	require.Equal(t, "n2", activated(t, p, events, 0)[0].Node)
}

func TestACrashOfANodeThatIsDownDoesNotBite(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, Node: "n2", At: 10 * second, For: 10 * second},
		plan.Fault{Kind: plan.Crash, Node: "n2", At: 15 * second, For: second})
	events, _, counters := play(t, p)
	require.Len(t, of(events, trace.FaultActivated), 1)
	require.Equal(t, 4, counters.Starts)
	require.Equal(t, 20*time.Second, of(events, trace.NodeStarted)[3].At)
}

func TestTheMajorityGoesDownAndComesBack(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, Nodes: []string{plan.Majority}, At: 10 * second, For: 5 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Len(t, activated(t, p, events, 0), 2)
	require.Equal(t, 5, counters.Starts)
	require.Empty(t, between(of(events, trace.Committed), 10*time.Second, 15*time.Second), "nothing is committed meanwhile")
}

// A node that crashes at a moment has reached it, takes no step behind it, and the task
// comes to its end all the same.
func TestANodeCrashesAtAnyMoment(t *testing.T) {
	for _, m := range taskplan.Moments() {
		if m == taskplan.CancelApplied || m == taskplan.Cleaned || m == taskplan.CleanupSend ||
			m != plan.SnapshotBegin && m != plan.LeaderElected && slices.Contains(plan.RaftMoments(), m) {
			continue // they need plans of their own
		}
		t.Run(string(m), func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: m}, At: 5 * second, Node: plan.Here, For: 3 * second})
			if m == plan.LeaderElected {
				p.Faults[0].At, p.Faults[0].For = 0, second
			}
			events, verdict, counters := play(t, p)
			require.Empty(t, verdict.Violations)
			activatedAt(t, p, events, 0, m)
			require.Equal(t, 4, counters.Starts)
		})
	}
}

// A node crashes at a moment of Raft, and does nothing more.
func TestANodeCrashesAtAnyMomentOfRaft(t *testing.T) {
	transfer := plan.Fault{Kind: plan.Transfer, At: 8 * second}
	snapshot := plan.Fault{Kind: plan.ForceSnapshot, Node: "n3", At: 8 * second, For: 4 * second}
	remove := plan.Fault{Kind: plan.Remove, Node: "n5", At: 25 * second}
	for m, cause := range map[plan.Moment]plan.Fault{
		plan.VoteGranted: transfer, plan.TermRaised: transfer, plan.LeadershipLost: transfer,
		plan.SnapshotStored: snapshot, plan.SnapshotSent: snapshot, plan.SnapshotReceived: snapshot, plan.SnapshotInstalled: snapshot,
		plan.ConfigAppended: remove, plan.ConfigCommitted: remove,
	} {
		for _, node := range []string{"", "n2"} {
			t.Run(string(m)+"/"+node, func(t *testing.T) {
				p := beset(plan.Fault{
					Kind: plan.Crash, When: &plan.Trigger{Moment: m, Node: node}, At: 5 * second, Node: plan.Here, For: 3 * second,
				}, cause)
				p.Cluster.Nodes, p.Promises = 5, nil
				events, verdict, _ := play(t, p)
				require.Empty(t, verdict.Violations)
				if node == "" {
					activatedAt(t, p, events, 0, m)
				} else if len(of(events, trace.FaultActivated)) > 1 && of(events, trace.FaultBegan)[0].Int("fault") == 0 {
					require.Equal(t, node, activated(t, p, events, 0)[0].Node)
				}
			})
		}
	}
}

// The second node that raises its term, or has a configuration in its log, counts only if it is named.
func TestAMomentOfRaftCountsOnceForAllReplicas(t *testing.T) {
	for m, cause := range map[plan.Moment]plan.Fault{
		plan.TermRaised:      {Kind: plan.Transfer, At: 8 * second},
		plan.ConfigAppended:  {Kind: plan.Remove, Node: "n3", At: 25 * second},
		plan.ConfigCommitted: {Kind: plan.Remove, Node: "n3", At: 25 * second},
	} {
		clock := func(node string, nth int) plan.Fault {
			return plan.Fault{Kind: plan.ClockJump, By: second, When: &plan.Trigger{Moment: m, Node: node, Nth: nth}, At: 5 * second, Node: plan.Here}
		}
		p := beset(clock("", 0), clock("n1", 0), clock("n2", 0), clock("", 2), cause)
		p.Promises = nil // which count on all nodes
		events, verdict, _ := play(t, p)
		require.Empty(t, verdict.Violations)
		var begun []int64
		for _, e := range of(events, trace.FaultBegan) {
			begun = append(begun, e.Int("fault"))
		}
		slices.Sort(begun)
		require.Equal(t, []int64{0, 1, 2, 4}, begun, "at %s", m)
	}
}

// activatedAt checks that a fault was activated at a moment, and that the incarnation it
// crashed did nothing more.
func activatedAt(t *testing.T, p *taskplan.Plan, events []trace.Event, fault int, m plan.Moment) {
	t.Helper()
	var began trace.Event
	for _, e := range of(events, trace.FaultBegan) {
		if e.Int("fault") == int64(fault) {
			began = e
		}
	}
	require.Equal(t, string(m), began.Str("moment"))
	node, incarnation := activated(t, p, events, fault)[0].Node, 0
	require.Equal(t, began.Str("nodes"), node)
	for _, e := range events {
		switch {
		case e.Node != node:
		case e.Kind == trace.NodeStopped && e.At == began.At:
			incarnation = e.Incarnation
		case incarnation != 0 && e.Incarnation == incarnation && e.Kind != trace.MessageLost:
			t.Errorf("%s of the dead node", e.Kind)
		}
	}
	require.NotZero(t, incarnation)
}

func TestANodeCrashesWhenATaskIsCancelled(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.CancelApplied}, Node: plan.Here, For: 3 * second})
	p.Workload = append(p.Workload, taskplan.Operation{At: 8 * second, Node: "n3", Do: taskplan.CancelTask, Namespace: "reindex", TaskID: "retokenize"})
	p.Promises = []taskplan.Promise{{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "retokenize", Status: "CANCELLED"}}
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	activatedAt(t, p, events, 0, taskplan.CancelApplied)
}

func TestANodeCrashesWhenARecordIsRemoved(t *testing.T) {
	for _, m := range []plan.Moment{taskplan.CleanupSend, taskplan.Cleaned} {
		t.Run(string(m), func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: m}, Node: plan.Here, For: 3 * second})
			p.CompletedTaskTTL = 5 * second
			p.Promises = []taskplan.Promise{{Expect: taskplan.RecordGone, Namespace: "reindex", TaskID: "retokenize"}}
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			activatedAt(t, p, events, 0, m)
		})
	}
}

func TestTheNthMomentOfANodeIsMeant(t *testing.T) {
	p := beset(plan.Fault{
		Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.UnitDone, Node: "n3", Nth: 2, About: taskplan.About("reindex", "retokenize")},
		Node: plan.Here, For: 3 * second,
	})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	began := of(events, trace.FaultBegan)[0]
	done := 0
	for _, e := range events {
		if e.Node == "n3" && e.Kind == trace.Applied && strings.HasSuffix(e.Str("command"), "UNIT_COMPLETED") && e.At <= began.At {
			done++
		}
	}
	require.Equal(t, 2, done)
	require.Equal(t, "n3", began.Str("nodes"))
}

func TestAMomentOfTheLogCountsOnceForAllReplicas(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.UnitDone, Nth: 2}, Node: plan.Here, For: 3 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	began, done := of(events, trace.FaultBegan)[0], 0
	for _, e := range of(events, trace.Committed) {
		if strings.HasSuffix(e.Str("command"), "UNIT_COMPLETED") && e.At <= began.At {
			done++
		}
	}
	require.Equal(t, 2, done)
}

func TestANodeIsShutDownInMidCallback(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Shutdown, When: &plan.Trigger{Moment: taskplan.SwapBegin}, Node: plan.Here, For: 3 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 4, counters.Starts)
	node := activated(t, p, events, 0)[0].Node
	stopped := of(events, trace.NodeStopped)[0]
	require.Equal(t, node, stopped.Node)
	require.Equal(t, "shutdown", stopped.Str("how"))
	closed := of(events, trace.SchedulerClosed)[0]
	require.Equal(t, node, closed.Node)
}

func TestAPausedNodeTakesNoStep(t *testing.T) {
	for _, who := range []string{plan.Leader, plan.Follower} {
		for from := range 5 {
			t.Run(fmt.Sprintf("%s %d", who, from), func(t *testing.T) {
				p := beset(plan.Fault{Kind: plan.Pause, Node: who, At: plan.Duration(7+3*from) * second, For: 5 * second})
				events, verdict, counters := play(t, p)
				require.Empty(t, verdict.Violations)
				require.Equal(t, 3, counters.Starts)
				node := activated(t, p, events, 0)[0].Node
				asleep, slept := false, 0
				for _, e := range events {
					switch {
					case e.Node != node:
						if asleep {
							slept++
						}
					case e.Kind == trace.NodePaused:
						asleep = true
					case e.Kind == trace.NodeResumed:
						require.Equal(t, p.Faults[0].At.D()+5*time.Second, e.At)
						asleep = false
					case asleep && e.Kind != trace.FaultActivated:
						t.Errorf("%s %v of the paused node at %s", e.Kind, e.Fields, e.At)
					}
				}
				require.Positive(t, slept, "the others go on")
			})
		}
	}
}

func TestANodeThatIsPausedCrashesAllTheSame(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Pause, Node: "n1", At: 10 * second, For: 6 * second},
		plan.Fault{Kind: plan.Crash, Node: "n1", At: 12 * second, For: 3 * second})
	_, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 4, counters.Starts)
}

func TestANodeThatLeavesNeverComesBack(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.Leave, Node: plan.Leader, At: 10 * second},
		plan.Fault{Kind: plan.Crash, Node: "n1", At: 12 * second, For: second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	left := of(events, trace.NodeLeft)
	require.Len(t, left, 1)
	require.Equal(t, 10*time.Second, left[0].At)
	for _, e := range between(events, 11*time.Second, 70*time.Second) {
		require.False(t, e.Node == left[0].Node && e.Kind != trace.MessageLost, "%s", e.Kind)
	}
	require.NotEqual(t, left[0].Node, leaders(events)[1])
}

func TestANodeIsRemovedFromTheConfiguration(t *testing.T) {
	for _, who := range []string{plan.Leader, plan.Follower} {
		t.Run(who, func(t *testing.T) {
			p := idle(plan.Fault{Kind: plan.Remove, Node: who, At: 10 * second})
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			left := of(events, trace.NodeLeft)
			require.Len(t, left, 1)
			require.Less(t, left[0].At, 20*time.Second)
			for _, e := range between(of(events, trace.MessageSent), 20*time.Second, 70*time.Second) {
				require.NotEqual(t, left[0].Node, e.Str("to"), "no node has it in its configuration")
			}
			activated(t, p, events, 0)
		})
	}
}

func TestTheLeaderHandsItsLeadershipOver(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Transfer, At: 10 * second}, plan.Fault{Kind: plan.Transfer, Node: "n3", At: 15 * second},
		plan.Fault{Kind: plan.Transfer, Node: "n2", At: 20 * second})
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 3, counters.Starts)
	all := leaders(events)
	require.GreaterOrEqual(t, len(all), 3)
	require.Equal(t, "n2", all[len(all)-1])
	activated(t, p, events, 0)
	activated(t, p, events, 2)
}
