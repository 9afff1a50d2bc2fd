package counter_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// run runs a plan twice, which must give the same, and returns its trace.
func run(t *testing.T, e engine.Engine, p *plan.Plan) *trace.Trace {
	t.Helper()
	require.NoError(t, p.Validate())
	first, err := e.Run(t.Context(), engine.Job{Plan: p})
	require.NoError(t, err)
	again, err := e.Run(t.Context(), engine.Job{Plan: p})
	require.NoError(t, err)
	require.Equal(t, first.Footer.Hash, again.Footer.Hash)
	whole, err := trace.Read(bytes.NewReader(first.Trace))
	require.NoError(t, err)
	return whole
}

// heldUp returns the stalls of a run, and when they began.
func heldUp(whole *trace.Trace) (all []plan.Stall, began []time.Duration) {
	for i := range whole.Events {
		e := &whole.Events[i]
		if b, ok := event.Of(e).(*event.Stalled); ok {
			all = append(all, plan.Stall{Node: e.Node, Incarnation: e.Incarnation, At: b.At, Nth: int(b.Nth), For: plan.Duration(b.For)})
			began = append(began, e.At)
		}
	}
	return all, began
}

func TestStallsThatWereDrawnGiveTheSameRunWhenTheyAreListed(t *testing.T) {
	e := native(t)
	for name, s := range map[string]plan.Stalls{
		"random":                  {Strategy: plan.StallRandom, Every: 3000, Min: 1000, Max: second},
		"of one node":             {Strategy: plan.StallRandom, Every: 2000, Min: 1000, Max: second, Node: "n2"},
		"a few":                   {Strategy: plan.StallPCT, Depth: 8, Min: second / 10, Max: 2 * second},
		"directed":                {Strategy: plan.StallDirected, Every: 20, Min: 1000, Max: second, Function: "raft.(*Raft).dispatchLogs"},
		"directed by the entropy": {Strategy: plan.StallDirected, Every: 50, Min: 1000, Max: second},
	} {
		t.Run(name, func(t *testing.T) {
			p := adds("", hostile()...)
			p.Stalls = &s
			drawn := run(t, e, p)
			all, began := heldUp(drawn)
			require.NotEmpty(t, all)
			for i, h := range all {
				assert.Less(t, began[i], p.Quiescence.D(), "%v begins after quiescence", h)
				if s.Node != "" {
					assert.Equal(t, s.Node, h.Node)
				}
			}
			p.Stalls = &plan.Stalls{Held: all}
			listed := run(t, e, p)
			require.Equal(t, len(drawn.Events), len(listed.Events))
			for i := range drawn.Events {
				require.Equal(t, drawn.Events[i], listed.Events[i])
			}
		})
	}
}

func TestAStallCountsFromItsTime(t *testing.T) {
	p := adds("", plan.Fault{Kind: plan.Loss, At: second, For: 20 * second, Rate: 1})
	p.Stalls = &plan.Stalls{Held: []plan.Stall{lateStall(t)}}
	all, began := heldUp(run(t, native(t), p))
	require.Len(t, all, 1)
	require.GreaterOrEqual(t, began[0], 10*time.Second)
	require.Equal(t, 1, all[0].Incarnation)
}

// lateStall returns a stall from the tenth second on, at a point that a follower reaches again and
// again.
func lateStall(t *testing.T) plan.Stall {
	p := adds("", plan.Fault{Kind: plan.Loss, At: second, For: 20 * second, Rate: 1})
	p.Stalls = &plan.Stalls{Strategy: plan.StallDirected, Function: "raft.(*Raft).appendEntries", Every: 1, Min: 1, Max: 1}
	all, _ := heldUp(run(t, native(t), p))
	require.NotEmpty(t, all)
	last := all[len(all)-1]
	return plan.Stall{Node: last.Node, At: last.At, From: 10 * second, For: second}
}

func TestAStallThatCannotBeIsRefused(t *testing.T) {
	p := adds("", plan.Fault{Kind: plan.Loss, At: second, For: second, Rate: 1})
	p.Stalls = &plan.Stalls{Held: []plan.Stall{{Node: "n1", At: "raft.(*Raft).gone:1", For: second}}}
	_, err := native(t).Run(t.Context(), engine.Job{Plan: p})
	require.ErrorContains(t, err, `stalls.held[0].at: no instrumented package has a point "raft.(*Raft).gone:1"`)
	p.Stalls = &plan.Stalls{Strategy: plan.StallDirected, Function: "raft.(*Raft).gone", Every: 1, Min: 1, Max: 1}
	_, err = native(t).Run(t.Context(), engine.Job{Plan: p})
	require.ErrorContains(t, err, `stalls.function: no instrumented package has a point in a function "raft.(*Raft).gone"`)
}

func TestANodeThatIsPausedTakesNoStep(t *testing.T) {
	p := adds("", plan.Fault{Kind: plan.Pause, Node: "n1", At: 10 * second, For: 4 * second},
		plan.Fault{Kind: plan.Pause, Node: plan.Leader, At: 20 * second, For: 4 * second})
	whole := run(t, native(t), p)
	paused, pauses := make(map[string]bool), 0
	for _, e := range whole.Events {
		switch e.Kind {
		case trace.NodePaused:
			paused[e.Node], pauses = true, pauses+1
		case trace.NodeResumed:
			paused[e.Node] = false
		case trace.Stalled, trace.Applied, trace.NodeState, trace.LogStored, trace.StableStored:
			assert.False(t, paused[e.Node], "%v while it is paused", e)
		}
	}
	require.Equal(t, 2, pauses)
}
