package scenarios_test

import (
	"flag"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/scenarios"
	"dtsim/sim/plan"
)

func TestTheBoringPlanHasNoFaults(t *testing.T) {
	for _, s := range scenarios.Hostile() {
		p := s.Decode(nil)
		require.NoError(t, p.Validate(), s.Name)
		require.Empty(t, p.Faults, s.Name)
		require.Len(t, p.Workload, 2, "%s: a collection and a task", s.Name)
		require.Equal(t, 3, p.Cluster.Nodes, s.Name)
	}
}

func TestAnyBytesAreAPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(scenarios.Hostile()).Draw(t, "scenario")
		p := s.Decode(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		require.NoError(t, p.Validate())
	})
}

func TestSwarmsHaveEverythingThereIs(t *testing.T) {
	kinds, moments, nodes := map[plan.FaultKind]int{}, map[plan.Moment]int{}, map[int]int{}
	var without, timed, quiet int
	const plans = 3000
	for seed := range uint64(plans) {
		s, err := scenarios.ByName("hostile")
		require.NoError(t, err)
		p := s.Plan(seed, scenarios.Options{})
		require.NoError(t, p.Validate())
		nodes[p.Cluster.Nodes]++
		if len(p.Faults) == 0 {
			without++
		}
		spell := len(p.Faults) > 0
		for _, f := range p.Faults {
			kinds[f.Kind]++
			if f.When == nil {
				timed++
			} else {
				moments[f.When.Moment]++
			}
			spell = spell && (f.At >= p.Calm*2/3 || f.For > 0 && f.At+f.For <= p.Calm/3)
		}
		if spell {
			quiet++
		}
	}
	for _, kind := range plan.FaultKinds() {
		require.Greater(t, kinds[kind], plans/300, "%s is never tried", kind)
	}
	for _, moment := range plan.Moments() {
		require.Greater(t, moments[moment], plans/300, "nothing strikes at %s", moment)
	}
	for n := 1; n <= 5; n++ {
		require.Greater(t, nodes[n], plans/100, "no cluster has %d nodes", n)
	}
	require.Greater(t, timed, plans/3)
	require.Greater(t, quiet, plans/30, "there are quiet spells")
	require.Less(t, without, plans/4, "nothing happens in too many plans")
}

func TestPlansShrinkToWhatMatters(t *testing.T) {
	s, err := scenarios.ByName("hostile")
	require.NoError(t, err)
	require.Equal(t, plan.Encode(s.Decode(nil)), plan.Encode(smallest(t, s, func(*plan.Plan) bool { return true })))

	crash := smallest(t, s, func(p *plan.Plan) bool {
		return slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == plan.Crash })
	})
	require.Len(t, crash.Faults, 1)
	require.Len(t, crash.Workload, 2)
	require.Equal(t, 3, crash.Cluster.Nodes)
}

// smallest is the plan that rapid shrinks to when those that match are failures.
func smallest(t *testing.T, s scenarios.Scenario, matches func(*plan.Plan) bool) (p *plan.Plan) {
	t.Helper()
	require.NoError(t, flag.Set("rapid.nofailfile", "true"))
	defer func() { require.NoError(t, flag.Set("rapid.nofailfile", "false")) }()
	rapid.Check(&deaf{T: t}, func(t *rapid.T) {
		if q := s.Plans().Draw(t, "plan"); matches(q) {
			p = q
			t.Fatalf("it matches")
		}
	})
	return p
}

// deaf is a test that does not hear of failures.
type deaf struct{ *testing.T }

func (*deaf) Logf(string, ...any)   {}
func (*deaf) Errorf(string, ...any) {}
func (*deaf) Fatalf(string, ...any) {}
func (*deaf) FailNow()              {}
func (*deaf) Failed() bool          { return false }
