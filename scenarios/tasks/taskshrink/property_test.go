package taskshrink

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// thing is something that a plan has or does not have.
type thing struct {
	name  string
	holds func(p *taskplan.Plan) bool
}

// things are what the oracles below are made of: everything that large has and that
// can be described without positions.
func things() []thing {
	var all []thing
	p := large()
	for i, f := range p.Faults {
		key := p.FaultKey(i)
		all = append(all, thing{fmt.Sprintf("fault %d", key), func(p *taskplan.Plan) bool {
			for i := range p.Faults {
				if p.FaultKey(i) == key {
					return true
				}
			}
			return false
		}})
		all = append(all, thing{fmt.Sprintf("fault %d with its rate", key), func(p *taskplan.Plan) bool {
			return slices.ContainsFunc(p.Faults, func(g plan.Fault) bool { return g.Kind == f.Kind && g.Rate == f.Rate })
		}})
	}
	for _, o := range p.Workload {
		all = append(all, thing{string(o.Do), func(p *taskplan.Plan) bool {
			return slices.ContainsFunc(p.Workload, func(q taskplan.Operation) bool { return q.Do == o.Do })
		}})
		if o.Task != nil {
			all = append(all, thing{o.Task.ID, func(p *taskplan.Plan) bool { return submits(p, o.Task.ID) }})
		}
	}
	for _, o := range p.Inherited.Tasks {
		all = append(all, thing{o.Status, func(p *taskplan.Plan) bool {
			return p.Inherited != nil && slices.ContainsFunc(p.Inherited.Tasks, func(q taskplan.InheritedTask) bool { return q.Status == o.Status })
		}})
	}
	for _, c := range collections(p) {
		for _, shard := range c.ShardNames() {
			all = append(all, thing{c.Name + "/" + shard, func(p *taskplan.Plan) bool {
				return slices.ContainsFunc(collections(p), func(d *taskplan.Collection) bool {
					return d.Name == c.Name && slices.Contains(d.ShardNames(), shard)
				})
			}})
		}
	}
	for n := 2; n <= p.Cluster.Nodes; n++ {
		all = append(all, thing{fmt.Sprintf("%d nodes", n), func(p *taskplan.Plan) bool { return p.Cluster.Nodes >= n }})
	}
	for _, n := range []int{2, 17, 40} {
		all = append(all, thing{fmt.Sprintf("%d files", n), func(p *taskplan.Plan) bool {
			return slices.ContainsFunc(tasks(p), func(t *taskplan.Task) bool { return t.Files >= n })
		}})
	}
	all = append(all,
		thing{"a barrier", func(p *taskplan.Plan) bool {
			return slices.ContainsFunc(tasks(p), func(t *taskplan.Task) bool { return t.Barrier })
		}},
		thing{"a slow unit", func(p *taskplan.Plan) bool {
			return slices.ContainsFunc(tasks(p), func(t *taskplan.Task) bool { return len(t.SlowUnits) > 0 })
		}},
		thing{"an odd latency", func(p *taskplan.Plan) bool { return p.Cluster.Network.MaxLatency%plan.Duration(time.Millisecond) != 0 }},
	)
	return all
}

// TestPropertyShrinking draws what a bug needs, and holds what the shrinker makes of
// the large plan against that.
func TestPropertyShrinking(t *testing.T) {
	every := things()
	rapid.Check(t, func(rt *rapid.T) {
		needs := rapid.SliceOfNDistinct(rapid.SampledFrom(every), 0, 5, func(t thing) string { return t.name }).Draw(rt, "needs")
		// Some bugs show with either of two things: their oracles are not monotone.
		or := rapid.SliceOfN(rapid.SampledFrom(every), 0, 2).Draw(rt, "or")
		parity := rapid.Bool().Draw(rt, "parity")
		bad := func(p *taskplan.Plan) bool {
			for _, n := range needs {
				if !n.holds(p) {
					return false
				}
			}
			if parity && len(p.Workload)%2 != len(large().Workload)%2 {
				return false
			}
			return len(or) == 0 || slices.ContainsFunc(or, func(n thing) bool { return n.holds(p) })
		}
		when := rapid.SampledFrom([]func(*taskplan.Plan) time.Duration{early, atEnd}).Draw(rt, "when")
		oracle := violates(when, bad)

		one, err := shrunk(t.Context(), large(), shrink.Options{Oracle: oracle})
		require.NoError(rt, err)
		require.NoError(rt, one.Plan.Validate())
		require.True(rt, bad(one.Plan), "what is left still violates")
		require.True(rt, one.Minimal)
		require.NotZero(rt, one.Runs)

		// The proof, without the shrinker's own book-keeping.
		elements := 0
		for family, less := range shrink.Elements(application{}, subject{one.Plan}) {
			elements++
			if less == nil {
				continue
			}
			if q := of(less); plan.Hash(q.Encode()) != plan.Hash(one.Plan.Encode()) && stillSeen(one.Result, q, when) {
				require.False(rt, bad(q), "without one of the %s", family)
			}
		}
		require.Equal(rt, elements, one.Elements)

		many, err := shrunk(t.Context(), large(), shrink.Options{Oracle: oracle, Jobs: rapid.IntRange(2, 5).Draw(rt, "jobs")})
		require.NoError(rt, err)
		require.Equal(rt, string(plan.Encode(one.Plan.Encode())), string(plan.Encode(many.Plan.Encode())), "the number of jobs changes nothing")
		require.Equal(rt, one.Runs, many.Runs)
		require.Equal(rt, one.Passes, many.Passes)

		again, err := shrunk(t.Context(), one.Plan, shrink.Options{Oracle: oracle})
		require.NoError(rt, err)
		require.Equal(rt, one.After, again.After, "there is nothing left to shrink")
	})
}

// quiet is how long nothing is asked of the cluster, nor anything done to it, before the
// end of a plan.
func quiet(p *taskplan.Plan) time.Duration {
	return (p.Duration - max(p.Quiescence, subject{p}.Last())).D()
}

func units(p *taskplan.Plan) (n int) {
	for i, o := range p.Workload {
		if o.Task != nil {
			n += len(p.TaskUnits(i))
		}
	}
	return n
}

// stillSeen reports whether the rules of the package would let a plan stand for another:
// its violation comes when the first one's came, and its end is as quiet.
func stillSeen(r shrink.Result, q *taskplan.Plan, when func(*taskplan.Plan) time.Duration) bool {
	if r.Violation.At >= r.Plan.Duration.D() {
		return quiet(q) >= quiet(large())
	}
	return when(q) < q.Duration.D()
}

func FuzzShrinkNeverPanics(f *testing.F) {
	f.Add(plan.Encode(large().Encode()), uint64(0))
	f.Fuzz(func(t *testing.T, document []byte, salt uint64) {
		p, err := taskplan.Decode(document)
		if err != nil || len(p.Workload) > 20 || len(p.Faults) > 20 || units(p) > 200 {
			return
		}
		runs := uint64(0)
		r, err := shrunk(t.Context(), p, shrink.Options{Budget: 200, Oracle: func(_ context.Context, of *plan.Plan) ([]trace.Violation, error) {
			q := decoded(of)
			runs++
			if err := q.Validate(); err != nil {
				t.Errorf("an invalid plan was to be run: %v", err)
			}
			if runs > 1 && (runs*2654435761^salt)%3 == 0 {
				return nil, nil
			}
			return []trace.Violation{{Property: "P1", At: q.Duration.D() / 2}}, nil
		}})
		if err != nil || r.Plan.Validate() != nil {
			t.Errorf("%v: %v", r.Plan, err)
		}
	})
}
