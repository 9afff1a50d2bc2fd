package tasks_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/engine"
)

// A run with faults is a function of its plan and entropy, whatever goes wrong in it.
func TestARunWithFaultsIsAFunction(t *testing.T) {
	native, err := engine.Native(t.Context(), engine.Options{Guest: tasks.Guest})
	require.NoError(t, err)
	defer native.Close()
	files, err := filepath.Glob("../../sim/plan/testdata/*.plan.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, err := taskplan.ReadFile(file)
			require.NoError(t, err)
			hashes := map[string]bool{}
			for entropy := range uint64(3) {
				first, err := native.Run(t.Context(), engine.Job{Plan: p.Encode(), Entropy: entropy})
				require.NoError(t, err)
				require.Empty(t, first.Footer.Verdict.Violations)
				require.Positive(t, first.Footer.Counters["fault-bit"])
				again, err := native.Run(t.Context(), engine.Job{Plan: p.Encode(), Entropy: entropy})
				require.NoError(t, err)
				require.Equal(t, first.Footer.Hash, again.Footer.Hash)
				hashes[first.Footer.Hash] = true
			}
			require.Len(t, hashes, 3, "another entropy is another run")
		})
	}
}
