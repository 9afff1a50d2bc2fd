package explore

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// marked is a drawn model with properties of nodes, and a constraint.
type marked struct {
	*drawn
	bad     map[uint32]bool
	outside map[uint32]bool
}

func (m marked) CheckState(s *wide) []Broken {
	if !m.bad[s.id] {
		return nil
	}
	return []Broken{{"node", fmt.Sprintf("node %d", s.id)}, {"parity", fmt.Sprintf("node %d is %d", s.id, s.id%2)}}
}

// bounded is a marked model with its constraint.
type bounded struct{ marked }

func (m bounded) Within(s *wide) bool { return !m.outside[s.id] }

func TestTheNearestBrokenStateIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 0))
	found, initial := 0, 0
	for range 200 {
		m := marked{drawn: draw(r, 1+r.IntN(300), 1+r.IntN(4)), bad: map[uint32]bool{}}
		for range 1 + r.IntN(4) {
			m.bad[uint32(r.IntN(len(m.nodes)))] = true
		}
		nearest := -1
		for id, n := range m.reach(m.initial...) {
			if m.bad[id] && (nearest < 0 || n < nearest) {
				nearest = n
			}
		}
		var first []Violation
		for name, o := range eachWay {
			got, err := Check(t.Context(), m, o)
			require.NoError(t, err)
			if nearest < 0 {
				assert.Empty(t, got.Violations)
				assert.True(t, got.Exhausted)
				continue
			}
			require.Len(t, got.Violations, 2, name)
			for _, v := range got.Violations {
				again, err := Replay(m, v.Path)
				require.NoError(t, err)
				assert.Contains(t, again.Broken, v.Broken, name)
			}
			if o.DepthFirst {
				continue
			}
			assert.Len(t, got.Violations[0].Path.Actions, nearest, name)
			if first == nil {
				first = got.Violations
			}
			assert.Equal(t, first, got.Violations, name)
		}
		for _, jobs := range []int{1, 3} {
			got, err := Check(t.Context(), markedLive{m}, Options{Liveness: true, Jobs: jobs})
			require.NoError(t, err)
			broken := map[string]int{}
			for _, v := range got.Violations {
				broken[v.Property] = len(v.Path.Actions)
			}
			if nearest >= 0 {
				assert.Equal(t, nearest, broken["node"])
			} else {
				assert.NotContains(t, broken, "node")
			}
		}
		if nearest >= 0 {
			found++
		}
		if nearest == 0 {
			initial++
		}
	}
	assert.Greater(t, found, 60)
	assert.Greater(t, initial, 3)
}

type markedLive struct{ marked }

func (m markedLive) Settled(s *wide) bool        { return m.nodes[s.id].settled }
func (m markedLive) Class(s *wide, a Action) int { return m.nodes[s.id].edges[a].class }
func (m markedLive) Classes() int                { return m.classes }

func TestBrokenInitialStateIsACounterexampleOfNoSteps(t *testing.T) {
	m := marked{drawn: draw(rand.New(rand.NewPCG(12, 0)), 50, 3), bad: map[uint32]bool{7: true}}
	m.initial = []uint32{3, 7}
	want := Violation{Broken{"node", "node 7"}, Path{Initial: 1, Loop: -1}}
	for name, o := range eachWay {
		got, err := Check(t.Context(), m, o)
		require.NoError(t, err)
		require.Len(t, got.Violations, 2, name)
		if !o.DepthFirst {
			assert.Equal(t, want, got.Violations[0], name)
		}
	}
	m.initial = []uint32{7}
	want.Path.Initial = 0
	got, err := Check(t.Context(), m, Options{DepthFirst: true})
	require.NoError(t, err)
	assert.Equal(t, want, got.Violations[0])
	got, err = Check(t.Context(), markedLive{m}, Options{Liveness: true})
	require.NoError(t, err)
	assert.Equal(t, want, got.Violations[0])
	w, err := Walk(t.Context(), m, Walking{Steps: 1000}, Options{})
	require.NoError(t, err)
	assert.Equal(t, want.Broken, w.Violations[0].Broken)
	assert.Empty(t, w.Violations[0].Path.Actions)
	again, err := Replay(m, want.Path)
	require.NoError(t, err)
	assert.Equal(t, m.CheckState(new(widen(7))), again.Broken)
}

func TestConstraintBoundsTheSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 0))
	some := 0
	for range 60 {
		m := bounded{marked{drawn: draw(r, 1+r.IntN(1000), 1+r.IntN(4)), outside: map[uint32]bool{}}}
		for id := range m.nodes {
			if r.IntN(5) == 0 {
				m.outside[uint32(id)] = true
			}
		}
		inside := &drawn{nodes: make([]node, len(m.nodes)), initial: m.initial} // what is outside leads nowhere
		transitions := 0
		for i, n := range m.nodes {
			if !m.outside[uint32(i)] {
				inside.nodes[i] = n
			}
		}
		distance := inside.reach(m.initial...)
		cut := uint64(0)
		for id := range distance {
			transitions += len(inside.nodes[id].edges)
			if m.outside[id] {
				cut++
			}
		}
		for name, o := range eachWay {
			got, err := Check(t.Context(), m, o)
			require.NoError(t, err)
			assert.EqualValues(t, len(distance), got.States, name)
			assert.EqualValues(t, transitions, got.Transitions, name)
			assert.Equal(t, cut, got.Cut, name)
			assert.Equal(t, cut == 0, got.Exhausted, name)
			if cut > 0 {
				some++
				assert.Equal(t, Constraint, got.Bound, name)
				assert.Contains(t, got.String(), fmt.Sprintf("not exhausted beyond the constraint (states outside it, not expanded: %d)", cut), name)
			} else {
				assert.Equal(t, Unbounded, got.Bound, name)
			}
		}
	}
	assert.Greater(t, some, 100)
}

// A state outside the constraint is checked all the same.
func TestStatesOutsideTheConstraintAreChecked(t *testing.T) {
	line := &drawn{nodes: []node{{edges: []edge{{to: 1}}}, {edges: []edge{{to: 2}}}, {}}, initial: []uint32{0}}
	m := bounded{marked{line, map[uint32]bool{1: true, 2: true}, map[uint32]bool{1: true}}}
	for name, o := range eachWay {
		got, err := Check(t.Context(), m, o)
		require.NoError(t, err)
		require.Len(t, got.Violations, 2, name)
		assert.Equal(t, Path{Actions: []Action{0}, Loop: -1}, got.Violations[0].Path, name)
		assert.EqualValues(t, 2, got.States, name)
	}
	delete(m.bad, 1)
	w, err := Walk(t.Context(), m, Walking{Steps: 10}, Options{})
	require.NoError(t, err)
	assert.Empty(t, w.Violations, "a walk ends outside")
	assert.EqualValues(t, 10, w.Cut)
	assert.EqualValues(t, 2, w.States)
}

func TestConstraintAndWhatItWouldMakeUnsound(t *testing.T) {
	_, err := Check(t.Context(), boundedEverything{}, Options{Reduction: true})
	assert.ErrorIs(t, err, ErrOptions)
	_, err = Check(t.Context(), boundedEverything{}, Options{Liveness: true})
	assert.ErrorIs(t, err, ErrOptions)
}

type boundedEverything struct{ everything }

func (boundedEverything) Within(*wide) bool { return true }

// counting counts how often the enabled actions of a state are asked for.
type counting struct {
	*threads
	mu    *sync.Mutex
	asked map[threadState]int
}

func (c counting) Enabled(s *threadState, actions []Action) []Action {
	c.mu.Lock()
	c.asked[*s]++
	c.mu.Unlock()
	return c.threads.Enabled(s, actions)
}

func (counting) Settled(*threadState) bool      { return true }
func (counting) Class(*threadState, Action) int { return -1 }
func (counting) Classes() int                   { return 0 }

func TestEnabledIsComputedOncePerState(t *testing.T) {
	for _, o := range []Options{
		{}, {Jobs: 3}, {DepthFirst: true}, {Exact: true}, {Liveness: true}, {Reduction: true}, {Reduction: true, Jobs: 3}, {Reduction: true, DepthFirst: true},
	} {
		o.Audit = 1 << 60 // audits look at states again
		c := counting{&threads{programs: programs}, new(sync.Mutex), map[threadState]int{}}
		got, err := Check(t.Context(), c, o)
		require.NoError(t, err)
		assert.EqualValues(t, got.States, len(c.asked), "%+v", o)
		for s, n := range c.asked {
			assert.Equal(t, 1, n, "%+v of %+v", s, o)
		}
	}
}

// A hash of the model's own and the derived one see the same machine.
func TestDerivedFingerprintsCountTheSame(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(14, 0)), 5000, 3)
	for id := range uint32(50) {
		d.initial = append(d.initial, id)
	}
	want, err := Check(t.Context(), d, Options{})
	require.NoError(t, err)
	require.Greater(t, want.States, uint64(1000))
	for name, o := range eachWay {
		got, err := Check(t.Context(), plain{d}, o)
		require.NoError(t, err)
		assert.Equal(t, want.States, got.States, name)
		assert.Equal(t, want.Transitions, got.Transitions, name)
	}
}

// plain is a drawn model without a fingerprint of its own.
type plain struct{ m Model[wide] }

func (p plain) Properties() []string                       { return p.m.Properties() }
func (p plain) Initial(states []wide) []wide               { return p.m.Initial(states) }
func (p plain) Enabled(s *wide, actions []Action) []Action { return p.m.Enabled(s, actions) }
func (p plain) Step(s *wide, a Action) (wide, *Broken)     { return p.m.Step(s, a) }
func (p plain) Describe(s *wide, a Action) string          { return p.m.Describe(s, a) }
