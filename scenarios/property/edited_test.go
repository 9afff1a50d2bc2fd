package property_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/traceedit"
)

// everything is a run in which everything happens that a check looks at: a barrier reindex
// that finishes, one per tenant that does, a cleanup that fails, a repair that is
// cancelled, and a collection that is dropped.
func everything() *taskplan.Plan {
	second := func(n float64) plan.Duration { return plan.Duration(n * float64(time.Second)) }
	p := taskplan.Default()
	p.Name = "story"
	p.Duration = second(80)
	p.SchedulerTick = second(2)
	p.CompletedTaskTTL = second(20)
	p.Cluster.Raft.SnapshotThreshold = 16
	p.Cluster.Raft.TrailingLogs = 8
	task := func(t taskplan.Task) *taskplan.Task {
		t.MinUnitTime, t.Parallel = second(2), 1
		return &t
	}
	p.Workload = []taskplan.Operation{
		{At: second(4), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Articles", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2}},
		{At: second(4.5), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Rooms", Properties: map[string]string{"title": "word"}, Tenants: []string{"t1", "t2"}, Replicas: 2}},
		{At: second(4.7), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Notes", Properties: map[string]string{"title": "word"}, Shards: []string{"s1"}, Replicas: 2}},
		{At: second(6), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{
			Kind: taskplan.Reindex, ID: "barrier", Collection: "Articles", Property: "title", Tokenization: "trigram", Barrier: true})},
		{At: second(6.5), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{
			Kind: taskplan.Reindex, ID: "tenants", Collection: "Rooms", Property: "title", Tokenization: "field", PerTenant: true, SlowUnits: []string{"t1__n1"}})},
		{At: second(7), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Cleanup, ID: "fails", Files: 6, FailUnits: []string{"file-0003"}})},
		{At: second(7.5), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Repair, ID: "cancelled", Collection: "Notes"})},
		{At: second(8), Node: "n1", Do: taskplan.CancelTask, Namespace: "repair", TaskID: "cancelled"},
		{At: second(9), Node: "n1", Do: taskplan.UpdateProperty, Target: "Articles", Property: "title", Tokenization: "field"},
		{At: second(13), Node: "n1", Do: taskplan.DropCollection, Target: "Notes"},
		{At: second(62), Node: "n1", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Cleanup, ID: "late", Files: 3})},
		{At: second(66), Node: "n1", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Cleanup, ID: "opaque", Files: 3, Flaw: taskplan.PayloadCutOff})},
		{At: second(67), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Repair, ID: "unread", Collection: "Rooms", Flaw: taskplan.PayloadNull})},
		{At: second(67.5), Node: "n2", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Repair, ID: "unitless", Collection: "Rooms", Flaw: taskplan.NullUnit})},
		{At: second(68), Node: "n3", Do: taskplan.AddTask, Task: task(taskplan.Task{Kind: taskplan.Repair, ID: "nowhere", Collection: "Rooms", Flaw: taskplan.UnknownCollection})},
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "barrier", Status: "FINISHED"},
		{Expect: taskplan.UnitsOnce, Namespace: "reindex", TaskID: "barrier"},
		{Expect: taskplan.CallbacksOnce, Namespace: "reindex", TaskID: "barrier"},
		{Expect: taskplan.SwapsOnce, Namespace: "reindex", TaskID: "barrier"},
		{Expect: taskplan.GroupsEarly, Namespace: "reindex", TaskID: "tenants"},
		{Expect: taskplan.NoSwap, Namespace: "repair", TaskID: "cancelled"},
		{Expect: taskplan.RecordGone, Namespace: "cleanup", TaskID: "fails"},
		{Expect: taskplan.OperationsEnd, Operations: []int{8}, Outcome: "rejected"},
		{Expect: taskplan.OperationsEnd, Operations: []int{3, 8}, Outcome: "ok", Exactly: 1},
		{Expect: taskplan.SchemaIs, Collection: "Articles", Property: "title", Tokenization: "trigram"},
		{Expect: taskplan.ShardsAre, Collection: "Rooms", Tenant: "t2", Property: "title", Tokenization: "field"},
		{Expect: taskplan.CollectionGone, Collection: "Notes"},
	}
	return &p
}

