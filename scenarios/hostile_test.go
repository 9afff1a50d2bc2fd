package scenarios_test

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/scenarios"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
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

// With a quiescent phase too short for P16 a task that hangs would not be found.
func TestQuiescenceIsLongEnoughToSeeThatEverythingEnds(t *testing.T) {
	const plans, runs = 200, 3
	for _, s := range scenarios.Hostile() {
		t.Run(s.Name, func(t *testing.T) {
			for seed := range uint64(plans) {
				p := s.Plan(seed, scenarios.Options{})
				bound := property.Bound(p)
				require.GreaterOrEqual(t, (p.Duration - p.Quiescence).D(), bound, "seed %d", seed)
				require.Less(t, bound, 10*time.Minute, "seed %d: a run cannot last that long", seed)
			}
			for seed := range uint64(runs) {
				counters := taskstest.Trace(t, s.Plan(seed, scenarios.Options{})).Footer.Counters
				require.Zero(t, counters["excused/P16/run-too-short"], "seed %d", seed)
				require.Positive(t, counters["at-stake/P16"], "seed %d", seed)
			}
		})
	}
}

func TestSwarmsHaveEverythingThereIs(t *testing.T) {
	kinds, moments, nodes := map[plan.FaultKind]int{}, map[plan.Moment]int{}, map[int]int{}
	var without, timed, quiet, inherited int
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
		if p.Inherited != nil {
			inherited++
		}
		spell := len(p.Faults) > 0
		for _, f := range p.Faults {
			kinds[f.Kind]++
			if f.When == nil {
				timed++
			} else {
				moments[f.When.Moment]++
			}
			spell = spell && (f.At >= p.Quiescence*2/3 || f.For > 0 && f.At+f.For <= p.Quiescence/3)
		}
		if spell {
			quiet++
		}
	}
	for _, kind := range taskplan.FaultKinds() {
		require.Greater(t, kinds[kind], plans/300, "%s is never tried", kind)
	}
	for _, moment := range taskplan.Moments() {
		require.Greater(t, moments[moment], plans/300, "nothing strikes at %s", moment)
	}
	for n := 1; n <= 5; n++ {
		require.Greater(t, nodes[n], plans/100, "no cluster has %d nodes", n)
	}
	require.Greater(t, timed, plans/3)
	require.Greater(t, quiet, plans/30, "there are quiet spells")
	require.Less(t, without, plans/4, "nothing happens in too many plans")
	require.Greater(t, inherited, plans/30, "no cluster was rolled back")
	require.Less(t, inherited, plans/10, "too many clusters were")
}

func TestPlansShrinkToWhatMatters(t *testing.T) {
	s, err := scenarios.ByName("barrier")
	require.NoError(t, err)
	// What rapid ends with depends on where it starts; it makes a fifth of the tries with
	// -short, and needs some to find a plan with a pause.
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.seed": "1", "rapid.checks": "500"} {
		before := flag.Lookup(name).Value.String()
		require.NoError(t, flag.Set(name, value))
		defer func() { require.NoError(t, flag.Set(name, before)) }()
	}
	var p *taskplan.Plan
	rapid.Check(&deaf{T: t}, func(t *rapid.T) {
		q := s.Plans().Draw(t, "plan")
		if slices.ContainsFunc(q.Faults, func(f plan.Fault) bool { return f.Kind == plan.Pause }) {
			p = q
			t.Fatalf("a node pauses")
		}
	})
	require.NotNil(t, p, "no plan has a pause")
	require.Len(t, p.Faults, 1)
	require.Len(t, p.Workload, 2)
	require.Equal(t, 3, p.Cluster.Nodes)
}

// deaf is a test that does not hear of failures.
type deaf struct{ *testing.T }

func (*deaf) Logf(string, ...any)   {}
func (*deaf) Errorf(string, ...any) {}
func (*deaf) Fatalf(string, ...any) {}
func (*deaf) FailNow()              {}
func (*deaf) Failed() bool          { return false }
