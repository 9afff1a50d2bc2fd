package counter_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/cluster"
	"dtsim/sim/engine"
	"dtsim/sim/internal/counter"
	"dtsim/sim/plan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

const second = plan.Duration(time.Second)

// adds is a plan in which clients of all nodes add for half a minute.
func adds(bug counter.Bug, faults ...plan.Fault) *plan.Plan {
	p := plan.Default()
	p.Name, p.Duration, p.Faults = "counter", 200*second, faults
	if len(faults) > 0 {
		p.Quiescence = 40 * second
	}
	p.Cluster.Raft.SnapshotThreshold, p.Cluster.Raft.TrailingLogs = 8, 2
	part := counter.Part{Bug: bug}
	for n := range 60 {
		part.Adds = append(part.Adds, counter.Add{At: 3*second + plan.Duration(n)*second/2, Node: plan.NodeName(1 + n%3), N: int64(n + 1)})
	}
	for n := range 3 {
		part.Adds = append(part.Adds, counter.Add{At: 110 * second, Node: plan.NodeName(1 + n), N: 1000})
	}
	return counter.With(p, part)
}

// hostile are faults of every floor below the application.
func hostile() []plan.Fault {
	return []plan.Fault{
		{Kind: plan.Loss, At: 2 * second, For: 20 * second, Rate: 50_000},
		{Kind: plan.Crash, Node: plan.Leader, At: 8 * second, For: 4 * second},
		{Kind: plan.Partition, Nodes: []string{plan.Minority}, At: 15 * second, For: 5 * second},
		{Kind: plan.Crash, Node: "n2", When: &plan.Trigger{Moment: plan.SnapshotBegin}, For: 6 * second},
		{Kind: plan.CallTwice, Op: "add", Rate: 100_000},
		{Kind: plan.Pause, Node: "n3", At: 25 * second, For: 3 * second},
		{Kind: plan.ForceSnapshot, Node: "n1", At: 30 * second, For: 5 * second},
	}
}

// deposed are faults by which leaders append more and more that nobody else gets, and are then deposed.
func deposed() (faults []plan.Fault) {
	for at := 4 * second; at < 30*second; at += 12 * second {
		faults = append(faults,
			plan.Fault{Kind: plan.Loss, Node: plan.Leader, Op: "append", At: at, For: 8 * second},
			plan.Fault{Kind: plan.Partition, Nodes: []string{plan.Leader}, At: at + 5*second, For: 3 * second})
	}
	return faults
}

// inBubble runs a plan and returns its trace.
func inBubble(t *testing.T, p *plan.Plan) *trace.Trace {
	t.Helper()
	require.NoError(t, p.Validate())
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p, Engine: "bubble"})
		require.NoError(t, err)
		verdict, _, err := cluster.Run(p, counter.Application{}, rec, counter.Judge)
		require.NoError(t, err)
		_, err = rec.Close(verdict)
		require.NoError(t, err)
	})
	whole, err := trace.Read(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	return whole
}

func TestTheCounterRunsAndIsChecked(t *testing.T) {
	for name, faults := range map[string][]plan.Fault{"without faults": nil, "with faults": hostile()} {
		t.Run(name, func(t *testing.T) {
			p := adds("", faults...)
			whole := inBubble(t, p)
			require.Empty(t, whole.Footer.Verdict.Violations)
			for _, property := range raftcheck.Properties() {
				if property == "R3" && len(faults) == 0 {
					continue // one node leads all the time
				}
				assert.Positive(t, whole.Footer.Counters[raftcheck.ExercisedPrefix+property], property)
			}
			kinds := make(map[trace.Kind]int)
			for _, e := range whole.Events {
				kinds[e.Kind]++
			}
			assert.Positive(t, kinds[trace.Applied])
			assert.Positive(t, kinds[trace.Replayed])
			assert.Positive(t, kinds[trace.SnapshotReread])
			if len(faults) > 0 {
				assert.Greater(t, kinds[trace.NodeStarted], 3, "nodes crash and come back")
				assert.Positive(t, kinds[trace.SnapshotRestored])
			}
		})
	}
}

