package shrink_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

func TestStallsThatWereDrawnAreListedAndRemoved(t *testing.T) {
	second := plan.Duration(time.Second)
	p := plan.Default()
	p.Name, p.Duration, p.Quiescence = "stalls", 60*second, 50*second
	p.Stalls = &plan.Stalls{Strategy: plan.StallRandom, Every: 1000, Min: 1, Max: second}
	var drawn []shrink.Stalled
	for i := range 40 {
		drawn = append(drawn, shrink.Stalled{Began: time.Duration(i+3) * time.Second, Stall: plan.Stall{
			Node: plan.NodeName(1 + i%3), Incarnation: 1, At: fmt.Sprintf("f:%d", i), Nth: 7, For: second,
		}})
	}
	// Two of them matter, and only for as long as they last a while.
	matters := func(h plan.Stall) bool { return (h.At == "f:5" || h.At == "f:31") && h.For >= second/4 }
	oracle := func(_ context.Context, p *plan.Plan) ([]trace.Violation, error) {
		if p.Stalls == nil {
			return nil, nil
		}
		n := 0
		for _, h := range p.Stalls.Held {
			if matters(h) {
				n++
			}
		}
		if p.Stalls.Strategy == "" && n < 2 {
			return nil, nil
		}
		return []trace.Violation{{Property: "R4", At: 40 * time.Second}}, nil
	}
	r, err := shrink.Shrink(t.Context(), &p, shrink.Options{
		Oracle: oracle,
		Stalls: func(context.Context, *plan.Plan) ([]shrink.Stalled, error) { return drawn, nil },
	})
	require.NoError(t, err)
	require.True(t, r.Minimal)
	require.Equal(t, 2, r.After.Stalls)
	held := r.Plan.Stalls.Held
	require.Empty(t, r.Plan.Stalls.Strategy)
	require.Equal(t, []string{"f:31", "f:5"}, slices.Sorted(slices.Values([]string{held[0].At, held[1].At})))
	for _, h := range held {
		require.Zero(t, h.Incarnation, "it counts from its time on, whatever becomes of what comes before")
		require.Less(t, h.For, second, "it is shorter")
	}
	require.Equal(t, plan.StallRandom, p.Stalls.Strategy, "the plan that was given stays as it is")

	r, err = shrink.Shrink(t.Context(), &p, shrink.Options{Oracle: oracle})
	require.NoError(t, err)
	require.Equal(t, plan.StallRandom, r.Plan.Stalls.Strategy, "what cannot be listed stays drawn")
}
