package fsm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// everything is a history whose state has every field of a snapshot.
func everything(t *testing.T) *rig {
	r := at(t, append(clip(barrierStarted),
		progress("u1", "n1", 0.5), completion("u1", "n1"), completion("u2", "n2"), prepared("n1", ""), prepared("n2", ""), swapped("n1", ""), swapped("n2", "no space")))
	q := addRequest("x")
	q.Namespace, q.Payload = "other", []byte("payload")
	r.must(q)
	return r
}

func TestSnapshotDocument(t *testing.T) {
	require.Equal(t, `{}`, newRig(t).snapshot())
	require.JSONEq(t, `{"tasks":{
		"ns":[{"namespace":"ns","ID":"a","version":1,"payload":null,"needsPreparationBarrier":true,"acksRequired":true,
			"status":"FAILED","startedAt":"1970-01-01T00:00:01Z","finishedAt":"1970-01-01T00:00:05Z","terminalAt":"1970-01-01T00:00:07Z",
			"error":"post-completion swap failed on node n2: no space",
			"units":{
				"u1":{"id":"u1","nodeId":"n1","status":"COMPLETED","progress":1,"updatedAt":"1970-01-01T00:00:03Z","finishedAt":"1970-01-01T00:00:05Z"},
				"u2":{"id":"u2","nodeId":"n2","status":"COMPLETED","progress":1,"updatedAt":"0001-01-01T00:00:00Z","finishedAt":"1970-01-01T00:00:05Z"}},
			"preparationCompletionAcks":{
				"n1":{"success":true,"ackedAt":"1970-01-01T00:00:06Z"},
				"n2":{"success":true,"ackedAt":"1970-01-01T00:00:06Z"}},
			"postCompletionAcks":{
				"n1":{"success":true,"ackedAt":"1970-01-01T00:00:07Z"},
				"n2":{"success":false,"error":"no space","ackedAt":"1970-01-01T00:00:07Z"}}}],
		"other":[{"namespace":"other","ID":"a","version":9,"payload":"cGF5bG9hZA==","needsPreparationBarrier":false,
			"status":"STARTED","startedAt":"1970-01-01T00:00:01Z","finishedAt":"0001-01-01T00:00:00Z",
			"units":{"x":{"id":"x","nodeId":"","status":"PENDING","progress":0,"updatedAt":"0001-01-01T00:00:00Z","finishedAt":"0001-01-01T00:00:00Z"}}}]}}`,
		everything(t).snapshot())
}

func TestRestoreIsTheInverseOfSnapshot(t *testing.T) {
	r := everything(t)
	m := NewManager(ManagerParameters{})
	require.NoError(t, m.Restore([]byte(r.snapshot())))
	require.Equal(t, r.records, m.records)
	requireTallies(t, m)
}

func TestCaptureIsFixed(t *testing.T) {
	r := at(t, started)
	before, state := r.snapshot(), r.Capture()
	r.must(completion("u1", "n1"))
	other := NewManager(ManagerParameters{})
	require.NoError(t, other.Restore([]byte(before)))
	require.Equal(t, other.Capture(), state)
}

func TestRestoreReplaces(t *testing.T) {
	r := at(t, started)
	d := &detector{answer: refuses}
	r.SetConflictDetectors(map[string]ConflictDetector{"ns": d})
	wakes := r.wakes
	require.NoError(t, r.Restore([]byte(`{}`)))
	require.Equal(t, `{}`, r.snapshot())
	require.Equal(t, wakes, r.wakes)
	require.ErrorIs(t, r.do(addRequest("u1")), errRefused, "detectors stay")
}