func TestDefectsBelowTheApplicationViolateThePropertiesOfRaft(t *testing.T) {
	e := native(t) // in which raft may panic
	for _, c := range []struct {
		bug    counter.Bug
		faults []plan.Fault
		// violated is what the defect contradicts first.
		violated []string
	}{
		{counter.CorruptEntries, nil, []string{"R2", "R4"}},
		{counter.TakeVotes, hostile(), []string{"R3", "R8"}},
		{counter.TakeAppends, deposed(), []string{"R3"}},
		{counter.KeepSuffix, deposed(), []string{"R2"}},
		{counter.LoseEntries, nil, []string{"R5"}},
		{counter.LoseVotes, hostile(), []string{"R5"}},
		{counter.RefuseAll, nil, []string{"R7"}},
		{counter.HoldLock, nil, []string{"R8"}},
	} {
		t.Run(string(c.bug), func(t *testing.T) {
			p := adds(c.bug, c.faults...)
			if c.bug == counter.KeepSuffix {
				p.Cluster.Raft.TrailingLogs = 1000 // or a snapshot replaces what conflicts
			}
			part, err := counter.PartOf(p)
			require.NoError(t, err)
			for n := range 6 { // more to refuse
				part.Adds = append(part.Adds, counter.Add{At: 120*second + plan.Duration(n)*8*second, Node: plan.NodeName(1 + n%3), N: 1})
			}
			whole, err := e.Run(t.Context(), engine.Job{Plan: counter.With(*p, part)})
			require.NoError(t, err)
			found := make(map[string]string)
			for _, v := range whole.Footer.Verdict.Violations {
				if found[v.Property] == "" {
					found[v.Property] = v.Message
				}
			}
			t.Log(found)
			for _, property := range c.violated {
				assert.Contains(t, found, property)
			}
		})
	}
}

// native returns an engine that runs the counter.
func native(t *testing.T) engine.Engine {
	t.Helper()
	e, err := engine.Native(t.Context(), engine.Options{
		Guest: "dtsim/sim/internal/counter/guest", System: []string{"dtsim/sim/internal/counter"}, Judge: counter.Judge,
		Instrument: []string{"github.com/hashicorp/raft"}, Log: func(message string) { t.Log(message) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestTheCounterIsAFunctionOfItsPlan(t *testing.T) {
	e := native(t)
	p := adds("", hostile()...)
	for entropy := range uint64(3) {
		first, err := e.Run(t.Context(), engine.Job{Plan: p, Entropy: entropy})
		require.NoError(t, err)
		require.Empty(t, first.Footer.Verdict.Violations)
		again, err := e.Run(t.Context(), engine.Job{Plan: p, Entropy: entropy})
		require.NoError(t, err)
		require.Equal(t, first.Footer.Hash, again.Footer.Hash)
	}
}

func TestAPlantedDefectIsFoundAndShrunk(t *testing.T) {
	e := native(t)
	p := adds(counter.RestoreAdds, hostile()...)
	oracle := func(ctx context.Context, p *plan.Plan) ([]trace.Violation, error) {
		r, err := e.Run(ctx, engine.Job{Plan: p, Entropy: p.Seed})
		return r.Footer.Verdict.Violations, err
	}
	found, err := oracle(t.Context(), p)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	require.Equal(t, counter.Agreement, found[0].Property)

	r, err := shrink.Shrink(t.Context(), p, shrink.Options{Oracle: oracle, Jobs: 2, Application: counter.Shrinker{}})
	require.NoError(t, err)
	t.Log(r.Statement())
	assert.True(t, r.Minimal)
	assert.Equal(t, counter.Agreement, r.Violation.Property)
	assert.LessOrEqual(t, len(r.Plan.Faults), 3, "of %d", len(p.Faults))
	part, err := counter.PartOf(r.Plan)
	require.NoError(t, err)
	assert.Less(t, len(part.Adds), 12)
	assert.Equal(t, counter.RestoreAdds, part.Bug)
}
