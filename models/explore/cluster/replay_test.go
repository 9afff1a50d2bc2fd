package cluster

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/sim/trace"
)

// randomPath walks at random, and returns the path and where it ended.
func randomPath(m *Model, seed uint64, steps int) (explore.Path, State) {
	draw := rand.New(rand.NewPCG(seed, 1))
	path := explore.Path{Loop: -1}
	at := m.Initial(nil)[0]
	for range steps {
		enabled := m.Enabled(&at, nil)
		if len(enabled) == 0 {
			break
		}
		a := enabled[draw.IntN(len(enabled))]
		path.Actions = append(path.Actions, a)
		at, _ = m.Step(&at, a)
	}
	return path, at
}

// TestAPathIsWalkedAgain: what the search has remembered and what the shipped code
// decides when it is asked again are the same, in every configuration.
func TestAPathIsWalkedAgain(t *testing.T) {
	for name, c := range Configs() {
		t.Run(name, func(t *testing.T) {
			m, err := New(c)
			require.NoError(t, err)
			for seed := range uint64(8) {
				path, end := randomPath(m, seed, 200)
				x := newMachine(m.world, nil)
				at := m.Initial(nil)[0]
				require.Equal(t, m.Show(&at), x.show(x.view), "how it begins")
				for i, a := range path.Actions {
					require.Equal(t, m.Describe(&at, a), x.says(a), "step %d", i+1)
					broken, err := x.step(a)
					require.NoError(t, err, "step %d", i+1)
					require.Nil(t, broken)
					at, _ = m.Step(&at, a)
					require.Equal(t, m.Show(&at), x.show(x.view), "step %d", i+1)
				}
				require.Equal(t, end, at)

				var b bytes.Buffer
				footer, err := Write(&b, c, path, Broken{}, "test")
				require.NoError(t, err)
				require.True(t, footer.Verdict.Passed)
				read, err := trace.Read(&b)
				require.NoError(t, err)
				again, err := Replay(read)
				require.NoError(t, err)
				require.True(t, again.Identical, again.Parts)
				require.Equal(t, path, again.Path)
				require.Equal(t, footer.Hash, again.Hash)
			}
		})
	}
}

// TestReplayTellsWhatWasEdited: a trace that says something else than the walk, or asks
// for what cannot be, is found out.
func TestReplayTellsWhatWasEdited(t *testing.T) {
	c := Configs()["default"]
	m, err := New(c)
	require.NoError(t, err)
	path, _ := randomPath(m, 3, 60)
	path.Loop = 40
	var b bytes.Buffer
	footer, err := Write(&b, c, path, Broken{Property: "P16", Message: "nothing settles"}, "test")
	require.NoError(t, err)
	require.Len(t, footer.Verdict.Violations, 1, "what the search says of a run that goes on for ever")
	read := func() *trace.Trace {
		one, err := trace.Read(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		return one
	}
	r, err := Replay(read())
	require.NoError(t, err)
	require.True(t, r.Identical)
	require.Equal(t, path, r.Path)
	require.Equal(t, c, r.Config)

	find := func(one *trace.Trace, kind trace.Kind) *trace.Event {
		for i := len(one.Events) - 1; i >= 0; i-- {
			if one.Events[i].Kind == kind {
				return &one.Events[i]
			}
		}
		t.Fatalf("no %s", kind)
		return nil
	}
	edit := func(e *trace.Event, key string, f trace.Field) {
		for i := range e.Fields {
			if e.Fields[i].Key == key {
				e.Fields[i] = f
			}
		}
	}
	one := read()
	edit(find(one, trace.Committed), "outcome", trace.Str("outcome", "no"))
	r, err = Replay(one)
	require.NoError(t, err)
	require.False(t, r.Identical)
	require.Contains(t, r.Parts, "part in")

	one = read()
	edit(find(one, trace.Step), "action", trace.Uint("action", uint64(act{kind: operatorEnds, key: 7}.pack())))
	_, err = Replay(one)
	require.ErrorContains(t, err, "no such task")

	one = read()
	edit(&one.Events[0], "configuration", trace.Str("configuration", `{"nodes": 99}`))
	_, err = Replay(one)
	require.ErrorContains(t, err, "nodes")

	one = read()
	one.Header.Engine = "native"
	_, err = Replay(one)
	require.ErrorContains(t, err, "no counterexample")
}

// TestAnyActionIsAnAction: what a file says is done or refused, and never a panic.
func TestAnyActionIsAnAction(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 7))
	for name, c := range Configs() {
		m, err := New(c)
		require.NoError(t, err)
		path, _ := randomPath(m, 5, 40)
		x := newMachine(m.world, nil)
		for _, a := range path.Actions {
			for range 20 {
				bad := act{actKind(draw.IntN(12)), uint8(draw.IntN(4)), uint8(draw.IntN(8)), move{moveKind(draw.IntN(20)), uint8(draw.IntN(256))}}
				if draw.IntN(10) == 0 {
					bad.kind, bad.arg = actKind(draw.IntN(256)), 0
				}
				y := *x
				y.view.records, y.view.parts = slices.Clone(x.records), nil
				for _, parts := range x.parts {
					y.view.parts = append(y.view.parts, slices.Clone(parts))
				}
				require.NotPanics(t, func() {
					_ = y.says(bad.pack())
					_, _ = y.step(bad.pack())
				}, "%s: %+v", name, bad)
			}
			_, err := x.step(a)
			require.NoError(t, err)
		}
	}
}
