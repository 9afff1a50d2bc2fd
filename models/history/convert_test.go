package history

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// on returns an event on a node.
func on(kind trace.Kind, fields ...trace.Field) trace.Event {
	return trace.Event{At: 0, Node: "n1", Incarnation: 2, Kind: kind, Fields: fields}
}

func called(op int64, do string) trace.Event {
	return on(trace.Called, trace.Int("op", op), trace.Str("do", do))
}

func proposed(op int64, seq uint64) trace.Event {
	return on(trace.Proposed, trace.Int("op", op), trace.Str("client", "n1#2"), trace.Uint("seq", seq))
}

func returned(op int64, outcome, text string) trace.Event {
	return on(trace.Returned, trace.Int("op", op), trace.Str("outcome", outcome), trace.Str("error", text))
}

const body = `{"namespace":"n","id":"a","version":3}`

func committed(index, seq uint64, outcome string, more ...trace.Field) trace.Event {
	return on(trace.Committed, append([]trace.Field{trace.Uint("index", index), trace.Str("command", "DISTRIBUTED_TASK_CANCEL"),
		trace.Str("outcome", outcome), trace.Str("client", "n1#2"), trace.Uint("seq", seq), trace.Str("body", body)}, more...)...)
}

func TestCollect(t *testing.T) {
	const refusal = "[dtm-perm/task-not-running] task n/a@3 is no longer running"
	op := Op{Client: "n1#2", Request: "n1#2/1", Kind: Cancel, Args: json.RawMessage(body), Call: 1, Index: 9}
	for name, tc := range map[string]struct {
		events []trace.Event
		want   []Op
	}{
		"an accepted command": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), committed(9, 1, "ok"), returned(5, "ok", "")},
			[]Op{with(op, func(o *Op) { o.AppliedAt, o.Return, o.Outcome, o.Verdict = 3, 4, OK, "ok" })},
		},
		"a refused one": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), committed(9, 1, refusal), returned(5, "rejected", "executing command: "+refusal)},
			[]Op{with(op, func(o *Op) {
				o.AppliedAt, o.Return, o.Outcome, o.Verdict = 3, 4, Rejected, "permanent task-not-running"
			})},
		},
		"one that takes effect after its caller has given up": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), returned(5, "ambiguous", "lost"), committed(9, 1, "ok")},
			[]Op{with(op, func(o *Op) { o.AppliedAt, o.Return, o.Outcome, o.Verdict = 4, 3, Ambiguous, "ok" })},
		},
		"one whose caller dies, and that a retry commits twice": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), committed(9, 1, "ok"), committed(12, 1, "ok", trace.Uint("first", 9))},
			[]Op{with(op, func(o *Op) { o.AppliedAt, o.Outcome, o.Verdict = 3, Pending, "ok" })},
		},
		"one that takes effect twice": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), committed(9, 1, "ok"), committed(12, 1, "ok")},
			[]Op{
				with(op, func(o *Op) { o.AppliedAt, o.Outcome, o.Verdict = 3, Pending, "ok" }),
				with(op, func(o *Op) { o.Client, o.Index, o.AppliedAt, o.Outcome, o.Verdict = "", 12, 4, Pending, "ok" }),
			},
		},
		"one without a call": {
			[]trace.Event{on(trace.NodeStarted), committed(9, 1, "ok")},
			[]Op{with(op, func(o *Op) { o.Client, o.AppliedAt, o.Outcome, o.Verdict = "", 2, Pending, "ok" })},
		},
		"one that is never in the log": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), returned(5, "ambiguous", "lost")},
			[]Op{{Client: "n1#2", Request: "n1#2/1", Kind: Cancel, Call: 1, Return: 3, Outcome: Ambiguous, Never: true}},
		},
		"one whose session had expired": {
			[]trace.Event{called(5, "cancel-task"), proposed(5, 1), committed(9, 1, "session has expired"), proposed(5, 2), committed(10, 2, "ok"), returned(5, "ok", "")},
			[]Op{with(op, func(o *Op) {
				o.Request, o.Index, o.AppliedAt, o.Return, o.Outcome, o.Verdict = "n1#2/2", 10, 5, 6, OK, "ok"
			})},
		},
		"a call that never had a command": {
			[]trace.Event{called(5, "cancel-task"), returned(5, "rejected", "there is no task")}, []Op{},
		},
		"a command that is about no task": {
			[]trace.Event{called(5, "update-property"), proposed(5, 1), on(trace.Committed, trace.Uint("index", 9),
				trace.Str("command", "UPDATE_PROPERTY"), trace.Str("outcome", "ok"), trace.Str("client", "n1#2"), trace.Uint("seq", 1))}, []Op{},
		},
		"a collection": {
			[]trace.Event{on(trace.Committed, trace.Uint("index", 9), trace.Str("command", "DROP_COLLECTION"), trace.Str("class", "C"), trace.Str("outcome", "ok"))},
			[]Op{{Kind: DropCollection, Collection: "C", Call: 1, AppliedAt: 1, Outcome: Pending, Verdict: "ok", Index: 9}},
		},
		"a list, asked for at an instant": {
			[]trace.Event{
				{At: 10, Kind: trace.NodeStarted}, {At: 20, Kind: trace.NodeStarted}, {At: 20, Kind: trace.NodeStarted},
				{At: 30, Node: "n1", Incarnation: 2, Kind: trace.Listed, Fields: []trace.Field{trace.Dur("called", 20),
					trace.Str("contents", taskevent.ListContents([]taskevent.ListedTask{{Namespace: "n", ID: "a", Digest: "ff"}}))}},
			},
			[]Op{{Client: "n1#2", Kind: List, Call: 2, Return: 4, Outcome: OK, Shows: []Shown{{"n", "a", "ff"}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewCollector()
			for _, e := range tc.events {
				c.Observe(e)
			}
			h, err := c.History()
			require.NoError(t, err)
			require.Equal(t, tc.want, h.Ops)
			for _, o := range h.Ops {
				require.NoError(t, o.validate())
			}
		})
	}
}

