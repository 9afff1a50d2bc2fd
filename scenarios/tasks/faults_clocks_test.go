package tasks

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// submissions returns how far ahead of the run's time the clock was by which each
// task was submitted.
func submissions(t *testing.T, events []trace.Event) (ahead []time.Duration) {
	t.Helper()
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble
	for _, e := range of(events, trace.Committed) {
		if e.Str("command") != "DISTRIBUTED_TASK_ADD" {
			continue
		}
		var q struct {
			At int64 `json:"submitted_at_unix_millis"`
		}
		require.NoError(t, json.Unmarshal([]byte(e.Str("body")), &q))
		ahead = append(ahead, time.UnixMilli(q.At).Sub(epoch)-e.At)
	}
	return ahead
}

// submitting is a plan in which n2 submits three tasks, the last one after quiescence.
func submitting(f plan.Fault) *taskplan.Plan {
	p := idle(f)
	for n, at := range []plan.Duration{10 * second, 30 * second, 50 * second} {
		p.Workload = append(p.Workload, taskplan.Operation{At: at, Node: "n2", Do: taskplan.AddTask, Task: &taskplan.Task{
			Kind: taskplan.Cleanup, ID: string(rune('a' + n)), Files: 2, Parallel: 1,
		}})
	}
	return p
}

func TestClocksGoWrongUntilQuiescence(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault plan.Fault
		want  [3]time.Duration // ahead, roughly
	}{
		{"ahead", plan.Fault{Kind: plan.ClockOffset, Node: "n2", By: 3600 * second, At: 5 * second}, [3]time.Duration{time.Hour, time.Hour, 0}},
		{"behind for a while", plan.Fault{Kind: plan.ClockOffset, Node: "n2", By: -60 * second, At: 5 * second, For: 10 * second}, [3]time.Duration{-time.Minute, 0, 0}},
		{"a jump forward", plan.Fault{Kind: plan.ClockJump, Node: "n2", By: 60 * second, At: 20 * second}, [3]time.Duration{0, time.Minute, 0}},
		{"a jump back", plan.Fault{Kind: plan.ClockJump, Node: "n2", By: -60 * second, At: 20 * second}, [3]time.Duration{0, -time.Minute, 0}},
		{"too fast", plan.Fault{Kind: plan.ClockDrift, Node: "n2", Drift: 500_000, At: 10 * second}, [3]time.Duration{0, 10 * time.Second, 0}},
		{"too slow", plan.Fault{Kind: plan.ClockDrift, Node: "n2", Drift: -500_000, At: 10 * second}, [3]time.Duration{0, -10 * time.Second, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := submitting(c.fault)
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			got := submissions(t, events)
			require.Len(t, got, 3)
			for n, want := range c.want {
				require.InDelta(t, want.Seconds(), got[n].Seconds(), 0.5)
			}
			require.Equal(t, "n2", activated(t, p, events, 0)[0].Node)
		})
	}
}

func TestAClockStaysWrongThroughACrash(t *testing.T) {
	p := submitting(plan.Fault{Kind: plan.ClockJump, Node: "n2", By: 60 * second, At: 5 * second})
	p.Faults = append(p.Faults, plan.Fault{Kind: plan.Crash, Node: "n2", At: 20 * second, For: second})
	events, _, _ := play(t, p)
	got := submissions(t, events)
	require.Len(t, got, 3)
	require.InDelta(t, 60, got[1].Seconds(), 0.5)
	require.InDelta(t, 0, got[2].Seconds(), 0.5)
}

func TestAFastClockTicksMoreOften(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.ClockDrift, Node: "n2", Drift: 500_000, At: 5 * second})
	events, _, _ := play(t, p)
	passes := map[string]int{}
	for _, e := range between(of(events, trace.Listed), 5*time.Second, 40*time.Second) {
		passes[e.Node]++
	}
	require.Greater(t, passes["n2"], passes["n1"]+5)
	activated(t, p, events, 0)
}

// TestTheTraceTellsTheDriftThatAClockHas: drifts add up to no more than a clock can have.
func TestTheTraceTellsTheDriftThatAClockHas(t *testing.T) {
	p := idle(plan.Fault{Kind: plan.ClockDrift, Node: "n2", Drift: -500_000, At: 5 * second})
	p.Faults = append(p.Faults, plan.Fault{Kind: plan.ClockDrift, Node: "n2", Drift: -200_000, At: 10 * second})
	events, _, _ := play(t, p)
	var drifts, behind []int64
	for _, e := range of(events, trace.ClockSet) {
		drifts = append(drifts, e.Int("drift"))
		behind = append(behind, -e.Int("ahead")/int64(time.Second))
	}
	require.Equal(t, []int64{-500_000, -500_000}, drifts[:2])
	require.Equal(t, int64(2), behind[1], "half of five seconds")
}
