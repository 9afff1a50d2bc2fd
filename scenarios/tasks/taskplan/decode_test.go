package taskplan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// full holds everything a plan can hold.
const full = `{
  "format": 2,
  "name": "everything",
  "seed": 18446744073709551615,
  "duration": "2m0s",
  "cluster": {
    "nodes": 3,
    "raft": {
      "heartbeat_timeout": "1s",
      "election_timeout": "1s",
      "leader_lease_timeout": "500ms",
      "commit_timeout": "50ms",
      "snapshot_interval": "5s",
      "snapshot_threshold": 256,
      "trailing_logs": 128
    },
    "network": {
      "min_latency": "1ms",
      "max_latency": "20ms",
      "call_timeout": "250ms"
    },
    "disk": {
      "sync_latency": "100µs"
    }
  },
  "faults": [
    {
      "kind": "crash",
      "at": "5s",
      "when": {
        "moment": "barrier-lift",
        "about": {
          "namespace": "reindex",
          "task_id": "retokenize"
        }
      },
      "for": "2s",
      "node": "owner"
    },
    {
      "kind": "call-late",
      "at": "1s",
      "max": "2s",
      "op": "ack-swap",
      "about": {
        "namespace": "reindex",
        "task_id": "retokenize"
      }
    },
    {
      "kind": "operate",
      "at": "6s",
      "do": {
        "at": "0s",
        "node": "n2",
        "do": "list-tasks"
      }
    }
  ],
  "calm": "1m0s",
  "tasks": {
    "scheduler_tick": "1s",
    "completed_task_ttl": "30s",
    "workload": [
      {
        "at": "1s",
        "node": "n1",
        "do": "create-collection",
        "collection": {
          "name": "Movies",
          "properties": {
            "plot": "word",
            "title": "word"
          },
          "shards": [
            "s1",
            "s2"
          ],
          "replicas": 2
        }
      },
      {
        "at": "2s",
        "node": "n2",
        "do": "add-task",
        "task": {
          "kind": "reindex",
          "id": "retokenize",
          "collection": "Movies",
          "property": "title",
          "tokenization": "field",
          "barrier": true,
          "min_unit_time": "1s",
          "max_unit_time": "3s",
          "slow_units": [
            "s1__n1"
          ],
          "fail_units": [
            "s2__n3"
          ],
          "parallel": 2
        }
      },
      {
        "at": "2s",
        "node": "n3",
        "do": "cancel-task",
        "namespace": "reindex",
        "task_id": "retokenize"
      },
      {
        "at": "3s",
        "node": "n3",
        "do": "update-property",
        "target": "Movies",
        "property": "plot",
        "tokenization": "field"
      },
      {
        "at": "4s",
        "node": "n1",
        "do": "list-tasks"
      }
    ],
    "promises": [
      {
        "expect": "task-ends",
        "namespace": "reindex",
        "task_id": "retokenize",
        "run": 1,
        "status": "CANCELLED"
      },
      {
        "expect": "operations-end",
        "operations": [
          0,
          1
        ],
        "outcome": "ok",
        "exactly": 2
      },
      {
        "expect": "schema-is",
        "collection": "Movies",
        "property": "title",
        "tokenization": "word"
      }
    ]
  }
}
`

// flat is the same plan in format 1.
const flat = `{
  "format": 1,
  "name": "everything",
  "seed": 18446744073709551615,
  "duration": "2m0s",
  "cluster": {
    "nodes": 3,
    "scheduler_tick": "1s",
    "completed_task_ttl": "30s",
    "raft": {
      "heartbeat_timeout": "1s",
      "election_timeout": "1s",
      "leader_lease_timeout": "500ms",
      "commit_timeout": "50ms",
      "snapshot_interval": "5s",
      "snapshot_threshold": 256,
      "trailing_logs": 128
    },
    "network": {
      "min_latency": "1ms",
      "max_latency": "20ms",
      "call_timeout": "250ms"
    },
    "disk": {
      "sync_latency": "100µs"
    }
  },
  "workload": [
    {
      "at": "1s",
      "node": "n1",
      "do": "create-collection",
      "collection": {
        "name": "Movies",
        "properties": {
          "plot": "word",
          "title": "word"
        },
        "shards": [
          "s1",
          "s2"
        ],
        "replicas": 2
      }
    },
    {
      "at": "2s",
      "node": "n2",
      "do": "add-task",
      "task": {
        "kind": "reindex",
        "id": "retokenize",
        "collection": "Movies",
        "property": "title",
        "tokenization": "field",
        "barrier": true,
        "min_unit_time": "1s",
        "max_unit_time": "3s",
        "slow_units": [
          "s1__n1"
        ],
        "fail_units": [
          "s2__n3"
        ],
        "parallel": 2
      }
    },
    {
      "at": "2s",
      "node": "n3",
      "do": "cancel-task",
      "namespace": "reindex",
      "task_id": "retokenize"
    },
    {
      "at": "3s",
      "node": "n3",
      "do": "update-property",
      "target": "Movies",
      "property": "plot",
      "tokenization": "field"
    },
    {
      "at": "4s",
      "node": "n1",
      "do": "list-tasks"
    }
  ],
  "faults": [
    {
      "kind": "crash",
      "at": "5s",
      "when": {
        "moment": "barrier-lift",
        "namespace": "reindex",
        "task_id": "retokenize"
      },
      "for": "2s",
      "node": "owner"
    },
    {
      "kind": "call-late",
      "at": "1s",
      "max": "2s",
      "op": "ack-swap",
      "namespace": "reindex",
      "task_id": "retokenize"
    },
    {
      "kind": "operate",
      "at": "6s",
      "do": {
        "at": "0s",
        "node": "n2",
        "do": "list-tasks"
      }
    }
  ],
  "calm": "1m0s",
  "promises": [
    {
      "expect": "task-ends",
      "namespace": "reindex",
      "task_id": "retokenize",
      "run": 1,
      "status": "CANCELLED"
    },
    {
      "expect": "operations-end",
      "operations": [
        0,
        1
      ],
      "outcome": "ok",
      "exactly": 2
    },
    {
      "expect": "schema-is",
      "collection": "Movies",
      "property": "title",
      "tokenization": "word"
    }
  ]
}
`

