package projection_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	_ "pgregory.net/rapid" // go test ./... -rapid.seed=N reaches every package

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// stateOf returns what was folded as one line a run, a collection, and a refused request.
func stateOf(l *projection.Log) string {
	var lines []string
	for _, r := range l.Order {
		line := fmt.Sprintf("%s@%d %s", r.ID.Task, r.ID.Version, r.Status)
		if r.Gone {
			line += " gone"
		}
		if l.Current[r.ID.Key()] == r {
			line += " current"
		}
		for _, id := range r.UnitIDs() {
			u := r.Units[id]
			line += strings.TrimRight(fmt.Sprintf(" %s=%s %v %s", id, u.Status, u.Progress, u.Owner), " ")
		}
		line += acks(" prepared", r.Prepared) + acks(" swapped", r.Swapped)
		if r.Flips > 0 || r.FlipRefused > 0 {
			line += fmt.Sprintf(" flips=%d refused=%d", r.Flips, r.FlipRefused)
		}
		lines = append(lines, line)
	}
	for _, key := range slices.Sorted(maps.Keys(l.Collections)) {
		c := l.Collections[key]
		line := fmt.Sprintf("%s@%d %s", c.Name, c.Born, pairs(c.Properties))
		for _, shard := range slices.Sorted(maps.Keys(c.Serves)) {
			line += fmt.Sprintf(" %s%v:%s", shard, c.Shards[shard], pairs(c.Serves[shard]))
			if by := c.Alone[[2]string{shard, "title"}]; by != 0 {
				line += fmt.Sprintf("(alone, by %d)", by)
			}
		}
		lines = append(lines, line)
	}
	for _, key := range slices.Sorted(maps.Keys(l.Dropped)) {
		lines = append(lines, fmt.Sprintf("%s dropped at %d", key, l.Dropped[key].Index))
	}
	for r := range l.SessionRefused {
		lines = append(lines, r.String()+" refused by its session")
	}
	return strings.Join(lines, "\n")
}

func acks(name string, all map[string]projection.Ack) (text string) {
	for _, node := range slices.Sorted(maps.Keys(all)) {
		text += fmt.Sprintf("%s %s=%t%s", name, node, all[node].Success, all[node].Error)
	}
	return text
}

func pairs(m map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, key+"="+m[key])
	}
	return strings.Join(all, ",")
}

// The events of a log about one task, reindex/t, and one collection, Articles.

func accepted(index uint64, command, body string) *event.Committed {
	return &event.Committed{Index: index, Command: command, Class: "Articles", Outcome: event.Accepted, Body: body}
}

func rejected(b *event.Committed, v event.Verdict) *event.Committed {
	b.Outcome, b.Verdict, b.Request = "no", v.String(), event.Request{Client: "c", Seq: b.Index}
	return b
}

func add(index uint64) *event.Committed {
	return accepted(index, taskevent.CommandAddTask, `{"namespace":"reindex","id":"t","unit_specs":[{"id":"u","group_id":"s1"},null]}`)
}

// reindexing adds a task without units that sets the title to trigram.
func reindexing(index uint64) *event.Committed {
	payload, err := json.Marshal([]byte(`{"kind":"reindex","collection":"Articles","property":"title","tokenization":"trigram"}`))
	if err != nil {
		panic(err)
	}
	return accepted(index, taskevent.CommandAddTask, `{"namespace":"reindex","id":"t","payload":`+string(payload)+`}`)
}

func ofTask(index uint64, command, more string) *event.Committed {
	return accepted(index, command, `{"namespace":"reindex","id":"t","version":1`+more+`}`)
}

func changed(version uint64, status taskevent.TaskStatus) *taskevent.TaskChanged {
	return &taskevent.TaskChanged{Run: taskevent.Run{Namespace: "reindex", Task: "t", Version: version}, Status: status}
}

func unit(status taskevent.TaskStatus, is taskevent.UnitStatus, progress string) *taskevent.TaskChanged {
	b := changed(1, status)
	b.Unit, b.UnitStatus, b.Owner, b.Progress = "u", is, "n1", progress
	return b
}

func create() *event.Committed {
	return accepted(1, taskevent.CommandCreateCollection, `{"properties":{"title":"word"},"shards":[{"name":"s1","nodes":["n1"]}]}`)
}

// update sets the title to trigram, for a run if version is not 0, and for tenants if there are any.
func update(index, version uint64, tenants string) *event.Committed {
	body := `{"property":"title","tokenization":"trigram"`
	if version != 0 {
		body += fmt.Sprintf(`,"migration":{"namespace":"reindex","id":"t","version":%d}`, version)
	}
	return accepted(index, taskevent.CommandUpdateProperty, body+tenants+`}`)
}

const ofS1 = `,"tenants":["s1"]`

