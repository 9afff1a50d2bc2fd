package property_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// later moves the first event that matches a moment away from what it follows, and
// changes fields of it.
func later(match func(trace.Event) bool, fields ...trace.Field) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, match)
		all[i].At++
		at := all[i].Seq
		return set(func(e trace.Event) bool { return e.Seq == at }, fields...)(all)
	}
}

// insert puts an event of a node behind the first one that matches; run names the task
// whose fields it begins with, "" for none.
func insert(behind func(trace.Event) bool, node string, kind trace.Kind, task string, fields ...trace.Field) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, behind)
		e := trace.Event{At: all[i].At, Node: node, Incarnation: all[i].Incarnation, Kind: kind, Fields: fields}
		if task != "" {
			e.Fields = append(fieldsOf(all, task), fields...)
		}
		return slices.Insert(all, i+1, e)
	}
}

// restarted lets a node begin anew behind an event, and list a task as it then is, with
// the acks of some nodes.
func restarted(behind func(trace.Event) bool, node, task, status string, swapped ...string) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, behind)
		run := fieldsOf(all, task)
		listed := taskevent.ListedTask{Namespace: run[0].Text(), ID: task, Version: run[2].Uint(), Status: taskevent.TaskStatus(status), Swapped: make(map[string]bool)}
		for _, name := range swapped {
			listed.Swapped[name] = true
		}
		contents := trace.Str("contents", taskevent.ListContents([]taskevent.ListedTask{listed}))
		at := all[i].At
		return slices.Insert(all, i+1,
			trace.Event{At: at, Node: node, Incarnation: 1, Kind: trace.NodeStopped, Fields: []trace.Field{trace.Str("how", "crash")}},
			trace.Event{At: at, Node: node, Incarnation: 2, Kind: trace.NodeStarted},
			trace.Event{At: at, Node: node, Incarnation: 2, Kind: trace.Listed, Fields: []trace.Field{trace.Uint("index", 1), contents}})
	}
}

