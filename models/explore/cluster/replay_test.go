package cluster

import (
	"bytes"
	"math/rand/v2"
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
