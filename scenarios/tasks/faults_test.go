package tasks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

const second = plan.Duration(time.Second)

// beset is the plan of reindex with faults and a quiescent phase.
func beset(faults ...plan.Fault) *taskplan.Plan {
	p := reindex(true)
	p.Duration, p.Quiescence = 70*second, 40*second
	p.Faults = faults
	return p
}

// idle is a plan without a workload, in which nodes only elect and follow.
func idle(faults ...plan.Fault) *taskplan.Plan {
	p := beset(faults...)
	p.Workload, p.Promises = nil, nil
	return p
}

// of returns the events of a kind.
func of(events []trace.Event, kind trace.Kind) (some []trace.Event) {
	for _, e := range events {
		if e.Kind == kind {
			some = append(some, e)
		}
	}
	return some
}

// activated returns the events of the activations of a fault, of which there must be
// some, all of them while the faults last.
func activated(t *testing.T, p *taskplan.Plan, events []trace.Event, fault int) (activations []trace.Event) {
	t.Helper()
	for _, e := range of(events, trace.FaultActivated) {
		require.Less(t, e.At, p.Quiescence.D()+time.Second)
		if e.Int("fault") == int64(fault) {
			require.Equal(t, string(p.Faults[fault].Kind), e.Str("what"))
			activations = append(activations, e)
		}
	}
	require.NotEmpty(t, activations, "fault %d is not activated", fault)
	return activations
}

// leaders returns the nodes that became leader, in order.
func leaders(events []trace.Event) (names []string) {
	for _, e := range of(events, trace.NodeState) {
		if e.Str("state") == "Leader" {
			names = append(names, e.Node)
		}
	}
	return names
}

// between returns the events after one time and before another.
func between(events []trace.Event, from, to time.Duration) (some []trace.Event) {
	for _, e := range events {
		if e.At > from && e.At < to {
			some = append(some, e)
		}
	}
	return some
}

func TestAFaultBeginsBitesAndEnds(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Loss, At: 5 * second, For: 3 * second, Rate: 200_000})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	began, ended := of(events, trace.FaultBegan), of(events, trace.FaultEnded)
	require.Len(t, began, 1)
	require.Len(t, ended, 1)
	require.Equal(t, 5*time.Second, began[0].At)
	require.Equal(t, 8*time.Second, ended[0].At)
	for _, e := range activated(t, p, events, 0) {
		require.GreaterOrEqual(t, e.At, 5*time.Second)
		require.LessOrEqual(t, e.At, 8*time.Second)
	}
}

func TestQuiescenceEndsAllFaults(t *testing.T) {
	p := beset(
		plan.Fault{Kind: plan.Loss, At: 30 * second},
		plan.Fault{Kind: plan.Crash, Node: "n3", At: 31 * second},
		plan.Fault{Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.CleanupSend}, Node: "n1"},
		plan.Fault{Kind: plan.Crash, Node: "n1", At: 39 * second, For: 3600 * second},
	)
	events, verdict, counters := play(t, p)
	require.Empty(t, verdict.Violations)
	require.Equal(t, 5, counters.Starts)
	require.Len(t, of(events, trace.Quiescence), 1)
	require.Equal(t, 40*time.Second, of(events, trace.Quiescence)[0].At)
	require.Len(t, of(events, trace.FaultBegan), 3, "the moment does not come before quiescence")
	ups := between(of(events, trace.NodeStarted), 35*time.Second, 45*time.Second)
	require.Len(t, ups, 2)
	for _, e := range append(ups, of(events, trace.FaultEnded)...) {
		require.Equal(t, 40*time.Second, e.At)
	}
	require.Empty(t, between(of(events, trace.MessageLost), 41*time.Second, 69*time.Second))
}

func TestQuiescenceStartsStoppedNodes(t *testing.T) {
	events, verdict, _ := play(t, beset(plan.Fault{Kind: plan.Transfer, At: 9 * second}), at(39500*time.Millisecond, crash("n2")))
	require.Empty(t, verdict.Violations)
	started := of(events, trace.NodeStarted)
	require.Len(t, started, 4)
	require.Equal(t, "n2", started[3].Node)
	require.Equal(t, 40*time.Second, started[3].At)
}

// The draws of a fault do not depend on what other faults there are.
func TestAFaultDrawsTheSameWithoutTheOthers(t *testing.T) {
	who := func(p *taskplan.Plan) string {
		events, _, _ := play(t, p)
		began := of(events, trace.FaultBegan)
		return began[len(began)-1].Str("nodes")
	}
	for seed := range uint64(4) {
		p := idle(
			plan.Fault{Kind: plan.ClockJump, Node: "n1", By: second, At: 3 * second},
			plan.Fault{Kind: plan.Crash, Nodes: []string{plan.Majority}, At: 10 * second, For: second},
		)
		p.Seed = seed
		require.Equal(t, who(p), who(p.WithoutFault(0)))
	}
}
