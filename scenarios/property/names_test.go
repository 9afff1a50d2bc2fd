package property

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace/event"
)

// The names that events have for commands, statuses and reasons stand in a package that
// knows nothing of fsm. These tests fail when one is changed in one place alone.

func TestEventsHaveTheNamesOfTheSystem(t *testing.T) {
	for kind, name := range map[api.CommandType]string{
		api.CommandAddTask: taskevent.CommandAddTask, api.CommandCancelTask: taskevent.CommandCancelTask,
		api.CommandCleanUpTask: taskevent.CommandCleanUpTask, api.CommandRecordUnitCompletion: taskevent.CommandUnitCompletion,
		api.CommandUpdateUnitProgress: taskevent.CommandUnitProgress, api.CommandMarkTaskFinalized: taskevent.CommandMarkFinalized,
		api.CommandRecordPostAck: taskevent.CommandPostAck, api.CommandRecordPreparationAck: taskevent.CommandPreparationAck,
		api.CommandMarkTaskFailed:       taskevent.CommandMarkFailed,
		replica.CommandCreateCollection: taskevent.CommandCreateCollection, replica.CommandDropCollection: taskevent.CommandDropCollection,
		replica.CommandUpdateProperty: taskevent.CommandUpdateProperty, replica.CommandAddTenants: taskevent.CommandAddTenants,
		replica.CommandUpdateTenants: taskevent.CommandUpdateTenants, replica.CommandDeleteTenants: taskevent.CommandDeleteTenants,
	} {
		assert.Equal(t, replica.CommandName(kind), name)
	}
	for status, name := range map[fsm.TaskStatus]taskevent.TaskStatus{
		fsm.TaskStatusStarted: taskevent.Started, fsm.TaskStatusPreparing: taskevent.Preparing, fsm.TaskStatusSwapping: taskevent.Swapping,
		fsm.TaskStatusFinished: taskevent.Finished, fsm.TaskStatusFailed: taskevent.Failed, fsm.TaskStatusCancelled: taskevent.Cancelled,
	} {
		assert.Equal(t, string(status), string(name))
		assert.Equal(t, status.IsTerminal(), name.IsTerminal(), name)
	}
	for status, name := range map[fsm.UnitStatus]taskevent.UnitStatus{
		fsm.UnitStatusPending: taskevent.UnitPending, fsm.UnitStatusInProgress: taskevent.UnitInProgress,
		fsm.UnitStatusCompleted: taskevent.UnitCompleted, fsm.UnitStatusFailed: taskevent.UnitFailed,
	} {
		assert.Equal(t, string(status), string(name))
		assert.Equal(t, status.IsTerminal(), name.IsTerminal(), name)
	}
}

func TestReasonsOfPermanentRejectionsAreTheSameEverywhere(t *testing.T) {
	for sentinel, names := range map[error][2]string{
		fsm.ErrTaskNotRunning:           {spec.TaskNotRunning, taskevent.TaskNotRunning},
		fsm.ErrTaskDoesNotExist:         {spec.TaskNotExist, taskevent.TaskNotExist},
		fsm.ErrUnitAlreadyTerminal:      {spec.UnitTerminal, taskevent.UnitTerminal},
		fsm.ErrUnitWrongNode:            {spec.UnitWrongNode, taskevent.UnitWrongNode},
		fsm.ErrTaskNotInFinalizingState: {spec.TaskNotFinalizing, taskevent.TaskNotFinalizing},
		fsm.ErrInvalidCommand:           {spec.InvalidCommand, taskevent.InvalidCommand},
	} {
		err := errors.Join(sentinel, fsm.ErrPermanentRejection)
		id, _ := fsm.Reason(err)
		assert.Equal(t, id, names[0], "models/spec")
		assert.Equal(t, id, names[1], "taskevent")
		assert.Equal(t, spec.Verdict{Class: spec.Permanent, Reason: id}, refinement.Verdict(err))
		sent := fsm.ToRPCError(err)
		want := event.Verdict{Class: event.ClassPermanent, Reason: id}
		assert.Equal(t, want, refinement.Logged(fsm.RehydratePermanentRejection(sent)))
		assert.Equal(t, want, taskevent.VerdictOf(sent.Error(), ""), "in a trace of old")
	}
	for ours, theirs := range map[event.Class]spec.Class{
		event.ClassOK: spec.OK, event.ClassPermanent: spec.Permanent, event.ClassRetryable: spec.Retryable,
	} {
		assert.Equal(t, string(theirs), string(ours))
	}
}

// explosive is a detector that panics.
type explosive struct{ fsm.Provider }

func (explosive) CheckConflict([]byte, []*fsm.Task) error { panic("no") }

