package tasks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// message names a message among the events of its link.
func message(e trace.Event) [5]string {
	return [5]string{e.Node, e.Str("to"), e.Str("msg"), e.Str("id"), e.Str("n")}
}

func TestDelayedMessagesArriveLater(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Delay, Node: plan.Leader, Peer: plan.Follower, At: 3 * second, Min: plan.Duration(50 * time.Millisecond), Max: plan.Duration(90 * time.Millisecond), Rate: 500_000})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	late, began := map[[5]string]bool{}, of(events, trace.FaultBegan)[0]
	for _, e := range activated(t, p, events, 0) {
		require.Equal(t, began.Str("nodes"), e.Node)
		require.Equal(t, began.Str("peer"), e.Str("to"))
		late[message(e)] = true
	}
	for _, e := range of(events, trace.MessageSent) {
		took := time.Duration(e.Int("arrives")) - e.At
		if late[message(e)] {
			require.GreaterOrEqual(t, took, 51*time.Millisecond)
		} else {
			require.Less(t, took, 21*time.Millisecond)
		}
	}
}

func TestLostMessagesDoNotArrive(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Loss, Rate: 300_000, At: 2 * second, For: 15 * second, Op: "append"})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	lost := 0
	for _, e := range of(events, trace.MessageLost) {
		if e.Str("why") == "lost" {
			require.Equal(t, "append", e.Str("msg"))
			lost++
		}
	}
	require.Len(t, activated(t, p, events, 0), lost)
	sent := 0
	for _, e := range between(of(events, trace.MessageSent), 2*time.Second, 17*time.Second) {
		if e.Str("msg") == "append" {
			sent++
		}
	}
	require.Greater(t, sent, lost, "less than half of them are lost")
}

func TestARuleBitesNoMoreThanItsCount(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Loss, Count: 3})
	events, _, _ := play(t, p)
	require.Len(t, activated(t, p, events, 0), 3)
}

func TestDuplicatesAreServedTwice(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Duplicate, Op: "forward", Max: plan.Duration(30 * time.Millisecond)})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	requests := len(activated(t, p, events, 0))
	replies := 0
	for _, e := range of(events, trace.MessageSent) {
		if e.Str("msg") == "forward-reply" {
			replies++
		}
	}
	require.Greater(t, replies, requests)
}

func TestForwardedRequestsArriveAgainAfterSeconds(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.LateDuplicate, Min: 3 * second, Max: 6 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	for _, e := range activated(t, p, events, 0) {
		require.GreaterOrEqual(t, e.Int("by"), int64(3*time.Second))
		require.Equal(t, "forward", e.Str("msg"))
	}
	seen, again := map[[2]string]bool{}, 0
	for _, e := range of(events, trace.Committed) {
		request := [2]string{e.Str("client"), e.Str("seq")}
		if seen[request] {
			again++
		}
		seen[request] = true
	}
	require.Positive(t, again, "commands are in the log twice")
}

func TestTheAnswerIsLostAndTheCommandApplied(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.ReplyLoss, Op: "forward"})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	lost := 0
	for _, e := range of(events, trace.MessageLost) {
		if e.Str("msg") == "forward-reply" && e.Str("why") == "lost" {
			lost++
		}
	}
	require.Len(t, activated(t, p, events, 0), lost)
	committed := slices.ContainsFunc(of(events, trace.Committed), func(e trace.Event) bool {
		return e.Str("command") == "DISTRIBUTED_TASK_ADD" && strings.HasPrefix(e.Str("client"), "n2#")
	})
	require.True(t, committed, "what n2 has asked the leader for")
}

func TestReorderedMessagesAreOvertaken(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Reorder, Max: plan.Duration(200 * time.Millisecond), Rate: 300_000})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	activated(t, p, events, 0)
}

func TestALeaderThatIsCutOffLosesItsLeadership(t *testing.T) {
	p := beset(plan.Fault{Kind: plan.Partition, Nodes: []string{plan.Leader}, At: 10 * second, For: 10 * second})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	all := leaders(events)
	require.Greater(t, len(all), 1)
	cutOff := of(events, trace.FaultBegan)[0].Str("nodes")
	require.Equal(t, all[0], cutOff)
	require.NotEqual(t, cutOff, all[1])
	for _, e := range activated(t, p, events, 0) {
		require.True(t, (e.Node == cutOff) != (e.Str("to") == cutOff))
	}
	for _, e := range between(of(events, trace.MessageSent), 10*time.Second, 20*time.Second) {
		require.NotContains(t, []string{e.Node, e.Str("to")}, cutOff)
	}
}

func TestAOneWayPartitionLetsTheOtherWayThrough(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.OneWay, Nodes: []string{plan.Follower}, At: 10 * second, For: 10 * second})
	events, _, _ := play(t, p)
	mute := of(events, trace.FaultBegan)[0].Str("nodes")
	for _, e := range activated(t, p, events, 0) {
		require.Equal(t, mute, e.Node)
	}
	heard := slices.ContainsFunc(between(of(events, trace.MessageSent), 10*time.Second, 20*time.Second),
		func(e trace.Event) bool { return e.Str("to") == mute })
	require.True(t, heard)
}

func TestAMinorityIsLessThanHalf(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.Partition, Nodes: []string{plan.Minority}, At: 10 * second, For: 5 * second})
	p.Cluster.Nodes = 5
	events, _, _ := play(t, p)
	require.Len(t, strings.Split(of(events, trace.FaultBegan)[0].Str("nodes"), ","), 2)
	activated(t, p, events, 0)
}

func TestAFlappingLinkComesAndGoes(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.Flap, Nodes: []string{"n1"}, Min: second, Max: 2 * second, At: 5 * second})
	events, _, _ := play(t, p)
	phases, cut := 0, false
	for _, e := range between(events, 5*time.Second, 40*time.Second) {
		switch {
		case e.Node != "n1" && e.Str("to") != "n1":
		case e.Kind == trace.MessageSent && cut, e.Kind == trace.MessageLost && e.Str("why") == "cut" && !cut:
			cut = !cut
			phases++
		}
	}
	require.Greater(t, phases, 6)
	activated(t, p, events, 0)
}
