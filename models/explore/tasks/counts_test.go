package tasks

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
)

// counts are the states and transitions of each configuration that is exhausted: with
// symmetry and reduction, for liveness with neither.
var counts = map[string]struct {
	states, transitions uint64
	liveness            bool
}{
	"2n-liveness":    {209781, 855714, true},
	"cancel":         {34059, 97217, false},
	"cleanup":        {113187, 356670, false},
	"compete":        {130854, 502177, false},
	"default":        {270064, 887936, false},
	"groups":         {33168, 90816, false},
	"lag":            {41846, 168446, false},
	"older-proposer": {36364, 105565, false},
	"operator":       {7657, 20183, false},
	"overlap":        {232549, 820332, false},
	"rerun":          {4251, 9698, false},
	"two-tasks":      {104280, 245260, false},
}

// slow are those that are left out of short tests.
var slow = []string{"default", "overlap", "two-tasks", "compete", "groups"}

func explored(t *testing.T, m explore.Model[State], o explore.Options) explore.Result {
	t.Helper()
	r, err := explore.Check(context.Background(), m, o)
	require.NoError(t, err)
	require.Empty(t, r.Violations)
	require.True(t, r.Exhausted)
	return r
}

func TestConfigurationsHold(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(Configs())) {
		if name == "large" {
			continue // for walks
		}
		t.Run(name, func(t *testing.T) {
			if testing.Short() && slices.Contains(slow, name) {
				t.Skip("takes seconds")
			}
			want := counts[name]
			m, err := New(Configs()[name])
			require.NoError(t, err)
			r := explored(t, m, explore.Options{Symmetry: !want.liveness, Reduction: !want.liveness, Liveness: want.liveness, Jobs: 2})
			t.Logf("%q: {%d, %d, %t}, depth %d, %d audits of what was remembered, %d of pairs", name, r.States, r.Transitions, want.liveness, r.Depth, m.audits.done.Load(), r.Audited)
			require.Equal(t, []uint64{want.states, want.transitions}, []uint64{r.States, r.Transitions})
			if r.Transitions > 100_000 {
				require.Positive(t, m.audits.done.Load())
			}
		})
	}
}

// TestLiveness: P16, and P17 once a node is gone.
func TestLiveness(t *testing.T) {
	small := map[string]Config{}
	for _, name := range []string{"2n-liveness", "cleanup", "operator"} {
		small[name] = Configs()[name]
	}
	small["cancel"] = Config{Name: "cancel", Nodes: 2, Units: 2, Barrier: true, Cancels: 1, UnitFailures: 1, Crashes: 1, Drops: true}
	small["groups"] = Config{Name: "groups", Nodes: 2, Units: 4, Groups: 2, UnitFailures: 1}
	for _, name := range slices.Sorted(maps.Keys(small)) {
		t.Run(name, func(t *testing.T) {
			m, err := New(small[name])
			require.NoError(t, err)
			r := explored(t, m, explore.Options{Liveness: true, Jobs: 2})
			require.Positive(t, r.Graph.Settled)
			t.Logf("%d states, %d settled", r.States, r.Graph.Settled)
		})
	}
}

// TestWorkersCountTheSame: one worker and two see the same.
func TestWorkersCountTheSame(t *testing.T) {
	for _, name := range []string{"lag", "operator", "rerun"} {
		var all []explore.Result
		for jobs := range 2 {
			m, err := New(Configs()[name])
			require.NoError(t, err)
			r := explored(t, m, explore.Options{Symmetry: true, Reduction: true, Jobs: jobs + 1})
			r.Memory = explore.Usage{}
			all = append(all, r)
		}
		require.Equal(t, all[0], all[1], name)
	}
}