// TestTheLogTellsTheReasonsThatChecksKnow has a replica with the simulator's own guards
// refuse what checks and goals recognise, and reads the verdict in both ways: as it is put
// into a trace, and from the words of a trace of old.
func TestTheLogTellsTheReasonsThatChecksKnow(t *testing.T) {
	var logged error
	guards := provider.NewSet(provider.Env{})
	conflicts := guards.ConflictDetectors()
	conflicts["explosive"] = explosive{}
	config := replica.Config{
		ConflictDetectors: conflicts, SchemaMutationDetectors: guards.SchemaMutationDetectors(), CollectionExtractors: guards.Extractors(),
		OnApply: func(_, _ uint64, _ api.ApplyRequest, res replica.Result) { logged = res.Err },
	}
	r := replica.New(config)
	index := uint64(0)
	send := func(kind api.CommandType, class string, id api.RequestID, request any) {
		sub, err := json.Marshal(request)
		require.NoError(t, err)
		index++
		r.Apply(&raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: api.Encode(&api.ApplyRequest{Type: kind, Class: class, SubCommand: sub, RequestID: id})})
	}
	apply := func(kind api.CommandType, class string, request any) { send(kind, class, api.RequestID{}, request) }
	ok := func() {
		t.Helper()
		require.NoError(t, logged)
	}
	is := func(reason, about string) {
		t.Helper()
		require.Error(t, logged)
		v := refinement.Logged(logged)
		assert.Equal(t, reason, v.Reason, logged)
		assert.Equal(t, about, v.About, logged)
		assert.Equal(t, v, taskevent.VerdictOf(logged.Error(), v.String()))
		assert.Equal(t, v, taskevent.VerdictOf(logged.Error(), ""), "in a trace of old")
		assert.Equal(t, refinement.Verdict(logged).String(), v.AtCaller().String(), "its proposer learns as much")
	}
	add := func(namespace, id string) {
		task := taskplan.Task{Kind: taskplan.Kind(namespace), ID: id, Collection: "Articles", Property: "title", Tokenization: "field"}
		payload, err := json.Marshal(provider.NewPayload(task, []taskplan.Unit{{ID: "u1", Shard: "s1", Node: "n2"}}))
		require.NoError(t, err)
		apply(api.CommandAddTask, "", &api.AddDistributedTaskRequest{
			Namespace: namespace, Id: id, Payload: payload, UnitIds: []string{"u1"}, SubmittedAtUnixMillis: 1, AcksRequired: true,
		})
	}
	cleanUp := func() {
		apply(api.CommandCleanUpTask, "", &api.CleanUpDistributedTaskRequest{
			Namespace: "reindex", Id: "a", Version: 2, CleanedUpAtUnixMillis: 7, CompletedTaskTtlMillis: 1000,
		})
	}
	complete := func(node string) {
		apply(api.CommandRecordUnitCompletion, "", &api.RecordDistributedTaskUnitCompletionRequest{
			Namespace: "reindex", Id: "a", Version: 2, NodeId: node, UnitId: "u1", FinishedAtUnixMillis: 3,
		})
	}
	giveUp := func() {
		apply(api.CommandMarkTaskFailed, "", &api.MarkTaskFailedRequest{Namespace: "reindex", Id: "a", Version: 2, FailedAtUnixMillis: 5})
	}

	apply(replica.CommandCreateCollection, "Articles", &replica.CreateCollectionRequest{
		Properties: map[string]string{"title": "word"}, MultiTenant: true, Shards: []replica.ShardSpec{{Name: "s1", Nodes: []string{"n2"}}},
	})
	ok()
	add("reindex", "a")
	ok()
	add("reindex", "a")
	is(taskevent.TaskActive, "")
	add("reindex", "b")
	is(taskevent.TaskConflict, "reindex/a@2")
	apply(replica.CommandDropCollection, "Articles", struct{}{})
	is(taskevent.TaskConflict, "reindex/a@2")
	apply(replica.CommandUpdateProperty, "Articles", &replica.UpdatePropertyRequest{Property: "title", Tokenization: "trigram"})
	is(taskevent.TaskConflict, "reindex/a@2")
	apply(replica.CommandDeleteTenants, "Articles", &replica.DeleteTenantsRequest{Tenants: []string{"s1"}})
	is(taskevent.TaskConflict, "reindex/a@2")
	add("explosive", "c")
	is(taskevent.Panicked, "")
	cleanUp()
	is(taskevent.TaskStillRunning, "")
	apply(api.CommandUpdateUnitProgress, "", &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: "reindex", Id: "a", Version: 2, NodeId: "n2", UnitId: "u1", UpdatedAtUnixMillis: 2,
	})
	ok()
	complete("n3")
	is(taskevent.UnitWrongNode, "")
	complete("n2")
	ok()
	complete("n2")
	is(taskevent.TaskNotRunning, "")
	apply(api.CommandCancelTask, "", &api.CancelDistributedTaskRequest{Namespace: "reindex", Id: "a", Version: 2})
	is(taskevent.TaskNotRunning, "")
	apply(api.CommandRecordPostAck, "", &api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: "reindex", Id: "a", Version: 2, NodeId: "n2", Success: true, AckedAtUnixMillis: 4,
	})
	ok()
	giveUp()
	is(taskevent.TaskNotFinalizing, "")
	apply(api.CommandMarkTaskFinalized, "", &api.MarkTaskFinalizedRequest{Namespace: "reindex", Id: "a", Version: 2, FinalizedAtUnixMillis: 6})
	ok()
	cleanUp()
	is(taskevent.TaskTooFresh, "")

	send(replica.CommandDropCollection, "Nothing", api.RequestID{Client: "c", Seq: 5, Low: 5}, struct{}{})
	is(taskevent.SessionExpired, "")
	send(replica.CommandDropCollection, "Nothing", api.RequestID{Client: "d", Seq: 1, Low: 1}, struct{}{})
	send(replica.CommandDropCollection, "Nothing", api.RequestID{Client: "d", Seq: 3, Low: 3}, struct{}{})
	send(replica.CommandDropCollection, "Nothing", api.RequestID{Client: "d", Seq: 2, Low: 2}, struct{}{})
	is(taskevent.RequestStale, "")
}