// clearMistakes are mistakes of which each violates one property of [property.Own] and no other, but
// for P2, by their names.
func clearMistakes() map[string]mistake {
	// The first one may be refused: the record is then as old as it has to be, and not older.
	cleanUp := is(trace.Committed, "command=DISTRIBUTED_TASK_CLEAN_UP", "outcome=ok")
	return map[string]mistake{
		"a replica has another state":  {"P1", set(is(trace.Applied, "node=n2", "command=DISTRIBUTED_TASK_ADD"), trace.Str("state", "other"))},
		"a record is not as specified": {"P2", set(is(trace.AtRest, "what=record"), trace.Str("digest", "0"))},
		"a unit is not as specified":   {"P2", set(is(trace.TaskChanged, "progress=0.25"), trace.Str("progress", "0.3"))},
		"an add is refused for now that is bad for ever": {"P2", func(all []trace.Event) []trace.Event {
			return then(commit(is(trace.WorkStarted, "task=barrier"), "DISTRIBUTED_TASK_ADD", `{"namespace":"repair","id":"x","payload":"`+
				base64.StdEncoding.EncodeToString([]byte(`{"collection":"Nope"}`))+`"}`, ""),
				set(is(trace.Committed, "index=100000"), trace.Str("outcome", `add task: collection "Nope" does not exist`)))(all)
		}},
		"a record ends with another status": {"P3", set(is(trace.AtRest, "what=record", "task=late"), trace.Str("status", "FAILED"))},
		"a unit's progress falls":           {"P4", set(is(trace.TaskChanged, "task=barrier", "unit_status=COMPLETED"), trace.Str("progress", "-1"))},
		"a failed preparation leaves a task as it is": {"P5", func(all []trace.Event) []trace.Event {
			return commit(is(trace.TaskChanged, "task=barrier", "status=PREPARING"), "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK",
				`{"namespace":"reindex","id":"barrier","version":`+barrierRun(all)[2].Text()+`,"node_id":"n9","error":"no"}`, "PREPARING")(all)
		}},
		"a group completes with other units": {"P6", set(is(trace.CallbackStarted, "task=tenants"), trace.Str("units", `["t9__n1"]`))},
		"a failed ack leaves a task as it is": {"P7", func(all []trace.Event) []trace.Event {
			return commit(is(trace.TaskChanged, "task=barrier", "status=SWAPPING"), "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK",
				`{"namespace":"reindex","id":"barrier","version":`+barrierRun(all)[2].Text()+`,"node_id":"n9","error":"no"}`, "SWAPPING")(all)
		}},
		"a shard serves something else":          {"P8", set(is(trace.AtRest, "what=shard"), trace.Str("tokenization", "other"))},
		"a callback runs again":                  {"P9", again(is(trace.CallbackStarted, "task=tenants", "callback=OnTaskCompleted"), is(trace.CallbackEnded, "task=tenants", "callback=OnTaskCompleted"))},
		"a callback sees what is long over":      {"P9", later(is(trace.CallbackStarted, "task=tenants", "callback=OnGroupCompleted", "status=SWAPPING"), trace.Str("status", "STARTED"))},
		"a callback runs whose outcome is known": {"P9", again(is(trace.CallbackStarted, "task=tenants", "node=n1"), is(trace.AtRest))},
		"a callback ends that never began":       {"P9", drop(is(trace.CallbackStarted, "task=tenants", "callback=OnTaskCompleted", "node=n1"))},
		"a provider has done what it never did":  {"P9", insert(is(trace.WorkStarted, "task=barrier"), "n2", trace.RecoveryAsked, "barrier", trace.Bool("done", true))},
		"a provider forgets what it has done":    {"P9", insert(is(trace.AtRest), "n1", trace.RecoveryAsked, "tenants", trace.Bool("done", false))},
		"a callback is replayed unasked": {"P9", then(restarted(is(trace.CallbackEnded, "callback=OnTaskCompleted", "task=cancelled", "node=n3"), "n3", "cancelled", "CANCELLED"),
			func(all []trace.Event) []trace.Event {
				i := find(all, is(trace.Listed, "index=1"))
				e := all[find(all, is(trace.CallbackStarted, "callback=OnTaskCompleted", "task=cancelled", "node=n3"))]
				e.Incarnation, e.At = 2, all[i].At
				return slices.Insert(all, i+1, e)
			})},
		"a callback is replayed for a task that was not over": {"P9", func(all []trace.Event) []trace.Event {
			// By now every node has acknowledged, and n1 comes back to a task that is SWAPPING.
			behind := is(trace.CallbackStarted, "callback=OnTaskCompleted", "task=tenants", "status=SWAPPING")
			group := all[find(all, is(trace.CallbackStarted, "callback=OnGroupCompleted", "task=tenants", "node=n1"))]
			all = restarted(behind, "n1", "tenants", "SWAPPING", "n1")(all)
			at := all[find(all, behind)].At
			i := slices.IndexFunc(all, func(e trace.Event) bool { return e.At > at })
			group.Incarnation, group.At = 2, at+1
			return slices.Insert(all, i, trace.Event{
				At: at + 1, Node: "n1", Incarnation: 2, Kind: trace.RecoveryAsked, Fields: append(fieldsOf(all, "tenants"), trace.Bool("done", false)),
			}, group)
		}},
		"a failed task is started again":           {"P10", again(is(trace.StartAsked, "task=fails"), is(trace.AtRest))},
		"a busy collection is dropped":             {"P11", commit(is(trace.WorkStarted, "task=barrier"), "DELETE_TENANTS", `{"tenants":["t1"]}`, "")},
		"local state goes while it is needed":      {"P12", again(is(trace.LocalStateRemoved, "task=tenants"), is(trace.WorkStarted, "task=tenants"))},
		"local state goes before the callback":     {"P12", then(insert(is(trace.CallbackStarted, "callback=OnTaskCompleted", "task=cancelled"), "n1", trace.LocalStateRemoved, "cancelled"))},
		"local state goes of what was never there": {"P12", set(is(trace.LocalStateRemoved), trace.Str("task", "other"))},
		"a record goes too early":                  {"P12", edit(cleanUp, "body", `"completed_task_ttl_millis":20000`, `"completed_task_ttl_millis":90000`)},
		"a record goes by another time to live":    {"P12", edit(cleanUp, "body", `"completed_task_ttl_millis":20000`, `"completed_task_ttl_millis":9`)},
		"the log decides on another unit":          {"P15", edit(is(trace.Committed, "index=17"), "body", `"unit_id":"s1__n2"`, `"unit_id":"s2__n2"`)},
		"the log decides on another progress":      {"P15", edit(is(trace.Committed, "index=17"), "body", `"unit_id":"s1__n2"`, `"unit_id":"s1__n2","progress":0.5`)},
		"a claim is throttled": {"P13", then(set(is(trace.Called, "do=update-progress", "progress=0"), trace.Str("progress", "0.5")),
			edit(is(trace.Committed, "index=17"), "body", `"unit_id":"s1__n2"`, `"unit_id":"s1__n2","progress":0.5`))},
		"progress is not throttled": {"P13", func(all []trace.Event) []trace.Event {
			called := all[find(all, is(trace.Called, "do=update-progress", "progress=0.25"))]
			return again(is(trace.Called, "do=update-progress", "progress=0.25"), is(trace.Returned, "op="+called.Str("op")))(all)
		}},
		"progress is never let through": {"P13", func(all []trace.Event) []trace.Event {
			return drop(is(trace.Called, "do=update-progress", "progress=0.25"))(all)
		}},
		"the end of a unit is throttled": {"P13", func(all []trace.Event) []trace.Event {
			return drop(is(trace.Called, "do=complete-unit", "task=fails"))(all)
		}},
		"a scheduler is started twice": {"P14", set(is(trace.StartedAgain, "node=n1"), trace.Str("error", ""))},
		"two handles": {"P14", then(again(is(trace.HandleStarted, "task=barrier"), is(trace.WorkStarted, "task=barrier")),
			set(is(trace.HandleStarted, "task=barrier"), trace.Int("handle", 99)))},
		"a worker is terminated two lists later": {"P14", func(all []trace.Event) []trace.Event {
			list := is(trace.Listed, "node=n2")
			for _, kind := range []trace.Kind{trace.HandleExited, trace.HandleTerminated} {
				i := find(all, is(kind, "task=cancelled", "node=n2"))
				e, rest := all[i], all[i+1:]
				behind := i + 1 + find(rest, list)
				e.At = all[behind].At
				all = slices.Delete(slices.Insert(all, behind+1, e), i, i+1)
			}
			return all
		}},
		"a rejection is not what it was":     {"P15", set(is(trace.Returned, "op=8"), trace.Str("class", "permanent invalid-command"))},
		"an effect is denied":                {"P15", set(is(trace.Returned, "op=4"), trace.Str("outcome", "error"))},
		"an answer comes without a decision": {"P15", set(is(trace.Proposed, "op=4"), trace.Uint("seq", 999))},
		"a rejection is taken for an effect": {"P15", set(is(trace.Returned, "op=8"), trace.Str("outcome", "ok"))},
		"a scheduler looks too late": {"P16", func(all []trace.Event) []trace.Event {
			i := find(all, is(trace.Applied, "node=n2", "task=barrier", "command=DISTRIBUTED_TASK_ADD"))
			applied := all[i].At
			return set(func(e trace.Event) bool { return is(trace.Listed, "node=n2")(e) && e.Int("called") >= int64(applied) },
				trace.Dur("called", applied+1))(all)
		}},
		"a callback is missed":          {"P16", set(is(trace.CallbackEnded, "task=tenants", "callback=OnTaskCompleted"), trace.Str("error", "no"))},
		"a task does not wait for acks": {"P7", edit(is(trace.Committed, "command=DISTRIBUTED_TASK_ADD"), "body", `"acks_required":true`, `"acks_required":false`)},
		"a tenant is said to have swapped alone": {"P8", rest("alone", trace.Str("collection", "Articles"), trace.Str("shard", "t1"), trace.Str("property", "title"),
			trace.Uint("version", 7))},
		"local state is left":       {"P16", func(all []trace.Event) []trace.Event { return rest("local", fieldsOf(all, "tenants")...)(all) }},
		"a task cannot be given up": {"P17", refuse("DISTRIBUTED_TASK_MARK_FAILED")},
		"a call is made again and again": {"P18", then(again(is(trace.Called, "do=finalize-task"), is(trace.Called, "do=finalize-task")),
			again(is(trace.Called, "do=finalize-task"), is(trace.Called, "do=finalize-task")))},
		"success is acknowledged for a failure": {"P18", set(is(trace.CallbackEnded, "task=tenants", "callback=OnGroupCompleted"), trace.Str("error", "no"))},
		"a replica panics": {"P18", func(all []trace.Event) []trace.Event {
			for i := range all {
				if strings.Contains(all[i].Str("outcome")+all[i].Str("error"), "update property") {
					at := all[i].Seq
					this := func(e trace.Event) bool { return e.Seq == at }
					if all[i].Kind == trace.Returned {
						continue
					}
					all = set(this, trace.Str("outcome", "UPDATE_PROPERTY panicked: no"), trace.Str("verdict", ""))(all)
				}
			}
			return all
		}},
	}
}