func TestAFullPlanIsReadAndWrittenAsItIs(t *testing.T) {
	p, err := taskplan.Decode([]byte(full))
	require.NoError(t, err)
	require.Equal(t, full, string(plan.Encode(p.Encode())))
	require.Equal(t, uint64(1<<64-1), p.Seed)
}

func TestAPlanOfFormatOneIsTheSame(t *testing.T) {
	p, err := taskplan.Decode([]byte(full))
	require.NoError(t, err)
	old, err := taskplan.Decode([]byte(flat))
	require.NoError(t, err)
	require.Equal(t, p, old)
	carried, err := plan.Decode([]byte(flat)) // by who knows nothing of tasks, and passes it on
	require.NoError(t, err)
	carried, err = plan.Decode(plan.Encode(carried))
	require.NoError(t, err)
	again, err := taskplan.Of(carried)
	require.NoError(t, err)
	require.Equal(t, p, again)
}

func TestFaultsOfAcksAreThoseOfCalls(t *testing.T) {
	p, err := taskplan.Decode([]byte(`{"format": 1, "calm": "30s", "faults": [
  {"kind": "ack-delay", "max": "1s"}, {"kind": "ack-loss", "op": "ack-swap"}, {"kind": "ack-duplicate", "key": 7}, {"kind": "ack-flip"}]}`))
	require.NoError(t, err)
	require.Equal(t, []plan.Fault{
		{Kind: plan.CallDelay, Op: taskplan.AnyAck, Max: plan.Duration(time.Second)},
		{Kind: plan.CallLoss, Op: "ack-swap"},
		{Kind: plan.CallTwice, Op: taskplan.AnyAck, Key: 7},
		{Kind: taskplan.AckFlip},
	}, p.Faults)
}

func TestAShortPlanGetsTheDefaults(t *testing.T) {
	p, err := taskplan.Decode([]byte(`{"format": 2, "tasks": {"workload": [
	  {"at": "3s", "do": "add-task", "task": {"kind": "cleanup", "id": "tidy-up", "files": 10}}
	]}}`))
	require.NoError(t, err)
	want := taskplan.Default()
	want.Workload = []taskplan.Operation{{At: plan.Duration(3 * time.Second), Node: "n1", Do: taskplan.AddTask, Task: &taskplan.Task{
		Kind: taskplan.Cleanup, ID: "tidy-up", Files: 10, MinUnitTime: plan.Duration(time.Second), Parallel: 1,
	}}}
	require.Equal(t, want, *p)
}

func TestAnEmptyWorkloadHasOneForm(t *testing.T) {
	missing, err := taskplan.Decode([]byte(`{"format":2}`))
	require.NoError(t, err)
	empty, err := taskplan.Decode([]byte(`{"format":2,"tasks":{"workload":[],"promises":[]}}`))
	require.NoError(t, err)
	require.Equal(t, plan.Hash(missing.Encode()), plan.Hash(empty.Encode()))
	d := taskplan.Default()
	require.Equal(t, plan.Hash(d.Encode()), plan.Hash(empty.Encode()))
}

