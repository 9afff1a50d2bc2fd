package explore

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// verdictsOf are the properties that a search for liveness found broken, after taking
// each counterexample again.
func verdictsOf(t *testing.T, d *drawn, o Options) (dead, wedged, stuck bool) {
	o.Liveness = true
	got, err := Check(t.Context(), owing{d}, o)
	require.NoError(t, err)
	require.True(t, got.Exhausted)
	require.EqualValues(t, len(d.reach(d.initial...)), got.States)
	for _, v := range got.Violations {
		again, err := Replay(owing{d}, v.Path)
		require.NoError(t, err)
		require.Len(t, again.Broken, 1, "a fair loop, or a state in which a fair run may stop")
		require.Equal(t, "P16", again.Broken[0].Property)
		switch {
		case v.Property == "P17":
			wedged = true
			require.GreaterOrEqual(t, v.Path.Loop, 0)
		case v.Path.Loop < 0:
			dead = true
		default:
			stuck = true
		}
	}
	return dead, wedged, stuck
}

func TestLivenessIsDecidedByTheBook(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	count := map[[3]bool]int{}
	for range 3000 {
		d := draw(r, 1+r.IntN(12), 1+r.IntN(4))
		if r.IntN(2) == 0 {
			d.lively(r)
		}
		wantDead, wantWedged, wantStuck := d.promises()
		for _, o := range []Options{{}, {Jobs: 3}, {Exact: true}} {
			dead, wedged, stuck := verdictsOf(t, d, o)
			require.Equal(t, wantDead, dead, "%+v", d)
			if wantDead {
				continue // reported alone
			}
			require.Equal(t, wantWedged, wedged, "%+v", d)
			require.Equal(t, wantStuck, stuck, "%+v", d)
		}
		if wantDead {
			wantWedged, wantStuck = false, false
		}
		count[[3]bool{wantDead, wantWedged, wantStuck}]++
	}
	for _, c := range [][3]bool{{}, {true}, {false, true}, {false, false, true}, {false, true, true}} {
		assert.Greater(t, count[c], 10, "%v", c)
	}
}

// classed is a drawn model of one class.
func classed(nodes ...node) owing {
	return owing{&drawn{nodes: nodes, initial: []uint32{0}, classes: 1}}
}

// TestAFairRunMayStop: an unsettled state is one that a run may stay in if no class is
// enabled there, whatever else is; and a step that leaves the state as it is neither takes
// its class nor enables it.
func TestAFairRunMayStop(t *testing.T) {
	settled := node{settled: true}
	to := func(to uint32, class int) edge { return edge{to: to, class: class} }
	for name, c := range map[string]struct {
		model owing
		want  string
	}{
		"nothing is enabled":                       {classed(node{}), stuck},
		"what is enabled belongs to no class":      {classed(node{edges: []edge{to(1, -1)}}, settled), stopped},
		"its class is enabled":                     {classed(node{edges: []edge{to(1, 0)}}, settled), ""},
		"its class changes nothing":                {classed(node{edges: []edge{to(0, 0), to(1, -1)}}, settled), stopped},
		"its class changes nothing, and something": {classed(node{edges: []edge{to(0, 0), to(1, 0)}}, settled), ""},
		"it is taken in a loop that can be left": {
			classed(node{edges: []edge{to(1, 0), to(2, 0)}}, node{edges: []edge{to(0, 0)}}, settled), looping(2)},
		"it is enabled in a loop that takes another": {
			classed(node{edges: []edge{to(1, -1), to(2, 0)}}, node{edges: []edge{to(0, -1), to(2, 0)}}, settled), ""},
		"in the loop it changes nothing, so that a run may stop there, too": {
			classed(node{edges: []edge{to(1, -1), to(2, 0)}}, node{edges: []edge{to(0, -1), to(1, 0)}}, settled), stopped},
	} {
		got, err := Check(t.Context(), c.model, Options{Liveness: true})
		require.NoError(t, err)
		if c.want == "" {
			require.Empty(t, got.Violations, name)
			continue
		}
		require.Len(t, got.Violations, 1, name)
		require.Equal(t, Broken{"P16", c.want}, got.Violations[0].Broken, name)
		again, err := Replay(c.model, got.Violations[0].Path)
		require.NoError(t, err)
		require.Equal(t, []Broken{got.Violations[0].Broken}, again.Broken, name)
	}
}

func TestLivenessOfAMachineIsTheSameOnManyWorkers(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(2, 0)), 30_000, 3)
	for i := range d.nodes {
		d.nodes[i].settled = i%100 == 0
		d.nodes[i].edges = append(d.nodes[i].edges, edge{to: uint32(i+1) % 30_000, class: -1})
	}
	one, err := Check(t.Context(), owing{d}, Options{Liveness: true})
	require.NoError(t, err)
	require.NotEmpty(t, one.Violations)
	three, err := Check(t.Context(), owing{d}, Options{Liveness: true, Jobs: 3})
	require.NoError(t, err)
	assert.Equal(t, one.Violations, three.Violations)
	assert.Equal(t, one.Levels, three.Levels)
	assert.Equal(t, one.Graph, three.Graph)
}

// A ring too long for a stack of calls, with an exit that fairness does or does not force.
func TestFairnessDecidesAboutALongRing(t *testing.T) {
	const n = 50_000
	ring := func(exits int) *drawn {
		d := &drawn{nodes: make([]node, n+1), initial: []uint32{0}, classes: 2}
		for i := range n {
			d.nodes[i].edges = []edge{{to: uint32(i+1) % n, class: 0}}
			if i < exits {
				d.nodes[i].edges = append(d.nodes[i].edges, edge{to: n, class: 1})
			}
		}
		d.nodes[n].settled = true
		return d
	}
	got, err := Check(t.Context(), owing{ring(n - 1)}, Options{Liveness: true})
	require.NoError(t, err)
	require.Len(t, got.Violations, 1, "where the exit is shut for a moment nothing forces it")
	assert.Len(t, got.Violations[0].Path.Actions, n)
	got, err = Check(t.Context(), owing{ring(n)}, Options{Liveness: true})
	require.NoError(t, err)
	assert.Empty(t, got.Violations, "the exit is always open, so it is taken some day")
	assert.Equal(t, &GraphCounts{Settled: 1, Components: 1, Largest: n}, got.Graph)
	assert.Less(t, got.PerState(), 120.0)
}

func TestSafetyIsCheckedWithLiveness(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	found := 0
	for range 100 {
		d := draw(r, 1+r.IntN(100), 3)
		if n := &d.nodes[r.IntN(len(d.nodes))]; len(n.edges) > 0 {
			n.edges[0].broken = true
		}
		want, err := Check(t.Context(), d, Options{})
		require.NoError(t, err)
		got, err := Check(t.Context(), owing{d}, Options{Liveness: true, Jobs: 2})
		require.NoError(t, err)
		if len(want.Violations) == 0 {
			continue
		}
		found++
		require.NotEmpty(t, got.Violations)
		v := got.Violations[len(got.Violations)-1]
		for _, v = range got.Violations {
			if v.Property == "edge" {
				break
			}
		}
		assert.Equal(t, want.Violations[0].Broken, v.Broken)
		assert.Len(t, v.Path.Actions, len(want.Violations[0].Path.Actions))
	}
	assert.Greater(t, found, 20)
}

func TestClassesAreChecked(t *testing.T) {
	d := &drawn{nodes: []node{{edges: []edge{{class: 3}}}}, initial: []uint32{0}, classes: 2}
	_, err := Check(t.Context(), owing{d}, Options{Liveness: true})
	assert.ErrorContains(t, err, "fairness class 3")
}
