package provider

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
)

// The interfaces that the scheduler and the manager look for.
var (
	_ fsm.Provider                    = (*Cleanup)(nil)
	_ sched.FallibleUnitAwareProvider = (*Repair)(nil)
	_ sched.RecoveryAwareProvider     = (*Repair)(nil)
	_ fsm.ConflictDetector            = (*Repair)(nil)
	_ fsm.SchemaMutationDetector      = (*Repair)(nil)
	_ sched.FallibleUnitAwareProvider = (*Reindex)(nil)
	_ sched.RecoveryAwareProvider     = (*Reindex)(nil)
	_ fsm.ConflictDetector            = (*Reindex)(nil)
	_ fsm.SchemaMutationDetector      = (*Reindex)(nil)
)

func payload(t *testing.T, kind taskplan.Kind, collection, property string) []byte {
	b, err := json.Marshal(NewPayload(taskplan.Task{Kind: kind, ID: "x", Collection: collection, Property: property}, nil))
	require.NoError(t, err)
	return b
}

func TestTheGuardsOfAnActiveTask(t *testing.T) {
	set := NewSet(Env{})
	reindexing := payload(t, taskplan.Reindex, "Articles", "title")
	repairing := payload(t, taskplan.Repair, "Articles", "")
	for name, c := range map[string]struct {
		existing []byte
		status   fsm.TaskStatus
		ask      func(existing []*fsm.Task) error
		refused  bool
	}{
		"the same property conflicts": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict(payload(t, taskplan.Reindex, "articles", "title"), e)
		}, true},
		"another property does not": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict(payload(t, taskplan.Reindex, "Articles", "body"), e)
		}, false},
		"another collection does not": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict(payload(t, taskplan.Reindex, "Notes", "title"), e)
		}, false},
		"a task about all properties conflicts with each": {repairing, fsm.TaskStatusSwapping, func(e []*fsm.Task) error {
			return set.Repair.CheckConflict(payload(t, taskplan.Repair, "Articles", "title"), e)
		}, true},
		"a terminal task conflicts with nothing": {reindexing, fsm.TaskStatusFailed, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict(reindexing, e)
		}, false},
		"an unreadable task may be about anything": {[]byte("{"), fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict(payload(t, taskplan.Reindex, "Notes", "title"), e)
		}, true},
		"an unreadable payload is refused": {reindexing, fsm.TaskStatusFailed, func(e []*fsm.Task) error {
			return set.Reindex.CheckConflict([]byte("{"), e)
		}, true},
		"an unknown status is active": {reindexing, "NEWER", func(e []*fsm.Task) error {
			return set.Reindex.CheckPropertyUpdate("ARTICLES", "title", e)
		}, true},
		"its property is not updated": {reindexing, fsm.TaskStatusPreparing, func(e []*fsm.Task) error {
			return set.Reindex.CheckPropertyUpdate("Articles", "title", e)
		}, true},
		"another property is updated": {reindexing, fsm.TaskStatusPreparing, func(e []*fsm.Task) error {
			return set.Reindex.CheckPropertyUpdate("Articles", "body", e)
		}, false},
		"its collection is not dropped": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckClassMutation("Articles", e)
		}, true},
		"its tenants stay": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckTenantMutation("Articles", []string{"t1"}, e)
		}, true},
		"other tenants go": {reindexing, fsm.TaskStatusStarted, func(e []*fsm.Task) error {
			return set.Reindex.CheckTenantMutation("Rooms", []string{"t1"}, e)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.ask([]*fsm.Task{{Namespace: "n", TaskDescriptor: fsm.TaskDescriptor{ID: "old", Version: 3}, Status: c.status, Payload: c.existing}})
			if !c.refused {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
		})
	}
}

func TestTheCollectionOfAPayload(t *testing.T) {
	extract := NewSet(Env{}).Extractors()[string(taskplan.Reindex)]
	collection, ok := extract(payload(t, taskplan.Reindex, "Articles", "title"))
	require.True(t, ok)
	require.Equal(t, "Articles", collection)
	_, ok = extract([]byte("{"))
	require.False(t, ok)
	_, ok = extract([]byte("{}"))
	require.False(t, ok)
	require.NotContains(t, NewSet(Env{}).Extractors(), string(taskplan.Cleanup))
}