func with(o Op, change func(*Op)) Op {
	change(&o)
	return o
}

func TestCollectRefusesWhatItCannotRead(t *testing.T) {
	for name, tc := range map[string]struct {
		event trace.Event
		want  string
	}{
		"a command": {on(trace.Committed, trace.Uint("index", 9), trace.Str("command", "DISTRIBUTED_TASK_ADD"), trace.Str("body", "{")),
			"history: command at index 9 is no JSON"},
		"a list":                {on(trace.Listed, trace.Str("contents", "{")), "contents of a list"},
		"a list without digest": {on(trace.Listed, trace.Str("contents", `[{"ns":"n","id":"a"}]`)), "the list at event 1 has neither the record nor the digest of task n/a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewCollector()
			c.Observe(tc.event)
			_, err := c.History()
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestFromTrace(t *testing.T) {
	record := func(events ...trace.Event) *trace.Reader {
		var file bytes.Buffer
		recorder, err := trace.NewRecorder(&file, trace.Header{Plan: plan.Default()})
		require.NoError(t, err)
		for _, e := range events {
			recorder.Emit(e)
		}
		_, err = recorder.Close(trace.Verdict{Passed: true})
		require.NoError(t, err)
		reader, err := trace.NewReader(&file)
		require.NoError(t, err)
		return reader
	}
	h, err := FromTrace(record(called(5, "cancel-task"), proposed(5, 1), committed(9, 1, "ok"), returned(5, "ok", "")))
	require.NoError(t, err)
	require.Len(t, h.Ops, 1)
	require.Equal(t, OK, h.Ops[0].Outcome)
}

func TestAListLikeTheOneBeforeShowsTheSame(t *testing.T) {
	list := func(digest string) trace.Event {
		return trace.Event{Kind: trace.Listed, Fields: []trace.Field{
			trace.Str("contents", taskevent.ListContents([]taskevent.ListedTask{{Namespace: "ns", ID: "a", Version: 1, Digest: digest}})),
		}}
	}
	c := NewCollector()
	for _, digest := range []string{"1", "1", "2", "1"} {
		c.Observe(list(digest))
	}
	h, err := c.History()
	require.NoError(t, err)
	var got []string
	for _, o := range h.Ops {
		require.Len(t, o.Shows, 1)
		got = append(got, o.Shows[0].Digest)
	}
	require.Equal(t, []string{"1", "1", "2", "1"}, got)
}