// keptTrace is the trace of the run, once it has been read, and keptEvents its events.
var (
	keptTrace  []byte
	keptEvents []trace.Event
)

// keptFile holds one trace of the run, so that what is edited in it is the same every
// time: outside of the engines the order of what happens at once is not determined.
// UPDATE_GOLDEN=1 keeps a new one.
const keptFile = "testdata/everything.trace.jsonl.zst"

func events(t *testing.T) []trace.Event {
	t.Helper()
	if keptTrace == nil {
		keptTrace = taskstest.Kept(t, keptFile, everything())
		keptEvents = taskstest.Read(t, keptTrace).Events
	}
	return slices.Clone(keptEvents)
}

// judge returns the violations in a sequence of events.
func judge(p *taskplan.Plan, all []trace.Event) []trace.Violation {
	return judgeBy(property.Own, p, all)
}

// judgeBy is judge by a profile.
func judgeBy(by *property.Profile, p *taskplan.Plan, all []trace.Event) []trace.Violation {
	o := property.New(p, by)
	for _, e := range all {
		o.Observe(e)
	}
	return o.Verdict().Violations
}

// script edits a sequence of events.
type script = traceedit.Script

var is, find, set, drop, edit = traceedit.Is, traceedit.Find, traceedit.Set, traceedit.DropAll, traceedit.Edit

// again puts a copy of the first event that matches behind the first one that another
// matches.
func again(match, behind func(trace.Event) bool) script {
	return func(all []trace.Event) []trace.Event {
		copied := all[find(all, match)]
		i := find(all, behind)
		copied.At = all[i].At
		return slices.Insert(all, i+1, copied)
	}
}

// then does one thing after the other.
func then(scripts ...script) script {
	return func(all []trace.Event) []trace.Event {
		for _, s := range scripts {
			all = s(all)
		}
		return all
	}
}

// barrierRun are the fields that name the run of the task "barrier".
func barrierRun(all []trace.Event) []trace.Field { return fieldsOf(all, "barrier") }

// commit inserts an accepted command behind an event, and with a status what it left
// of the task "barrier".
func commit(behind func(trace.Event) bool, command, body, status string) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, behind)
		added := []trace.Event{{At: all[i].At, Node: "n1", Incarnation: 1, Kind: trace.Committed, Fields: []trace.Field{
			trace.Uint("index", 100_000), trace.Uint("term", 2), trace.Str("command", command), trace.Str("class", "Articles"),
			trace.Str("outcome", "ok"), trace.Str("body", body),
		}}}
		if status != "" {
			added = append(added, trace.Event{At: all[i].At, Node: "n1", Incarnation: 1, Kind: trace.TaskChanged,
				Fields: append(barrierRun(all), trace.Str("status", status))})
		}
		return slices.Insert(all, i+1, added...)
	}
}

// twice repeats a committed command together with what it left. Between the two there
// may be events of the network, which go their own way into the trace.
func twice(match func(trace.Event) bool) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, match)
		left := i + find(all[i:], is(trace.TaskChanged))
		return slices.Insert(all, left+1, all[i], all[left])
	}
}

// rest inserts what a node holds at the end.
func rest(what string, fields ...trace.Field) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, is(trace.AtRest))
		e := all[i]
		e.Fields = append([]trace.Field{trace.Str("what", what)}, fields...)
		return slices.Insert(all, i+1, e)
	}
}

// restOfBarrier inserts a record or local state of the task "barrier".
func restOfBarrier(what, status string) script {
	return func(all []trace.Event) []trace.Event {
		return rest(what, append(barrierRun(all), trace.Str("status", status))...)(all)
	}
}