func TestRestoreOfOtherVersions(t *testing.T) {
	restored := func(t *testing.T, doc string) *rig {
		r := newRig(t)
		require.NoError(t, r.Restore([]byte(doc)))
		requireTallies(t, r.Manager)
		return r
	}
	t.Run("names that were left out come from the keys", func(t *testing.T) {
		got := restored(t, `{"tasks":{"ns":[{"ID":"a","version":1,"status":"STARTED","units":{"u1":{"status":"PENDING"}}}]}}`).task("ns", "a")
		require.Equal(t, "ns", got.Namespace)
		require.Equal(t, "u1", got.Units["u1"].ID)
		require.False(t, got.NeedsPreparationBarrier)
		require.False(t, got.AcksRequired)
	})
	t.Run("a status that is unknown survives", func(t *testing.T) {
		require.JSONEq(t, newer, restored(t, newer).snapshot())
	})
	t.Run("unknown keys are ignored", func(t *testing.T) {
		require.Equal(t, `{}`, restored(t, `{"tasks":{},"later":[1]}`).snapshot())
	})
	t.Run("a namespace without tasks is none", func(t *testing.T) {
		require.Equal(t, `{}`, restored(t, `{"tasks":{"ns":[],"other":null}}`).snapshot())
	})
	t.Run("times of every zone become UTC", func(t *testing.T) {
		defer func(zone *time.Location) { time.Local = zone }(time.Local)
		doc := everything(t).snapshot()
		shifted := strings.ReplaceAll(doc, "1970-01-01T00:", "1970-01-01T02:")
		shifted = strings.ReplaceAll(shifted, "0001-01-01T00:", "0001-01-01T02:")
		shifted = strings.ReplaceAll(shifted, `Z"`, `+02:00"`)
		for _, hours := range []int{0, 2, -7} {
			time.Local = time.FixedZone("", hours*3600)
			require.Equal(t, doc, restored(t, shifted).snapshot())
		}
	})
	t.Run("a preparing task of a binary that did not count early acks is not stuck", func(t *testing.T) {
		r := at(t, preparing)
		stuck := r.records["ns"]["a"].task.Clone()
		stuck.PreparationCompletionAcks = map[string]PostCompletionAck{"n1": {Success: true}, "n2": {Success: true}}
		r.records["ns"]["a"] = newRecord(stuck)
		r.must(giveUp("stuck since the upgrade"))
		require.Equal(t, TaskStatusFailed, r.task("ns", "a").Status)
	})
}

func TestRestoreRefuses(t *testing.T) {
	const task = `{"namespace":"ns","ID":"a","version":1,"status":"STARTED"%s}`
	of := func(format string, args ...any) string {
		return `{"tasks":{"ns":[` + fmt.Sprintf(format, args...) + `]}}`
	}
	for name, tc := range map[string]struct{ doc, want string }{
		"nothing":                          {``, "unmarshal snapshot: unexpected end of JSON input"},
		"a cut off document":               {`{"tasks":{"ns":[`, "unmarshal snapshot: unexpected end of JSON input"},
		"a document with a tail":           {`{}{}`, "unmarshal snapshot: invalid character '{' after top-level value"},
		"null":                             {`null`, "unmarshal snapshot: it is null"},
		"a list":                           {`[]`, "unmarshal snapshot: json: cannot unmarshal array"},
		"a null task":                      {of(task+`,null`, ""), `restore snapshot: tasks["ns"][1] is null`},
		"a task of another namespace":      {of(`{"namespace":"other","ID":"a"}`), `tasks["ns"][0] has the namespace "other"`},
		"a task that stands there twice":   {of(task+`,`+task, "", ""), `tasks["ns"][1]: task "a" stands there twice`},
		"a null unit":                      {of(task, `,"units":{"u1":null}`), `tasks["ns"][0]: task "a": unit "u1" is null`},
		"a unit under another key":         {of(task, `,"units":{"u1":{"id":"u2"}}`), `task "a": unit "u1" has the id "u2"`},
		"a unit with an id but no key":     {of(task, `,"units":{"":{"id":"u2"}}`), `task "a": unit "" has the id "u2"`},
		"a start before year 0 in UTC":     {of(task, `,"startedAt":"0000-01-01T00:00:00+05:00"`), "is outside of the years 0 to 9999"},
		"a unit time after 9999 in UTC":    {of(task, `,"units":{"u1":{"finishedAt":"9999-12-31T23:59:59-05:00"}}`), "is outside of the years 0 to 9999"},
		"an ack after year 9999 in UTC":    {of(task, `,"preparationCompletionAcks":{"n1":{"ackedAt":"9999-12-31T23:59:59-05:00"}}`), "is outside of the years 0 to 9999"},
		"a swap ack after 9999 in UTC":     {of(task, `,"postCompletionAcks":{"n1":{"ackedAt":"9999-12-31T23:59:59-05:00"}}`), "is outside of the years 0 to 9999"},
		"an end of work after 9999 in UTC": {of(task, `,"finishedAt":"9999-12-31T23:59:59-05:00"`), "is outside of the years 0 to 9999"},
		"an end after year 9999 in UTC":    {of(task, `,"terminalAt":"9999-12-31T23:59:59-05:00"`), "is outside of the years 0 to 9999"},
		"an update after 9999 in UTC":      {of(task, `,"units":{"u1":{"updatedAt":"9999-12-31T23:59:59-05:00"}}`), "is outside of the years 0 to 9999"},
	} {
		t.Run(name, func(t *testing.T) {
			r := everything(t)
			before := r.snapshot()
			require.ErrorContains(t, r.Restore([]byte(tc.doc)), tc.want)
			require.Equal(t, before, r.snapshot())
			requireTallies(t, r.Manager)
		})
	}
}
