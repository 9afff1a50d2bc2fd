package tasks

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// reindex is a plan in which three nodes change the tokenization of two shards.
func reindex(barrier bool) *taskplan.Plan {
	p := taskplan.Default()
	p.Name = "reindex"
	p.Duration = plan.Duration(60 * time.Second)
	p.SchedulerTick = plan.Duration(2 * time.Second)
	p.Cluster.Raft.CommitTimeout = plan.Duration(200 * time.Millisecond)
	p.Cluster.Raft.SnapshotThreshold = 16
	p.Cluster.Raft.TrailingLogs = 4
	p.Workload = []taskplan.Operation{
		{At: plan.Duration(4 * time.Second), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Articles", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2,
		}},
		{At: plan.Duration(6 * time.Second), Node: "n2", Do: taskplan.AddTask, Task: &taskplan.Task{
			Kind: taskplan.Reindex, ID: "retokenize", Collection: "Articles", Property: "title", Tokenization: "trigram", Barrier: barrier,
			MinUnitTime: plan.Duration(3 * time.Second), MaxUnitTime: plan.Duration(6 * time.Second), Parallel: 1,
		}},
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "retokenize", Status: "FINISHED"},
		{Expect: taskplan.UnitsOnce, Namespace: "reindex", TaskID: "retokenize"},
		{Expect: taskplan.SchemaIs, Collection: "Articles", Property: "title", Tokenization: "trigram"},
		{Expect: taskplan.ShardsAre, Collection: "Articles", Property: "title", Tokenization: "trigram"},
	}
	return &p
}

// play runs a plan with steps in a bubble and returns its events and the verdict.
func play(t *testing.T, p *taskplan.Plan, steps ...cluster.Step) ([]trace.Event, trace.Verdict, cluster.Counters) {
	t.Helper()
	return playOn(t, p, Default(), steps...)
}

