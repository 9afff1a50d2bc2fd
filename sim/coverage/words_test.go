package coverage

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
)

// TestGoalsKnowTheWordsOfRejections has a Manager with the simulator's own detectors
// refuse what goals recognise by its words, and shows the goals what it says.
func TestGoalsKnowTheWordsOfRejections(t *testing.T) {
	guards := provider.NewSet(provider.Env{})
	m := fsm.NewManager(fsm.ManagerParameters{})
	m.SetConflictDetectors(guards.ConflictDetectors())
	m.SetSchemaMutationDetectors(guards.SchemaMutationDetectors())
	index := uint64(0)
	apply := func(kind api.CommandType, request any) error {
		c, err := api.NewApplyRequest(kind, request)
		require.NoError(t, err)
		index++
		return m.Apply(c, index)
	}
	add := func(id string) error {
		task := taskplan.Task{Kind: taskplan.Reindex, ID: id, Collection: "Articles", Property: "title", Tokenization: "field"}
		payload, err := json.Marshal(provider.NewPayload(task, []taskplan.Unit{{ID: "u1", Shard: "s1", Node: "n2"}}))
		require.NoError(t, err)
		return apply(api.CommandAddTask, &api.AddDistributedTaskRequest{
			Namespace: "reindex", Id: id, Payload: payload, UnitIds: []string{"u1"}, SubmittedAtUnixMillis: 1, AcksRequired: true,
		})
	}
	progress := func(node string) error {
		return apply(api.CommandUpdateUnitProgress, &api.UpdateDistributedTaskUnitProgressRequest{
			Namespace: "reindex", Id: "a", Version: 1, NodeId: node, UnitId: "u1", UpdatedAtUnixMillis: 2,
		})
	}
	complete := func() error {
		return apply(api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
			Namespace: "reindex", Id: "a", Version: 1, NodeId: "n2", UnitId: "u1", FinishedAtUnixMillis: 3,
		})
	}
	says := func(goal, command string, err error) {
		t.Helper()
		require.Error(t, err, goal)
		tale := newTale()
		tale.work("a", true).commit(0, "", command, "a", err.Error(), nil)
		require.EqualValues(t, 1, tale.counters()[SometimesPrefix+goal], "%s: %s", goal, err)
	}

	require.NoError(t, add("a"))
	says("same id submitted while it is active", addTask, add("a"))
	conflict := add("b")
	require.Error(t, conflict)
	tale := newTale()
	tale.call(1, "n2", "add-task", "a").call(2, "n3", "add-task", "b").add(1, "n2", "a", true).commit(2, "n3", addTask, "b", conflict.Error(), nil)
	require.EqualValues(t, 1, tale.counters()[SometimesPrefix+"two nodes' conflicting submissions in one instant"], conflict)
	says("collection dropped under an active task, refused", dropCollection, m.CheckClassMutation("Articles"))
	says("property updated under an active task, refused", updateProperty, m.CheckPropertyUpdate("Articles", "title"))
	says("tenants deleted under an active task, refused", deleteTenants, m.CheckTenantMutation("Articles", []string{"s1"}))

	require.NoError(t, progress("n2"))
	says("claim lost", unitProgress, progress("n3"))
	require.NoError(t, complete())
	says("late report refused", unitCompletion, complete())
	says("cancel too late", cancelTask, apply(api.CommandCancelTask, &api.CancelDistributedTaskRequest{Namespace: "reindex", Id: "a", Version: 1}))
	require.NoError(t, apply(api.CommandRecordPostAck, &api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: "reindex", Id: "a", Version: 1, NodeId: "n2", Success: true, AckedAtUnixMillis: 4,
	}))
	says("fail-task refused after the last ack", markFailed,
		apply(api.CommandMarkTaskFailed, &api.MarkTaskFailedRequest{Namespace: "reindex", Id: "a", Version: 1, FailedAtUnixMillis: 5}))
	require.NoError(t, apply(api.CommandMarkTaskFinalized, &api.MarkTaskFinalizedRequest{Namespace: "reindex", Id: "a", Version: 1, FinalizedAtUnixMillis: 6}))
	says("clean-up refused as too fresh", cleanUpTask, apply(api.CommandCleanUpTask, &api.CleanUpDistributedTaskRequest{
		Namespace: "reindex", Id: "a", Version: 1, CleanedUpAtUnixMillis: 7, CompletedTaskTtlMillis: 1000,
	}))
}

// So does a Manager that a newer version has left a task.
func TestGoalsKnowTheWordsOfRejectionsAfterARollback(t *testing.T) {
	task := taskplan.Task{Kind: taskplan.Reindex, ID: "a", Collection: "Articles", Property: "title", Tokenization: "field"}
	payload, err := json.Marshal(provider.NewPayload(task, nil))
	require.NoError(t, err)
	left, err := json.Marshal(fsm.State{Tasks: map[string][]*fsm.Task{"reindex": {{
		Namespace: "reindex", TaskDescriptor: fsm.TaskDescriptor{ID: "a", Version: 1}, Payload: payload, Status: "PAUSED",
	}}}})
	require.NoError(t, err)
	guards := provider.NewSet(provider.Env{})
	m := fsm.NewManager(fsm.ManagerParameters{})
	m.SetConflictDetectors(guards.ConflictDetectors())
	m.SetSchemaMutationDetectors(guards.SchemaMutationDetectors())
	require.NoError(t, m.Restore(left))
	says := func(goal, command, task string, err error) {
		t.Helper()
		require.Error(t, err, goal)
		tale := newTale()
		tale.inherits("a").commit(0, "", command, task, err.Error(), nil)
		require.EqualValues(t, 1, tale.counters()[SometimesPrefix+goal], "%s: %s", goal, err)
	}
	apply := func(kind api.CommandType, request any) error {
		c, err := api.NewApplyRequest(kind, request)
		require.NoError(t, err)
		return m.Apply(c, 2)
	}
	add := func(id string) error {
		return apply(api.CommandAddTask, &api.AddDistributedTaskRequest{Namespace: "reindex", Id: id, Payload: payload, UnitIds: []string{"u1"}})
	}
	says("id submitted that a newer version has at work, refused", addTask, "a", add("a"))
	says("data that a newer version has at work, refused to others", addTask, "b", add("b"))
	says("data that a newer version has at work, refused to others", dropCollection, "", m.CheckClassMutation("Articles"))
	says("fail-task in a status that nobody knows, refused", markFailed, "a",
		apply(api.CommandMarkTaskFailed, &api.MarkTaskFailedRequest{Namespace: "reindex", Id: "a", Version: 1}))
	says("clean-up in a status that nobody knows, refused", cleanUpTask, "a",
		apply(api.CommandCleanUpTask, &api.CleanUpDistributedTaskRequest{Namespace: "reindex", Id: "a", Version: 1}))
}

// TestCommandsAreCalledAsInTheTrace would notice a command that has no name.
func TestCommandsAreCalledAsInTheTrace(t *testing.T) {
	for _, name := range []string{addTask, cancelTask, cleanUpTask, unitCompletion, unitProgress, markFinalized, markFailed,
		postAck, preparationAck, dropCollection, updateProperty, deleteTenants} {
		require.NotContains(t, name, "COMMAND_", "it is a number")
	}
	require.Equal(t, "COMMAND_7", replica.CommandName(7))
}
