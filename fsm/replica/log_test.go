package replica

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// journal applies commands to replicas by hand, without a raft instance, and keeps
// them for replay.
type journal struct {
	t       *testing.T
	entries []*raft.Log
}

// entry makes the next log entry.
func (j *journal) entry(req api.ApplyRequest) *raft.Log {
	return j.raw(api.Encode(&req))
}

func (j *journal) raw(data []byte) *raft.Log {
	// Raft's own entries stand between commands, so indexes have gaps.
	e := &raft.Log{Index: uint64(len(j.entries))*2 + 3, Term: 1, Type: raft.LogCommand, Data: data}
	j.entries = append(j.entries, e)
	return e
}

func (j *journal) apply(r *Replica, req api.ApplyRequest) Result {
	j.t.Helper()
	res, ok := r.Apply(j.entry(req)).(Result)
	require.True(j.t, ok)
	return res
}

func command(t *testing.T, typ api.CommandType, class string, request any) api.ApplyRequest {
	t.Helper()
	c, err := api.NewApplyRequest(typ, request)
	require.NoError(t, err)
	c.Class = class
	return *c
}

func withID(c api.ApplyRequest, client string, seq, low uint64) api.ApplyRequest {
	c.RequestID = api.RequestID{Client: client, Seq: seq, Low: low}
	return c
}

func state(t *testing.T, r *Replica) string {
	t.Helper()
	b, err := r.State()
	require.NoError(t, err)
	return string(b)
}

// payload is what the tasks of these tests carry.
type payload struct {
	Collection string `json:"collection"`
	Property   string `json:"property,omitempty"`
}

// guard refuses what overlaps an active task of its namespace. Its provider half is
// never used.
type guard struct{ fsm.Provider }

func (guard) CheckConflict(newPayload []byte, tasks []*fsm.Task) error {
	var p payload
	if err := json.Unmarshal(newPayload, &p); err != nil {
		return err
	}
	return guard{}.overlap(p.Collection, p.Property, tasks)
}

func (guard) CheckPropertyUpdate(class, property string, tasks []*fsm.Task) error {
	return guard{}.overlap(class, property, tasks)
}

func (guard) CheckClassMutation(class string, tasks []*fsm.Task) error {
	return guard{}.overlap(class, "", tasks)
}

func (guard) CheckTenantMutation(class string, tenants []string, tasks []*fsm.Task) error {
	if len(tenants) == 0 {
		return errors.New("asked about no tenant")
	}
	return guard{}.overlap(class, "", tasks)
}

func (guard) overlap(class, property string, tasks []*fsm.Task) error {
	for _, task := range tasks {
		var p payload
		if err := json.Unmarshal(task.Payload, &p); err != nil {
			return err
		}
		if task.Status.IsActive() && strings.EqualFold(p.Collection, class) && (property == "" || property == p.Property) {
			return fmt.Errorf("%s.%s is busy with task %s", class, p.Property, task.ID)
		}
	}
	return nil
}

func extractCollection(b []byte) (string, bool) {
	var p payload
	if err := json.Unmarshal(b, &p); err != nil || p.Collection == "" {
		return "", false
	}
	if p.Collection == "panic" {
		panic("payload of doom")
	}
	return p.Collection, true
}

// guardedConfig has the namespaces reindex (guarded, bound to collections), repair
// (bound only) and any other (neither).
func guardedConfig() Config {
	return Config{
		ConflictDetectors:       map[string]fsm.ConflictDetector{"reindex": guard{}},
		SchemaMutationDetectors: map[string]fsm.SchemaMutationDetector{"reindex": guard{}},
		CollectionExtractors: map[string]fsm.CollectionExtractor{
			"reindex": extractCollection, "repair": extractCollection,
		},
	}
}

func addTask(t *testing.T, namespace, id string, p payload, units ...string) api.ApplyRequest {
	t.Helper()
	b, err := json.Marshal(p)
	require.NoError(t, err)
	return command(t, api.CommandAddTask, "", api.AddDistributedTaskRequest{
		Namespace: namespace, Id: id, Payload: b, SubmittedAtUnixMillis: 1000, UnitIds: units, AcksRequired: true,
	})
}

func complete(t *testing.T, namespace, id string, version uint64, node, unit string) api.ApplyRequest {
	t.Helper()
	return command(t, api.CommandRecordUnitCompletion, "", api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, FinishedAtUnixMillis: 2000,
	})
}

func postAck(t *testing.T, namespace, id string, version uint64, node string) api.ApplyRequest {
	t.Helper()
	return command(t, api.CommandRecordPostAck, "", api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: node, Success: true, AckedAtUnixMillis: 3000,
	})
}

func finalize(t *testing.T, namespace, id string, version uint64) api.ApplyRequest {
	t.Helper()
	return command(t, api.CommandMarkTaskFinalized, "", api.MarkTaskFinalizedRequest{
		Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: 4000,
	})
}

func createDocs(t *testing.T) api.ApplyRequest {
	t.Helper()
	return command(t, CommandCreateCollection, "Docs", CreateCollectionRequest{
		Properties: map[string]string{"title": "word", "body": "word"},
		Shards:     []ShardSpec{{Name: "s1", Nodes: []string{"n1", "n2"}}, {Name: "s2", Nodes: []string{"n2"}}},
	})
}

func createTenants(t *testing.T) api.ApplyRequest {
	t.Helper()
	return command(t, CommandCreateCollection, "Notes", CreateCollectionRequest{
		Properties: map[string]string{"text": "word"}, MultiTenant: true,
		Shards: []ShardSpec{{Name: "anna", Nodes: []string{"n1"}}, {Name: "bert", Nodes: []string{"n2"}}},
	})
}

func updateProperty(t *testing.T, class, property, tokenization string, m *MigrationRef) api.ApplyRequest {
	t.Helper()
	return command(t, CommandUpdateProperty, class, UpdatePropertyRequest{Property: property, Tokenization: tokenization, Migration: m})
}
