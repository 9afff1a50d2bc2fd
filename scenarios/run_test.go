package scenarios_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/sim/check"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// run runs a plan in a bubble of its own and returns the trace.
func run(t *testing.T, p *plan.Plan) (trace.Footer, []byte) {
	t.Helper()
	require.NoError(t, p.Validate())
	var b bytes.Buffer
	var footer trace.Footer
	synctest.Test(t, func(t *testing.T) {
		rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p, Engine: "bubble"})
		require.NoError(t, err)
		verdict, _ := cluster.Run(p, cluster.Default(), rec)
		footer, err = rec.Close(verdict)
		require.NoError(t, err)
	})
	return footer, b.Bytes()
}

func TestEveryScenarioKeepsItsPromises(t *testing.T) {
	for _, s := range scenarios.All() {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s with seed %d", s.Name, seed), func(t *testing.T) {
				footer, b := run(t, s.Plan(seed, scenarios.Options{}))
				require.Empty(t, footer.Verdict.Violations)
				require.True(t, footer.Verdict.Passed)

				again, err := check.Trace(bytes.NewReader(b))
				require.NoError(t, err)
				require.Equal(t, footer.Verdict.Passed, again.Passed)
			})
		}
	}
}
