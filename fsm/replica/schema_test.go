package replica

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// TestSchemaCommands runs each case after a common start: the collections Docs and
// Notes (multi-tenant) at indexes 3 and 5, a reindex of Docs.title at 7.
func TestSchemaCommands(t *testing.T) {
	for name, tc := range map[string]struct {
		request   api.ApplyRequest
		want      string // part of the rejection; "" when it is accepted
		permanent bool
	}{
		"a new collection is created": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{
			Shards: []ShardSpec{{Name: "s", Nodes: []string{"n1"}}}})},
		"a name is taken whatever its case": {request: command(t, CommandCreateCollection, "dOCS", CreateCollectionRequest{
			Shards: []ShardSpec{{Name: "s", Nodes: []string{"n1"}}}}), want: `already exists as "Docs"`},
		"a collection needs shards": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{}),
			want: "no shards", permanent: true},
		"a multi-tenant collection may start empty": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{MultiTenant: true})},
		"a shard stands once": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{
			Shards: []ShardSpec{{Name: "s", Nodes: []string{"n1"}}, {Name: "s", Nodes: []string{"n2"}}}}), want: "twice", permanent: true},
		"a shard needs a node": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{
			Shards: []ShardSpec{{Name: "s"}}}), want: "on no node", permanent: true},
		"a node holds a shard once": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{
			Shards: []ShardSpec{{Name: "s", Nodes: []string{"n1", "n1"}}}}), want: "nodes[1]", permanent: true},
		"a property needs a tokenization": {request: command(t, CommandCreateCollection, "More", CreateCollectionRequest{
			Properties: map[string]string{"p": ""}, MultiTenant: true}), want: `property "p"`, permanent: true},
		"a name is ASCII": {request: command(t, CommandCreateCollection, "doc\u017f", CreateCollectionRequest{MultiTenant: true}),
			want: "not allowed", permanent: true},
		"unknown fields are refused": {request: command(t, CommandCreateCollection, "More", map[string]any{"multi_tenant": true, "color": "red"}),
			want: "color", permanent: true},
		"bytes behind the command are refused": {request: api.ApplyRequest{Type: CommandAddTenants, Class: "Notes",
			SubCommand: []byte(`{"tenants":[{"name":"x","nodes":["n1"]}]} {}`)}, want: "more behind", permanent: true},
		"an unknown command number is refused": {request: command(t, 7, "Docs", struct{}{}), want: "unknown command", permanent: true},

		"a busy collection is not dropped":            {request: command(t, CommandDropCollection, "docs", struct{}{}), want: "Docs.title is busy"},
		"a collection that is not there is no drop":   {request: command(t, CommandDropCollection, "Nope", struct{}{}), want: "does not exist"},
		"another collection is dropped":               {request: command(t, CommandDropCollection, "notes", struct{}{})},
		"a busy property is not updated":              {request: updateProperty(t, "docs", "title", "field", nil), want: "Docs.title is busy"},
		"another property is updated":                 {request: updateProperty(t, "docs", "body", "field", nil)},
		"a property that is not there is no update":   {request: updateProperty(t, "Docs", "nope", "field", nil), want: `no property "nope"`},
		"an update needs a tokenization":              {request: updateProperty(t, "Docs", "body", "", nil), want: "missing", permanent: true},
		"a tenant is added":                           {request: command(t, CommandAddTenants, "notes", AddTenantsRequest{Tenants: []ShardSpec{{Name: "carl", Nodes: []string{"n3"}}}})},
		"a tenant is added once":                      {request: command(t, CommandAddTenants, "Notes", AddTenantsRequest{Tenants: []ShardSpec{{Name: "anna", Nodes: []string{"n3"}}}}), want: "twice"},
		"tenants are those of multi-tenant ones":      {request: command(t, CommandDeleteTenants, "Docs", DeleteTenantsRequest{Tenants: []string{"s1"}}), want: "has no tenants"},
		"a tenant is deleted":                         {request: command(t, CommandDeleteTenants, "notes", DeleteTenantsRequest{Tenants: []string{"anna", "nobody"}})},
		"a tenant is frozen":                          {request: command(t, CommandUpdateTenants, "notes", UpdateTenantsRequest{Tenants: []string{"anna"}, Status: ShardFrozen})},
		"a tenant that is not there is not frozen":    {request: command(t, CommandUpdateTenants, "Notes", UpdateTenantsRequest{Tenants: []string{"nobody"}, Status: ShardFrozen}), want: `no tenant "nobody"`},
		"a tenant has a known status":                 {request: command(t, CommandUpdateTenants, "Notes", UpdateTenantsRequest{Tenants: []string{"anna"}, Status: "WARM"}), want: "unknown status", permanent: true},
		"a change of tenants names some":              {request: command(t, CommandDeleteTenants, "Notes", DeleteTenantsRequest{}), want: "names no tenant", permanent: true},
		"a flip names its task":                       {request: updateProperty(t, "Docs", "title", "field", &MigrationRef{Namespace: "reindex", ID: "r"}), want: "names no task", permanent: true},
		"a flip waits for the swap":                   {request: updateProperty(t, "Docs", "title", "field", &MigrationRef{"reindex", "r", 7}), want: "cannot change the schema"},
		"a flip needs its task":                       {request: updateProperty(t, "Docs", "title", "field", &MigrationRef{"reindex", "r", 8}), want: "does not exist", permanent: true},
		"a flip belongs to the task's own collection": {request: updateProperty(t, "Notes", "text", "field", &MigrationRef{"reindex", "r", 7}), want: "belongs to collection", permanent: true},
		"a task needs its collection":                 {request: addTask(t, "repair", "x", payload{Collection: "Nope"}, "u"), want: `"Nope" does not exist`},
		"what is bad for ever is so without it":       {request: addTask(t, "repair", "x", payload{Collection: "Nope"}), want: "at least one unit", permanent: true},
		"so is a unit that stands twice":              {request: addTask(t, "repair", "x", payload{Collection: "Nope"}, "u", "u"), want: "twice", permanent: true},
		"a task may be bound to nothing":              {request: addTask(t, "repair", "x", payload{}, "u")},
		"an unbound namespace does not care":          {request: addTask(t, "cleanup", "x", payload{Collection: "Nope"}, "u")},
		"a payload of doom is bound to nothing":       {request: addTask(t, "repair", "x", payload{Collection: "panic"}, "u")},
		"a conflicting task is refused":               {request: addTask(t, "reindex", "x", payload{"Docs", "title"}, "u"), want: "Docs.title is busy"},
	} {
		t.Run(name, func(t *testing.T) {
			j, r := &journal{t: t}, New(guardedConfig())
			for _, c := range []api.ApplyRequest{createDocs(t), createTenants(t), addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1")} {
				require.NoError(t, j.apply(r, c).Err)
			}
			before := r.Schema()
			res := j.apply(r, tc.request)
			if tc.want == "" {
				require.NoError(t, res.Err)
			} else {
				require.ErrorContains(t, res.Err, tc.want)
				require.ErrorIs(t, res.Err, ErrRejected)
				require.Equal(t, before, r.Schema(), "a rejected command has changed the schema")
				require.Len(t, r.Tasks()["reindex"], 1)
				require.Equal(t, tc.permanent, isPermanent(res.Err), "permanent: %v", res.Err)
			}
			requireReplayed(t, r, j)
		})
	}
}

