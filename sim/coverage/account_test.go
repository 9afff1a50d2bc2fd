package coverage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAccountHasWhatIsMissingFirst(t *testing.T) {
	a := NewAccount(map[string]int64{
		"applied":           7, // an event kind
		"fault/crash/asked": 3, "fault/crash/applied": 2, "fault/crash/bites": 2, "fault/crash/effective": 1,
		"fault/loss/asked": 1, "state/crash/leader": 2, "state/crash/no task": 1,
		"sometimes/two leaders": 4, "sometimes/deferred bootstrap": 1,
		"at-stake/P2": 9, "at-stake/P10": 5, "at-stake/P1": 8, "excused/P16/participant-left": 2,
	})
	require.Equal(t, []FaultAccount{
		{Kind: "loss", Asked: 1, States: map[string]int64{}},
		{Kind: "crash", Asked: 3, Applied: 2, Effective: 1, Bitten: 2, States: map[string]int64{"leader": 2, "no task": 1}},
	}, a.Faults)
	require.Len(t, a.Sometimes, len(goals))
	require.Len(t, a.Missed(), len(goals)-2)
	for _, missed := range a.Missed() {
		require.Zero(t, missed.Count)
	}
	require.Equal(t, []Reached{{"deferred bootstrap", 1}, {"two leaders", 4}}, a.Sometimes[len(goals)-2:])
	require.Len(t, a.AtStake, 18)
	require.Equal(t, Reached{"P3", 0}, a.AtStake[0])
	require.Equal(t, []Reached{{"P1", 8}, {"P2", 9}, {"P10", 5}}, a.AtStake[15:])
	require.Equal(t, []Reached{{"P16/participant-left", 2}}, a.Excused)

	nothing := NewAccount(nil)
	require.Empty(t, nothing.Faults)
	require.Empty(t, nothing.AtStake)
	require.Len(t, nothing.Missed(), len(goals))
}
