package twophase

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
)

// What each resource manager may be is independent of the others while the manager is
// undecided (4 ways), after it has aborted (6) and after it has committed (2). So there
// are 4^n + 6^n + 2^n states, and of multisets of those ways C(n+3,3) + C(n+5,5) + (n+1).
func TestCounts(t *testing.T) {
	for _, c := range []struct{ resources, states, transitions, orbits, depth int }{
		{1, 12, 19, 12, 4},
		{3, 288, 1_145, 80, 10},
		{5, 8_832, 58_145, 314, 16},
		{7, 296_448, 2_744_705, 920, 22},
	} {
		t.Run(fmt.Sprintf("%d resource managers", c.resources), func(t *testing.T) {
			for _, o := range []explore.Options{{}, {Jobs: 2}, {Exact: true}, {DepthFirst: true}} {
				r, err := explore.Check(t.Context(), New(c.resources), o)
				require.NoError(t, err)
				assert.EqualValues(t, c.states, r.States, "%+v", o)
				assert.EqualValues(t, c.transitions, r.Transitions, "%+v", o)
				assert.True(t, r.Exhausted)
				assert.Empty(t, r.Violations)
				if !o.DepthFirst {
					assert.Equal(t, c.depth, r.Depth)
				}
				o.Symmetry = true
				r, err = explore.Check(t.Context(), Symmetric{New(c.resources)}, o)
				require.NoError(t, err)
				assert.EqualValues(t, c.orbits, r.States, "%+v", o)
				assert.Empty(t, r.Violations)
			}
		})
	}
}

// 665 states at five resource managers is what the literature has under symmetry (the
// example of the model checker Stateright). It is no count of orbits, of which there are
// 314, but of what a search with a stack meets when representatives sort by what resource
// managers do alone.
func TestCountOfTheLiterature(t *testing.T) {
	r, err := explore.Check(t.Context(), Sorted{New(5)}, explore.Options{Symmetry: true, DepthFirst: true})
	require.NoError(t, err)
	assert.EqualValues(t, 665, r.States)
	assert.True(t, r.Exhausted)
}

func TestHastyManager(t *testing.T) {
	first := map[bool]explore.Violation{} // with symmetry, and without
	for _, o := range []explore.Options{{}, {Jobs: 2}, {Jobs: 3}, {Exact: true}, {Symmetry: true}, {Symmetry: true, Jobs: 2}} {
		r, err := check(t, 4, o)
		require.NoError(t, err)
		require.Len(t, r.Violations, 1)
		v := r.Violations[0]
		assert.False(t, r.Exhausted)
		assert.Equal(t, Consistency, v.Property)
		// Three prepare and are heard; the manager commits; one of them hears it; the fourth aborts.
		assert.Len(t, v.Path.Actions, 9)
		p, err := explore.Replay(Hasty(4), v.Path)
		require.NoError(t, err)
		assert.True(t, p.Independent)
		assert.Equal(t, []explore.Broken{v.Broken}, p.Broken)
		if _, ok := first[o.Symmetry]; !ok {
			first[o.Symmetry] = v
		}
		assert.Equal(t, first[o.Symmetry], v, "%+v", o)
	}
}

func check(t *testing.T, n int, o explore.Options) (explore.Result, error) {
	if o.Symmetry {
		return explore.Check(t.Context(), Symmetric{Hasty(n)}, o)
	}
	return explore.Check(t.Context(), Hasty(n), o)
}

func TestHastyManagerIsWalkedInto(t *testing.T) {
	var first explore.Walked
	for jobs := 1; jobs <= 3; jobs++ {
		w, err := explore.Walk(t.Context(), Hasty(4), explore.Walking{Steps: 100_000, Length: 50, Seed: 1}, explore.Options{Jobs: jobs})
		require.NoError(t, err)
		require.Len(t, w.Violations, 1)
		p, err := explore.Replay(Hasty(4), w.Violations[0].Path)
		require.NoError(t, err)
		assert.Equal(t, []explore.Broken{w.Violations[0].Broken}, p.Broken)
		if jobs == 1 {
			first = w
		}
		assert.Equal(t, first, w)
	}
}

func TestWalkCoversNearlyEverythingInTheEnd(t *testing.T) {
	for _, choice := range []explore.Choice{explore.Mixed, explore.Uniform, explore.Swarm, explore.Priority} {
		w, err := explore.Walk(t.Context(), New(3), explore.Walking{Steps: 200_000, Length: 40, Seed: 1, Choice: choice}, explore.Options{Jobs: 2})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, w.States, uint64(275), choice)
		assert.LessOrEqual(t, w.States, uint64(288), choice)
		assert.EqualValues(t, 200_000, w.Steps)
		assert.Less(t, w.Fresh(), 0.001)
		assert.True(t, w.Complete)
		assert.Empty(t, w.Violations)
	}
}

func TestActionsAreDescribedApart(t *testing.T) {
	m := New(3)
	for s := range State(1 << 12) {
		seen := map[string]bool{}
		for _, a := range m.Enabled(&s, nil) {
			words := m.Describe(&s, a)
			assert.False(t, seen[words], words)
			seen[words] = true
		}
	}
}
