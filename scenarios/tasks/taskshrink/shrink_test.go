package taskshrink

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

func seconds(n float64) plan.Duration { return plan.Duration(n * float64(time.Second)) }

// large is a plan with some of everything.
func large() *taskplan.Plan {
	p := taskplan.Default()
	p.Duration, p.Quiescence = seconds(120), seconds(60)
	p.Cluster.Nodes = 5
	p.Cluster.Network.MaxLatency = seconds(0.0137)
	p.CompletedTaskTTL = seconds(31.5)
	p.Inherited = &taskplan.Inherited{
		Collections: []taskplan.Collection{{Name: "Songs", Properties: map[string]string{"title": "word"}, Shards: []string{"x1", "x2"}, Replicas: 2}},
		Tasks: []taskplan.InheritedTask{
			{Status: "PAUSED", Task: taskplan.Task{Kind: taskplan.Repair, ID: "songs", Collection: "Songs", MinUnitTime: seconds(1.25), Parallel: 1}},
			{Status: "QUEUED", Task: taskplan.Task{Kind: taskplan.Cleanup, ID: "sweep", Files: 3, Parallel: 1}},
		},
	}
	p.Workload = []taskplan.Operation{
		{At: seconds(3), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Books", Properties: map[string]string{"title": "word", "plot": "word"}, Shards: []string{"s1", "s2", "s3"}, Replicas: 3}},
		{At: seconds(4), Node: "n2", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Films", Properties: map[string]string{"title": "word"}, Tenants: []string{"a", "b"}, Replicas: 2}},
		{At: seconds(7.321), Node: "n3", Do: taskplan.AddTask, Retry: 3, Task: &taskplan.Task{Kind: taskplan.Reindex, ID: "books", Collection: "Books",
			Property: "title", Tokenization: "field", Barrier: true, MinUnitTime: seconds(2), MaxUnitTime: seconds(5.5),
			SlowUnits: []string{"s1__n1", "s2__n3"}, Parallel: 2}},
		{At: seconds(8), Node: "n4", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Cleanup, ID: "tidy", Files: 40, MinUnitTime: seconds(1), Parallel: 4}},
		{At: seconds(9), Node: "n5", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Repair, ID: "films", Collection: "Films",
			PerTenant: true, MinUnitTime: seconds(1), Parallel: 1}},
		{At: seconds(20), Node: "n5", Do: taskplan.CancelTask, Namespace: "reindex", TaskID: "books"},
		{At: seconds(30), Node: "n5", Do: taskplan.ListTasks},
		{At: seconds(40), Node: "n2", Do: taskplan.DeleteTenants, Target: "Films", Tenants: []string{"a"}},
	}
	p.Faults = []plan.Fault{
		{Kind: plan.Loss, At: seconds(5), For: seconds(20), Rate: 123_456, Node: "n1"},
		{Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.BarrierLift, About: taskplan.About("reindex", "books"), Nth: 2}, Node: plan.Here, For: seconds(4.2)},
		{Kind: plan.Partition, At: seconds(15), For: seconds(7), Nodes: []string{"n1", "n2"}},
		{Kind: taskplan.CallbackSlow, At: seconds(1), Min: seconds(1), Max: seconds(2.345), Node: "n5"},
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskEnds, Namespace: "cleanup", TaskID: "tidy", Status: "FINISHED"},
		{Expect: taskplan.OperationsEnd, Operations: []int{2, 5}, Outcome: "ok", Exactly: 1},
	}
	return &p
}

// outcome is a result with its plan decoded.
type outcome struct {
	shrink.Result
	Plan *taskplan.Plan
}

func shrunk(ctx context.Context, p *taskplan.Plan, o shrink.Options) (outcome, error) {
	r, err := Shrink(ctx, p.Encode(), o)
	if err != nil {
		return outcome{}, err
	}
	return outcome{r, decoded(r.Plan)}, nil
}

func decoded(p *plan.Plan) *taskplan.Plan {
	t, err := taskplan.Of(p)
	if err != nil {
		panic(err)
	}
	return t
}

// violates makes an oracle that finds P5 in the plans of which a condition is true.
func violates(at func(p *taskplan.Plan) time.Duration, is func(p *taskplan.Plan) bool) shrink.Oracle {
	return func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
		p := decoded(of)
		if !is(p) {
			return nil, nil
		}
		return []trace.Violation{{Property: "P5", Message: "too early", At: at(p)}}, nil
	}
}

