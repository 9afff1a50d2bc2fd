package taskplan_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// The plans in testdata are written by hand, to be read and run as examples:
//
//	go run ./cmd/dtsim run --plan sim/plan/testdata/bad-network.plan.json
func TestTheExamplesShowAllFaultsOfTheInfrastructure(t *testing.T) {
	files, err := filepath.Glob("../../../sim/plan/testdata/*.plan.json")
	require.NoError(t, err)
	var shown []plan.FaultKind
	for _, file := range files {
		p, err := taskplan.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, p.Name+".plan.json", filepath.Base(file))
		again, err := taskplan.Decode(plan.Encode(p.Encode()))
		require.NoError(t, err)
		require.Equal(t, p, again)
		for _, f := range p.Faults {
			shown = append(shown, f.Kind)
		}
	}
	all := plan.FaultKinds()
	for _, kind := range all[:slices.IndexFunc(all, plan.IsCall)] {
		require.Contains(t, shown, kind)
	}
}

func TestAFaultInADocumentIsRefusedWithItsPlace(t *testing.T) {
	_, err := taskplan.Decode([]byte(`{"format": 2, "duration": "60s", "calm": "40s", "faults": [
  {"kind": "crash", "node": "n1", "at": "5s"},
  {"kind": "crash", "node": "n1", "at": "70s"}
]}`))
	require.EqualError(t, err, "plan: faults[1].at: 1m10s is past the beginning of quiescence (40s) (line 3, column 41)")
}
