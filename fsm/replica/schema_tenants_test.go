package replica

import (
	"cmp"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// tenantTask is a reindex of a property of Notes with a group per tenant: two units of anna,
// on n1 and n2, one of bert.
func tenantTask(t *testing.T, id, property string, barrier bool) api.ApplyRequest {
	t.Helper()
	b, err := json.Marshal(payload{"Notes", property})
	require.NoError(t, err)
	return command(t, api.CommandAddTask, "", api.AddDistributedTaskRequest{
		Namespace: "reindex", Id: id, Payload: b, SubmittedAtUnixMillis: 1000,
		UnitSpecs:    []*api.UnitSpec{{Id: "a1", GroupId: "anna"}, {Id: "a2", GroupId: "anna"}, {Id: "b1", GroupId: "bert"}},
		AcksRequired: true, NeedsPreparationBarrier: barrier,
	})
}

func swapTenants(t *testing.T, tokenization string, m *MigrationRef, tenants ...string) api.ApplyRequest {
	return command(t, CommandUpdateProperty, "notes", UpdatePropertyRequest{
		Property: "text", Tokenization: tokenization, Migration: m, Tenants: tenants,
	})
}

func TestATenantSwapsAloneOnceItsUnitsAreCompleted(t *testing.T) {
	ref := &MigrationRef{Namespace: "reindex", ID: "r", Version: 5}
	for name, c := range map[string]struct {
		request   api.ApplyRequest
		want      string
		permanent bool
	}{
		"a completed one":                     {request: swapTenants(t, "field", ref, "anna")},
		"one that is still at work":           {request: swapTenants(t, "field", ref, "anna", "bert"), want: "1 units of group \"bert\""},
		"one that is no group":                {request: swapTenants(t, "field", ref, "carl"), want: "no group", permanent: true},
		"of a user":                           {request: swapTenants(t, "field", nil, "anna"), want: "no task's", permanent: true},
		"of a run that is none":               {request: swapTenants(t, "field", &MigrationRef{Namespace: "reindex", ID: "r"}, "anna"), want: "names no task", permanent: true},
		"of a run that is not on record":      {request: swapTenants(t, "field", &MigrationRef{"reindex", "r", 99}, "anna"), want: "does not exist", permanent: true},
		"of a task behind the barrier":        {request: swapTenants(t, "field", &MigrationRef{"reindex", "barrier", 11}, "anna"), want: "swap together", permanent: true},
		"of a collection that is not its own": {request: command(t, CommandUpdateProperty, "Docs", UpdatePropertyRequest{Property: "title", Tokenization: "x", Migration: ref, Tenants: []string{"anna"}}), want: "belongs to collection", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			j, r := &journal{t: t}, New(guardedConfig())
			for _, c := range []api.ApplyRequest{
				createTenants(t), tenantTask(t, "r", "text", false),
				complete(t, "reindex", "r", 5, "n1", "a1"), complete(t, "reindex", "r", 5, "n2", "a2"),
			} {
				require.NoError(t, j.apply(r, c).Err)
			}
			if c.permanent {
				require.NoError(t, j.apply(r, tenantTask(t, "barrier", "more", true)).Err)
				require.NoError(t, j.apply(r, createDocs(t)).Err)
			}
			res := j.apply(r, c.request)
			if c.want == "" {
				require.NoError(t, res.Err)
				require.Equal(t, uint64(5), r.Schema().Collection("Notes").SwappedBy("anna", "text"))
			} else {
				require.ErrorContains(t, res.Err, c.want)
				require.Equal(t, c.permanent, isPermanent(res.Err), "permanent: %v", res.Err)
				require.Zero(t, r.Schema().Collection("Notes").SwappedBy("anna", "text"))
			}
			require.Equal(t, "word", r.Schema().Collection("Notes").Properties["text"].Tokenization, "the others stay")
			requireReplayed(t, r, j)
		})
	}
}