func TestALogIsFolded(t *testing.T) {
	ack := func(index uint64, command, node string, more string) *event.Committed {
		return ofTask(index, command, `,"node_id":"`+node+`"`+more)
	}
	for name, test := range map[string]struct {
		events []trace.Body
		want   string
	}{
		"a submission adds a run without a record":                       {[]trace.Body{add(1)}, "t@1  u=PENDING 0"},
		"the record is in place with the effect of the submission":       {[]trace.Body{add(1), changed(1, taskevent.Started)}, "t@1 STARTED current u=PENDING 0"},
		"a rejected submission adds nothing":                             {[]trace.Body{rejected(add(1), event.Verdict{Class: event.ClassPermanent, Reason: taskevent.InvalidCommand})}, ""},
		"a duplicate adds nothing":                                       {[]trace.Body{add(1), &event.Committed{Index: 2, First: 1, Command: taskevent.CommandAddTask, Outcome: event.Accepted, Body: add(1).Body}}, "t@1  u=PENDING 0"},
		"an unreadable submission adds a run without a name":             {[]trace.Body{accepted(1, taskevent.CommandAddTask, "{")}, "@1 "},
		"an effect on a run that was never added is passed over":         {[]trace.Body{add(1), changed(7, taskevent.Started)}, "t@1  u=PENDING 0"},
		"a request that its session refuses is recorded":                 {[]trace.Body{rejected(add(1), event.Verdict{Class: event.ClassRetryable, Reason: taskevent.SessionExpired})}, "c/1 refused by its session"},
		"so is one that is stale":                                        {[]trace.Body{rejected(add(1), event.Verdict{Class: event.ClassRetryable, Reason: taskevent.RequestStale})}, "c/1 refused by its session"},
		"an older trace has the reason in words":                         {[]trace.Body{&event.Committed{Index: 1, Outcome: "session has expired", Request: event.Request{Client: "c", Seq: 1}}}, "c/1 refused by its session"},
		"a report changes its unit":                                      {[]trace.Body{add(1), changed(1, taskevent.Started), ofTask(2, taskevent.CommandUnitProgress, ""), unit(taskevent.Started, taskevent.UnitInProgress, "0.5")}, "t@1 STARTED current u=IN_PROGRESS 0.5 n1"},
		"what is no number is no progress":                               {[]trace.Body{add(1), changed(1, taskevent.Started), unit(taskevent.Started, taskevent.UnitInProgress, "half")}, "t@1 STARTED current u=IN_PROGRESS 0 n1"},
		"the first ack of a node counts":                                 {[]trace.Body{add(1), changed(1, taskevent.Preparing), ack(2, taskevent.CommandPreparationAck, "n1", `,"success":true`), ack(3, taskevent.CommandPreparationAck, "n1", "")}, "t@1 PREPARING current u=PENDING 0 prepared n1=true"},
		"a failed ack has its error":                                     {[]trace.Body{add(1), changed(1, taskevent.Swapping), ack(2, taskevent.CommandPostAck, "n1", `,"error":": full"`)}, "t@1 SWAPPING current u=PENDING 0 swapped n1=false: full"},
		"an ack after its phase does not count":                          {[]trace.Body{add(1), changed(1, taskevent.Swapping), ack(2, taskevent.CommandPreparationAck, "n1", `,"success":true`)}, "t@1 SWAPPING current u=PENDING 0"},
		"a clean-up takes the record away":                               {[]trace.Body{add(1), changed(1, taskevent.Failed), ofTask(2, taskevent.CommandCleanUpTask, ""), changed(1, taskevent.Absent)}, "t@1 FAILED gone u=PENDING 0"},
		"a new run takes the place of the record":                        {[]trace.Body{add(1), changed(1, taskevent.Failed), add(2), changed(2, taskevent.Started)}, "t@1 FAILED gone u=PENDING 0\nt@2 STARTED current u=PENDING 0"},
		"a collection is created":                                        {[]trace.Body{create()}, "Articles@1 title=word s1[n1]:title=word"},
		"a user changes the schema and all shards":                       {[]trace.Body{create(), update(2, 0, "")}, "Articles@1 title=trigram s1[n1]:title=trigram"},
		"a run changes the schema":                                       {[]trace.Body{create(), update(3, 2, "")}, "Articles@1 title=trigram s1[n1]:title=word"},
		"a run changes the schema once":                                  {[]trace.Body{add(1), create(), update(3, 1, ""), update(4, 1, "")}, "t@1  u=PENDING 0 flips=1 refused=0\nArticles@1 title=trigram s1[n1]:title=word"},
		"a change that is refused to a run is recorded":                  {[]trace.Body{add(1), rejected(update(2, 1, ""), event.Verdict{Class: event.ClassRetryable, Reason: taskevent.TaskConflict, About: "x/y@1"})}, "t@1  u=PENDING 0 flips=0 refused=2"},
		"a run of before a user's change does not change a tenant":       {[]trace.Body{create(), update(3, 0, ""), update(4, 2, ofS1)}, "Articles@1 title=trigram s1[n1]:title=trigram"},
		"a tenant swaps alone":                                           {[]trace.Body{create(), update(3, 2, ofS1)}, "Articles@1 title=word s1[n1]:title=trigram(alone, by 2)"},
		"no tenant is alone after a change of the whole schema":          {[]trace.Body{create(), update(3, 2, ofS1), update(4, 0, "")}, "Articles@1 title=trigram s1[n1]:title=trigram"},
		"a tenant is deleted with what it has swapped":                   {[]trace.Body{create(), update(3, 2, ofS1), accepted(4, taskevent.CommandDeleteTenants, `{"tenants":["s1"]}`), update(5, 3, ofS1)}, "Articles@1 title=word"},
		"a tenant is added with the schema as it is":                     {[]trace.Body{create(), update(2, 0, ""), accepted(3, taskevent.CommandAddTenants, `{"tenants":[{"name":"s2","nodes":["n2"]}]}`)}, "Articles@1 title=trigram s1[n1]:title=trigram s2[n2]:title=trigram"},
		"a collection is dropped":                                        {[]trace.Body{create(), accepted(2, taskevent.CommandDropCollection, "{}")}, "articles dropped at 2"},
		"a snapshot is inherited with units, acks and swaps":             {[]trace.Body{&event.Inherited{Index: 9, Snapshot: inherited}}, "t@3 PAUSED current u=IN_PROGRESS 0.5 n1 prepared n1=true swapped n2=false: full\nArticles@2 title=word s1[n1]:title=trigram(alone, by 3)"},
		"an inherited flip is not made again by the same run":            {[]trace.Body{&event.Inherited{Index: 9, Snapshot: `{"distributed_tasks":{},"schema":[{"name":"Articles","version":2,"properties":{"title":{"tokenization":"word","flippedBy":3}}}]}`}, update(10, 3, "")}, "Articles@2 title=word"},
		"a snapshot that cannot be read leaves what could be read of it": {[]trace.Body{&event.Inherited{Index: 9, Snapshot: `{"schema":[null]}`}}, ""},
		"a reindexing that finishes is what the shards serve":            {[]trace.Body{create(), reindexing(2), changed(2, taskevent.Swapping), changed(2, taskevent.Finished)}, "t@2 FINISHED current\nArticles@1 title=word s1[n1]:title=trigram"},
	} {
		t.Run(name, func(t *testing.T) {
			once, shared := projection.NewLog(), projection.NewLog().Share()
			for i, b := range test.events {
				e := trace.Event{Seq: i + 1, At: time.Duration(i) * time.Second, Kind: b.Kind(), Body: b}
				once.Take(&e)
				shared.Take(&e)
				shared.Take(&e)
			}
			assert.Equal(t, test.want, stateOf(once))
			assert.Equal(t, test.want, stateOf(shared), "taken in by two observers")
		})
	}
}