func TestEqualPlansHaveEqualHashes(t *testing.T) {
	p, err := taskplan.Decode([]byte(full))
	require.NoError(t, err)
	q, err := taskplan.Decode(plan.Encode(p.Encode()))
	require.NoError(t, err)
	require.Equal(t, plan.Hash(p.Encode()), plan.Hash(q.Encode()))
	q.Workload[1].Task.Parallel++
	require.NotEqual(t, plan.Hash(p.Encode()), plan.Hash(q.Encode()))
}

// change returns a document with one thing replaced, which must be there.
func change(t *testing.T, document, old, new string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(document, old), "%q in the plan", old)
	return strings.Replace(document, old, new, 1)
}

func TestBadDocumentsAreRefusedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"an empty file", " \n", `plan: the document is empty (line 1, column 1)`},
		{"no JSON", "hello", `plan: invalid character 'h' at start of value (line 1, column 1)`},
		{"a list", `[]`, `plan: a list stands where an object should (line 1, column 1)`},
		{"null", `null`, `plan: null is no value; leave out what has none (line 1, column 1)`},
		{"no format", `{}`, `plan: format: the format number is missing; this build reads formats 1 and 2 (line 1, column 1)`},
		{"another format", `{"format": 3, "nodes": []}`, `plan: format: format 3 is unknown; this build reads formats 1 and 2 (line 1, column 12)`},
		{"a fractional format", `{"format": 1.5}`, `plan: format: format 1.5 is unknown; this build reads formats 1 and 2 (line 1, column 12)`},
		{"an unknown field at the top", "{\"format\": 1,\n \"nodse\": 3}", `plan: nodse: unknown field; known are scheduler_tick, completed_task_ttl, max_sessions, attempt_timeout, inherited, workload, promises (line 2, column 2)`},
		{"an unknown field inside", change(t, flat, `"trailing_logs": 128`, `"trailing": 128`), `plan: cluster.raft.trailing: unknown field; known are heartbeat_timeout, election_timeout, leader_lease_timeout, commit_timeout, snapshot_interval, snapshot_threshold, trailing_logs, max_append_entries, batch_apply, no_pre_vote, queue_heartbeats (line 17, column 7)`},
		{"a field in other letters", `{"Format": 1}`, `plan: Format: unknown field; known are format, name, seed, duration, cluster, faults, stalls, calm, the name of an application (line 1, column 2)`},
		{"a field twice", `{"format": 1, "seed": 2, "seed": 2}`, `plan: seed: the field is there twice (line 1, column 26)`},
		{"a property twice", change(t, flat, `"plot": "word",`, `"title": "word",`), `plan: workload[0].collection.properties.title: the field is there twice (line 37, column 11)`},
		{"something after the end", "{\"format\": 1}\n{}", `plan: there is something after the end of the plan (line 2, column 1)`},
		{"a cut-off end", flat[:strings.Index(flat, `"kind"`)], `plan: workload[1].task: the document is cut off here (line 51, column 9)`},
		{"a cut-off string", flat[:strings.Index(flat, `eindex`)], `plan: workload[1].task.kind: the document is cut off here (line 51, column 19)`},
		{"a missing comma", `{"format": 1 "seed": 2}`, `plan: invalid character '"' after object value (expecting ',' or '}') (line 1, column 14)`},
		{"a string for a number", `{"format": 1, "seed": "2"}`, `plan: seed: "2" stands where a whole number from 0 to 2^64-1 should (line 1, column 23)`},
		{"a negative seed", `{"format": 1, "seed": -1}`, `plan: seed: -1 stands where a whole number from 0 to 2^64-1 should (line 1, column 23)`},
		{"a fractional number of nodes", `{"format": 1, "cluster": {"nodes": 2.5}}`, `plan: cluster.nodes: 2.5 stands where a whole number should (line 1, column 36)`},
		{"a number that overflows", `{"format": 1, "cluster": {"nodes": 99999999999999999999}}`, `plan: cluster.nodes: 99999999999999999999 stands where a whole number should (line 1, column 36)`},
		{"null for a task", change(t, flat, `"task": {
        "kind": "reindex",`, `"task": null, "x": {
        "kind": "reindex",`), `plan: workload[1].task: null is no value; leave out what has none (line 50, column 15)`},
		{"a word for true", change(t, flat, `"barrier": true`, `"barrier": "yes"`), `plan: workload[1].task.barrier: "yes" stands where true or false should (line 56, column 20)`},
		{"a number for a string", change(t, flat, `"id": "retokenize"`, `"id": 7`), `plan: workload[1].task.id: 7 stands where a string should (line 52, column 15)`},
		{"an object for a list", `{"format": 1, "workload": {}}`, `plan: workload: an object stands where a list should (line 1, column 27)`},
		{"a part at the top", `{"format": 2, "workload": []}`, `plan: workload: unknown field; known are format, name, seed, duration, cluster, faults, stalls, calm, the name of an application (line 1, column 15)`},
		{"two applications", `{"format": 2, "tasks": {}, "counter": {}}`, `plan: counter: unknown field; known are format, name, seed, duration, cluster, faults, stalls, calm, the name of an application (line 1, column 28)`},
		{"another application", `{"format": 2, "counter": {}}`, `plan: counter: the plan is of this application and not of "tasks" (line 1, column 26)`},
		{"an unknown field of the part", change(t, full, `"shards": [`, `"colour": [`), `plan: tasks.workload[0].collection.colour: unknown field; known are name, properties, shards, tenants, replicas (line 75, column 11)`},
		{"a word for true in the part", change(t, full, `"barrier": true`, `"barrier": "yes"`), `plan: tasks.workload[1].task.barrier: "yes" stands where true or false should (line 92, column 22)`},
		{"a task that is not there", change(t, full, `"about": {
          "namespace": "reindex",`, `"about": {
          "namespace": "cleanup",`), `plan: faults[0].when.about.task_id: no operation adds the task "retokenize" of cleanup before this (line 34, column 22)`},
		{"a task that is not there, in format 1", change(t, flat, `"op": "ack-swap",
      "namespace": "reindex"`, `"op": "ack-swap",
      "namespace": "cleanup"`), `plan: faults[1].task_id: no operation adds the task "retokenize" of cleanup before this (line 107, column 18)`},
		{"a setting of the part", change(t, flat, `"scheduler_tick": "1s"`, `"scheduler_tick": "0s"`), `plan: cluster.scheduler_tick: 0s is below 1ms (line 8, column 23)`},
		{"what an operator does", change(t, full, `"do": {
        "at": "0s",`, `"do": {
        "at": 5,`), `plan: faults[2].do.at: 5 stands where a duration such as "1.5s" should (line 54, column 15)`},
		{"a number for a duration", `{"format": 1, "duration": 5}`, `plan: duration: 5 stands where a duration such as "1.5s" should (line 1, column 27)`},
		{"a word for a duration", `{"format": 1, "duration": "long"}`, `plan: duration: "long" is no duration; write it like "1.5s" (line 1, column 27)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := taskplan.Decode([]byte(c.document))
			require.EqualError(t, err, c.want)
			var e *plan.Error
			require.True(t, errors.As(err, &e))
		})
	}
}

func TestEveryCutIsRefused(t *testing.T) {
	for i := range strings.TrimSpace(full) {
		_, err := taskplan.Decode([]byte(full[:i]))
		require.Error(t, err, "cut at %d", i)
	}
}

func TestFilesAreRead(t *testing.T) {
	p, err := taskplan.Decode([]byte(full))
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "my.plan.json")
	require.NoError(t, os.WriteFile(name, plan.Encode(p.Encode()), 0o600))
	q, err := taskplan.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, p, q)

	require.NoError(t, os.WriteFile(name, []byte("{"), 0o600))
	_, err = taskplan.ReadFile(name)
	require.EqualError(t, err, name+": plan: the document is cut off here (line 1, column 2)")
	_, err = taskplan.ReadFile(name + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"workload":[{"do":"add-task","task":{"kind":"cleanup","id":"x","files":2,"fail_units":["file-0002"]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := taskplan.Decode(data)
		if err != nil {
			var e *plan.Error
			if !errors.As(err, &e) || e.Message == "" || strings.Contains(e.Message, "\n") {
				t.Fatalf("the error is not specific: %q", fmt.Sprint(err))
			}
			return
		}
		again := plan.Encode(p.Encode())
		q, err := taskplan.Decode(again)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, again)
		}
		if !bytes.Equal(again, plan.Encode(q.Encode())) {
			t.Fatalf("written twice, differently:\n%s\n%s", again, plan.Encode(q.Encode()))
		}
	})
}

func TestOneValueIsWrittenInOneForm(t *testing.T) {
	p := taskplan.Default()
	p.Quiescence = plan.Duration(time.Second)
	p.Workload = []taskplan.Operation{{Node: "n1", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Cleanup, ID: "<a&b>", Files: 1, Parallel: 1}}}
	p.Faults = []plan.Fault{{Kind: plan.Operate, Do: taskplan.Do(taskplan.Operation{Node: "n2", Do: taskplan.CancelTask, Namespace: "cleanup", TaskID: "<a&b>"})}}
	require.NoError(t, p.Validate())
	escaped, err := json.Marshal(p.Encode())
	require.NoError(t, err)
	require.Contains(t, string(escaped), `\u003ca`)
	for _, document := range [][]byte{escaped, plan.Encode(p.Encode())} {
		q, err := taskplan.Decode(document)
		require.NoError(t, err)
		require.Equal(t, p, *q)
		carried, err := plan.Decode(document)
		require.NoError(t, err)
		require.Equal(t, p.Encode(), carried)
	}
}
