package taskshrink

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// hostile is a plan in which one fault of many brings the planted defect to light.
func hostile() *taskplan.Plan {
	p := taskplan.Default()
	p.Name, p.Seed = "planted", 3
	p.Duration, p.Quiescence = seconds(60), seconds(40)
	p.Workload = []taskplan.Operation{
		{At: seconds(2), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Books", Properties: map[string]string{"title": "word", "plot": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2}},
		{At: seconds(4), Node: "n2", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Reindex, ID: "books", Collection: "Books",
			Property: "title", Tokenization: "field", MinUnitTime: seconds(2), Parallel: 2}},
		{At: seconds(5), Node: "n3", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Cleanup, ID: "tidy", Files: 12, MinUnitTime: seconds(1), Parallel: 2}},
		{At: seconds(30), Node: "n3", Do: taskplan.ListTasks},
	}
	p.Faults = []plan.Fault{
		{Kind: plan.Loss, At: seconds(3), For: seconds(10), Rate: 50_000},
		{Kind: plan.ClockOffset, At: seconds(1.234), For: seconds(20), Node: "n3", By: seconds(3600)},
		{Kind: plan.Crash, At: seconds(9), For: seconds(3), Node: "n1"},
		{Kind: plan.Delay, At: seconds(5), For: seconds(10), Rate: 100_000, Max: seconds(0.1)},
	}
	return &p
}

func TestAPlantedDefectIsShrunkByTheRealEngine(t *testing.T) {
	e, err := engine.Native(t.Context(), engine.Options{Guest: "./testdata/guest", Log: func(words string) { t.Log(words) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	oracle := func(ctx context.Context, p *plan.Plan) ([]trace.Violation, error) {
		r, err := e.Run(ctx, engine.Job{Plan: p, Entropy: p.Seed})
		return r.Footer.Verdict.Violations, err
	}
	r, err := Shrink(t.Context(), hostile().Encode(), shrink.Options{Oracle: oracle, Jobs: 2})
	require.NoError(t, err)
	t.Logf("%s\n%s\n%s\n%s", r.Before, r.After, r.Statement(), plan.Encode(r.Plan))

	assert.Equal(t, "P1", r.Violation.Property)
	assert.True(t, r.Minimal)
	require.Len(t, r.Plan.Faults, 1)
	assert.Equal(t, plan.ClockOffset, r.Plan.Faults[0].Kind)
	assert.Len(t, decoded(r.Plan).Workload, 1, "one command is enough")
	assert.LessOrEqual(t, r.Plan.Cluster.Nodes, 2)

	alone, err := Shrink(t.Context(), hostile().Encode(), shrink.Options{Oracle: oracle, Jobs: 1})
	require.NoError(t, err)
	assert.Equal(t, string(plan.Encode(r.Plan)), string(plan.Encode(alone.Plan)))
	assert.Equal(t, r.Runs, alone.Runs)
}
