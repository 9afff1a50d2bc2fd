package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/raft"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/explore"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskevent"
)

// older turns a snapshot into that of an older version: entries do not repeat their keys.
func older(d map[string]any) {
	tasks, _ := d["distributed_tasks"].(map[string]any)["tasks"].(map[string]any)
	for _, list := range tasks {
		for _, task := range list.([]any) {
			task := task.(map[string]any)
			delete(task, "namespace")
			for _, u := range task["units"].(map[string]any) {
				delete(u.(map[string]any), "id")
			}
		}
	}
}

// damages make a document that no replica has written: each is refused, and changes
// nothing. They return false where there is nothing to damage.
var damages = map[string]func(d map[string]any) bool{
	"a task is null":                 inTasks(func(list []any) []any { return append(list, nil) }),
	"a task stands there twice":      inTasks(func(list []any) []any { return append(list, list[0]) }),
	"a task is of another name":      inTask(func(t map[string]any) bool { t["namespace"] = "another"; return true }),
	"a unit is null":                 inUnit(func(units map[string]any, id string) { units[id] = nil }),
	"a unit has another name":        inUnit(func(units map[string]any, id string) { units[id].(map[string]any)["id"] = "another" }),
	"a task began too late":          inTask(at("startedAt", late)),
	"a task began too early":         inTask(at("startedAt", early)),
	"a task ended too late":          inTask(at("terminalAt", late)),
	"work ended too early":           inTask(at("finishedAt", early)),
	"a unit moved too late":          inUnit(func(units map[string]any, id string) { units[id].(map[string]any)["updatedAt"] = late }),
	"a unit ended too early":         inUnit(func(units map[string]any, id string) { units[id].(map[string]any)["finishedAt"] = early }),
	"a swap ack is too late":         inTask(inAcks("postCompletionAcks", late)),
	"a preparation ack is too early": inTask(inAcks("preparationCompletionAcks", early)),
	"a collection is null":           inList("schema", func(list []any) []any { return append(list, nil) }),
	"a collection stands twice":      inList("schema", func(list []any) []any { return append(list, list[0]) }),
	"a collection has no name":       inList("schema", func(list []any) []any { list[0].(map[string]any)["name"] = ""; return list }),
	"a client stands there twice":    inList("sessions", func(list []any) []any { return append(list, list[0]) }),
	"a client has no name":           inList("sessions", func(list []any) []any { list[0].(map[string]any)["client"] = ""; return list }),
	"a client waits for nothing":     inList("sessions", func(list []any) []any { list[0].(map[string]any)["low"] = 0; return list }),
	"an outcome is below the low":    inList("sessions", func(list []any) []any { list[0].(map[string]any)["low"] = 1 << 20; return list }),
	"two clients came at once": inList("sessions", func(list []any) []any {
		return append(list, map[string]any{"client": "other", "low": 1, "last": list[0].(map[string]any)["last"]})
	}),
	"the state is older": func(d map[string]any) bool {
		index, _ := d["applied_index"].(json.Number).Int64()
		d["applied_index"] = index - 1
		return index > 0
	},
}

// What lies outside of the years that a snapshot can hold, once it is in UTC.
const (
	late  = "9999-12-31T23:59:59-01:00"
	early = "0000-01-01T00:00:00+01:00"
)

func inTasks(f func([]any) []any) func(map[string]any) bool {
	return func(d map[string]any) bool {
		tasks, _ := d["distributed_tasks"].(map[string]any)["tasks"].(map[string]any)
		list, ok := tasks[guarded].([]any)
		if ok {
			tasks[guarded] = f(list)
		}
		return ok
	}
}

func inTask(f func(map[string]any) bool) func(map[string]any) bool {
	return func(d map[string]any) bool {
		damaged := false
		return inTasks(func(list []any) []any {
			damaged = f(list[0].(map[string]any))
			return list
		})(d) && damaged
	}
}

func inUnit(f func(units map[string]any, id string)) func(map[string]any) bool {
	return inTask(func(t map[string]any) bool {
		f(t["units"].(map[string]any), "u")
		return true
	})
}

func at(field, time string) func(map[string]any) bool {
	return func(t map[string]any) bool { t[field] = time; return true }
}

