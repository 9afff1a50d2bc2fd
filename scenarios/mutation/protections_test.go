package mutation

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

// TestWithoutItsProtectionADefectOfRaftShows runs the plan that stands for a defect of the
// Raft library with several seeds on the system without its protection. When none violates
// anything, the library has been mended, or the plan does not meet the defect any more.
func TestWithoutItsProtectionADefectOfRaftShows(t *testing.T) {
	if os.Getenv("DTSIM_LONG") == "" {
		t.Skip("builds a guest for each mutant: make test-long runs it")
	}
	all, err := Historic()
	require.NoError(t, err)
	for _, protection := range protections {
		t.Run(protection.mutant, func(t *testing.T) {
			m := all[slices.IndexFunc(all, func(m *Mutant) bool { return m.Name == protection.mutant })]
			edits, err := m.Apply(sources(t))
			require.NoError(t, err)
			p, err := taskplan.ReadFile(filepath.Join("..", "testdata", "regressions", protection.plan+".plan.json"))
			require.NoError(t, err)
			e, err := engine.Native(t.Context(), scenarios.Application().Options(engine.Options{Edits: edits}))
			require.NoError(t, err)
			defer e.Close()
			shown := 0
			for range 20 {
				if slices.ContainsFunc(violations(t, e, p), func(v trace.Violation) bool { return m.MayBreak(v.Property) }) {
					shown++
				}
				p.Seed++
			}
			t.Logf("%d of 20 seeds show it", shown)
			require.Positive(t, shown)
		})
	}
}

// violations runs a plan and returns what it violates.
func violations(t *testing.T, e engine.Engine, p *taskplan.Plan) []trace.Violation {
	encoded := p.Encode()
	result, err := e.Run(t.Context(), engine.Job{Plan: encoded, Entropy: campaign.Entropy(encoded)})
	require.NoError(t, err)
	return result.Footer.Verdict.Violations
}
