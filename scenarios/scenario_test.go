package scenarios_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/sim/plan"
)

func TestAScenarioIsFoundByItsName(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range scenarios.All() {
		require.False(t, seen[s.Name], "%s is there twice", s.Name)
		seen[s.Name] = true
		require.NotEmpty(t, s.Summary)
		found, err := scenarios.ByName(s.Name)
		require.NoError(t, err)
		require.Equal(t, s.Summary, found.Summary)
	}
	for _, name := range []string{"journey-1", "journey-2", "journey-3", "journey-3-barrier", "journey-4", "journey-4-failure",
		"cancel-in-flight", "unit-failure", "rerun-finished", "cleanup-after-ttl", "drop-and-recreate", "conflicting-submissions"} {
		require.True(t, seen[name], "there is no %s", name)
	}
}

func TestAScenarioIsFoundByItsFormerName(t *testing.T) {
	s, err := scenarios.ByName("slow-farewell")
	require.NoError(t, err)
	require.Equal(t, "slow-last-callback", s.Name)
	require.Equal(t, s.Name, s.Plan(1, scenarios.Options{}).Name)
}

func TestAnUnknownNameIsAnsweredWithTheClosest(t *testing.T) {
	for name, want := range map[string]string{
		"journey-33":           `did you mean "journey-3"?`,
		"journey3-barrier":     `did you mean "journey-3-barrier"?`,
		"cancel":               "there are journey-1, journey-2",
		"conflict-submissions": `did you mean "conflicting-submissions"?`,
		"":                     "there are journey-1",
		"something else":       "there are journey-1",
	} {
		_, err := scenarios.ByName(name)
		require.ErrorContains(t, err, want, name)
	}
}

func TestAPlanIsAFunctionOfTheSeed(t *testing.T) {
	for _, s := range scenarios.All() {
		t.Run(s.Name, func(t *testing.T) {
			different := make(map[string]bool)
			for seed := range uint64(200) {
				p := s.Plan(seed, scenarios.Options{})
				require.NoError(t, p.Validate(), "seed %d", seed)
				require.Equal(t, s.Name, p.Name)
				require.Equal(t, p, s.Plan(seed, scenarios.Options{}))
				p.Seed = 0
				b, err := json.Marshal(p)
				require.NoError(t, err)
				different[string(b)] = true
			}
			require.Len(t, different, 200, "every seed gives another plan")
		})
	}
}

func TestEveryNumberOfNodesGivesAPlan(t *testing.T) {
	for _, s := range scenarios.All() {
		for nodes := 1; nodes <= plan.MaxNodes; nodes++ {
			for seed := range uint64(20) {
				require.NoError(t, s.Plan(seed, scenarios.Options{Nodes: nodes}).Validate(), "%s on %d nodes, seed %d", s.Name, nodes, seed)
			}
		}
		for _, nodes := range []int{-1, plan.MaxNodes + 1} {
			require.Error(t, s.Plan(1, scenarios.Options{Nodes: nodes}).Validate(), "%s on %d nodes", s.Name, nodes)
		}
	}
}