func TestDropTakesTheTasksOfTheCollectionWithIt(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	for _, c := range []api.ApplyRequest{
		createDocs(t), createTenants(t),
		addTask(t, "repair", "upper", payload{Collection: "DOCS"}, "u"),
		addTask(t, "repair", "other", payload{Collection: "Notes"}, "u"),
		addTask(t, "cleanup", "unbound", payload{Collection: "Docs"}, "u"),
	} {
		require.NoError(t, j.apply(r, c).Err)
	}
	require.NoError(t, j.apply(r, command(t, CommandDropCollection, "docs", struct{}{})).Err, "repair has no guard")

	require.Nil(t, r.Schema().Collection("Docs"))
	tasks := r.Tasks()
	require.Len(t, tasks["repair"], 1)
	require.Equal(t, "other", tasks["repair"][0].ID)
	require.Len(t, tasks["cleanup"], 1)

	late := j.apply(r, complete(t, "repair", "upper", 7, "n1", "u"))
	require.ErrorIs(t, late.Err, fsm.ErrTaskDoesNotExist)
	require.ErrorContains(t, j.apply(r, addTask(t, "repair", "upper", payload{Collection: "Docs"}, "u")).Err, "does not exist")
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.Equal(t, uint64(19), r.Schema().Collection("Docs").Version, "a new collection is distinguished from the old one")
	requireReplayed(t, r, j)
}

