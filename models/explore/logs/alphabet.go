package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec"
)

// command is an entry of the log.
type command struct {
	kind  api.CommandType
	class string
	body  string
	// schema carries out a command of the schema, which models/spec does not know, and
	// returns its verdict.
	schema func(*pair) spec.Verdict
}

func (c command) String() string { return replica.CommandName(c.kind) + " " + c.class + " " + c.body }

// beginning is what a log begins with.
type beginning struct {
	name     string
	commands []command
}

// guarded is the namespace whose tasks are bound to collections, and conflict.
const guarded = "g"

// guard refuses a task whose payload an active task has, and changes of what an active
// task is about. Payloads are names of collections.
type guard struct{ fsm.Provider }

func (guard) CheckConflict(payload []byte, existing []*fsm.Task) error {
	return refuse(string(payload), existing)
}

func (guard) CheckPayload(payload []byte) error {
	if string(payload) == "unreadable" {
		return errors.New("no word of it")
	}
	return nil
}

func (guard) CheckPropertyUpdate(class, property string, existing []*fsm.Task) error {
	if property != "p" {
		return fmt.Errorf("%q is no property of %q", property, class)
	}
	return refuse(class, existing)
}

func (guard) CheckClassMutation(class string, existing []*fsm.Task) error {
	return refuse(class, existing)
}

func (guard) CheckTenantMutation(class string, _ []string, existing []*fsm.Task) error {
	return refuse(class, existing)
}

func refuse(collection string, existing []*fsm.Task) error {
	for _, t := range existing {
		if t.Status.IsActive() && string(t.Payload) == collection {
			return fmt.Errorf("task %s is at work", t.ID)
		}
	}
	return nil
}

// bound is the collection of a payload.
func bound(payload []byte) (string, bool) { return string(payload), len(payload) > 0 }

// The times of commands: ordinary ones, the last that a snapshot can hold, and the first
// that none can.
var (
	last = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
	past = last + 1
	old  = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// of is a command of the task API.
func of(kind api.CommandType, request any) command {
	body, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return command{kind: kind, body: string(body)}
}

// raw is a command of the task API with any body.
func raw(kind api.CommandType, body string) command { return command{kind: kind, body: body} }

// add adds the task t of two units, one in a group.
func add(namespace, payload string, barrier, acks bool) command {
	return of(api.CommandAddTask, api.AddDistributedTaskRequest{
		Namespace: namespace, Id: "t", Payload: []byte(payload), SubmittedAtUnixMillis: 1000,
		UnitSpecs:               []*api.UnitSpec{{Id: "u"}, {Id: "v", GroupId: "group"}},
		NeedsPreparationBarrier: barrier, AcksRequired: acks,
	})
}

func done(namespace, node, unit, failure string, at int64) command {
	return of(api.CommandRecordUnitCompletion, api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: "t", Version: version(namespace), NodeId: node, UnitId: unit, Error: failure, FinishedAtUnixMillis: at,
	})
}

func progress(namespace, node, unit string, p float32, at int64) command {
	return of(api.CommandUpdateUnitProgress, api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: "t", Version: version(namespace), NodeId: node, UnitId: unit, Progress: p, UpdatedAtUnixMillis: at,
	})
}

func prepared(node string, ok bool, at int64) command {
	return of(api.CommandRecordPreparationAck, api.RecordDistributedTaskPreparationCompleteAckRequest{
		Namespace: guarded, Id: "t", Version: version(guarded), NodeId: node, Success: ok, Error: text(ok), AckedAtUnixMillis: at,
	})
}

func swapped(namespace, node string, ok bool, at int64) command {
	return of(api.CommandRecordPostAck, api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: "t", Version: version(namespace), NodeId: node, Success: ok, Error: text(ok), AckedAtUnixMillis: at,
	})
}

func text(ok bool) string {
	if ok {
		return ""
	}
	return "no"
}

// Every beginning creates a collection first, and the tasks of the two namespaces, if it
// has them, behind.
const free = "f"

func version(namespace string) uint64 {
	if namespace == guarded {
		return 2
	}
	return 3
}

// beginnings are where tasks stand when anything may come.
func beginnings() []beginning {
	books := create("Books", `{"properties":{"p":"word"},"multi_tenant":true,"shards":[{"name":"a","nodes":["n1"]},{"name":"b","nodes":["n1","n2"]}]}`, created{
		name: "Books", multi: true, properties: map[string]string{"p": "word"}, tenants: map[string]string{"a": "HOT", "b": "HOT"},
	})
	begin := []command{books, add(guarded, "Books", true, true), add(free, "", false, false)}
	at := func(name string, more ...[]command) beginning {
		return beginning{name, slices.Concat(append([][]command{begin}, more...)...)}
	}
	units := []command{done(guarded, "n1", "u", "", 2000), done(guarded, "n2", "v", "", 2001), done(free, "n1", "u", "", 2002), done(free, "n1", "v", "", 2003)}
	ready := []command{prepared("n1", true, 3000), prepared("n2", true, 3001), swapped(free, "n1", true, 3002)}
	over := []command{swapped(guarded, "n1", true, 4000), swapped(guarded, "n2", true, 4001)}
	end := []command{
		of(api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{Namespace: guarded, Id: "t", Version: 2, FinalizedAtUnixMillis: 5000}),
		of(api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{Namespace: free, Id: "t", Version: 3, FinalizedAtUnixMillis: 5001}),
	}
	failed := []command{done(guarded, "n1", "u", "broken", 2000), done(free, "n1", "u", "broken", 2001)}
	return []beginning{
		{"nothing", nil},
		{"a collection", []command{books}},
		at("started"),
		at("claimed", []command{progress(guarded, "n1", "u", 0.5, 1500), progress(free, "n1", "u", 0, 1501)}),
		at("preparing", units),
		at("swapping", units, ready),
		at("swapped", units, ready, over),
		at("finished", units, ready, over, end),
		at("failed", failed),
	}
}

