package fsm

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// everyStatus is a snapshot with a task in every status, called by it: ns/STARTED and so
// on.
func everyStatus(t require.TestingT) []byte {
	all := map[string][]*Task{}
	for name, history := range map[string][]any{
		"STARTED": append(clip(started), progress("u1", "n1", 0.5)), "PREPARING": preparing, "SWAPPING": swapping, "GATED": barrierSwapping,
		"COMMITTED": barrierCommitted, "FINISHED": finished, "CANCELLED": cancelled, "FAILED": failed,
	} {
		task := at(t, history).task("ns", "a")
		task.ID = name
		all["ns"] = append(all["ns"], task)
	}
	task := atNewer(t).task("ns", "a")
	task.ID = "PONDERING"
	all["ns"] = append(all["ns"], task)
	snapshot, err := json.Marshal(State{Tasks: all})
	require.NoError(t, err)
	return snapshot
}

// FuzzCommand feeds sub-commands of every type to tasks in every status. No bytes
// make the Manager panic, change anything when it refuses (the rig checks that), or
// leave a state that a snapshot does not give back.
func FuzzCommand(f *testing.F) {
	for _, history := range [][]any{barrierCommitted, finished, cancelled, failed, {giveUp("x"), cleanUp(9000, 1)}} {
		for _, request := range history {
			sub, err := json.Marshal(request)
			require.NoError(f, err)
			f.Add(int32(commandOf(request)), sub)
		}
	}
	for _, id := range []string{"STARTED", "PREPARING", "SWAPPING", "FINISHED"} {
		for kind := int32(300); kind < 310; kind++ {
			f.Add(kind, []byte(`{"namespace":"ns","id":"`+id+`","version":1,"node_id":"n1","unit_id":"u1","success":true,"progress":0.7,"unit_ids":["x"]}`))
		}
	}
	f.Add(int32(300), []byte(`{"namespace":"ns","id":"b","unit_specs":[null,{"id":"\ud800"}]}`))
	f.Add(int32(300), []byte(`{"namespace":"ns","id":"b","unit_ids":["a","a"],"submitted_at_unix_millis":9223372036854775807}`))
	f.Add(int32(305), []byte(`{"progress":-0}`))
	f.Add(int32(302), []byte(`null`))
	snapshot := everyStatus(f)
	f.Fuzz(func(t *testing.T, kind int32, sub []byte) {
		r := newRig(t)
		require.NoError(t, r.Restore(snapshot))
		r.index = 10
		if err := r.apply(&api.ApplyRequest{Type: api.CommandType(kind), SubCommand: sub}); err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		requireCanonical(t, r.Manager)
	})
}

// FuzzRestore feeds snapshots. What is refused changes nothing; what is accepted is
// canonical and can be worked on.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Add([]byte(newer))
	f.Add([]byte(`{"tasks":{"ns":[null],"other":[{"units":{"u":null}}]}}`))
	f.Add([]byte(`{"tasks":{"ns":[{"ID":"a"},{"id":"a","startedAt":"9999-12-31T23:59:59-07:00"}]}}`))
	f.Add([]byte(`{"tasks":{"ns":[{"ID":"a","version":1,"status":"STARTED","units":{"u1":{},"u2":{"progress":7,"status":"FAILED"}}}]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := newRig(t)
		r.must(addRequest("u1"))
		before := r.snapshot()
		if err := r.Restore(doc); err != nil {
			require.Equal(t, before, r.snapshot())
			return
		}
		requireTallies(t, r.Manager)
		requireCanonical(t, r.Manager)
		for namespace, tasks := range r.list() {
			for _, task := range tasks {
				for unit := range task.Units {
					_ = r.do(&api.RecordDistributedTaskUnitCompletionRequest{Namespace: namespace, Id: task.ID, Version: task.Version, UnitId: unit, NodeId: "n1"})
				}
				_ = r.do(&api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: namespace, Id: task.ID, Version: task.Version, NodeId: "n1", Success: true})
				_ = r.do(&api.RecordDistributedTaskPostCompletionAckRequest{Namespace: namespace, Id: task.ID, Version: task.Version, NodeId: "n1"})
				_ = r.do(&api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: task.ID, Version: task.Version})
			}
		}
		requireCanonical(t, r.Manager)
	})
}

// requireCanonical holds that a snapshot, restored, gives the same bytes.
func requireCanonical(t require.TestingT, m *Manager) {
	before, err := m.Snapshot()
	require.NoError(t, err)
	other := NewManager(ManagerParameters{})
	require.NoError(t, other.Restore(before))
	after, err := other.Snapshot()
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}