func TestAFlipGoesThroughTheGuardOfItsOwnTaskOnceEveryNodeHasSwapped(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.NoError(t, j.apply(r, addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1", "u2")).Err)
	own := &MigrationRef{"reindex", "r", 5}
	flip := updateProperty(t, "Docs", "title", "field", own)
	tokenization := func() string { return r.Schema().Collection("Docs").Properties["title"].Tokenization }

	for _, c := range []api.ApplyRequest{
		complete(t, "reindex", "r", 5, "n1", "u1"), complete(t, "reindex", "r", 5, "n2", "u2"), postAck(t, "reindex", "r", 5, "n1"),
	} {
		require.NoError(t, j.apply(r, c).Err)
		early := j.apply(r, flip)
		require.ErrorContains(t, early.Err, "cannot change the schema")
		require.False(t, isPermanent(early.Err), "the swap may still succeed")
	}
	require.NoError(t, j.apply(r, postAck(t, "reindex", "r", 5, "n2")).Err)

	require.ErrorContains(t, j.apply(r, updateProperty(t, "Docs", "title", "user", nil)).Err, "busy", "a user still waits")
	require.NoError(t, j.apply(r, flip).Err)
	require.Equal(t, "field", tokenization())
	require.NoError(t, j.apply(r, finalize(t, "reindex", "r", 5)).Err)

	require.Zero(t, r.Schema().Collection("Docs").Properties["title"].UpdatedAt, "no user has set it yet")
	require.NoError(t, j.apply(r, updateProperty(t, "Docs", "title", "user", nil)).Err)
	require.Equal(t, r.AppliedIndex(), r.Schema().Collection("Docs").Properties["title"].UpdatedAt)
	require.NoError(t, j.apply(r, flip).Err, "a late node flips, too")
	require.Equal(t, "user", tokenization(), "what came after a flip stays")

	require.NoError(t, j.apply(r, addTask(t, "reindex", "r2", payload{"Docs", "title"}, "u1")).Err)
	version := r.AppliedIndex()
	require.NoError(t, j.apply(r, complete(t, "reindex", "r2", version, "n1", "u1")).Err)
	require.NoError(t, j.apply(r, postAck(t, "reindex", "r2", version, "n1")).Err)
	require.NoError(t, j.apply(r, finalize(t, "reindex", "r2", version)).Err)
	require.NoError(t, j.apply(r, updateProperty(t, "Docs", "title", "gse", &MigrationRef{"reindex", "r2", version})).Err, "FINISHED may flip")
	require.NoError(t, j.apply(r, flip).Err)
	require.Equal(t, "gse", tokenization(), "the flip of an older task must not undo that of a newer one")
	requireReplayed(t, r, j)
}

func TestAFlipOfATaskThatFailedIsRefusedForEver(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.NoError(t, j.apply(r, addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1")).Err)
	require.NoError(t, j.apply(r, command(t, api.CommandCancelTask, "", api.CancelDistributedTaskRequest{
		Namespace: "reindex", Id: "r", Version: 5, CancelledAtUnixMillis: 9})).Err)
	res := j.apply(r, updateProperty(t, "Docs", "title", "field", &MigrationRef{"reindex", "r", 5}))
	require.ErrorIs(t, res.Err, fsm.ErrTaskNotInFinalizingState)
	require.True(t, isPermanent(res.Err))
	require.Equal(t, "word", r.Schema().Collection("Docs").Properties["title"].Tokenization)
}

func TestTheGuardIsAskedByTheStoredName(t *testing.T) {
	asked := &recordingGuard{}
	c := Config{SchemaMutationDetectors: map[string]fsm.SchemaMutationDetector{"x": asked}}
	j, r := &journal{t: t}, New(c)
	for _, c := range []api.ApplyRequest{
		createDocs(t), createTenants(t),
		updateProperty(t, "DOCS", "title", "field", nil),
		command(t, CommandUpdateTenants, "NOTES", UpdateTenantsRequest{Tenants: []string{"anna"}, Status: ShardFrozen}),
		command(t, CommandUpdateTenants, "NOTES", UpdateTenantsRequest{Tenants: []string{"anna"}, Status: ShardHot}),
		command(t, CommandDeleteTenants, "NOTES", DeleteTenantsRequest{Tenants: []string{"anna"}}),
		command(t, CommandDropCollection, "NOTES", struct{}{}),
	} {
		require.NoError(t, j.apply(r, c).Err)
	}
	require.Equal(t, []string{"property Docs.title", "tenants Notes [anna]", "tenants Notes [anna]", "class Notes"}, asked.questions)
}

// recordingGuard refuses nothing and remembers what it was asked.
type recordingGuard struct {
	fsm.Provider
	questions []string
}

func (g *recordingGuard) CheckPropertyUpdate(class, property string, _ []*fsm.Task) error {
	g.questions = append(g.questions, "property "+class+"."+property)
	return nil
}

func (g *recordingGuard) CheckClassMutation(class string, _ []*fsm.Task) error {
	g.questions = append(g.questions, "class "+class)
	return nil
}

func (g *recordingGuard) CheckTenantMutation(class string, tenants []string, _ []*fsm.Task) error {
	g.questions = append(g.questions, "tenants "+class+" ["+tenants[0]+"]")
	return nil
}