// alphabet is what may come.
func alphabet() []command {
	all := []command{
		add(guarded, "books", false, true), add(guarded, "unreadable", false, true), add(guarded, "Papers", false, false),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "t", UnitIds: []string{"u"}, SubmittedAtUnixMillis: last}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "other", UnitIds: []string{"u", "v"}, SubmittedAtUnixMillis: old}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "other", UnitIds: []string{"u"}, SubmittedAtUnixMillis: past}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "other", UnitIds: []string{"u", "u"}}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "other", UnitIds: []string{""}}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, UnitIds: []string{"u"}}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Id: "other", UnitIds: []string{"u"}}),
		of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "other"}),
		raw(api.CommandAddTask, `{"namespace":"f","id":"other","unit_specs":[null]}`),
		done(guarded, "n1", "u", "", last), done(guarded, "n2", "u", "", 6000), done(guarded, "n2", "v", "broken", 6001), done(guarded, "n1", "x", "", 6002),
		done(guarded, "", "u", "", 6003), done(guarded, "n1", "", "", 6004), done(guarded, "n1", "u", "", past), done(guarded, "n1", "u", "", old-1), done(free, "n1", "v", "", 6005),
		progress(guarded, "n1", "u", 0.25, 6000), progress(guarded, "n2", "u", 0.75, 6001), progress(guarded, "n2", "v", 1, 6002), progress(guarded, "n1", "u", 1.5, 6003),
		progress(guarded, "n1", "u", -1, 6004), progress(guarded, "", "u", 0.5, 6005), progress(guarded, "n1", "", 0.5, 6006), progress(free, "n1", "u", 0.5, past), progress(free, "n1", "u", 0.5, last),
		prepared("n1", true, 6000), prepared("n2", true, last), prepared("n1", false, 6002), prepared("n3", false, 6003), prepared("", true, 6004), prepared("n1", true, past),
		swapped(guarded, "n1", true, 6000), swapped(guarded, "n2", true, last), swapped(guarded, "n2", false, 6002), swapped(guarded, "n3", false, 6003),
		swapped(guarded, "", true, 6004), swapped(guarded, "n1", true, past), swapped(free, "n1", false, 6005),
	}
	for _, namespace := range []string{guarded, free, ""} {
		for _, id := range []string{"t", ""} {
			if namespace == "" && id == "" {
				continue
			}
			v := version(namespace)
			all = append(all,
				of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: namespace, Id: id, Version: v, CancelledAtUnixMillis: 7000}),
				of(api.CommandMarkTaskFailed, api.MarkTaskFailedRequest{Namespace: namespace, Id: id, Version: v, Error: "given up", FailedAtUnixMillis: 7001}),
				of(api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{Namespace: namespace, Id: id, Version: v, FinalizedAtUnixMillis: 7002}),
				of(api.CommandCleanUpTask, api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: v}),
			)
		}
	}
	clean := func(at, ttl int64) command {
		return of(api.CommandCleanUpTask, api.CleanUpDistributedTaskRequest{Namespace: guarded, Id: "t", Version: 2, CleanedUpAtUnixMillis: at, CompletedTaskTtlMillis: ttl})
	}
	// The same once more, for a second run; and names that are others, since case counts.
	all = append(all, add(guarded, "Books", true, true), done(guarded, "N1", "u", "", 6006), done(guarded, "n1", "U", "", 6007),
		progress(guarded, "N1", "u", 0.5, 6008), prepared("N1", true, 6009), swapped(guarded, "N1", true, 6010),
		of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: guarded, Id: "T", Version: 2, CancelledAtUnixMillis: 7000}),
		of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: "G", Id: "t", Version: 2, CancelledAtUnixMillis: 7000}),
	)
	all = append(all, clean(6000, 1000), clean(6001, 1000), clean(last, -1), clean(past, 0),
		of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: guarded, Id: "t", Version: 1, CancelledAtUnixMillis: 7000}),
		of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: free, Id: "t", Version: 3, CancelledAtUnixMillis: past}),
		of(api.CommandMarkTaskFailed, api.MarkTaskFailedRequest{Namespace: free, Id: "t", Version: 3, FailedAtUnixMillis: past}),
		of(api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{Namespace: free, Id: "t", Version: 3, FinalizedAtUnixMillis: past}),
	)
	for kind := api.CommandAddTask; kind <= api.CommandMarkTaskFailed+1; kind++ {
		all = append(all, raw(kind, "{"), raw(kind, "[]"))
	}
	return append(all, schemaCommands()...)
}