func TestWhatATenantHasSwappedOutlivesTheRecordUntilAllChange(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	ref := &MigrationRef{Namespace: "reindex", ID: "r", Version: 5}
	by := func() uint64 { return r.Schema().Collection("Notes").SwappedBy("anna", "text") }
	accept := func(c api.ApplyRequest) {
		t.Helper()
		require.NoError(t, j.apply(r, c).Err)
	}
	accept(createTenants(t))
	accept(tenantTask(t, "r", "text", false))
	accept(complete(t, "reindex", "r", 5, "n1", "a1"))
	accept(complete(t, "reindex", "r", 5, "n2", "a2"))
	accept(command(t, api.CommandCancelTask, "", api.CancelDistributedTaskRequest{Namespace: "reindex", Id: "r", Version: 5, CancelledAtUnixMillis: 9}))
	accept(swapTenants(t, "field", ref, "anna"))
	accept(swapTenants(t, "field", ref, "anna"))
	accept(command(t, api.CommandCleanUpTask, "", api.CleanUpDistributedTaskRequest{Namespace: "reindex", Id: "r", Version: 5}))
	require.Equal(t, uint64(5), by())
	requireReplayed(t, r, j)

	late := j.apply(r, swapTenants(t, "field", ref, "bert"))
	require.ErrorIs(t, late.Err, fsm.ErrTaskDoesNotExist, "the outcome is no longer recorded")

	accept(updateProperty(t, "Notes", "text", "gse", nil))
	require.Zero(t, by(), "a user sets it for all tenants")
	accept(swapTenants(t, "field", ref, "anna"))
	require.Zero(t, by(), "and what came after the task stays")
	requireReplayed(t, r, j)
}

// A migration that ends is about the tenants of its units.
func TestATenantThatIsAddedDuringAMigrationKeepsWhatItHas(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	ref := &MigrationRef{Namespace: "reindex", ID: "r", Version: 5}
	accept := func(c api.ApplyRequest) {
		t.Helper()
		require.NoError(t, j.apply(r, c).Err)
	}
	end := UpdatePropertyRequest{Property: "text", Tokenization: "field", Migration: ref, Migrated: []string{"anna", "bert"}}
	serves := func(tenant string) string {
		c := r.Schema().Collection("Notes")
		return cmp.Or(c.Shards[tenant].Swapped["text"].Tokenization, c.Properties["text"].Tokenization)
	}
	accept(createTenants(t))
	accept(tenantTask(t, "r", "text", false))
	accept(command(t, CommandAddTenants, "Notes", AddTenantsRequest{Tenants: []ShardSpec{{Name: "carl", Nodes: []string{"n1"}}}}))
	for unit, node := range map[string]string{"a1": "n1", "a2": "n2", "b1": "n1"} {
		accept(complete(t, "reindex", "r", 5, node, unit))
	}
	for _, node := range []string{"n1", "n2"} {
		accept(command(t, api.CommandRecordPostAck, "", api.RecordDistributedTaskPostCompletionAckRequest{
			Namespace: "reindex", Id: "r", Version: 5, NodeId: node, Success: true, AckedAtUnixMillis: 9,
		}))
	}
	for _, wrong := range []UpdatePropertyRequest{
		{Property: "text", Tokenization: "field", Migrated: []string{"anna"}},
		{Property: "text", Tokenization: "field", Migration: ref, Tenants: []string{"anna"}, Migrated: []string{"anna"}},
	} {
		err := j.apply(r, command(t, CommandUpdateProperty, "Notes", wrong)).Err
		require.ErrorContains(t, err, "of some shards is not the end of a migration")
		require.True(t, isPermanent(err))
	}
	accept(command(t, CommandUpdateProperty, "Notes", end))
	require.Equal(t, []string{"field", "field", "word"}, []string{serves("anna"), serves("bert"), serves("carl")})
	require.Equal(t, uint64(5), r.Schema().Collection("Notes").SwappedBy("carl", "text"))
	requireReplayed(t, r, j)

	accept(command(t, CommandUpdateProperty, "Notes", end))
	require.Equal(t, "word", serves("carl"), "a flip that has had its effect")
	accept(command(t, CommandAddTenants, "Notes", AddTenantsRequest{Tenants: []ShardSpec{{Name: "dora", Nodes: []string{"n1"}}}}))
	require.Equal(t, "field", serves("dora"), "a tenant that comes later is like the others")
	requireReplayed(t, r, j)
}

func TestASnapshotWithAHalfTenantSwapIsRefused(t *testing.T) {
	for _, swap := range []TenantSwap{{By: 3}, {Tokenization: "field"}} {
		s := Shard{Nodes: []string{"n1"}, Status: ShardHot, Swapped: map[string]TenantSwap{"text": swap}}
		require.ErrorContains(t, s.validate("anna"), "swapped property")
	}
}
