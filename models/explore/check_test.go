package explore

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachWay are the ways of visiting everything.
var eachWay = map[string]Options{
	"breadth first":                {},
	"breadth first, three workers": {Jobs: 3},
	"exact":                        {Exact: true},
	"exact, three workers":         {Exact: true, Jobs: 3},
	"depth first":                  {DepthFirst: true},
	"depth first, exact":           {DepthFirst: true, Exact: true},
}

func TestEverythingIsVisitedOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 60 {
		d := draw(r, 1+r.IntN(2000), 1+r.IntN(4))
		distance := d.reach(d.initial...)
		var levels []uint64
		transitions, dead := 0, 0
		for id, n := range distance {
			for len(levels) <= n {
				levels = append(levels, 0)
			}
			levels[n]++
			transitions += len(d.nodes[id].edges)
			if len(d.nodes[id].edges) == 0 {
				dead++
			}
		}
		for name, o := range eachWay {
			got, err := Check(t.Context(), d, o)
			require.NoError(t, err)
			assert.True(t, got.Exhausted)
			assert.EqualValues(t, len(distance), got.States, name)
			assert.EqualValues(t, transitions, got.Transitions, name)
			assert.EqualValues(t, dead, got.Dead, name)
			if !o.DepthFirst {
				assert.Equal(t, levels, got.Levels, name)
				assert.Equal(t, len(levels)-1, got.Depth, name)
			}
			if o.Exact {
				assert.Zero(t, got.Omission)
			} else {
				assert.Equal(t, Omission(got.States), got.Omission)
			}
		}
	}
}

func TestTheNearestViolationIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	found := 0
	for range 200 {
		d := draw(r, 1+r.IntN(500), 1+r.IntN(4))
		for range 1 + r.IntN(5) {
			if n := &d.nodes[r.IntN(len(d.nodes))]; len(n.edges) > 0 {
				n.edges[r.IntN(len(n.edges))].broken = true
			}
		}
		nearest := -1
		for id, n := range d.reach(d.initial...) {
			for _, e := range d.nodes[id].edges {
				if e.broken && (nearest < 0 || n+1 < nearest) {
					nearest = n + 1
				}
			}
		}
		var first *Violation
		for name, o := range eachWay {
			got, err := Check(t.Context(), d, o)
			require.NoError(t, err)
			if nearest < 0 {
				assert.Empty(t, got.Violations)
				continue
			}
			require.Len(t, got.Violations, 1, name)
			v := got.Violations[0]
			again, err := Replay(d, v.Path)
			require.NoError(t, err)
			require.NotEmpty(t, again.Broken)
			assert.Equal(t, v.Broken, again.Broken[len(again.Broken)-1], name)
			if o.DepthFirst {
				continue
			}
			found++
			assert.Len(t, v.Path.Actions, nearest, name)
			if first == nil {
				first = &v
			}
			assert.Equal(t, *first, v, name)
		}
	}
	assert.Greater(t, found, 100)
}

// blurred has few fingerprints for many nodes.
type blurred struct{ *drawn }

func (blurred) Fingerprint(s *wide) uint64 { return uint64(s.id % 7) }

func TestExactToleratesEqualFingerprints(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(9, 0)), 500, 4)
	last := d.initial[0]
	distance := d.reach(d.initial...)
	require.Greater(t, len(distance), 100)
	for id, n := range distance {
		if n > distance[last] && len(d.nodes[id].edges) > 0 {
			last = id
		}
	}
	for _, jobs := range []int{1, 3} {
		got, err := Check(t.Context(), blurred{d}, Options{Exact: true, Jobs: jobs})
		require.NoError(t, err)
		assert.EqualValues(t, len(distance), got.States)
		got, err = Check(t.Context(), blurred{d}, Options{Jobs: jobs})
		require.NoError(t, err)
		assert.LessOrEqual(t, got.States, uint64(7))
	}
	d.nodes[last].edges[0].broken = true
	got, err := Check(t.Context(), blurred{d}, Options{Exact: true})
	require.NoError(t, err)
	require.Len(t, got.Violations, 1)
	assert.Len(t, got.Violations[0].Path.Actions, distance[last]+1)
}

