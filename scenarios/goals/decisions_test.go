package goals

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// decisionsOf reads the decisions of a run in which n1 leads, a task is added, claimed, completed by n2 and called
// back on it; change changes its events.
func decisionsOf(t *testing.T, change func(events []trace.Event) []trace.Event) coverage.Decisions {
	t.Helper()
	at := func(s int, node string, kind trace.Kind, fields ...trace.Field) trace.Event {
		return trace.Event{At: time.Duration(s) * time.Second, Node: node, Kind: kind, Fields: fields}
	}
	committed := func(s int, name, outcome, body string, more ...trace.Field) trace.Event {
		return at(s, "n1", trace.Committed, append([]trace.Field{trace.Str("command", name), trace.Str("outcome", outcome), trace.Str("body", body)}, more...)...)
	}
	events := []trace.Event{
		at(1, "n1", trace.NodeState, trace.Str("state", "Leader")),
		committed(2, addTask, "ok", `{"namespace":"ns","id":"a"}`),
		at(2, "n1", trace.Returned, trace.Int("op", 0), trace.Str("outcome", "ok")),
		committed(3, unitProgress, "ok", `{"namespace":"ns","id":"a","unit_id":"u","node_id":"n2","progress":0.5}`),
		committed(4, unitCompletion, "ok", `{"namespace":"ns","id":"a","unit_id":"u","node_id":"n2","finished_at_unix_millis":4000}`),
		committed(5, postAck, "ok", `{"namespace":"ns","id":"a","node_id":"n2","success":true}`),
		at(6, "n2", trace.CallbackEnded, trace.Str("callback", taskevent.TaskCompleted), trace.Str("namespace", "ns"), trace.Str("task", "a")),
		at(7, "n1", trace.Returned, trace.Int("op", 1), trace.Str("outcome", "ok")),
	}
	if change != nil {
		events = change(events)
	}
	var b bytes.Buffer
	p := taskplan.Default()
	p.Workload = []taskplan.Operation{{At: plan.Duration(time.Second), Node: "n1", Do: taskplan.ListTasks}}
	rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode()})
	require.NoError(t, err)
	for _, e := range events {
		rec.Emit(e)
	}
	_, err = rec.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	d, err := coverage.ReadDecisions(&b, Decides, Decisive()...)
	require.NoError(t, err)
	return d
}

// with returns a change of one field of one event.
func with(i int, f trace.Field) func([]trace.Event) []trace.Event {
	return func(events []trace.Event) []trace.Event {
		j := slices.IndexFunc(events[i].Fields, func(old trace.Field) bool { return old.Key == f.Key })
		if j < 0 {
			events[i].Fields = append(events[i].Fields, f)
		} else {
			events[i].Fields[j] = f
		}
		return events
	}
}

func TestWhetherARunHasDecidedOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		change func([]trace.Event) []trace.Event
		about  string // "" when it has decided the same
	}{
		"the same": {nil, ""},
		"everything comes later": {func(events []trace.Event) []trace.Event {
			for i := range events {
				events[i].At += time.Second
			}
			return with(4, trace.Str("body", `{"namespace":"ns","id":"a","unit_id":"u","node_id":"n2","finished_at_unix_millis":5000}`))(events)
		}, ""},
		"less progress is reported":         {func(events []trace.Event) []trace.Event { return slices.Delete(events, 3, 4) }, ""},
		"what the operator of a fault does": {with(7, trace.Str("outcome", "rejected")), ""},
		"a command comes twice": {func(events []trace.Event) []trace.Event {
			again := events[4]
			again.Fields = append(slices.Clone(again.Fields), trace.Uint("first", 4))
			return slices.Insert(events, 5, again)
		}, ""},
		"another leader":             {func(events []trace.Event) []trace.Event { events[0].Node = "n3"; return events }, "leader"},
		"another verdict":            {with(1, trace.Str("outcome", "no room")), "task ns/a"},
		"another answer":             {with(2, trace.Str("outcome", "ambiguous")), "workload[0]"},
		"another node does the unit": {with(4, trace.Str("body", `{"namespace":"ns","id":"a","unit_id":"u","node_id":"n3"}`)), "task ns/a unit u"},
		"the unit fails":             {with(4, trace.Str("body", `{"namespace":"ns","id":"a","unit_id":"u","node_id":"n2","error":"disk"}`)), "task ns/a unit u"},
		"a failed ack":               {with(5, trace.Str("body", `{"namespace":"ns","id":"a","node_id":"n2"}`)), "task ns/a on n2"},
		"a failed callback":          {with(6, trace.Str("error", "disk")), "callbacks of ns/a on n2"},
		"a callback is missing":      {func(events []trace.Event) []trace.Event { return slices.Delete(events, 6, 7) }, "callbacks of ns/a on n2"},
	} {
		t.Run(name, func(t *testing.T) {
			about, differ := decisionsOf(t, nil).Differ(decisionsOf(t, c.change))
			require.Equal(t, c.about, about)
			require.Equal(t, c.about != "", differ)
		})
	}
}

func TestRerunsAreInTheAccount(t *testing.T) {
	counters := map[string]int64{coverage.FaultPrefix + "loss/asked": 3}
	for _, r := range []struct{ differed, reported bool }{{true, true}, {true, false}, {false, false}, {false, true}, {true, true}} {
		for name, n := range coverage.Ablation(plan.Loss, r.differed, r.reported) {
			counters[name] += n
		}
	}
	a := coverage.NewAccount(counters, Catalog(nil))
	require.Equal(t, coverage.Reruns{Runs: 5, Differed: 3, Predicted: 3, Agreed: 3}, a.Ablation())
	require.Equal(t, a.Ablation(), a.Faults[0].Ablation)
}
