package tracecheck_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/scenarios/tracecheck"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/traceedit"
)

// everything is a run in which a scheduler does everything that it can do: a barrier reindex
// that finishes, one per tenant, a repair that is cancelled, a cleanup that runs twice,
// a node that crashes and comes back to ended tasks, records and local state that go.
func everything() *taskplan.Plan {
	second := func(n float64) plan.Duration { return plan.Duration(n * float64(time.Second)) }
	p := taskplan.Default()
	p.Name = "story" // as in the kept trace
	p.Duration = second(80)
	p.Quiescence = second(30)
	p.SchedulerTick = second(2)
	p.CompletedTaskTTL = second(30)
	task := func(t taskplan.Task) *taskplan.Task {
		t.MinUnitTime, t.Parallel = second(2), 1
		return &t
	}
	p.Workload = []taskplan.Operation{
		{At: second(4), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Articles", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2}},
		{At: second(4.3), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Rooms", Properties: map[string]string{"title": "word"}, Tenants: []string{"t1", "t2"}, Replicas: 3}},
		{At: second(4.6), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Notes", Properties: map[string]string{"title": "word"}, Shards: []string{"s1"}, Replicas: 3}},
		{At: second(6), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{
			Kind: taskplan.Reindex, ID: "barrier", Collection: "Articles", Property: "title", Tokenization: "trigram", Barrier: true})},
		{At: second(6.5), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{
			Kind: taskplan.Reindex, ID: "tenants", Collection: "Rooms", Property: "title", Tokenization: "field", PerTenant: true})},
		{At: second(7), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Cleanup, ID: "files", Files: 6})},
		{At: second(7.5), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Repair, ID: "cancelled", Collection: "Notes"})},
		{At: second(9), Node: "n1", Do: taskplan.CancelTask, Namespace: "repair", TaskID: "cancelled"},
		{At: second(30), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Cleanup, ID: "files", Files: 3})},
	}
	p.Faults = []plan.Fault{{Kind: plan.Crash, Node: "n3", At: second(25), For: second(2)}}
	return &p
}

// read are the events of the kept run, once it has been read.
var read []trace.Event

// kept is one trace of the run, so that what is edited in it is the same every time:
// outside of the engines the order of what happens at once is not determined.
// UPDATE_GOLDEN=1 keeps a new one.
const kept = "testdata/everything.trace.jsonl.zst"

func events(t *testing.T) []trace.Event {
	t.Helper()
	if read == nil {
		read = taskstest.Read(t, taskstest.Kept(t, kept, everything())).Events
	}
	return slices.Clone(read)
}

// check follows a sequence of events.
func check(all []trace.Event) *tracecheck.Observer {
	o := tracecheck.New(everything())
	for i, e := range all {
		e.Seq = i + 1
		o.Observe(e)
	}
	return o
}

func TestARunOfEverythingHasNoDivergence(t *testing.T) {
	now := taskstest.Trace(t, everything())
	require.Empty(t, now.Footer.Verdict.Violations)
	require.Empty(t, check(now.Events).Divergences(), "as it runs now")
	all := events(t)
	o := check(all)
	require.Empty(t, o.Divergences())
	require.Zero(t, o.Counters()["tracecheck/too-many"])
	for _, kind := range []trace.Kind{
		trace.StartAsked, trace.HandleTerminated, trace.RecoveryAsked, trace.LocalStateRemoved, trace.CallbackEnded,
	} {
		require.GreaterOrEqual(t, slices.IndexFunc(all, is(kind)), 0, kind)
	}
}

// script edits a sequence of events.
type script = traceedit.Script

var is, find, set, drop, edit = traceedit.Is, traceedit.Find, traceedit.Set, traceedit.DropFirst, traceedit.Edit

// copied puts a copy of the first event that matches, with other fields, behind the
// first one that another matches, and on the node of that.
func copied(match, behind func(trace.Event) bool, fields ...trace.Field) script {
	return func(all []trace.Event) []trace.Event {
		e := set(func(e trace.Event) bool { return true }, fields...)([]trace.Event{all[find(all, match)]})[0]
		i := find(all, behind)
		e.At, e.Node, e.Incarnation = all[i].At, all[i].Node, all[i].Incarnation
		return slices.Insert(all, i+1, e)
	}
}

// exchanged lets the first events that match change places.
func exchanged(a, b func(trace.Event) bool) script {
	return func(all []trace.Event) []trace.Event {
		i, j := find(all, a), find(all, b)
		all[i], all[j] = all[j], all[i]
		all[i].At, all[j].At = all[j].At, all[i].At
		return all
	}
}

// later lets the first event that matches happen where another one has.
func later(match, behind func(trace.Event) bool) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, match)
		e := all[i]
		all = slices.Delete(all, i, i+1)
		j := i + find(all[i:], behind)
		e.At = all[j].At
		return slices.Insert(all, j+1, e)
	}
}