const inherited = `{
	"distributed_tasks": {"tasks": {"reindex": [null, {
		"namespace": "reindex", "ID": "t", "version": 3, "status": "PAUSED",
		"units": {"u": {"groupId": "s1", "nodeId": "n1", "status": "IN_PROGRESS", "progress": 0.5}, "v": null},
		"preparationCompletionAcks": {"n1": {"success": true}}, "postCompletionAcks": {"n2": {"error": ": full"}, "n3": null}
	}]}},
	"schema": [{
		"name": "Articles", "version": 2, "properties": {"title": {"tokenization": "word"}},
		"shards": {"s1": {"nodes": ["n1"], "swapped": {"title": {"tokenization": "trigram", "by": 3}}}}
	}]
}`

func TestAnEffectIsComparedWithWhatWasThere(t *testing.T) {
	l := projection.NewLog()
	for i, b := range []trace.Body{add(1), changed(1, taskevent.Started), ofTask(2, taskevent.CommandUnitCompletion, ""), unit(taskevent.Swapping, taskevent.UnitCompleted, "1")} {
		l.Take(&trace.Event{Seq: i + 1, Kind: b.Kind(), Body: b})
	}
	ch := l.Change
	assert.Equal(t, []taskevent.TaskStatus{taskevent.Started, taskevent.Swapping}, []taskevent.TaskStatus{ch.Before, ch.After})
	assert.Equal(t, projection.Unit{Group: "s1", Status: taskevent.UnitPending}, ch.UnitBefore)
	assert.Equal(t, projection.Unit{Group: "s1", Seq: 4, Status: taskevent.UnitCompleted, Owner: "n1", Progress: 1, Completions: 1}, *ch.Unit)
	assert.Zero(t, ch.Run.Unfinished)
	assert.Equal(t, []string{"n1"}, ch.Run.Missing(ch.Run.Swapped))
	assert.Equal(t, []taskevent.TaskStatus{taskevent.Started, taskevent.Swapping}, []taskevent.TaskStatus{ch.Run.As(1).Status, ch.Run.As(2).Status})
	l.Take(&trace.Event{Seq: 5, Body: &event.RunEnded{}})
	assert.Nil(t, l.Change, "the next event changes nothing")
}
