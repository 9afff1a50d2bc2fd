package cli

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
)

// Machines with millions of states are counted by a benchmark (BenchmarkCheck in
// models/explore/twophase), which .ci/run runs: here they are only begun, as are
// those without a recorded count.
func TestMachinesHaveTheirDocumentedCounts(t *testing.T) {
	for _, m := range machines() {
		if m.runOf != nil {
			continue // a cluster: models/explore/tasks counts those
		}
		t.Run(m.name, func(t *testing.T) {
			f := checkFlags{jobs: runtime.NumCPU()}
			switch {
			case m.states > 1_000_000:
				f.maxStates = 500_000
			case m.states == 0 && !m.planted:
				f.maxStates = 2_000
			}
			is := m.build()
			o, err := f.options(m, is)
			require.NoError(t, err)
			r, err := is.Check(t.Context(), o)
			require.NoError(t, err)
			if m.planted {
				assert.NotEmpty(t, r.Violations, "there is a defect in it")
				return
			}
			if f.maxStates > 0 {
				assert.Equal(t, explore.States, r.Bound)
				assert.Equal(t, f.maxStates, r.States)
			} else {
				assert.Equal(t, m.states, r.States)
				assert.True(t, r.Exhausted)
			}
			assert.Empty(t, r.Violations)
			if r.Exhausted && r.States > 100_000 {
				assert.LessOrEqual(t, r.PerState(), 24.0, "bytes a state, everything counted")
			}
		})
	}
}

func TestMachinesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range machines() {
		assert.False(t, seen[m.name], m.name)
		seen[m.name] = true
		assert.NotEmpty(t, m.summary)
		is := m.build()
		assert.NotEmpty(t, is.Properties())
		assert.True(t, !m.symmetry || is.Symmetric(), m.name)
		assert.True(t, !m.reduction || is.Reducible(), m.name)
	}
	_, err := machineByName(defaultMachine)
	assert.NoError(t, err)
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]uint64{
		"1000": 1000, "5k": 5000, "500M": 500e6, "4G": 4e9, "4gb": 4e9, "4GiB": 4 << 30, "1T": 1e12, "7b": 7,
	} {
		var s size
		require.NoError(t, s.Set(text), text)
		assert.EqualValues(t, want, s, text)
	}
	for _, text := range []string{"", "G", "4X", "-1", "4GG", "4i", "99999999999T", "1.5G"} {
		var s size
		assert.Error(t, s.Set(text), text)
	}
}

func TestProgressOfASearchInWords(t *testing.T) {
	s := explore.Snapshot{States: 1_234_567, Transitions: 20e6, Waiting: 300, Depth: 7, Rate: 2.5e6, Left: -1, Memory: 3e9}
	assert.Equal(t, "1.2 M states, 20.0 M generated (2.5 M/s), depth 7, 300 waiting, 3.0 GB, unknown how many are left", snapshotWords(s))
	s.Left = 40_000
	assert.Contains(t, snapshotWords(s), "about 40.0 k more states")
	s.Doing = "looking for components"
	assert.Equal(t, "1.2 M states, 20.0 M generated; looking for components", snapshotWords(s))
}

func TestInterruptLeavesAnHonestSummary(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"--config", "2pc-9"}, {"--config", "2pc-9", "--walk", "1000000000"}, {"--config", "2pc-9", "--dfs"}} {
		var stdout, stderr bytes.Buffer
		env := Environment{Stdout: &stdout, Stderr: &stderr, Jobs: 2, Now: time.Now}
		assert.Equal(t, statusHarness, Main(ctx, env, append([]string{"check"}, args...)))
		assert.Contains(t, stdout.String(), "Interrupted before everything was seen. Nothing seen so far breaks consistency.")
		assert.Contains(t, stdout.String(), "states ")
		assert.Empty(t, stderr.String())
	}
}