// The machine of the specification knows nearly all that the other properties are about,
// so P2 may be violated with them; nothing else is.
func TestEachPropertyIsViolatedAlone(t *testing.T) {
	for name, c := range clearMistakes() {
		t.Run(name, func(t *testing.T) {
			p := everything()
			p.Promises = nil
			edited := c.edit(events(t))
			for i := range edited {
				edited[i].Seq = i + 1
			}
			found := judge(p, edited)
			var properties []string
			for _, v := range found {
				if v.Property != "P2" || c.property == "P2" {
					properties = append(properties, v.Property)
				}
				require.NotEmpty(t, v.Events, "%v names no event", v)
				require.True(t, slices.IsSorted(v.Events))
			}
			slices.Sort(properties)
			require.Equal(t, []string{c.property}, slices.Compact(properties), "found %v", found)
		})
	}
}

// refuse inserts a command about the task "barrier", at work, that is refused.
func refuse(command string) script {
	return func(all []trace.Event) []trace.Event {
		run := fieldsOf(all, "barrier")
		i := find(all, is(trace.WorkStarted, "task=barrier"))
		return slices.Insert(all, i+1, trace.Event{At: all[i].At, Node: "n1", Incarnation: 1, Kind: trace.Committed, Fields: []trace.Field{
			trace.Uint("index", 0), trace.Str("command", command), trace.Str("outcome", "[dtm-perm/task-not-finalizing] no"),
			trace.Str("body", `{"namespace":"reindex","id":"barrier","version":`+run[2].Text()+`,"failed_at_unix_millis":1}`),
		}})
	}
}

