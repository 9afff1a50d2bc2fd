package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/plan"
)

// FuzzBarrier searches for bytes that stand for a plan around the preparation barrier
// that violates a property. One byte is one choice, so that a mutated byte changes one
// decision; the corpus has a plan for each kind of fault.
func FuzzBarrier(f *testing.F) {
	s, err := scenarios.ByName("barrier")
	require.NoError(f, err)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		p := s.Decode(data)
		if found := taskstest.Trace(t, p).Footer.Verdict.Violations; len(found) > 0 {
			t.Fatalf("%+v\nthe plan is\n%s", found, plan.Encode(p.Encode()))
		}
	})
}
