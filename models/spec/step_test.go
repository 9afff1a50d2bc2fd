package spec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// steps steps a machine through commands, each "TYPE JSON -> verdict", and returns
// it. The first command stands at index 1.
func steps(t testing.TB, lines ...string) Machine {
	var m Machine
	for i, line := range lines {
		command, want, _ := strings.Cut(line, " -> ")
		var c api.ApplyRequest
		_, err := fmt.Sscanf(command, "%d", &c.Type)
		require.NoError(t, err, line)
		_, body, _ := strings.Cut(command, " ")
		c.SubCommand = []byte(body)
		next, v := m.Step(uint64(i+1), &c)
		require.Equal(t, want, v.String(), line)
		if v != accepted {
			require.Equal(t, m, next, "%s: the machine stays", line)
		}
		m = next
	}
	return m
}

const (
	add    = `300 {"namespace":"n","id":"a","unit_ids":["u"],"submitted_at_unix_millis":1000} -> ok`
	cancel = `301 {"namespace":"n","id":"a","version":1,"cancelled_at_unix_millis":5000} -> ok`
)

func TestStories(t *testing.T) {
	for name, lines := range map[string][]string{
		"a record goes when it is older than its time to live": {
			add, cancel,
			`303 {"namespace":"n","id":"a","version":1,"cleaned_up_at_unix_millis":5009,"completed_task_ttl_millis":10} -> retryable`,
			`303 {"namespace":"n","id":"a","version":1,"cleaned_up_at_unix_millis":5010,"completed_task_ttl_millis":10} -> retryable`,
			`303 {"namespace":"n","id":"a","version":1,"cleaned_up_at_unix_millis":5011,"completed_task_ttl_millis":10} -> ok`,
			`303 {"namespace":"n","id":"a","version":1} -> permanent task-not-exist`,
		},
		"a record whose proposer has judged its age goes at once": {
			add, cancel, `303 {"namespace":"n","id":"a","version":1} -> ok`,
		},
		"a task in any phase but the last is not replaced": {
			`300 {"namespace":"n","id":"a","unit_ids":["u"],"needs_preparation_barrier":true} -> ok`, strings.Replace(add, "ok", "retryable", 1),
			`304 {"namespace":"n","id":"a","version":1,"node_id":"x","unit_id":"u"} -> ok`, strings.Replace(add, "ok", "retryable", 1),
			`308 {"namespace":"n","id":"a","version":1,"node_id":"x","success":true} -> ok`, strings.Replace(add, "ok", "retryable", 1),
			`306 {"namespace":"n","id":"a","version":1} -> ok`, add,
		},
		"a completed swap is not given up": {
			`300 {"namespace":"n","id":"a","unit_ids":["u"],"acks_required":true} -> ok`,
			`304 {"namespace":"n","id":"a","version":1,"node_id":"x","unit_id":"u"} -> ok`,
			`306 {"namespace":"n","id":"a","version":1} -> retryable`,
			`307 {"namespace":"n","id":"a","version":1,"node_id":"x","success":true} -> ok`,
			`307 {"namespace":"n","id":"a","version":1,"node_id":"y"} -> permanent task-not-finalizing`,
			`309 {"namespace":"n","id":"a","version":1} -> permanent task-not-finalizing`,
			`306 {"namespace":"n","id":"a","version":1} -> ok`,
		},
		"what is bad in itself is refused before the state is looked at": {
			`306 {"namespace":"n","id":""} -> permanent invalid-command`,
			`300 {"namespace":"n","id":"a"} -> permanent invalid-command`,
			`302 {"namespace":"n","id":"a"} -> permanent invalid-command`,
			`305 {"namespace":"n","id":"a","node_id":"x","unit_id":"u","progress":1.5} -> permanent invalid-command`,
			`301 {"namespace":"n","id":"a","cancelled_at_unix_millis":9223372036854775807} -> permanent invalid-command`,
		},
	} {
		t.Run(name, func(t *testing.T) { steps(t, lines...) })
	}
}

func TestDiffNamesTheFirstDifference(t *testing.T) {
	m := steps(t, add, cancel)
	require.Empty(t, m.Diff(m.Snapshot()))
	for name, tc := range map[string]struct{ old, new, want string }{
		"another value":   {`"CANCELLED"`, `"FAILED"`, `.tasks.n[0].status: specified "CANCELLED", got "FAILED"`},
		"a missing field": {`,"units"`, `,"them"`, `.tasks.n[0].them: specified null, got {"u":{`},
		"another order":   {`"ID":"a","version":1`, `"version":1,"ID":"a"`, `the same values in another form`},
		"no document":     {`{"tasks"`, `{"tasks`, `the snapshot is no JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			edited := strings.Replace(string(m.Snapshot()), tc.old, tc.new, 1)
			require.NotEqual(t, string(m.Snapshot()), edited)
			require.Contains(t, m.Diff([]byte(edited)), tc.want)
		})
	}
	require.Equal(t, `.tasks: specified null, got {"n":[0]}`, Machine{}.Diff([]byte(`{"tasks":{"n":[0]}}`)))
}

func TestReadVerdict(t *testing.T) {
	for text, want := range map[string]Verdict{
		"ok": accepted, "too fresh": notNow, "[dtm-perm/ cut off": notNow,
		"executing command: [dtm-perm/task-not-exist] it does not exist: ...": never(TaskNotExist),
	} {
		require.Equal(t, want, ReadVerdict(text), text)
	}
}

// A step in a task of a thousand units shares what it does not touch.
func BenchmarkStepOfAThousandUnits(b *testing.B) {
	q := api.AddDistributedTaskRequest{Namespace: "n", Id: "a"}
	for i := range 1000 {
		q.UnitIds = append(q.UnitIds, fmt.Sprintf("unit-%04d", i))
	}
	body, err := json.Marshal(q)
	require.NoError(b, err)
	m, v := Machine{}.Step(1, &api.ApplyRequest{Type: 300, SubCommand: body})
	require.Equal(b, accepted, v)
	progress := &api.ApplyRequest{Type: 305, SubCommand: []byte(`{"namespace":"n","id":"a","version":1,"node_id":"x","unit_id":"unit-0500","progress":0.5}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, v := m.Step(2, progress); v != accepted {
			b.Fatal(v)
		}
	}
}