func early(*taskplan.Plan) time.Duration   { return 12 * time.Second }
func atEnd(p *taskplan.Plan) time.Duration { return p.Duration.D() }

func submits(p *taskplan.Plan, id string) bool {
	return slices.ContainsFunc(tasks(p), func(t *taskplan.Task) bool { return t.ID == id })
}

func TestWhatDoesNotMatterGoes(t *testing.T) {
	require.NoError(t, large().Validate())
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: violates(early, func(p *taskplan.Plan) bool {
		return submits(p, "books") && slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == plan.Partition })
	})})
	require.NoError(t, err)
	require.True(t, r.Minimal)
	assert.Equal(t, "1 node, 2 operations (1 task with 1 unit), 1 fault, 14s", r.After.String())
	assert.Equal(t, "5 nodes, 8 operations (5 tasks with 60 units), 4 faults, 2m0s", r.Before.String())

	usual := taskplan.Default()
	assert.Equal(t, usual.Cluster.Network, r.Plan.Cluster.Network)
	assert.Equal(t, usual.CompletedTaskTTL, r.Plan.CompletedTaskTTL)
	assert.Empty(t, r.Plan.Promises)
	task := r.Plan.Workload[1].Task
	assert.False(t, task.Barrier)
	assert.Empty(t, task.SlowUnits)
	assert.Equal(t, 1, task.Parallel)
	assert.Zero(t, task.MaxUnitTime)
	assert.Equal(t, "n1", r.Plan.Workload[1].Node)
	assert.Contains(t, r.Statement(), "minimal: 6 elements left; each was removed alone, and P5 was not violated any more")
}

func TestTheGivenPlanStaysAsItIs(t *testing.T) {
	p := large()
	_, err := shrunk(t.Context(), p, shrink.Options{Oracle: violates(early, func(*taskplan.Plan) bool { return true })})
	require.NoError(t, err)
	assert.Equal(t, large(), p)
}

func TestDrawsOfTheFaultsThatAreLeftStayAsTheyWere(t *testing.T) {
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: violates(early, func(p *taskplan.Plan) bool {
		for i := range p.Faults {
			if p.Faults[i].Kind == plan.Partition && p.FaultKey(i) == 3 {
				return true
			}
		}
		return false
	})})
	require.NoError(t, err)
	require.Len(t, r.Plan.Faults, 1)
	assert.Equal(t, uint64(3), r.Plan.FaultKey(0))
}

func TestOneBugDoesNotTurnIntoAnother(t *testing.T) {
	oracle := func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
		p := decoded(of)
		if len(p.Faults) >= 2 {
			return []trace.Violation{{Property: "P5", At: 12 * time.Second}, {Property: "P8", At: 13 * time.Second}}, nil
		}
		return []trace.Violation{{Property: "P8", At: 12 * time.Second}}, nil
	}
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: oracle})
	require.NoError(t, err)
	assert.Equal(t, "P5", r.Violation.Property)
	assert.Len(t, r.Plan.Faults, 2)

	r, err = shrunk(t.Context(), large(), shrink.Options{Oracle: oracle, Property: "P8"})
	require.NoError(t, err)
	assert.Equal(t, "P8", r.Violation.Property)
	assert.Empty(t, r.Plan.Faults)
}

func TestWhatWasSeenBeforeTheEndIsSeenBeforeTheEnd(t *testing.T) {
	// Less than half a minute is too little for the system, so there is a violation at
	// the end of every short run: another one.
	oracle := func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
		p := decoded(of)
		if len(p.Faults) > 0 {
			return []trace.Violation{{Property: "P8", At: 12 * time.Second}}, nil
		}
		return []trace.Violation{{Property: "P8", At: p.Duration.D()}}, nil
	}
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: oracle})
	require.NoError(t, err)
	assert.Len(t, r.Plan.Faults, 1)
	assert.Less(t, r.Violation.At, r.Plan.Duration.D())
}

func TestWhatWasSeenAtTheEndKeepsItsQuietTime(t *testing.T) {
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: violates(atEnd, func(p *taskplan.Plan) bool { return submits(p, "tidy") })})
	require.NoError(t, err)
	assert.Equal(t, time.Minute, quiet(large()))
	assert.GreaterOrEqual(t, quiet(r.Plan), time.Minute)
	assert.Less(t, r.Plan.Duration.D(), 65*time.Second, "what came before it is shorter")
}

