package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
)

func TestStallsAreReadAndWritten(t *testing.T) {
	document := `{"format": 2, "name": "x", "duration": "30s", "calm": "20s", "stalls": {"strategy": "random", "every": 100, "min": "1µs", "max": "2s",
		"node": "n2", "held": [{"node": "n1", "at": "raft.(*Raft).run:1", "from": "3s", "for": "1s"}]}}`
	p, err := plan.Decode([]byte(document))
	require.NoError(t, err)
	require.Equal(t, plan.Stall{Node: "n1", At: "raft.(*Raft).run:1", From: plan.Duration(3e9), For: plan.Duration(1e9)}, p.Stalls.Held[0])
	again, err := plan.Decode(plan.Encode(p))
	require.NoError(t, err)
	require.Equal(t, p, again)

	q := p.Clone()
	require.Equal(t, p, q)
	q.Stalls.Held[0].Node = "n3"
	require.Equal(t, "n1", p.Stalls.Held[0].Node)
}

func TestBadStallsAreRefused(t *testing.T) {
	for stalls, want := range map[string]string{
		`{"strategy": "often"}`:                                          `stalls.strategy: "often" is unknown; there are ["random" "pct" "directed"]`,
		`{"strategy": "random", "min": "1ms", "max": "1s"}`:              `stalls.every: a strategy of "random" needs it`,
		`{"strategy": "random", "every": -1, "min": "1ms", "max": "1s"}`: "stalls.every: -1 is not from 1 to 1000000000",
		`{"strategy": "pct", "depth": 2, "min": "1s", "max": "1ms"}`:     "stalls.max: 1ms is below 1s",
		`{"strategy": "pct", "depth": 2, "every": 2, "min": "1s"}`:       `stalls.every: a strategy of "pct" has no use for it`,
		`{"strategy": "pct", "depth": 200, "min": "1s", "max": "1s"}`:    "stalls.depth: 200 is not from 1 to 100",
		`{"function": "f"}`: `stalls.function: a strategy of "" has no use for it`,
		`{"held": [{"node": "n4", "at": "f:1", "for": "1s"}]}`:              `stalls.held[0].node: there is no node "n4"`,
		`{"held": [{"node": "n1", "for": "1s"}]}`:                           "stalls.held[0].at: the point is missing",
		`{"held": [{"node": "n1", "at": "f:1"}]}`:                           "stalls.held[0].for: ",
		`{"held": [{"node": "n1", "at": "f:1", "for": "1s", "nth": -1}]}`:   "stalls.held[0].nth: -1 is not from 0 to 1000000000",
		`{"held": [{"node": "n1", "at": "f:1", "for": "1s", "when": "x"}]}`: "stalls.held[0].when: unknown field",
	} {
		_, err := plan.Decode([]byte(`{"format": 2, "name": "x", "duration": "30s", "calm": "20s", "stalls": ` + stalls + `}`))
		require.ErrorContains(t, err, want, stalls)
	}
	_, err := plan.Decode([]byte(`{"format": 2, "name": "x", "duration": "30s", "stalls": {}}`))
	require.ErrorContains(t, err, "calm: a plan with stalls needs the time at which they end")
}