func inAcks(field, time string) func(map[string]any) bool {
	return func(t map[string]any) bool {
		acks, _ := t[field].(map[string]any)
		for _, a := range acks {
			a.(map[string]any)["ackedAt"] = time
		}
		return len(acks) > 0
	}
}

func inList(field string, f func([]any) []any) func(map[string]any) bool {
	return func(d map[string]any) bool {
		list, _ := d[field].([]any)
		if len(list) == 0 {
			return false
		}
		d[field] = f(list)
		return true
	}
}

// snapshots restores what older versions and broken disks have: the first gives the
// state, the others are refused.
func (p *pair) snapshots() *explore.Broken {
	state, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	for _, bytes := range []string{"null", string(state) + "{}", string(state[:len(state)-1])} {
		if broken := p.refused("it is "+bytes, []byte(bytes), state); broken != nil {
			return broken
		}
	}
	for _, what := range slices.Sorted(maps.Keys(damages)) {
		d := document(state)
		if !damages[what](d) {
			continue
		}
		if broken := p.refused(what, encoded(d), state); broken != nil {
			return broken
		}
	}
	d := document(state)
	older(d)
	r := newPair().replica
	if err := restore(r, encoded(d)); err != nil {
		return &explore.Broken{Property: "P1", Message: "a snapshot of an older version: " + err.Error()}
	}
	if now, err := r.State(); err != nil || !bytes.Equal(now, state) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state %s becomes %s behind a snapshot of an older version (%v)", state, now, err)}
	}
	return nil
}

// refused restores a damaged snapshot.
func (p *pair) refused(what string, snapshot, state []byte) *explore.Broken {
	err := restore(p.replica, snapshot)
	if now, _ := p.replica.State(); err == nil || !bytes.Equal(now, state) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("a snapshot is restored (%v) although %s: %s", err, what, snapshot)}
	}
	return nil
}

func restore(r *replica.Replica, snapshot []byte) error {
	return r.Restore(io.NopCloser(bytes.NewReader(snapshot)))
}

// document decodes a state, with numbers as they are.
func document(state []byte) map[string]any {
	d := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(state))
	decoder.UseNumber()
	if err := decoder.Decode(&d); err != nil {
		panic(fmt.Sprintf("the state is no document: %s", err))
	}
	return d
}

func encoded(d map[string]any) []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

// stale applies a request that its client no longer waits for: it is refused.
func (p *pair) stale() *explore.Broken {
	if p.newest == nil || p.newest.Index < 2 {
		return nil
	}
	p.index++
	entry := p.entry(command{kind: api.CommandCancelTask, body: "{}"})
	req, _ := api.Decode(entry.Data)
	req.RequestID.Seq, req.RequestID.Low = 1, 1
	entry.Data = api.Encode(req)
	result := p.replica.Apply(entry).(replica.Result)
	if !errors.Is(result.Err, replica.ErrRejected) || !refusedFor(taskevent.RequestStale, result.Err) {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("a request that its client no longer waits for has the outcome %v", result.Err)}
	}
	return p.records(command{})
}

// refusedFor reports whether an error is a rejection for a reason.
func refusedFor(reason string, err error) bool { return refinement.Logged(err).Reason == reason }

// clients is one more than the session table holds.
const clients = 1024 + 1

// sessionLimit applies requests of more clients than the session table holds: the session
// that was unused for longest is dropped, and no other.
func (p *pair) sessionLimit() *explore.Broken {
	request := func(client int, low uint64) replica.Result {
		p.index++
		return p.replica.Apply(&raft.Log{Index: p.index, Type: raft.LogCommand, Data: api.Encode(&api.ApplyRequest{
			Type: api.CommandCancelTask, SubCommand: []byte("{}"), RequestID: api.RequestID{Client: fmt.Sprint("client", client), Seq: low, Low: low},
		})}).(replica.Result)
	}
	for client := range clients {
		request(client, 1)
	}
	expired := func(client int) bool { return refusedFor(taskevent.SessionExpired, request(client, 2).Err) }
	if expired(1) || expired(clients-1) || !expired(0) {
		return &explore.Broken{Property: "P2", Message: "of more clients than the session table holds, another session is dropped than the one that was unused for longest"}
	}
	if _, err := p.restored(); err != nil {
		return &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
	}
	return nil
}
