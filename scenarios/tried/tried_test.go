package tried

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

func TestEveryRowHasACounterOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range Rows() {
		require.NotEmpty(t, r.Case, r)
		require.NotContains(t, r.Part+r.Of, "/", "the counter of %s could not be taken apart", r)
		require.False(t, seen[r.Counter()], "%s stands twice", r)
		seen[r.Counter()] = true
	}
}

func TestEveryAcceptedZeroIsARowAndHasAReason(t *testing.T) {
	all := Rows()
	for _, z := range acceptedZeros {
		require.NotEmpty(t, z.cases, z.of)
		require.GreaterOrEqual(t, len(strings.Fields(z.why)), 5, "%s %s has no reason", z.part, z.of)
		for _, one := range z.cases {
			at := slices.IndexFunc(all, func(r coverage.Possibility) bool { return r.Part == z.part && r.Of == z.of && r.Case == one })
			require.GreaterOrEqual(t, at, 0, "%s %s: there is no case %q", z.part, z.of, one)
			require.Equal(t, z.why, all[at].Accepted)
		}
	}
}

// The value of an option must be of a class that the account lists, whatever the plan.
func TestTheOptionsOfAPlanAreInTheTable(t *testing.T) {
	p := taskplan.Default()
	p.Cluster.Nodes, p.SchedulerTick, p.CompletedTaskTTL = plan.MaxNodes, 1<<60, 1<<60
	p.Cluster.Raft.MaxAppendEntries, p.Cluster.Raft.TrailingLogs = 1024, 1<<40
	p.Faults = []plan.Fault{{Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.Claimed}}, {Kind: plan.Operate, Do: taskplan.Do(taskplan.Operation{Do: taskplan.ListTasks})}}
	p.Workload = []taskplan.Operation{
		{Do: taskplan.CreateCollection, Collection: &taskplan.Collection{Name: "A", Replicas: 7}},
		{Do: taskplan.DropCollection, Target: "a", Within: 1 << 50},
		{Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Reindex, ID: strings.Repeat("x", 80), Collection: "ä", Parallel: 99, Flaw: taskplan.NoUnits}},
		{Do: taskplan.SendStray, Stray: taskplan.Strays()[0]},
		{Do: taskplan.AddTenants, Target: "A", Tenants: []string{"t", "u"}},
	}
	got := counted(New(&p))
	listed := make(map[string]bool)
	for _, r := range Rows() {
		listed[r.Counter()] = true
	}
	for name := range got {
		require.True(t, listed[name], name)
	}
	for _, want := range []string{
		"nodes/more", "fault/crash", "moment of a fault/claim", "operation/list-tasks", "name of a collection/differs from another in case",
		"name of a collection/not of ASCII alone", "id of a task/longer than 64 bytes", "operations at the same time/more", "tenants of an operation/more",
		"flaw of a submission/no-units", "units at once on a node/more", "operator's fault/list-tasks", "deadline of a caller/longer",
	} {
		require.Positive(t, got["tried/option/"+want], want)
	}
}

func counted(o *Observer) map[string]int64 {
	all := make(map[string]int64)
	o.AddTo(all)
	return all
}

// A command counts in the state in which it finds its task, not in the one that it leaves.
func TestACommandCountsInTheStateBeforeIt(t *testing.T) {
	run := taskevent.Run{Namespace: "cleanup", Task: "a", Version: 5}
	commit := func(index uint64, name, verdict, body string) *event.Committed {
		outcome := event.Accepted
		if verdict != "" {
			outcome = "no"
		}
		return &event.Committed{Index: index, Command: name, Outcome: outcome, Verdict: verdict, Body: body}
	}
	const it = `{"namespace":"cleanup","id":"a","version":5`
	events := []trace.Body{
		commit(5, taskevent.CommandAddTask, "", `{"namespace":"cleanup","id":"a","unit_ids":["u"]}`),
		&taskevent.TaskChanged{Run: run, Status: taskevent.Started},
		commit(6, taskevent.CommandAddTask, event.Verdict{Class: event.ClassRetryable, Reason: taskevent.TaskActive}.String(), `{"namespace":"cleanup","id":"a","unit_ids":["u"]}`),
		commit(7, taskevent.CommandUnitCompletion, "", it+`,"unit_id":"u","node_id":"n1","error":"no"}`),
		&taskevent.TaskChanged{Run: run, Status: taskevent.Failed},
		commit(8, taskevent.CommandCancelTask, event.Verdict{Class: event.ClassPermanent, Reason: taskevent.TaskNotRunning}.String(), it+`}`),
		commit(9, taskevent.CommandCancelTask, event.Verdict{Class: event.ClassPermanent, Reason: taskevent.TaskNotExist}.String(), `{"namespace":"cleanup","id":"a","version":4}`),
		commit(10, taskevent.CommandCleanUpTask, "", it+`}`),
		&taskevent.TaskChanged{Run: run, Status: taskevent.Absent},
		commit(11, taskevent.CommandCancelTask, event.Verdict{Class: event.ClassPermanent, Reason: taskevent.TaskNotExist}.String(), it+`}`),
		commit(12, taskevent.CommandUpdateTenants, "", `{"tenants":["t"],"status":"FROZEN"}`),
		&event.Called{Op: 1, Do: "list-tasks"},
		&event.Called{Op: 2, Do: "cancel-task"},
		&event.Returned{Op: 2, Do: "cancel-task", Outcome: event.Ambiguous},
		&taskevent.CallbackEnded{Callback: taskevent.Callback{Name: taskevent.TaskCompleted, Run: run, Status: "SWAPPING"}, Error: "no", Result: taskevent.CallbackPanicked},
		&event.RunEnded{},
	}
	p := taskplan.Default()
	o, log := New(&p), projection.NewLog()
	clear(o.counts)
	for i, b := range events {
		e := trace.Event{Seq: i + 1, Kind: b.Kind(), Body: b}
		log.Take(&e)
		o.Take(&e, log)
	}
	require.Equal(t, map[string]int64{
		"tried/command/DISTRIBUTED_TASK_ADD/accepted, no record":                              1,
		"tried/command/DISTRIBUTED_TASK_ADD/rejected for now, STARTED":                        1,
		"tried/command/DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED of a failure/accepted, STARTED": 1,
		"tried/command/DISTRIBUTED_TASK_CANCEL/rejected permanently, FAILED":                  1,
		"tried/command/DISTRIBUTED_TASK_CANCEL/rejected permanently, another run on record":   1,
		"tried/command/DISTRIBUTED_TASK_CLEAN_UP whatever its age/accepted, FAILED":           1,
		"tried/command/DISTRIBUTED_TASK_CANCEL/rejected permanently, no record":               1,
		"tried/command/UPDATE_TENANTS to frozen/accepted, no record":                          1,
		"tried/call/list-tasks/no answer":                                                     1,
		"tried/call/cancel-task/ambiguous":                                                    1,
		"tried/callback/OnTaskCompleted/panicked, SWAPPING":                                   1,
	}, counted(o))
}