func TestAPromiseKeepsItsWorkload(t *testing.T) {
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
		p := decoded(of)
		var found []trace.Violation
		for _, q := range p.Promises {
			if q.Expect == taskplan.TaskEnds {
				found = append(found, trace.Violation{Property: string(q.Expect), At: p.Duration.D()})
			}
		}
		return found, nil
	}})
	require.NoError(t, err)
	assert.Equal(t, large().Workload, r.Plan.Workload)
	assert.Equal(t, large().Promises[:1], r.Plan.Promises)
	assert.Empty(t, r.Plan.Faults)
	assert.Equal(t, 1, r.Elements, "the promise")
}

func TestTheMostTellingViolationIsTheCause(t *testing.T) {
	found := []trace.Violation{{Property: "task-ends"}, {Property: "P2"}, {Property: "P8"}, {Property: "P5"}}
	assert.Equal(t, "P8", Cause(large().Encode(), found).Property)
	assert.Equal(t, "P2", Cause(large().Encode(), found[:2]).Property)
	assert.Equal(t, "task-ends", Cause(large().Encode(), found[:1]).Property)
}

func TestAPlanThatHoldsIsNotShrunk(t *testing.T) {
	holds := violates(early, func(*taskplan.Plan) bool { return false })
	_, err := shrunk(t.Context(), large(), shrink.Options{Oracle: holds})
	require.ErrorIs(t, err, shrink.ErrHolds)
	_, err = shrunk(t.Context(), large(), shrink.Options{Property: "P9", Oracle: violates(early, func(*taskplan.Plan) bool { return true })})
	require.ErrorIs(t, err, shrink.ErrHolds)
	require.ErrorContains(t, err, "it violates P5 and not P9")
	boom := errors.New("boom")
	_, err = shrunk(t.Context(), large(), shrink.Options{Oracle: func(context.Context, *plan.Plan) ([]trace.Violation, error) { return nil, boom }})
	require.ErrorIs(t, err, boom)
}

func TestTheBudgetIsKept(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		for budget := 1; budget < 120; budget += 7 {
			r, err := shrunk(t.Context(), large(), shrink.Options{Jobs: jobs, Budget: budget, Oracle: violates(early, func(p *taskplan.Plan) bool { return submits(p, "tidy") })})
			require.NoError(t, err)
			require.LessOrEqual(t, r.Runs, budget)
			if !r.Minimal {
				require.Contains(t, r.Statement(), "not proven to be minimal")
			}
			require.True(t, submits(r.Plan, "tidy"))
		}
	}
}

func TestAnInterruptedShrinkingGivesTheBestSoFar(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var runs atomic.Int64
	r, err := shrunk(ctx, large(), shrink.Options{Oracle: func(ctx context.Context, _ *plan.Plan) ([]trace.Violation, error) {
		if runs.Add(1) == 5 {
			cancel()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return []trace.Violation{{Property: "P5", At: time.Second}}, nil
	}})
	require.NoError(t, err)
	assert.False(t, r.Minimal)
	assert.Less(t, r.After.Duration, r.Before.Duration)
}

func TestAPlanWithoutAnAnswerIsNeitherAcceptedNorAProof(t *testing.T) {
	r, err := shrunk(t.Context(), large(), shrink.Options{Oracle: func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
		p := decoded(of)
		if len(p.Faults) == 0 {
			return nil, errors.New("the guest crashed")
		}
		return []trace.Violation{{Property: "P5", At: time.Second}}, nil
	}})
	require.NoError(t, err)
	assert.Len(t, r.Plan.Faults, 1)
	assert.False(t, r.Minimal)
	assert.Positive(t, r.Unanswered)
}

func TestTriesAreCountedForEachPass(t *testing.T) {
	var steps []shrink.Step
	r, err := shrunk(t.Context(), large(), shrink.Options{
		Oracle: violates(early, func(p *taskplan.Plan) bool { return submits(p, "tidy") }),
		Watch:  func(s shrink.Step) { steps = append(steps, s) },
	})
	require.NoError(t, err)
	tried, accepted := map[string]int{}, 0
	for _, p := range r.Passes {
		tried[p.Name] = p.Tried
		accepted += p.Accepted
	}
	for _, name := range []string{"duration", "faults", "operations", "nodes", "files", "fields", "times", "proof"} {
		assert.Positive(t, tried[name], name)
	}
	assert.Positive(t, accepted)
	require.NotEmpty(t, steps)
	assert.Equal(t, r.Runs, steps[len(steps)-1].Runs)
	assert.Equal(t, r.After, steps[len(steps)-1].Size)
}