// conflicting is the command that adds another task for the data of "barrier".
func conflicting() string {
	payload, err := json.Marshal(provider.NewPayload(taskplan.Task{
		Kind: taskplan.Reindex, ID: "other", Collection: "articles", Property: "title", Tokenization: "field",
	}, nil))
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(api.AddDistributedTaskRequest{Namespace: "reindex", Id: "other", Payload: payload, UnitIds: []string{"u"}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// mistake is an edit of the run that violates a property.
type mistake struct {
	property string
	edit     script
}

// mistakes are mistakes of which each violates a property of [property.Own], by their names.
func mistakes() map[string]mistake {
	barrierSwap := is(trace.CallbackStarted, "callback=OnSwapRequested")
	firstWork := is(trace.WorkStarted, "task=barrier")
	flip := is(trace.Committed, "command=UPDATE_PROPERTY", "outcome=ok", "body=barrier")
	finished := is(trace.TaskChanged, "task=barrier", "status=FINISHED")
	return map[string]mistake{
		"a replica has another state":                  {"P1", set(is(trace.Applied, "node=n2", "command=DISTRIBUTED_TASK_ADD"), trace.Str("state", "other"))},
		"a replica gives another verdict":              {"P1", set(is(trace.Applied, "node=n3", "command=DISTRIBUTED_TASK_ADD"), trace.Str("outcome", "no"))},
		"a replica applies another entry":              {"P1", set(is(trace.Applied, "node=n3", "command=DISTRIBUTED_TASK_ADD"), trace.Uint("sum", 1))},
		"a duplicate is one on one replica only":       {"P1", set(is(trace.Applied, "node=n1", "command=DISTRIBUTED_TASK_ADD"), trace.Uint("first", 1))},
		"an index is applied twice":                    {"P1", again(is(trace.Applied, "node=n1"), is(trace.Applied, "node=n1"))},
		"a snapshot holds another state":               {"P1", set(is(trace.SnapshotTaken), trace.Str("hash", "other"))},
		"a snapshot comes back as another state":       {"P1", set(is(trace.SnapshotReread), trace.Str("hash", "other"))},
		"the replay of the log comes to another state": {"P1", set(is(trace.Replayed), trace.Str("state", "other"))},
		"the replay of the log gives another verdict":  {"P1", set(is(trace.Replayed), trace.Str("outcome", "other"))},
		"a node ends with another state":               {"P1", set(is(trace.AtRest, "what=state", "node=n2"), trace.Str("hash", "other"))},

		"a task leaves PREPARING for FINISHED":   {"P3", set(is(trace.TaskChanged, "task=barrier", "status=SWAPPING"), trace.Str("status", "FINISHED"))},
		"a rejected command changes a task":      {"P3", set(is(trace.Committed, "command=DISTRIBUTED_TASK_CANCEL"), trace.Str("outcome", "no"))},
		"a terminal task moves":                  {"P3", commit(finished, "DISTRIBUTED_TASK_MARK_FAILED", `{}`, "FAILED")},
		"an active task is replaced":             {"P3", commit(firstWork, "DISTRIBUTED_TASK_ADD", `{"namespace":"reindex","id":"barrier"}`, "")},
		"a task leaves STARTED with units open":  {"P3", set(is(trace.TaskChanged, "task=barrier", "unit_status=COMPLETED"), trace.Str("status", "PREPARING"))},
		"a task stays STARTED without open ones": {"P3", set(is(trace.TaskChanged, "task=barrier", "status=PREPARING"), trace.Str("status", "STARTED"))},
		"a task skips its preparation":           {"P3", set(is(trace.TaskChanged, "task=barrier", "status=PREPARING"), trace.Str("status", "SWAPPING"))},
		"a record that was removed is back":      {"P3", restOfBarrier("record", "FAILED")},
		"a record ends with another status":      {"P3", set(is(trace.AtRest, "what=record", "task=late"), trace.Str("status", "FAILED"))},
		"a record comes from nowhere":            {"P3", set(is(trace.AtRest, "what=record"), trace.Str("task", "other"))},

		"a unit changes its owner":            {"P4", set(is(trace.TaskChanged, "task=barrier", "unit_status=COMPLETED"), trace.Str("owner", "n9"))},
		"a unit's progress falls":             {"P4", set(is(trace.TaskChanged, "task=barrier", "unit_status=COMPLETED"), trace.Str("progress", "-1"))},
		"a completion leaves a unit at work":  {"P4", set(is(trace.TaskChanged, "task=barrier", "unit_status=COMPLETED"), trace.Str("unit_status", "IN_PROGRESS"))},
		"a terminal unit is completed again":  {"P4", twice(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED", "body=barrier"))},
		"a terminal unit has no owner":        {"P4", set(is(trace.TaskChanged, "task=fails", "unit_status=FAILED"), trace.Str("owner", ""))},
		"a rejected command changes a unit":   {"P4", set(is(trace.Committed, "command=DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS"), trace.Str("outcome", "no"))},
		"a node swaps before others prepared": {"P5", again(barrierSwap, firstWork)},
		"the barrier lifts without all acks":  {"P5", drop(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK", `body="node_id":"n2"`))},
		"a node swaps without a barrier":      {"P5", set(is(trace.CallbackStarted, "task=tenants", "callback=OnGroupCompleted"), trace.Str("callback", "OnSwapRequested"))},

		"a group completes with units open":                {"P6", again(is(trace.CallbackStarted, "task=tenants", "group=t1"), is(trace.WorkStarted, "task=tenants"))},
		"a group completes with other units":               {"P6", set(is(trace.CallbackStarted, "task=tenants"), trace.Str("units", `["t9__n1"]`))},
		"a group completes on a node without one":          {"P6", set(is(trace.CallbackStarted, "task=tenants"), trace.Str("units", `[]`), trace.Str("group", "t9"))},
		"a callback comes for a task that was never added": {"P6", set(is(trace.CallbackStarted, "task=tenants"), trace.Str("task", "other"))},

		"a task finishes without an ack":         {"P7", drop(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK", "body=barrier", `body="node_id":"n2"`))},
		"a failed ack leaves a task as it is":    {"P7", edit(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK", "body=barrier"), "body", `"success":true`, `"success":false`)},
		"the schema flips too early":             {"P8", again(flip, firstWork)},
		"a task finishes and nothing flips":      {"P8", drop(flip)},
		"the flip sets another tokenization":     {"P8", set(flip, trace.Str("class", "Rooms"))},
		"a tenant at work keeps its swap":        {"P8", again(is(trace.Committed, "command=UPDATE_PROPERTY", "outcome=ok", `body="tenants":["t2"]`), is(trace.WorkStarted, "task=tenants"))},
		"a shard serves something else":          {"P8", set(is(trace.AtRest, "what=shard"), trace.Str("tokenization", "other"))},
		"a schema has another value":             {"P8", set(is(trace.AtRest, "what=schema", "node=n2"), trace.Str("tokenization", "other"))},
		"a replica is missing":                   {"P8", drop(is(trace.AtRest, "what=shard", "node=n2", "shard=s2"))},
		"a shard of a dropped collection exists": {"P8", set(is(trace.AtRest, "what=shard"), trace.Str("collection", "Notes"))},

		"a failed unit leaves its task at work":      {"P10", set(is(trace.TaskChanged, "task=fails", "status=FAILED"), trace.Str("status", "STARTED"))},
		"a failed task is started again":             {"P10", again(is(trace.StartAsked, "task=fails"), is(trace.AtRest))},
		"a task that was never added is started":     {"P10", set(is(trace.StartAsked, "task=fails"), trace.Str("task", "other"))},
		"a conflicting task is accepted":             {"P11", commit(firstWork, "DISTRIBUTED_TASK_ADD", conflicting(), "")},
		"a property of a busy collection is changed": {"P11", commit(firstWork, "UPDATE_PROPERTY", `{"property":"title","tokenization":"field"}`, "")},
		"a busy collection is dropped":               {"P11", commit(firstWork, "DROP_COLLECTION", `{}`, "")},

		"a session keeps too much":  {"P19", rest("session", trace.Str("client", "n1#1"), trace.Int("count", 99))},
		"too many wait for the log": {"P19", rest("waiting", trace.Int("count", 99))},
		"a unit that has ended is throttled": {"P19", func(all []trace.Event) []trace.Event {
			ended := all[find(all, is(trace.Called, "do=complete-unit", "node="+all[find(all, is(trace.AtRest))].Node))]
			return rest("throttled", trace.Str("namespace", ended.Str("namespace")), trace.Str("task", ended.Str("task")),
				trace.Uint("version", uint64(ended.Int("version"))), trace.Str("unit", ended.Str("unit")))(all)
		}},
		"a task that is gone is looked after":   {"P19", rest("looked-after", trace.Str("namespace", "reindex"), trace.Str("task", "tenants"))},
		"a task that never was is looked after": {"P19", rest("looked-after", trace.Str("namespace", "reindex"), trace.Str("task", "other"))},

		"a payload that cannot be read is no reason": {"P18", set(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD", "body=unread"),
			trace.Str("outcome", "task repair/unread conflicts with an existing task"), trace.Str("verdict", ""))},
		"a failure is acknowledged that never was": {"P18", func(all []trace.Event) []trace.Event {
			return commit(is(trace.TaskChanged, "task=barrier", "status=PREPARING"), "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK",
				`{"namespace":"reindex","id":"barrier","version":`+barrierRun(all)[2].Text()+`,"node_id":"n1","error":"no"}`, "PREPARING")(all)
		}},
		"work begins again without a claim":   {"P13", again(is(trace.WorkStarted, "task=tenants"), is(trace.CallbackStarted, "task=tenants"))},
		"a null among the units is accepted":  {"P18", set(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD", "body=unitless"), trace.Str("outcome", "ok"))},
		"a collection that is not there does": {"P18", set(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD", "body=nowhere"), trace.Str("outcome", "ok"))},
		"its name is missing in the error":    {"P18", set(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD", "body=nowhere"), trace.Str("outcome", "no"))},
		"the caller may try again for ever":   {"P18", set(is(trace.Returned, "op=12"), trace.Str("class", "retryable"))},
		"the caller believes it was accepted": {"P18", set(is(trace.Returned, "op=13"), trace.Str("outcome", "ok"))},
		"something comes of nothing":          {"P18", set(is(trace.TaskChanged, "task=opaque", "status=FAILED"), trace.Str("status", "FINISHED"))},
		"a unit is completed of nothing":      {"P18", set(is(trace.TaskChanged, "task=opaque", "status=FAILED"), trace.Str("unit_status", "COMPLETED"))},
		"its failure has another reason":      {"P18", edit(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED", "body=opaque"), "body", "payload: ", "")},

		"a task has two live handles":     {"P14", then(again(is(trace.HandleStarted, "task=barrier"), firstWork), set(is(trace.HandleStarted, "task=barrier"), trace.Int("handle", 99)))},
		"a handle outlives its scheduler": {"P14", drop(is(trace.HandleExited, "task=barrier", "node=n1"))},
		"a handle is never terminated": {"P14", drop(func(e trace.Event) bool {
			return e.Str("task") == "cancelled" && (e.Kind == trace.HandleTerminated || e.Kind == trace.HandleExited)
		})},
		"a handle starts after the closing": {"P14", again(is(trace.HandleStarted, "task=barrier", "node=n1"), is(trace.SchedulerClosed, "node=n1"))},
	}
}

func TestEveryCheckCanFail(t *testing.T) {
	for name, c := range mistakes() {
		t.Run(name, func(t *testing.T) {
			edited := c.edit(events(t))
			found := judge(everything(), edited)
			require.NotEmpty(t, found)
			var properties []string
			for _, v := range found {
				properties = append(properties, v.Property)
			}
			require.Contains(t, properties, c.property, "found %v", found)
		})
	}
}

func TestEveryPromiseCanBeBroken(t *testing.T) {
	task := func(kind trace.Kind, more ...string) func(trace.Event) bool {
		return is(kind, append(more, "task=barrier")...)
	}
	for name, c := range map[string]struct {
		promise string
		edit    script
	}{
		"the task never ends":              {"task-ends", drop(task(trace.TaskChanged, "status=FINISHED"))},
		"the task was never accepted":      {"task-ends", set(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD", "body=barrier"), trace.Str("outcome", "no"))},
		"a unit is never completed":        {"units-once", set(is(trace.Committed, "command=DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED", "body=barrier"), trace.Str("outcome", "no"))},
		"a callback runs twice":            {"callbacks-once", again(task(trace.CallbackEnded), task(trace.CallbackEnded))},
		"a callback is missing":            {"callbacks-once", drop(task(trace.CallbackEnded, "callback=OnTaskCompleted", "node=n3"))},
		"a swap is missing":                {"callbacks-once", drop(task(trace.CallbackEnded, "callback=OnSwapRequested", "node=n3"))},
		"a callback fails":                 {"callbacks-once", set(task(trace.CallbackEnded), trace.Str("error", "no"))},
		"a callback runs where nothing is": {"callbacks-once", set(task(trace.CallbackEnded, "callback=OnGroupCompleted"), trace.Str("group", "other"))},
		"a replica swaps twice":            {"swaps-once", again(task(trace.ShardChanged, "why=swapped"), task(trace.ShardChanged, "why=swapped"))},
		"a replica never swaps":            {"swaps-once", drop(task(trace.ShardChanged, "why=swapped", "node=n2"))},
		"a replica swaps that is no unit":  {"swaps-once", set(task(trace.ShardChanged, "why=prepared"), trace.Str("why", "swapped"), trace.Str("shard", "s9"))},
		"no group is early":                {"groups-early", drop(is(trace.CallbackEnded, "task=tenants", "status=STARTED"))},
		"a cancelled repair swaps": {"no-swap", func(all []trace.Event) []trace.Event {
			return set(task(trace.ShardChanged, "why=swapped"), fieldsOf(all, "cancelled")...)(all)
		}},
		"a record is still there":              {"record-gone", drop(is(trace.TaskChanged, "task=fails", "status="))},
		"local state is still there":           {"record-gone", func(all []trace.Event) []trace.Event { return rest("local", fieldsOf(all, "fails")...)(all) }},
		"nothing is recorded at rest":          {"record-gone", drop(is(trace.AtRest))},
		"an operation ends otherwise":          {"operations-end", set(is(trace.Returned, "op=8"), trace.Str("outcome", "ok"))},
		"an operation never ends":              {"operations-end", drop(is(trace.Returned, "op=8"))},
		"another number of operations ends so": {"operations-end", set(is(trace.Returned, "op=3"), trace.Str("outcome", "ambiguous"))},
		"a schema has another value":           {"schema-is", set(is(trace.AtRest, "what=schema", "collection=Articles", "node=n3"), trace.Str("tokenization", "word"))},
		"a node has no schema":                 {"schema-is", drop(is(trace.AtRest, "what=schema", "collection=Articles", "node=n3"))},
		"a shard serves something else":        {"shards-are", set(is(trace.AtRest, "what=shard", "shard=t2"), trace.Str("tokenization", "word"))},
		"a shard is missing":                   {"shards-are", drop(is(trace.AtRest, "what=shard", "shard=t2", "node=n3"))},
		"a dropped collection has a shard":     {"collection-gone", rest("shard", trace.Str("collection", "notes"), trace.Str("shard", "s1"))},
	} {
		t.Run(name, func(t *testing.T) {
			var properties []string
			for _, v := range judge(everything(), c.edit(events(t))) {
				properties = append(properties, v.Property)
			}
			require.Contains(t, properties, c.promise)
		})
	}
}

// fieldsOf are the fields that name the run of a task.
func fieldsOf(all []trace.Event, task string) []trace.Field {
	return all[find(all, is(trace.TaskChanged, "task="+task))].Fields[:3:3]
}

func TestTheUneditedRunHasNoViolation(t *testing.T) {
	require.Empty(t, taskstest.Trace(t, everything()).Footer.Verdict.Violations, "as it runs now")
	require.Empty(t, judge(everything(), events(t)))
	verdict, err := property.Trace(bytes.NewReader(keptTrace))
	require.NoError(t, err)
	require.True(t, verdict.Passed)
}

func TestATraceThatIsCutOffHasNoVerdict(t *testing.T) {
	events(t)
	_, err := property.Trace(bytes.NewReader(keptTrace[:len(keptTrace)/2]))
	require.Error(t, err)
}

func TestViolationsOfOnePropertyAreCappedAndDated(t *testing.T) {
	all := events(t)
	for i := range all {
		if all[i].Kind == trace.Replayed {
			all[i].Fields = append(slices.Clone(all[i].Fields), trace.Uint("first", 1))
		}
	}
	found := judge(everything(), all)
	require.Len(t, found, 10)
	require.Equal(t, "P1", found[0].Property)
	require.GreaterOrEqual(t, found[0].At, everything().Duration.D())
}
