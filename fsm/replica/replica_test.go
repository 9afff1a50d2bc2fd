package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

func isPermanent(err error) bool { return errors.Is(err, fsm.ErrPermanentRejection) }

// requireReplayed checks that a replay of the whole journal gives the same state.
func requireReplayed(t *testing.T, r *Replica, j *journal) {
	t.Helper()
	replay := New(guardedConfig())
	for _, e := range j.entries {
		replay.Apply(e)
	}
	require.Equal(t, state(t, r), state(t, replay))
}

func snapshotOf(t testing.TB, r *Replica) []byte {
	t.Helper()
	snapshot, err := r.Snapshot()
	require.NoError(t, err)
	sink := &memorySink{}
	require.NoError(t, snapshot.Persist(sink))
	snapshot.Release()
	require.True(t, sink.closed)
	return sink.Bytes()
}

type memorySink struct {
	bytes.Buffer
	closed, cancelled bool
	fail              error
}

func (s *memorySink) Write(b []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	return s.Buffer.Write(b)
}
func (s *memorySink) Close() error  { s.closed = true; return nil }
func (s *memorySink) Cancel() error { s.cancelled = true; return nil }
func (s *memorySink) ID() string    { return "memory" }

// mixedLog is a journal with every kind of command: accepted, rejected, duplicate,
// stale, undecodable.
func mixedLog(t *testing.T) *journal {
	t.Helper()
	j := &journal{t: t}
	for _, c := range []api.ApplyRequest{
		withID(createDocs(t), "n1#1", 1, 1),
		withID(createDocs(t), "n1#1", 1, 1),
		withID(createTenants(t), "n2#1", 1, 1),
		withID(addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1", "u2"), "n1#1", 2, 1), // 9
		withID(addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1", "u2"), "n1#1", 2, 2),
		withID(addTask(t, "reindex", "again", payload{"Docs", "title"}, "u1"), "n1#1", 3, 2),
		addTask(t, "repair", "old-proposer", payload{Collection: "Notes"}, "u1"), // 15
		withID(complete(t, "reindex", "r", 9, "n1", "u1"), "n1#1", 4, 4),
		withID(complete(t, "reindex", "r", 9, "n2", "u1"), "n2#1", 2, 2),
		withID(complete(t, "reindex", "r", 9, "n1", "u1"), "n1#1", 3, 2), // stale
		withID(updateProperty(t, "Docs", "title", "field", nil), "n3#1", 1, 1),
		withID(complete(t, "reindex", "r", 9, "n2", "u2"), "n2#1", 3, 3),
		withID(postAck(t, "reindex", "r", 9, "n1"), "n1#1", 5, 4),
		withID(finalize(t, "reindex", "r", 9), "n1#1", 6, 5),
		withID(postAck(t, "reindex", "r", 9, "n2"), "n2#1", 4, 4),
		withID(updateProperty(t, "Docs", "title", "field", &MigrationRef{"reindex", "r", 9}), "n2#1", 5, 5),
		withID(finalize(t, "reindex", "r", 9), "n1#1", 7, 7),
		withID(command(t, CommandDeleteTenants, "Notes", DeleteTenantsRequest{Tenants: []string{"bert"}}), "n3#1", 2, 1),
		withID(command(t, CommandReadBarrier, "", struct{}{}), "n3#1/reads", 1, 1),
		withID(command(t, CommandDropCollection, "Notes", struct{}{}), "n3#1", 3, 2),
	} {
		j.entry(c)
	}
	j.raw([]byte{0xff, 0x01})
	j.entry(withID(createTenants(t), "n4#1", 9, 9)) // an expired session
	return j
}

func TestASnapshotRestoredAtEveryIndexEqualsReplay(t *testing.T) {
	j := mixedLog(t)
	replay := New(guardedConfig())
	var states []string
	for _, e := range j.entries {
		replay.Apply(e)
		states = append(states, state(t, replay))
	}
	for at := range j.entries {
		original := New(guardedConfig())
		for _, e := range j.entries[:at+1] {
			original.Apply(e)
		}
		restored := New(guardedConfig())
		for _, e := range j.entries[at/2 : at] {
			restored.Apply(e) // what is to be replaced
		}
		require.NoError(t, restored.Restore(io.NopCloser(bytes.NewReader(snapshotOf(t, original)))))
		require.Equal(t, states[at], state(t, restored), "restored after %d entries", at+1)
		for i, e := range j.entries[at+1:] {
			require.Equal(t, original.Apply(e), restored.Apply(e))
			require.Equal(t, states[at+1+i], state(t, restored), "restored after %d entries, then %d more", at+1, i+1)
		}
	}
}

func TestASnapshotIsTheStateAtItsIndexWhateverComesAfter(t *testing.T) {
	j := mixedLog(t)
	r := New(guardedConfig())
	for _, e := range j.entries[:10] {
		r.Apply(e)
	}
	want := state(t, r)
	snapshot, err := r.Snapshot()
	require.NoError(t, err)
	for _, e := range j.entries[10:] {
		r.Apply(e)
	}
	require.NotEqual(t, want, state(t, r))
	sink := &memorySink{}
	require.NoError(t, snapshot.Persist(sink))
	require.Equal(t, want, sink.String())
}

func TestASnapshotThatCannotBeWrittenIsCancelled(t *testing.T) {
	r := New(Config{})
	snapshot, err := r.Snapshot()
	require.NoError(t, err)
	full := errors.New("disk full")
	sink := &memorySink{fail: full}
	require.ErrorIs(t, snapshot.Persist(sink), full)
	require.True(t, sink.cancelled)
	require.False(t, sink.closed)
}

func TestABrokenSnapshotLeavesTheStateAsItWas(t *testing.T) {
	j := mixedLog(t)
	good := New(guardedConfig())
	for _, e := range j.entries {
		good.Apply(e)
	}
	whole := string(snapshotOf(t, good))
	for name, tc := range map[string]struct{ document, want string }{
		"nothing":           {"", "unmarshal"},
		"null":              {"null", "null"},
		"cut off":           {whole[:len(whole)-7], "unmarshal"},
		"bytes behind it":   {whole + "{}", "unmarshal"},
		"a null collection": {`{"schema":[null]}`, "schema[0]"},
		"a collection twice": {`{"schema":[{"name":"A","version":1,"multiTenant":true},{"name":"a","version":2,"multiTenant":true}]}`,
			"schema[1]"},
		"a shard that is nowhere": {`{"schema":[{"name":"A","version":1,"shards":{"s":{"nodes":[],"status":"HOT"}}}]}`, "on no node"},
		"a broken session":        {`{"sessions":[{"client":"","low":1,"last":1}]}`, "sessions[0]"},
		"a null task":             {`{"applied_index":99,"schema":[],"distributed_tasks":{"tasks":{"x":[null]}}}`, "null"},
	} {
		t.Run(name, func(t *testing.T) {
			before := state(t, good)
			err := good.Restore(io.NopCloser(strings.NewReader(tc.document)))
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, before, state(t, good))
		})
	}
}

func TestASnapshotThatComesLateDoesNotTakeTheStateBack(t *testing.T) {
	j, r := mixedLog(t), New(guardedConfig())
	for _, e := range j.entries[:10] {
		r.Apply(e)
	}
	late := snapshotOf(t, r)
	require.NoError(t, r.Restore(io.NopCloser(bytes.NewReader(late))), "the state itself may come again")
	for _, e := range j.entries[10:] {
		r.Apply(e)
	}
	before := state(t, r)
	require.ErrorContains(t, r.Restore(io.NopCloser(bytes.NewReader(late))), "is applied")
	require.Equal(t, before, state(t, r))
}

func TestAMissingSectionOfASnapshotIsEmpty(t *testing.T) {
	r := New(guardedConfig())
	for _, e := range mixedLog(t).entries {
		r.Apply(e)
	}
	require.NoError(t, r.Restore(io.NopCloser(strings.NewReader(`{"applied_index":99}`))))
	require.Equal(t, `{"applied_index":99,"distributed_tasks":{},"schema":[],"sessions":[]}`, state(t, r))
}

func TestUndecodableEntriesAndUnknownCommandsAreRefusedForEver(t *testing.T) {
	j, r := &journal{t: t}, New(Config{})
	res := r.Apply(j.raw([]byte{0xff, 0x01})).(Result)
	require.ErrorIs(t, res.Err, fsm.ErrInvalidCommand)
	require.True(t, isPermanent(res.Err))
	for _, typ := range []api.CommandType{0, 7, 302, 9999, -1} {
		res := j.apply(r, api.ApplyRequest{Type: typ})
		require.True(t, isPermanent(res.Err), "type %d", typ)
	}
	require.Equal(t, uint64(13), r.AppliedIndex(), "a refused entry counts as applied")
	require.Nil(t, r.Apply(&raft.Log{Index: 15, Type: raft.LogConfiguration}))
	require.Equal(t, uint64(13), r.AppliedIndex())
}

func TestReadsLeaveNoTrace(t *testing.T) {
	j, r := &journal{t: t}, New(Config{OnApply: func(_, _ uint64, req api.ApplyRequest, _ Result) {
		require.NotEqual(t, CommandReadBarrier, req.Type, "a read reached the observer")
	}})
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	before := state(t, r)
	require.Equal(t, Result{Index: 3}, j.apply(r, withID(command(t, CommandReadBarrier, "", nil), "c/reads", 1, 1)))
	require.Equal(t, before, state(t, r))
}

func TestTheObserverSeesEveryCommandWithTheStateOfItsIndex(t *testing.T) {
	type seen struct {
		index, term uint64
		res         Result
		hash        string
	}
	var all []seen
	var r *Replica
	c := guardedConfig()
	c.OnApply = func(index, term uint64, req api.ApplyRequest, res Result) {
		hash, err := r.Hash()
		require.NoError(t, err)
		require.Equal(t, index, r.AppliedIndex())
		if why, ok := res.Err.(*explained); ok {
			res.Err = why.Unwrap() // the observer alone receives the reason
			require.NotEmpty(t, why.reason)
		}
		all = append(all, seen{index, term, res, hash})
	}
	r = New(c)
	other := New(guardedConfig())
	for i, e := range mixedLog(t).entries {
		res := r.Apply(e)
		other.Apply(e)
		hash, err := other.Hash()
		require.NoError(t, err)
		if decoded, err := api.Decode(e.Data); err == nil && decoded.Type == CommandReadBarrier {
			all = append(all, seen{e.Index, e.Term, res.(Result), hash})
		}
		require.Len(t, all, i+1)
		require.Equal(t, seen{e.Index, e.Term, res.(Result), hash}, all[i])
	}
}

func TestAPanicCostsItsCommandAlone(t *testing.T) {
	c := Config{
		OnApply: func(uint64, uint64, api.ApplyRequest, Result) { panic("observer") },
		CollectionExtractors: map[string]fsm.CollectionExtractor{"x": func([]byte) (string, bool) {
			panic("extractor")
		}},
		SchemaMutationDetectors: map[string]fsm.SchemaMutationDetector{"x": panickingGuard{}},
		Notifier:                panickingNotifier{},
	}
	j, r := &journal{t: t}, New(c)
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.NoError(t, j.apply(r, addTask(t, "x", "a", payload{}, "u")).Err, "the extractor's panic binds it to nothing")
	before := r.Schema()
	require.ErrorContains(t, j.apply(r, updateProperty(t, "Docs", "title", "field", nil)).Err, "panicked")
	require.Equal(t, before, r.Schema())
	require.NoError(t, j.apply(r, complete(t, "x", "a", 5, "n1", "u")).Err)
}

func TestACommandThatPanicsIsRefused(t *testing.T) {
	j, r := &journal{t: t}, New(Config{})
	r.schema = nil // a bug that no command can be known to have
	res := j.apply(r, withID(createDocs(t), "c", 1, 1))
	require.ErrorContains(t, res.Err, "CREATE_COLLECTION panicked")
	require.Equal(t, res, j.apply(r, withID(createDocs(t), "c", 1, 1)))
	require.NoError(t, j.apply(r, addTask(t, "x", "a", payload{}, "u")).Err)
}

func TestTheObserverSeesACommandBeforeItsProposerKnows(t *testing.T) {
	var p *pending
	observed := false
	j, r := &journal{t: t}, New(Config{OnApply: func(uint64, uint64, api.ApplyRequest, Result) {
		_, answered := p.answered()
		require.False(t, answered)
		observed = true
	}})
	req := withID(createDocs(t), "c", 1, 1)
	p = r.await(req.RequestID)
	j.apply(r, req)
	require.True(t, observed)
	_, answered := p.answered()
	require.True(t, answered)
}

type panickingGuard struct{ fsm.SchemaMutationDetector }

type panickingNotifier struct{}

func (panickingNotifier) Wake() { panic("notifier") }

func TestAWaitForARequestEndsWithItsOutcome(t *testing.T) {
	for name, bring := range map[string]func(j *journal, r *Replica, req api.ApplyRequest){
		"by an apply": func(j *journal, r *Replica, req api.ApplyRequest) { j.apply(r, req) },
		"by a snapshot": func(j *journal, r *Replica, req api.ApplyRequest) {
			other := New(Config{})
			j.apply(other, req)
			require.NoError(t, r.Restore(io.NopCloser(bytes.NewReader(snapshotOf(t, other)))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, r := &journal{t: t}, New(Config{})
			req := withID(createDocs(t), "c", 1, 1)
			one, two, gone := r.await(req.RequestID), r.await(req.RequestID), r.await(req.RequestID)
			reached, forget := r.awaitIndex(3)
			defer forget()
			gone.forget()
			_, ok := one.answered()
			require.False(t, ok)
			bring(j, r, req)
			for _, p := range []*pending{one, two, r.await(req.RequestID)} {
				o, ok := p.answered()
				require.True(t, ok)
				require.Equal(t, outcome{Index: 3}, o)
				p.forget()
			}
			_, ok = gone.answered()
			require.False(t, ok)
			<-reached
			require.Empty(t, r.waits.requests)
			require.Empty(t, r.waits.indexes)
		})
	}
}

// TestRandomLogsAgree replays random logs, with duplicates, on a second replica and
// through a snapshot at a random place (P1).
func TestRandomLogsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := &journal{t: t}
		a := New(guardedConfig())
		cut := rapid.IntRange(0, 60).Draw(rt, "snapshot after")
		b := New(guardedConfig())
		seqs := map[string]uint64{}
		versions := []uint64{3}
		for i := range 60 {
			var c api.ApplyRequest
			name := rapid.SampledFrom([]string{"Docs", "docs", "Notes"}).Draw(rt, "collection")
			id := rapid.SampledFrom([]string{"t1", "t2"}).Draw(rt, "task")
			namespace := rapid.SampledFrom([]string{"reindex", "repair", "cleanup"}).Draw(rt, "namespace")
			version := rapid.SampledFrom(versions).Draw(rt, "version")
			node := rapid.SampledFrom([]string{"n1", "n2"}).Draw(rt, "node")
			switch rapid.IntRange(0, 8).Draw(rt, "kind") {
			case 0:
				c = createDocs(t)
			case 1:
				c = createTenants(t)
			case 2:
				c = command(t, CommandDropCollection, name, struct{}{})
			case 3, 4:
				c = addTask(t, namespace, id, payload{name, "title"}, "u1", "u2")
			case 5:
				c = complete(t, namespace, id, version, node, rapid.SampledFrom([]string{"u1", "u2"}).Draw(rt, "unit"))
			case 6:
				c = postAck(t, namespace, id, version, node)
			case 7:
				c = finalize(t, namespace, id, version)
			case 8:
				c = updateProperty(t, name, "title", fmt.Sprint("tok", i), &MigrationRef{namespace, id, version})
			}
			client := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "client")
			seq := rapid.Uint64Range(max(1, seqs[client]), seqs[client]+1).Draw(rt, "seq")
			seqs[client] = max(seq, seqs[client])
			e := j.entry(withID(c, client, seq, max(1, seq-min(seq, 2))))
			res := a.Apply(e).(Result)
			require.Equal(rt, res, b.Apply(e))
			if c.Type == api.CommandAddTask && res.Err == nil {
				versions = append(versions, res.Index)
			}
			if i == cut {
				restored := New(guardedConfig())
				require.NoError(rt, restored.Restore(io.NopCloser(bytes.NewReader(snapshotOf(t, b)))))
				b = restored
			}
			require.Equal(rt, state(t, a), state(t, b))
		}
		list, err := a.manager.ListDistributedTasks(context.Background())
		require.NoError(rt, err)
		require.Equal(rt, list, b.Tasks())
	})
}
