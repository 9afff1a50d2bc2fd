package tasks

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
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
				require.Equal(t, m.FormatState(&at), x.show(x.view), "how it begins")
				for i, a := range path.Actions {
					require.Equal(t, m.Describe(&at, a), x.describe(a), "step %d", i+1)
					broken, err := x.step(a)
					require.NoError(t, err, "step %d", i+1)
					require.Nil(t, broken)
					at, _ = m.Step(&at, a)
					require.Equal(t, m.FormatState(&at), x.show(x.view), "step %d", i+1)
				}
				require.Equal(t, end, at)

				one, err := m.RunOf(path)
				require.NoError(t, err)
				require.Len(t, one.Events, len(path.Actions)+1)
				require.NoError(t, one.Plan.Validate())
				two, err := m.RunOf(path)
				require.NoError(t, err)
				require.Equal(t, one, two)
			}
		})
	}
}

// TestAnyActionIsAnAction: what a file holds is done or refused, and never a panic.
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
					_ = y.describe(bad.pack())
					_, _ = y.step(bad.pack())
				}, "%s: %+v", name, bad)
			}
			_, err := x.step(a)
			require.NoError(t, err)
		}
	}
}
