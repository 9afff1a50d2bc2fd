package coverage

import (
	"testing"

	"dtsim/sim/plan"

	"github.com/stretchr/testify/require"
)

func TestAnAccountHasWhatIsMissingFirst(t *testing.T) {
	goals := append(NodeGoals(), Goal{Name: "deferred bootstrap"}, Goal{Name: "never"})
	properties := []string{"P1", "P2", "P3", "P10"}
	a := NewAccount(map[string]int64{
		"applied":           7, // an event kind
		"fault/crash/asked": 3, "fault/crash/applied": 2, "fault/crash/bites": 2, "fault/crash/effective": 1,
		"fault/loss/asked": 1, "state/crash/leader": 2, "state/crash/no task": 1,
		"sometimes/two leaders": 4, "sometimes/deferred bootstrap": 1,
		"at-stake/P2": 9, "at-stake/P10": 5, "at-stake/P1": 8, "excused/P16/participant-left": 2,
	}, Catalog{Faults: plan.FaultKinds(), Goals: goals, Properties: properties})
	require.Equal(t, []FaultAccount{
		{Kind: "loss", Asked: 1, States: map[string]int64{}},
		{Kind: "crash", Asked: 3, Applied: 2, Effective: 1, Activated: 2, States: map[string]int64{"leader": 2, "no task": 1}},
	}, a.Faults)
	require.Len(t, a.Sometimes, len(goals))
	require.Len(t, a.Missed(), len(goals)-2)
	for _, missed := range a.Missed() {
		require.Zero(t, missed.Count)
	}
	require.Equal(t, []Reached{{"two leaders", 4}, {"deferred bootstrap", 1}}, a.Sometimes[len(goals)-2:])
	require.Equal(t, []Reached{{"P3", 0}, {"P1", 8}, {"P2", 9}, {"P10", 5}}, a.Exercised)
	require.Equal(t, []Reached{{"P16/participant-left", 2}}, a.Waived)

	nothing := NewAccount(nil, Catalog{Faults: plan.FaultKinds(), Goals: goals, Properties: properties})
	require.Empty(t, nothing.Faults)
	require.Empty(t, nothing.Exercised)
	require.Len(t, nothing.Missed(), len(goals))
}
