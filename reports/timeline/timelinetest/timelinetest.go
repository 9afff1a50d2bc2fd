// Package timelinetest makes traces for the tests of reports: of real runs of this build, of
// runs that are edited to violate a property, of the model checker, and one whose names and texts
// are strings that no format may take literally.
//
// It knows nothing of the reports.
package timelinetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/models/explore/tasks"
	"dtsim/models/explore/twophase"
	"dtsim/scenarios"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Scenario runs a scenario.
func Scenario(t *testing.T, name string, seed uint64) *trace.Trace {
	t.Helper()
	s, err := scenarios.ByName(name)
	require.NoError(t, err)
	return taskstest.Trace(t, s.Plan(seed, scenarios.Options{}))
}

// Record makes a trace of events, with the violations of one property.
func Record(t *testing.T, h trace.Header, id string, events []trace.Event) *trace.Trace {
	t.Helper()
	var b bytes.Buffer
	rec, err := trace.NewRecorder(&b, h)
	require.NoError(t, err)
	p, err := taskplan.Of(&h.Plan)
	require.NoError(t, err)
	o := property.New(p, property.Own)
	rec.Watch(o.Observe)
	for _, e := range events {
		rec.Emit(e)
	}
	found := slices.DeleteFunc(o.Verdict().Violations, func(v trace.Violation) bool { return v.Property != id })
	_, err = rec.Close(trace.Verdict{Passed: len(found) == 0, Violations: found})
	require.NoError(t, err)
	return taskstest.Read(t, b.Bytes())
}

// EarlySwap is a run behind the preparation barrier in which the ack of one node is not
// in the log when it swaps, nor ever: what a barrier comes to that lifts on any ack. It
// violates P5.
func EarlySwap(t *testing.T) (early *trace.Trace, missing string) {
	t.Helper()
	whole := Scenario(t, "journey-3-barrier", 1)
	var index, newest uint64
	for _, e := range whole.Events {
		if b, ok := taskevent.Of(&e).(*event.Committed); ok && b.Command == taskevent.CommandPreparationAck {
			index = b.Index
			missing, _, _ = strings.Cut(b.Request.Client, "#")
			break
		}
	}
	require.NotEmpty(t, missing, "no node has acknowledged a preparation")
	var events []trace.Event
	op := int64(-1)
	for _, e := range whole.Events {
		drop := false
		switch b := taskevent.Of(&e).(type) {
		case *event.Called:
			if drop = e.Node == missing && b.Do == taskevent.AckPreparation; drop {
				op = b.Op
			}
		case *event.Proposed:
			drop = b.Op == op
		case *event.Returned:
			drop = b.Op == op
		case *event.Committed:
			newest = b.Index
			drop = newest == index
		case *taskevent.TaskChanged:
			drop = newest == index
		case *event.Applied:
			drop = b.Index == index
		case *event.Replayed:
			drop = b.Index == index
		}
		if !drop {
			events = append(events, e)
		}
	}
	early = Record(t, whole.Header, "P5", events)
	require.NotEmpty(t, early.Footer.Verdict.Violations)
	return early, missing
}

// Long is a run of many tasks, one after the other, for a while of virtual time: an hour
// has some 400,000 events.
func Long(t *testing.T, lasts time.Duration) *trace.Trace {
	t.Helper()
	p := taskplan.Default()
	p.Name, p.Duration = "long", plan.Duration(lasts)
	p.Workload = []taskplan.Operation{{At: plan.Duration(4 * time.Second), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
		Name: "Articles", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2", "s3"}, Replicas: 2,
	}}}
	for i := 0; time.Duration(i)*20*time.Second < lasts-time.Minute; i++ {
		p.Workload = append(p.Workload, taskplan.Operation{At: plan.Duration(time.Duration(6+20*i) * time.Second), Node: plan.NodeName(1 + i%3), Do: taskplan.AddTask, Task: &taskplan.Task{
			Kind: taskplan.Reindex, ID: fmt.Sprintf("t%d", i%7), Collection: "Articles", Property: "title", Tokenization: []string{"trigram", "word"}[i%2],
			Barrier: i%3 == 0, MinUnitTime: plan.Duration(time.Second), MaxUnitTime: plan.Duration(3 * time.Second), Parallel: 2,
		}})
	}
	return taskstest.Trace(t, &p)
}