const postAck = "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK"

// edited are traces in which something is not as the model has it, and what the message of
// the divergence must contain.
var edited = []struct {
	name    string
	script  script
	message string
}{
	{"a worker is started without a decision", copied(is(trace.StartAsked, "task=barrier", "node=n1"), is(trace.HandleStarted, "task=barrier", "node=n1")), "Start v"},
	{"a worker is not started", drop(is(trace.StartAsked, "task=barrier", "node=n1")), "the end of Start"},
	{"a worker is not even asked for", func(all []trace.Event) []trace.Event {
		return slices.DeleteFunc(all, func(e trace.Event) bool {
			return e.Node == "n1" && e.Str("task") == "barrier" && e.Kind != trace.Committed && e.Kind != trace.Proposed
		})
	}, "nothing has happened, and the model would have allowed: Start"},
	{"a handle comes from nowhere", drop(is(trace.StartAsked, "task=files", "node=n2")), "the end of Start"},
	{"a cancelled worker is not terminated", drop(is(trace.HandleTerminated, "task=cancelled", "node=n1")), "Terminate"},
	{"a worker is terminated for no reason", copied(is(trace.HandleStarted, "task=barrier", "node=n1"), is(trace.WorkStarted, "task=barrier", "node=n1")), "the end of Start"},
	{"a callback is left out", func(all []trace.Event) []trace.Event {
		return slices.DeleteFunc(all, func(e trace.Event) bool {
			return (e.Kind == trace.CallbackStarted || e.Kind == trace.CallbackEnded) && e.Node == "n1" && e.Str("task") == "barrier" && e.Str("callback") == "OnSwapRequested"
		})
	}, "Swap"},
	{"a callback begins twice", copied(is(trace.CallbackStarted, "task=barrier", "callback=OnSwapRequested"), is(trace.CallbackEnded, "task=barrier", "callback=OnSwapRequested")), "OnSwapRequested"},
	{"a callback never ends, and the next thing is done", drop(is(trace.CallbackEnded, "task=barrier", "callback=OnGroupCompleted", "node=n1")), "AckPreparation"},
	{"groups are called in another order", exchanged(
		is(trace.CallbackStarted, "task=tenants", "callback=OnGroupCompleted", "group=t1", "node=n1"),
		is(trace.CallbackStarted, "task=tenants", "callback=OnGroupCompleted", "group=t2", "node=n1")), "OnGroupCompleted"},
	{"a callback gets other units", edit(is(trace.CallbackStarted, "task=barrier", "callback=OnGroupCompleted", "node=n1"), "units", "[\"", "[\"x"), "OnGroupCompleted"},
	{"a callback sees another status", set(is(trace.CallbackStarted, "task=barrier", "callback=OnSwapRequested", "node=n1"), trace.Str("status", "PREPARING")), "in PREPARING"},
	{"the swap comes before the preparation", exchanged(
		is(trace.CallbackStarted, "task=barrier", "callback=OnGroupCompleted", "node=n1"),
		is(trace.CallbackStarted, "task=barrier", "callback=OnSwapRequested", "node=n1")), "OnSwapRequested"},
	{"a callback failed, and its ack is a success", set(is(trace.CallbackEnded, "task=barrier", "callback=OnGroupCompleted", "node=n1"), trace.Str("error", "broken")), "success=true"},
	{"an ack is left out", drop(is(trace.Called, "do=ack-preparation", "task=barrier", "node=n1")), "AckPreparation"},
	{"an ack is late", later(is(trace.Called, "do=ack-preparation", "task=barrier", "node=n1"), is(trace.Returned, "do=ack-preparation", "node=n1")), "AckPreparation"},
	{"an ack is invented", copied(is(trace.Called, "do=ack-swap", "task=barrier", "node=n1"), is(trace.CallbackStarted, "task=barrier", "callback=OnSwapRequested", "node=n1"), trace.Int("op", 90_000)), "AckPost"},
	{"an ack has another content than was decided", set(is(trace.Called, "do=ack-swap", "task=barrier", "node=n1"), trace.Bool("success", false)), "success=false"},
	{"an ack is sent twice", copied(is(trace.Called, "do=ack-swap", "task=barrier", "node=n1"), is(trace.Returned, "do=ack-swap", "node=n1"), trace.Int("op", 90_000)), "AckPost"},
	{"the answer to an ack never comes, and the scheduler goes on", drop(is(trace.Returned, "do=ack-swap", "node=n1")), "OnTaskCompleted"},
	{"a task is finalized too early", later(is(trace.CallbackEnded, "task=barrier", "callback=OnTaskCompleted"), is(trace.Called, "do=finalize-task", "task=barrier")), "Finalize"},
	{"a record is removed before its time", copied(is(trace.Called, "do=clean-up-task", "task=barrier"), is(trace.CallbackEnded, "task=barrier", "callback=OnTaskCompleted", "node=n2"), trace.Int("op", 90_000)), "CleanRecord"},
	{"local state is removed that is needed", copied(is(trace.LocalStateRemoved, "task=barrier", "node=n1"), is(trace.WorkStarted, "task=barrier", "node=n1")), "CleanLocal"},
	{"a provider is not asked about a task that had ended", drop(is(trace.RecoveryAsked, "task=barrier", "node=n3")), "AskRecovered"},
	{"a provider returns something else of its part", set(is(trace.RecoveryAsked, "task=barrier", "node=n3"), trace.Bool("done", false)), "Swap"},
	{"a list is hidden", func(all []trace.Event) []trace.Event {
		end := find(all, is(trace.StartAsked, "task=barrier", "node=n1"))
		for i := end; ; i-- {
			if is(trace.Listed, "node=n1")(all[i]) {
				return slices.Delete(all, i, i+1)
			}
		}
	}, "Start"},
	{"a list shows what never was", func(all []trace.Event) []trace.Event {
		return edit(func(e trace.Event) bool {
			return e.Kind == trace.Listed && strings.Contains(e.Str("contents"), `"digest":"`)
		}, "contents", `"digest":"`, `"digest":"f`)(all)
	}, "a state that the log never had"},
	{"a unit is reported without a worker", copied(is(trace.Called, "do=complete-unit", "task=barrier", "node=n1"), is(trace.CallbackEnded, "task=barrier", "callback=OnSwapRequested", "node=n1"), trace.Int("op", 90_000)), "no worker of it is alive"},
	{"a schema is flipped without a callback", copied(is(trace.Called, "do=flip-property", "task=barrier"), is(trace.CallbackStarted, "task=barrier", "callback=OnSwapRequested"), trace.Int("op", 90_000)), "flip-property"},
	{"a call is repeated that was never made", copied(is(trace.Called, "do=ack-swap", "task=barrier", "node=n1"), is(trace.CallbackStarted, "task=barrier", "callback=OnGroupCompleted"), trace.Int("op", 90_000), trace.Bool("resent", true)), "never was made before"},
	{"a call of a kind that the model does not know", copied(is(trace.Called, "do=ack-swap", "task=barrier", "node=n1"), is(trace.WorkStarted, "task=barrier"), trace.Int("op", 90_000), trace.Str("do", "restart-task")), "a call that no part of the model makes"},
	{"a node that is no more takes a step", func(all []trace.Event) []trace.Event {
		i, j := find(all, is(trace.Called, "do=ack-swap", "task=barrier", "node=n3")), find(all, is(trace.RecoveryAsked, "node=n3"))
		e := all[i]
		e.At = all[j].At
		return slices.Insert(all, j+1, e)
	}, "an incarnation that is not"},
	{"a command comes from nowhere", set(is(trace.Committed, "command="+postAck), trace.Str("client", "n9#1")), "no call has sent it"},
	{"a command is of another node than its call", edit(is(trace.Committed, "command="+postAck), "body", `"node_id":"n`, `"node_id":"x`), "no call was to have this content"},
	{"a command has another content than its call", edit(is(trace.Committed, "command="+postAck), "body", `"success":true`, `"error":"no"`), "no call was to have this content"},
	{"a command is of another run than its call", edit(is(trace.Committed, "command="+postAck), "body", `"version":`, `"version":9`), "it was sent for version"},
	{"a command is of another task than its call", edit(is(trace.Committed, "command="+postAck), "body", `"id":"`, `"id":"x`), "it was sent for"},
	{"a command is of another kind than its call", set(is(trace.Committed, "command="+postAck), trace.Str("command", "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK")), "it was sent as ack-swap"},
	{"a cancel that no operator has asked for", drop(is(trace.Called, "do=cancel-task")), "no call has sent it"},
}

func TestEveryKindOfDivergenceIsFound(t *testing.T) {
	for _, d := range edited {
		t.Run(d.name, func(t *testing.T) {
			found := check(d.script(events(t))).Divergences()
			require.NotEmpty(t, found)
			as := slices.ContainsFunc(found, func(of tracecheck.Divergence) bool { return strings.Contains(of.Message, d.message) })
			require.True(t, as, "%v", found)
			require.NotEmpty(t, found[0].Events)
		})
	}
}

func TestWhatFaultsDoToCallsIsNoDivergence(t *testing.T) {
	ack := is(trace.Called, "do=ack-swap", "task=barrier", "node=n1")
	all := copied(ack, is(trace.Returned, "do=ack-swap", "node=n1"), trace.Int("op", 90_000), trace.Bool("resent", true))(events(t))
	require.Empty(t, check(all).Divergences())
}
