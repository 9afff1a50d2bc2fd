package tasks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// A node without units owes OnTaskCompleted as much as the others: once, whenever it
// goes down (P9).
func TestANodeWithoutUnitsIsToldThatTheTaskHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		crash []plan.Fault
		runs  int
	}{
		"it is away when the task ends": {[]plan.Fault{
			{Kind: plan.Crash, Node: "n4", At: seconds(5), For: seconds(35)}}, 1},
		"it crashes at once": {[]plan.Fault{
			{Kind: plan.Crash, Node: "n4", When: &plan.Trigger{Moment: taskplan.CompleteTask, Node: "n4"}, For: seconds(20)}}, 2},
		"it crashes afterwards, twice": {[]plan.Fault{
			{Kind: plan.Crash, Node: "n4", At: seconds(30), For: seconds(3)}, {Kind: plan.Crash, Node: "n4", At: seconds(38), For: seconds(3)}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := hostile(true, c.crash...)
			p.Cluster.Nodes = 4
			p.Workload[0].Collection.Shards = []string{"s1"}
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			seen := observed{t, events}
			require.Equal(t, "FINISHED", seen.ends())
			require.Zero(t, seen.count(trace.WorkStarted, "n4"))
			require.Equal(t, c.runs, seen.count(trace.CallbackStarted, "n4", "callback=OnTaskCompleted"))
			require.Equal(t, 1, seen.count(trace.CallbackEnded, "n4", "callback=OnTaskCompleted"))
		})
	}
}

// A node that was away while a task with a group per tenant failed, and its record was
// removed, ends with what the others have (P8).
func TestANodeThatComesBackAfterTheRecordIsGoneSettlesItsTenants(t *testing.T) {
	p := hostile(false, plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: taskplan.SwapBegin}, For: seconds(30)})
	p.CompletedTaskTTL = seconds(3)
	p.Workload[0].Collection = &taskplan.Collection{Name: "Articles", Properties: map[string]string{"title": "word"}, Tenants: []string{"t1", "t2"}, Replicas: 2}
	task := p.Workload[1].Task
	task.PerTenant, task.Parallel, task.MinUnitTime, task.MaxUnitTime = true, 2, seconds(1), seconds(2)
	task.SlowUnits, task.FailUnits = []string{"t2__n3"}, []string{"t2__n3"}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "retokenize", Status: "FAILED"},
		{Expect: taskplan.RecordGone, Namespace: "reindex", TaskID: "retokenize"},
		{Expect: taskplan.ShardsAre, Collection: "Articles", Property: "title", Tenant: "t1", Tokenization: "trigram"},
		{Expect: taskplan.ShardsAre, Collection: "Articles", Property: "title", Tenant: "t2", Tokenization: "word"},
		{Expect: taskplan.SchemaIs, Collection: "Articles", Property: "title", Tokenization: "word"},
	}
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	seen := observed{t, events}
	gone := seen.at(trace.TaskChanged, "", "task=retokenize", "status=")
	var swapped time.Duration
	for _, e := range seen.all(trace.ShardChanged, "n1", "why=swapped", "shard=t1") {
		swapped = e.At
	}
	require.Greater(t, swapped, gone, "it could not ask the record")
}

// A task whose owner is gone for good ends by an operator's word, with all replicas
// that are left as they were (P17, P8). Without it, it waits for ever.
func TestATaskWhoseOwnerHasLeftIsGivenUp(t *testing.T) {
	for name, moment := range map[string]plan.Moment{
		"at work": taskplan.Claimed, "while it prepares": taskplan.Prepare, "before it swaps": taskplan.SwapBegin,
		"in the middle of its swap": taskplan.SwapBetweenShards, "before its swap is known": taskplan.PostAckSend,
	} {
		leave := plan.Fault{Kind: plan.Leave, Node: "n2", When: &plan.Trigger{Moment: moment, Node: "n2"}}
		giveUp := plan.Fault{Kind: plan.Operate, At: seconds(30), Do: taskplan.Do(taskplan.Operation{Node: plan.Leader, Do: taskplan.FailTask, Namespace: "reindex", TaskID: "retokenize"})}
		t.Run(name, func(t *testing.T) {
			events, _, _ := play(t, hostile(true, leave))
			require.NotContains(t, []string{"FINISHED", "FAILED", "CANCELLED"}, observed{t, events}.ends())

			events, verdict, _ := play(t, hostile(true, leave, giveUp))
			require.Empty(t, verdict.Violations)
			seen := observed{t, events}
			require.Equal(t, "FAILED", seen.ends())
			require.Equal(t, 2, seen.count(trace.AtRest, "", "what=schema", "tokenization=word"))
			require.Equal(t, 2, seen.count(trace.AtRest, "", "what=shard", "tokenization=word"), "of n1 and n3")
			require.Zero(t, seen.count(trace.AtRest, "", "tokenization=trigram"))
		})
	}
}

func TestAListHasItsTasks(t *testing.T) {
	p := reindex(true)
	p.Workload = append(p.Workload, taskplan.Operation{At: seconds(50), Node: "n3", Do: taskplan.ListTasks})
	events, verdict, _ := play(t, p)
	require.Empty(t, verdict.Violations)
	lists := observed{t, events}.all(trace.Listed, "n3", "op=2")
	require.Len(t, lists, 1)
	list := taskevent.Of(&lists[0]).(*taskevent.Listed)
	tasks, err := list.Tasks()
	require.NoError(t, err)
	require.Len(t, tasks, 1)
	all := map[string]bool{"n1": true, "n2": true, "n3": true}
	digest := tasks[0].Digest
	require.NotEmpty(t, digest)
	require.Equal(t, taskevent.ListedTask{Namespace: "reindex", ID: "retokenize", Version: tasks[0].Version, Status: "FINISHED",
		Claimed: 4, Terminal: 4, Prepared: all, Swapped: all, Digest: digest}, tasks[0])
	require.Equal(t, 50*time.Second, list.Called)
}