func TestBoundsStopTheSearch(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(4, 0)), 20_000, 6)
	all, err := Check(t.Context(), d, Options{})
	require.NoError(t, err)
	for name, o := range eachWay {
		o.MaxStates = all.States / 2
		got, err := Check(t.Context(), d, o)
		require.NoError(t, err)
		assert.False(t, got.Exhausted, name)
		assert.Equal(t, States, got.Bound, name)
		assert.Equal(t, o.MaxStates, got.States, name)
		o.MaxStates = all.States
		got, err = Check(t.Context(), d, o)
		require.NoError(t, err)
		assert.True(t, got.Exhausted, "%s: there is room for all there are", name)
		o.MaxStates, o.MaxMemory = 0, all.Memory.Visited/2
		got, err = Check(t.Context(), d, o)
		require.NoError(t, err)
		assert.False(t, got.Exhausted, name)
		assert.Equal(t, Memory, got.Bound, name)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		o.MaxMemory = 0
		got, err = Check(ctx, d, o)
		require.NoError(t, err)
		assert.False(t, got.Exhausted, name)
		assert.Equal(t, Interrupted, got.Bound, name)
	}
	live := owing{&drawn{nodes: slices.Clone(d.nodes), initial: d.initial}}
	for i := range live.nodes {
		live.nodes[i].settled = true
		live.nodes[i].edges = slices.Clone(live.nodes[i].edges)
		for j := range live.nodes[i].edges {
			live.nodes[i].edges[j].class = -1
		}
	}
	for _, bound := range []uint64{all.States, all.States - 1, 1000, 1} {
		got, err := Check(t.Context(), live, Options{Liveness: true, MaxStates: bound, Jobs: 2})
		require.NoError(t, err)
		assert.Equal(t, bound, got.States)
		assert.Equal(t, bound == all.States, got.Exhausted)
	}
}

func TestWhatCannotBeDoneIsRefused(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(5, 0)), 5, 2)
	for _, o := range []Options{
		{Symmetry: true}, {Reduction: true}, {Jobs: -1}, {Liveness: true, DepthFirst: true},
	} {
		_, err := Check(t.Context(), d, o)
		assert.ErrorIs(t, err, ErrOptions, "%+v", o)
	}
	for _, o := range []Options{{Liveness: true, Symmetry: true}, {Liveness: true, Reduction: true}} {
		_, err := Check(t.Context(), everything{owing{d}}, o)
		assert.ErrorContains(t, err, "sound for safety only", "%+v", o)
	}
	_, err := Walk(t.Context(), d, Walking{Steps: 1, Choice: Swarm}, Options{})
	assert.ErrorIs(t, err, ErrOptions)
}

// everything claims to be all that a model can be.
type everything struct{ owing }

func (everything) Canonical(s *wide) wide                      { return *s }
func (everything) Ample(_ *wide, enabled, _ []Action) []Action { return enabled }
func (everything) Independent(*wide, Action, Action) bool      { return false }
func (everything) Relevant(s *wide) uint64                     { return uint64(s.id) }

func TestFrontierGivesBackItsMemory(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(6, 0)), 20_000, 4)
	s, err := newSearch(t.Context(), d, Options{Jobs: 1})
	require.NoError(t, err)
	workers := []*worker[wide]{{search: s, next: newFrontier(&s.frontier, s.content)}}
	workers[0].begin()
	for depth := 0; ; depth++ {
		level, n := gather(workers)
		if n == 0 {
			break
		}
		expand(workers, level, depth)
	}
	assert.Zero(t, s.frontier.now.Load())
	assert.NotZero(t, s.frontier.peak.Load())
	assert.Less(t, s.frontier.peak.Load(), int64(20_000*200/3), "states are packed")
}

func TestPackedStatesComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 0))
	var g gauge
	c, err := contentOf[wide]()
	require.NoError(t, err)
	f := newFrontier(&g, c)
	require.True(t, f.pack)
	var want, got []wide
	for range 1000 {
		w := widen(r.Uint32N(1 << 20))
		w.rest[r.IntN(len(w.rest))] = r.Uint64()
		want = append(want, w)
		f.push(&w)
	}
	f.seal()
	for i := range f.chunks {
		got = append(got, f.chunks[i].take(nil, &g)...)
	}
	assert.Equal(t, want, got)
	assert.Zero(t, g.now.Load())
}

func TestStatesWithPointersAreNotPacked(t *testing.T) {
	assert.False(t, packable[struct {
		Head [4]uint64
		Name string
	}]())
	assert.False(t, packable[[3]any]())
	assert.False(t, packable[uint64](), "too small to gain anything")
}

func TestOmission(t *testing.T) {
	assert.Zero(t, Omission(0))
	assert.Zero(t, Omission(1))
	assert.InDelta(t, 0.5, Omission(1<<32), 1e-9)
	assert.Equal(t, 1.0, Omission(1<<40))
}

func TestEstimate(t *testing.T) {
	assert.EqualValues(t, -1, estimate([]uint64{1, 5, 20}), "it grows")
	assert.EqualValues(t, -1, estimate([]uint64{1}))
	assert.InDelta(t, 100, estimate([]uint64{400, 200, 100}), 1, "halved each time")
}

func TestWatchIsCalled(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(8, 0)), 50_000, 4)
	calls := 0
	var last Snapshot
	_, err := Check(t.Context(), d, Options{Every: 1, Watch: func(s Snapshot) { calls++; last = s }})
	require.NoError(t, err)
	require.NotZero(t, calls)
	assert.NotZero(t, last.States)
	assert.NotZero(t, last.Memory)
}

func TestAuditErrorIsNamed(t *testing.T) {
	err := error(&AuditError{State: 1, A: "a", B: "b", Why: "so"})
	assert.EqualError(t, err, `explore: audit of the reduction: state 0000000000000001, actions "a" and "b": so`)
	var audit *AuditError
	assert.True(t, errors.As(err, &audit))
}