// playOn is play with another system.
func playOn(t *testing.T, p *taskplan.Plan, sys System, steps ...cluster.Step) ([]trace.Event, trace.Verdict, cluster.Counters) {
	t.Helper()
	require.NoError(t, p.Validate())
	var b bytes.Buffer
	var verdict trace.Verdict
	var counters cluster.Counters
	synctest.Test(t, func(t *testing.T) {
		rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode(), Engine: "bubble"})
		require.NoError(t, err)
		finish := Judge(p.Encode(), rec)
		c, err := cluster.New(p.Encode(), Application(sys), rec)
		require.NoError(t, err)
		c.Play(steps...)
		c.Stop()
		verdict, counters = finish(), c.Counters()
		_, err = rec.Close(verdict)
		require.NoError(t, err)
	})
	whole, err := trace.Read(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	again, err := property.Trace(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.Equal(t, verdict.Violations, again.Violations, "the trace gives the verdict of the run")
	return whole.Events, verdict, counters
}

func at(d time.Duration, do func(*cluster.Cluster)) cluster.Step { return cluster.Step{At: d, Do: do} }

func crash(node string) func(*cluster.Cluster) {
	return func(c *cluster.Cluster) { c.Node(node).Crash() }
}

func stop(node string) func(*cluster.Cluster) {
	return func(c *cluster.Cluster) { c.Node(node).Stop() }
}

func start(node string) func(*cluster.Cluster) {
	return func(c *cluster.Cluster) { c.Node(node).Start() }
}

func TestAPlanRunsToItsEnd(t *testing.T) {
	events, verdict, counters := play(t, reindex(true))
	require.Empty(t, verdict.Violations)
	require.Equal(t, 3, counters.Starts)
	require.Greater(t, counters.Commands, 10)
	require.GreaterOrEqual(t, counters.Virtual, 60*time.Second)
	count := make(map[trace.Kind]int)
	for _, e := range events {
		count[e.Kind]++
	}
	require.Equal(t, counters.Commands, count[trace.Committed])
	require.Equal(t, 3*counters.Commands, count[trace.Applied], "every node has applied every command")
	require.Equal(t, counters.Commands, count[trace.Replayed])
	require.Positive(t, count[trace.SnapshotTaken])
	require.Equal(t, 3, count[trace.SchedulerClosing])
	require.Equal(t, 3, count[trace.SchedulerClosed])
}

// verdictOf runs a plan in the bubble it is called in.
func verdictOf(t *testing.T, p *taskplan.Plan, sys System) trace.Verdict {
	t.Helper()
	encoded := p.Encode()
	rec, err := trace.NewRecorder(io.Discard, trace.Header{Plan: *encoded})
	require.NoError(t, err)
	verdict, _, err := cluster.Run(encoded, Application(sys), rec, Judge)
	require.NoError(t, err)
	return verdict
}

func TestABrokenPromiseIsAViolation(t *testing.T) {
	p := reindex(false)
	p.Promises = append(p.Promises, taskplan.Promise{Expect: taskplan.NoSwap, Namespace: "reindex", TaskID: "retokenize"})
	synctest.Test(t, func(t *testing.T) {
		verdict := verdictOf(t, p, Default())
		require.False(t, verdict.Passed)
		require.Len(t, verdict.Violations, 1)
		require.Equal(t, "no-swap", verdict.Violations[0].Property)
	})
}

func TestAPlanOfAnotherApplicationIsRefused(t *testing.T) {
	p := reindex(false).Encode()
	p.Application = "counter"
	synctest.Test(t, func(t *testing.T) {
		rec, err := trace.NewRecorder(io.Discard, trace.Header{Plan: *reindex(false).Encode()})
		require.NoError(t, err)
		_, _, err = cluster.Run(p, Application(Default()), rec, func(*plan.Plan, *trace.Recorder) func() trace.Verdict {
			return func() trace.Verdict { return trace.Verdict{Passed: true} }
		})
		require.ErrorContains(t, err, "counter")
	})
}

// The task comes to its end whichever node goes down, whenever, and however.
func TestANodeGoesDownAtAnyTimeAndComesBack(t *testing.T) {
	ends := map[string]func(string) func(*cluster.Cluster){"crash": crash, "shutdown": stop}
	for _, barrier := range []bool{false, true} {
		for how, end := range ends {
			for second := 5; second < 26; second += 3 {
				node := plan.NodeName(1 + second%3)
				name := fmt.Sprintf("%s of %s after %d s, barrier %t", how, node, second, barrier)
				t.Run(name, func(t *testing.T) {
					p := reindex(barrier)
					p.Workload[0].Node, p.Workload[1].Node = node, plan.NodeName(1+(second+1)%3)
					down := time.Duration(second)*time.Second + 137*time.Millisecond
					_, verdict, counters := play(t, p, at(down, end(node)), at(down+4*time.Second, start(node)))
					require.Empty(t, verdict.Violations)
					require.Equal(t, 4, counters.Starts)
				})
			}
		}
	}
}

func TestEveryNodeCrashesAtOnce(t *testing.T) {
	for second := 8; second < 20; second += 2 {
		t.Run(fmt.Sprintf("after %d s", second), func(t *testing.T) {
			var steps []cluster.Step
			for _, do := range []func(string) func(*cluster.Cluster){crash, start} {
				for n := 1; n <= 3; n++ {
					steps = append(steps, at(time.Duration(second)*time.Second, do(plan.NodeName(n))))
				}
				second++
			}
			_, verdict, _ := play(t, reindex(true), steps...)
			require.Empty(t, verdict.Violations)
		})
	}
}

func TestADeadIncarnationDoesNothingMore(t *testing.T) {
	events, _, _ := play(t, reindex(false), at(9*time.Second, crash("n1")), at(20*time.Second, start("n1")))
	var dead bool
	var after, again int
	for _, e := range events {
		switch {
		case e.Node != "n1":
		case e.Incarnation == 1 && dead:
			t.Errorf("%s of the dead incarnation at %s", e.Kind, e.At)
		case e.Kind == trace.NodeStopped && e.Incarnation == 1:
			require.Equal(t, "crash", e.Str("how"))
			dead = true
		case e.Incarnation == 2:
			again++
		}
		if dead {
			after++
		}
	}
	require.True(t, dead)
	require.Positive(t, again, "the next incarnation is at work")
	require.Greater(t, after, again, "and so are the others")
}

func TestANodeThatWasAwayTooLongGetsASnapshot(t *testing.T) {
	events, verdict, _ := play(t, reindex(true), at(5*time.Second, crash("n3")), at(40*time.Second, start("n3")))
	// n3 owns units, so the task waits for it, but for nothing else.
	require.Empty(t, verdict.Violations)
	var restored bool
	for _, e := range events {
		restored = restored || e.Node == "n3" && e.Kind == trace.SnapshotRestored
	}
	require.True(t, restored)
}

func TestAnOperationOnANodeThatIsDownHasNoEffect(t *testing.T) {
	p := reindex(false)
	p.Promises = nil
	events, verdict, _ := play(t, p, at(3*time.Second, crash("n2")))
	require.Empty(t, verdict.Violations)
	var outcome string
	for _, e := range events {
		if e.Kind == trace.Returned && e.Int("op") == 1 {
			outcome = e.Str("outcome")
		}
	}
	require.Equal(t, "error", outcome)
}

func TestGoingDownAndUpTwiceIsGoingDownAndUp(t *testing.T) {
	twice := func(do func(string) func(*cluster.Cluster)) func(*cluster.Cluster) {
		return func(c *cluster.Cluster) { do("n1")(c); do("n1")(c) }
	}
	_, verdict, counters := play(t, reindex(false), at(5*time.Second, twice(crash)), at(7*time.Second, twice(start)),
		at(11*time.Second, twice(stop)), at(12*time.Second, twice(start)))
	require.Empty(t, verdict.Violations)
	require.Equal(t, 5, counters.Starts)
}

func TestOrderWithoutTimeIsKept(t *testing.T) {
	var order []string
	note := func(s string) func(*cluster.Cluster) { return func(*cluster.Cluster) { order = append(order, s) } }
	play(t, reindex(false), at(4*time.Second, note("with the first operation")), at(4500*time.Millisecond, note("between")),
		at(60*time.Second, note("at the end")), at(61*time.Second, note("never")))
	require.Equal(t, []string{"with the first operation", "between", "at the end"}, order)
}
