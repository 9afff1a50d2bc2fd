package scenarios_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/scenarios/tracecheck"
)

func TestEveryStepIsOneThatTheModelKnows(t *testing.T) {
	seeds := uint64(1)
	if long {
		seeds = 3
	}
	var steps, commands int64
	for _, s := range scenarios.All() {
		for seed := range seeds {
			if s.Name == "journey-1" && seed > 0 {
				continue // a thousand files take their time
			}
			t.Run(fmt.Sprintf("%s with seed %d", s.Name, seed), func(t *testing.T) {
				p := s.Plan(seed, scenarios.Options{})
				o := tracecheck.New(p)
				for _, e := range taskstest.Trace(t, p).Events {
					o.Observe(e)
				}
				for _, d := range o.Divergences() {
					t.Error(d)
				}
				counters := o.Counters()
				require.Zero(t, counters["tracecheck/too-many"])
				steps += counters["tracecheck/steps"]
				commands += counters["tracecheck/commands"]
			})
		}
	}
	// A run may come to nothing: its only submission may be lost.
	require.Greater(t, steps, int64(350*seeds))
	require.Greater(t, commands, int64(350*seeds))
}