// Machine is a counterexample of a machine that is no cluster.
func Machine(t *testing.T) *trace.Trace {
	t.Helper()
	m := explore.Of(twophase.Hasty(3))
	r, err := m.Check(t.Context(), explore.Options{})
	require.NoError(t, err)
	taken, err := m.Replay(r.Violations[0].Path)
	require.NoError(t, err)
	content, err := counterexample.Encode(counterexample.Machine{Config: "2pc-3-hasty"}, r.Violations[0], taken, nil)
	require.NoError(t, err)
	return taskstest.Read(t, content)
}

// ClusterCounterexample is a path of the cluster model, kept as a counterexample with the
// events of a run: the first path from its beginning to an end.
func ClusterCounterexample(t *testing.T) *trace.Trace {
	t.Helper()
	m, err := tasks.New(tasks.Configs()["default"])
	require.NoError(t, err)
	path := explore.Path{Loop: -1}
	at := m.Initial(nil)[0]
	for {
		enabled := m.Enabled(&at, nil)
		if len(enabled) == 0 {
			break
		}
		path.Actions = append(path.Actions, enabled[0])
		at, _ = m.Step(&at, enabled[0])
	}
	taken, err := explore.Replay[tasks.State](m, path)
	require.NoError(t, err)
	run, err := m.RunOf(path)
	require.NoError(t, err)
	v := explore.Violation{Broken: explore.Broken{Property: "P16", Message: "for a test: this is where it ends"}, Path: path}
	content, err := counterexample.Encode(counterexample.Machine{Config: "default"}, v, taken, (*counterexample.Run)(&run))
	require.NoError(t, err)
	return taskstest.Read(t, content)
}

// Hostiles are strings that no format may take literally.
var Hostiles = []string{
	"]]>", "<script>alert(1)</script>", "</script>", "<!--", "\" onload=\"x", "'", "a\nb", "a\r\nb", "a\tb", "\x1b[31mred\x1b[0m", "\x00\x07\x7f",
	"%0A::error::x", "::error title=x::y", "a,b:c", "a/b", "\u202emirrored\u202c", "\u2028\u2029", "\u0085", "a\xffb", "\ufffe", "é漢👩‍👩‍👧", "{\"a\":1}", "&amp;", "../..", "n1/../n2", "$(x) `y`", "|", "=1+1",
}

