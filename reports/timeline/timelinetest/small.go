package timelinetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/trace"
)

// Small is a run of some forty events, written by hand, in which most of what can happen
// does: a task of two units swaps on n1 before n2 has acknowledged its preparation, whose
// message is lost. It does not change with the code that runs plans.
func Small(t *testing.T) *trace.Trace {
	t.Helper()
	p := taskplan.Default()
	p.Name, p.Seed = "small", 7
	s, n, d := trace.Str, func(key string, v uint64) trace.Field { return trace.Uint(key, v) }, trace.Dur
	ms := time.Millisecond
	var events []trace.Event
	emit := func(at time.Duration, node string, inc int, kind trace.Kind, fields ...trace.Field) {
		events = append(events, trace.Event{At: at, Node: node, Incarnation: inc, Kind: kind, Fields: fields})
	}
	run := func(more ...trace.Field) []trace.Field {
		return append([]trace.Field{s("namespace", "reindex"), s("task", "to-trigram"), n("version", 6)}, more...)
	}
	msg := func(to, kind string, id uint64, more ...trace.Field) []trace.Field {
		return append([]trace.Field{s("to", to), s("msg", kind), n("id", id), n("n", 1)}, more...)
	}
	commit := func(index uint64, command, client, body string) []trace.Field {
		return []trace.Field{n("index", index), n("term", 2), s("command", "DISTRIBUTED_TASK_"+command), s("outcome", "ok"), s("client", client), n("seq", index), s("body", body)}
	}
	applied := func(index uint64) []trace.Field {
		return []trace.Field{n("index", index), n("term", 2), s("command", "x"), s("outcome", "ok"), n("sum", 1)}
	}
	emit(0, "", 0, trace.RunStarted, n("seed", 7), n("nodes", 3), d("duration", time.Minute), n("start", 946684800000))
	for _, node := range []string{"n1", "n2", "n3"} {
		emit(0, node, 1, trace.NodeStarted)
	}
	emit(100*ms, "n1", 1, trace.NodeState, s("state", "Leader"), n("term", 2), s("leader", "n1"))
	emit(100*ms, "n1", 1, trace.MessageSent, msg("n2", "heartbeat", 1, n("term", 2), d("arrives", 101*ms))...)
	emit(101*ms, "n2", 1, trace.LeaderSeen, s("leader", "n1"))
	emit(101*ms, "n2", 1, trace.MessageSent, msg("n1", "heartbeat-reply", 2, n("term", 2), trace.Bool("ok", true), d("arrives", 102*ms))...)
	emit(1000*ms, "n2", 1, trace.Called, s("do", "add-task"), s("namespace", "reindex"), s("task", "to-trigram"), n("op", 0))
	emit(1000*ms, "n2", 1, trace.Proposed, n("op", 0), s("client", "n2#1"), n("seq", 6))
	emit(1000*ms, "n2", 1, trace.MessageSent, msg("n1", "forward", 3, n("size", 90), d("arrives", 1001*ms))...)
	emit(1003*ms, "n1", 1, trace.Committed, commit(6, "ADD", "n2#1", `{"namespace":"reindex","id":"to-trigram","unit_ids":["u1","u2"],"needs_preparation_barrier":true}`)...)
	emit(1003*ms, "n1", 1, trace.TaskChanged, run(s("status", "STARTED"))...)
	emit(1003*ms, "n1", 1, trace.Applied, applied(6)...)
	emit(1003*ms, "n1", 1, trace.MessageSent, msg("n2", "append", 4, n("term", 2), n("prev", 5), n("entries", 1), n("commit", 6), d("arrives", 1004*ms))...)
	emit(1004*ms, "n2", 1, trace.Applied, applied(6)...)
	emit(1005*ms, "n2", 1, trace.Returned, n("op", 0), s("do", "add-task"), s("outcome", "ok"))
	for _, node := range []string{"n1", "n2"} {
		emit(1100*ms, node, 1, trace.StartAsked, run()...)
		emit(1100*ms, node, 1, trace.HandleStarted, run(n("handle", 1))...)
		emit(1100*ms, node, 1, trace.WorkStarted, run(s("unit", "u"+node[1:]))...)
	}
	emit(1500*ms, "", 0, trace.FaultBegan, n("fault", 0), s("what", "duplicate"), s("nodes", "n1"))
	emit(1510*ms, "n1", 1, trace.FaultActivated, append([]trace.Field{n("fault", 0), s("what", "duplicate")}, msg("n3", "append", 5, d("by", 4*ms))...)...)
	emit(1510*ms, "n1", 1, trace.MessageSent, msg("n3", "append", 5, n("term", 2), n("prev", 5), n("entries", 1), n("commit", 6), d("arrives", 1512*ms))...)
	emit(1512*ms, "n3", 1, trace.Applied, applied(6)...)
	emit(1520*ms, "", 0, trace.FaultEnded, n("fault", 0), s("what", "duplicate"))
	for i, node := range []string{"n1", "n2"} {
		unit, index := "u"+node[1:], uint64(7+i)
		at := time.Duration(2000+100*i) * ms
		emit(at, node, 1, trace.WorkEnded, run(s("unit", unit), s("outcome", "ok"))...)
		emit(at, "n1", 1, trace.Committed, commit(index, "RECORD_UNIT_COMPLETED", node+"#1", `{"namespace":"reindex","id":"to-trigram","version":6,"node_id":"`+node+`","unit_id":"`+unit+`"}`)...)
		status := []string{"STARTED", "PREPARING"}[i]
		emit(at, "n1", 1, trace.TaskChanged, run(s("status", status), s("unit", unit), s("unit_status", "COMPLETED"), s("owner", node), s("progress", "1"))...)
		emit(at, node, 1, trace.HandleExited, run(n("handle", 1))...)
	}
	emit(2200*ms, "n1", 1, trace.CallbackStarted, append([]trace.Field{s("callback", "OnGroupCompleted")}, run(s("status", "PREPARING"), s("group", ""), s("units", `["u1"]`))...)...)
	emit(2250*ms, "n1", 1, trace.CallbackEnded, append([]trace.Field{s("callback", "OnGroupCompleted")}, run(s("status", "PREPARING"), s("group", ""), s("units", `["u1"]`))...)...)
	emit(2260*ms, "n1", 1, trace.Committed, commit(9, "RECORD_PREPARATION_COMPLETE_ACK", "n1#1", `{"namespace":"reindex","id":"to-trigram","version":6,"node_id":"n1","success":true}`)...)
	emit(2260*ms, "n1", 1, trace.TaskChanged, run(s("status", "SWAPPING"))...)
	emit(2270*ms, "", 0, trace.FaultBegan, n("fault", 1), s("what", "crash"), s("nodes", "n2"))
	emit(2270*ms, "n2", 1, trace.MessageSent, msg("n1", "forward", 6, n("size", 80), d("arrives", 2271*ms))...)
	emit(2270*ms, "n2", 1, trace.NodeStopped, s("how", "crash"))
	emit(2271*ms, "n2", 1, trace.MessageLost, msg("n1", "forward", 6, s("why", "down"))...)
	emit(2280*ms, "n1", 1, trace.CallbackStarted, append([]trace.Field{s("callback", "OnSwapRequested")}, run(s("status", "SWAPPING"), s("group", ""), s("units", `["u1"]`))...)...)
	early := len(events)
	emit(2290*ms, "n1", 1, trace.ShardChanged, append([]trace.Field{s("collection", "Articles"), n("born", 5), s("shard", "s1"), s("why", "swapped"), s("property", "title"), s("tokenization", "trigram")}, run()...)...)
	emit(2300*ms, "n1", 1, trace.CallbackEnded, append([]trace.Field{s("callback", "OnSwapRequested"), s("error", "")}, run(s("status", "SWAPPING"), s("group", ""), s("units", `["u1"]`))...)...)
	emit(2500*ms, "n2", 2, trace.NodeStarted)
	emit(3000*ms, "", 0, trace.Quiescence)
	for _, node := range []string{"n1", "n2", "n3"} {
		inc := 1
		if node == "n2" {
			inc = 2
		}
		emit(4000*ms, node, inc, trace.NodeStopped, s("how", "shutdown"))
	}
	emit(4000*ms, "", 0, trace.RunEnded)
	var b bytes.Buffer
	rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode(), Engine: "bubble"})
	require.NoError(t, err)
	swapping := 0
	for i, e := range events {
		rec.Emit(e)
		if b, ok := taskevent.Of(&e).(*taskevent.TaskChanged); ok && b.Status == taskevent.Swapping {
			swapping = i + 1
		}
	}
	_, err = rec.Close(trace.Verdict{Violations: []trace.Violation{{
		Property: "P5", Message: "OnSwapRequested of reindex/to-trigram@6 runs before a successful preparation ack of [n2]",
		At: 2280 * ms, Node: "n1", Events: []int{swapping, early},
	}}})
	require.NoError(t, err)
	return taskstest.Read(t, b.Bytes())
}
