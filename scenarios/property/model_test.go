package property

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/tasks"
	"dtsim/scenarios/tasks/taskplan"
)

// TestTracesOfTheModelAreJudged: the checks, which share nothing with the model, read
// its traces and find nothing in random walks through every configuration.
func TestTracesOfTheModelAreJudged(t *testing.T) {
	for _, name := range tasks.Names() {
		t.Run(name, func(t *testing.T) {
			c := tasks.Configs()[name]
			m, err := tasks.New(c)
			require.NoError(t, err)
			for seed := range uint64(20) {
				draw := rand.New(rand.NewPCG(seed, 2))
				path := explore.Path{Loop: -1}
				at := m.Initial(nil)[0]
				for range 200 {
					enabled := m.Enabled(&at, nil)
					if len(enabled) == 0 {
						break
					}
					a := enabled[draw.IntN(len(enabled))]
					path.Actions = append(path.Actions, a)
					at, _ = m.Step(&at, a)
				}
				run, err := m.RunOf(path)
				require.NoError(t, err)
				p, err := taskplan.Of(&run.Plan)
				require.NoError(t, err)
				o := New(p, Own)
				seq := 0
				for _, step := range run.Events {
					for _, e := range step {
						seq++
						e.Seq = seq
						o.Observe(e)
					}
				}
				verdict := o.Verdict()
				for _, v := range verdict.Violations {
					if v.Property == "P2" && c.Lag > 0 {
						continue // lists that lag are what the configuration is about
					}
					t.Errorf("seed %d: %s %s", seed, v.Property, v.Message)
				}
			}
		})
	}
}