// Hostile is a trace in which names, errors and payloads are [Hostiles]. No run has such a trace.
func Hostile(t *testing.T) *trace.Trace {
	t.Helper()
	p := taskplan.Default()
	p.Name = "hostile"
	var events []trace.Event
	emit := func(node string, inc int, kind trace.Kind, fields ...trace.Field) {
		events = append(events, trace.Event{At: time.Duration(len(events)) * time.Millisecond, Node: node, Incarnation: inc, Kind: kind, Fields: fields})
	}
	s := trace.Str
	emit("", 0, trace.RunStarted, trace.Uint("seed", 1), trace.Int("nodes", 3), trace.Dur("duration", time.Minute), trace.Int("start", 0))
	for i, x := range Hostiles {
		n := "n" + x
		run := []trace.Field{s("namespace", x), s("task", x), trace.Int("version", int64(i+1))}
		emit(n, 1, trace.NodeStarted)
		emit(n, 1, trace.NodeState, s("state", x), trace.Int("term", 1), s("leader", x))
		emit("", 0, trace.FaultBegan, trace.Int("fault", int64(i)), s("what", x), s("nodes", n+","+x), s("peer", x))
		emit(n, 1, trace.FaultActivated, trace.Int("fault", int64(i)), s("what", x), s("to", x), s("msg", x), trace.Int("id", 1), trace.Int("n", 1))
		emit(n, 1, trace.MessageSent, s("to", x), s("msg", x), trace.Int("id", 1), trace.Int("n", 1), trace.Dur("arrives", time.Duration(len(events)+3)*time.Millisecond))
		emit(n, 1, trace.MessageSent, s("to", n), s("msg", x), trace.Int("id", 2), trace.Int("n", 1), trace.Dur("arrives", time.Duration(len(events)+3)*time.Millisecond))
		emit(n, 1, trace.MessageLost, s("to", x), s("msg", x), trace.Int("id", 1), trace.Int("n", 1), s("why", x))
		emit(n, 1, trace.Called, append([]trace.Field{trace.Int("op", int64(i)), s("do", x), s("unit", x)}, run...)...)
		emit(n, 1, trace.Proposed, trace.Int("op", int64(i)), s("client", x), trace.Int("seq", 1))
		emit(n, 1, trace.Committed, trace.Int("index", int64(i+1)), trace.Int("term", 1), s("command", x), s("class", x), s("outcome", x), s("client", x), trace.Int("seq", 1), s("body", x))
		add, err := json.Marshal(map[string]any{"namespace": x, "id": x, "unit_ids": []string{x}})
		require.NoError(t, err)
		emit(n, 1, trace.Committed, trace.Int("index", int64(i+1)), trace.Int("term", 1), s("command", taskevent.CommandAddTask), s("outcome", event.Accepted), s("body", string(add)))
		emit(n, 1, trace.TaskChanged, append(run, s("status", x), s("unit", x), s("unit_status", x), s("owner", x), s("progress", x))...)
		emit(n, 1, trace.Applied, trace.Int("index", int64(i+1)), trace.Int("term", 1), s("command", x), s("namespace", x), s("task", x), s("outcome", x), trace.Int("sum", 1), s("state", x))
		emit(n, 1, trace.Returned, trace.Int("op", int64(i)), s("do", x), s("outcome", x), s("error", x), s("class", x))
		emit(n, 1, trace.Listed, trace.Int("index", int64(i+1)), trace.Int("tasks", 1), trace.Dur("called", 0), s("contents", x))
		emit(n, 1, trace.StartAsked, run...)
		emit(n, 1, trace.HandleStarted, append(run, trace.Int("handle", 1))...)
		emit(n, 1, trace.WorkStarted, append(run, s("unit", x))...)
		emit(n, 1, trace.WorkEnded, append(run, s("unit", x), s("outcome", x))...)
		emit(n, 1, trace.CallbackStarted, append([]trace.Field{s("callback", x)}, append(run, s("status", x), s("group", x), s("units", x))...)...)
		emit(n, 1, trace.CallbackEnded, append([]trace.Field{s("callback", x)}, append(run, s("status", x), s("group", x), s("units", x), s("error", x))...)...)
		emit(n, 1, trace.HandleTerminated, append(run, trace.Int("handle", 1))...)
		emit(n, 1, trace.HandleExited, append(run, trace.Int("handle", 1))...)
		emit(n, 1, trace.ShardChanged, append([]trace.Field{s("collection", x), trace.Int("born", 1), s("shard", x), s("why", x), s("property", x), s("tokenization", x)}, run...)...)
		emit(n, 1, trace.SchemaChanged, s("collection", x), s("change", x), s("property", x), s("tokenization", x))
		emit("", 0, trace.Kind("kind "+strings.ToValidUTF8(strings.ReplaceAll(x, "/", ""), "")), s("key "+x, x))
		emit("", 0, trace.FaultEnded, trace.Int("fault", int64(i)), s("what", x))
		emit(n, 1, trace.NodeStopped, s("how", x))
	}
	emit("", 0, trace.RunEnded)
	var b bytes.Buffer
	rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode(), Engine: "bubble"})
	require.NoError(t, err)
	for _, e := range events {
		rec.Emit(e)
	}
	var found []trace.Violation
	for i, x := range Hostiles {
		found = append(found, trace.Violation{Property: "P" + x, Message: x, At: events[len(events)-1].At, Node: x, Events: []int{2 + i, 3 + i}})
	}
	_, err = rec.Close(trace.Verdict{Violations: found})
	require.NoError(t, err)
	return taskstest.Read(t, b.Bytes())
}
