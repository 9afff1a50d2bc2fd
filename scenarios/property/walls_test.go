package property_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

// A unit of the run reports its progress every five seconds. What the node's clock has
// shown meanwhile decides whether that is too often.
func TestProgressIsThrottledByTheNodesOwnClock(t *testing.T) {
	second := is(trace.Called, "do=update-progress", "task=tenants", "unit=t1__n1", "progress=0.5")
	// answered is the answer to the report before.
	answered := func(all []trace.Event) int {
		called := all[find(all, is(trace.Called, "do=update-progress", "task=tenants", "unit=t1__n1", "progress=0.25"))]
		return find(all, is(trace.Returned, "op="+called.Str("op")))
	}
	// clock sets the clock of n1 so long after the answer.
	clock := func(after, ahead time.Duration, drift int64) script {
		return func(all []trace.Event) []trace.Event {
			from := answered(all)
			e := trace.Event{At: all[from].At + after, Node: "n1", Kind: trace.ClockSet, Fields: []trace.Field{trace.Dur("ahead", ahead), trace.Int("drift", drift)}}
			i := from + 1
			for i < len(all) && all[i].At < e.At {
				i++
			}
			return slices.Insert(all, i, e)
		}
	}
	// soon reports again so long after the answer.
	soon := func(after time.Duration) script {
		return func(all []trace.Event) []trace.Event {
			from, called := answered(all), all[find(all, second)]
			called.At = all[from].At + after
			i := from + 1
			for i < len(all) && all[i].At <= called.At {
				i++
			}
			return slices.Insert(all, i, called)
		}
	}
	for name, c := range map[string]struct {
		edit    script
		tooSoon bool
	}{
		"the clock is right":                       {then(), false},
		"it is right, and the report comes soon":   {soon(time.Second), true},
		"it is slow":                               {clock(time.Millisecond, 0, -500_000), true},
		"it is fast":                               {clock(time.Millisecond, 0, 500_000), false},
		"it is fast, and the report comes soon":    {then(clock(time.Millisecond, 0, 500_000), soon(1500*time.Millisecond)), true},
		"it is fast, and fast enough":              {then(clock(time.Millisecond, 0, 500_000), soon(2001*time.Millisecond)), false},
		"it jumps, and the report comes soon":      {then(clock(time.Millisecond, time.Hour, 0), soon(time.Second)), false},
		"it jumps not far enough":                  {then(clock(time.Millisecond, time.Second, 0), soon(time.Second)), true},
		"it jumps back":                            {clock(time.Millisecond, -time.Minute, 0), true},
		"it jumps back, and forward again":         {then(clock(time.Millisecond, -time.Minute, 0), clock(2*time.Millisecond, 0, 0)), false},
		"it jumps back in the instant of a report": {then(clock(time.Second, -time.Minute, 0), soon(time.Second), clock(2*time.Second, 0, 0)), false},
		"it jumps in the instant of the answer":    {then(clock(0, time.Hour, 0), soon(time.Second)), false},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			for _, v := range judge(everything(), c.edit(events(t))) {
				if v.Property == "P13" {
					found = append(found, v.Message)
				}
			}
			if !c.tooSoon {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, found[0], "by the node's clock")
		})
	}
}
