package scenarios_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
)

// The plans in testdata/regressions each showed a defect: of the system, as listed in FOUND.md,
// or of a check that reported a violation where there was none.
func TestRepairedDefectsStayRepaired(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "regressions", "*.plan.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".plan.json"), func(t *testing.T) {
			p, err := taskplan.ReadFile(name)
			require.NoError(t, err)
			if p.Stalls == nil {
				require.Empty(t, taskstest.Trace(t, p).Footer.Verdict.Violations)
				return
			}
			if !long {
				t.Skip("it needs a program with points at which goroutines are held up, which takes a minute to build")
			}
			e, err := engine.Native(t.Context(), scenarios.Application().Options(engine.Options{}))
			require.NoError(t, err)
			defer e.Close()
			result, err := e.Run(t.Context(), engine.Job{Plan: p.Encode(), Entropy: campaign.Entropy(p.Encode())})
			require.NoError(t, err)
			require.Empty(t, result.Footer.Verdict.Violations)
		})
	}
}