func TestEveryPropertyIsExercisedByTheRun(t *testing.T) {
	o := property.New(everything(), property.Own)
	for _, e := range events(t) {
		o.Observe(e)
	}
	require.True(t, o.Verdict().Passed)
	counters := o.Counters()
	require.Len(t, counters, len(property.Properties())+1)
	require.Equal(t, int64(2), counters["excused/P16/run-too-short"], "the time to live of the last two records is not over")
	for name, n := range counters {
		if name != "at-stake/P17" && name != "at-stake/R3" { // no node leaves, and one leads all the time
			require.Positive(t, n, name)
		}
	}
}

func TestTheBoundFollowsFromThePlan(t *testing.T) {
	p := everything()
	bound := property.Bound(p)
	require.Greater(t, bound, 20*time.Second)
	p.Faults = []plan.Fault{{Kind: plan.Crash}}
	faulty := property.Bound(p)
	require.Greater(t, faulty, bound, "a leader may be slow to come back to a follower")
	for kind, longer := range map[plan.FaultKind]bool{
		taskplan.CallbackSlow: true, taskplan.WorkerLinger: true, plan.CallDelay: true,
		plan.CallLate: false, plan.Delay: false, plan.ClockJump: false,
	} {
		p.Faults = []plan.Fault{{Kind: kind, Max: plan.Duration(time.Minute), By: plan.Duration(time.Hour)}}
		if longer {
			require.Greater(t, property.Bound(p), faulty+time.Minute, kind)
		} else {
			require.Equal(t, faulty, property.Bound(p), "%s is over at quiescence", kind)
		}
	}

	q := everything()
	q.CompletedTaskTTL = plan.Duration(time.Hour)
	require.Less(t, property.Bound(q), bound-20*time.Second, "no run waits for an hour")
	ends, rest := property.Bounds(q)
	require.Equal(t, property.Bound(q), ends+rest)
	q.Workload[3].Task.MinUnitTime = plan.Duration(time.Minute)
	later, same := property.Bounds(q)
	require.GreaterOrEqual(t, later, ends+50*time.Second)
	require.Equal(t, rest, same)
}
