package scenarios_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
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
			require.Empty(t, taskstest.Trace(t, p).Footer.Verdict.Violations)
		})
	}
}
