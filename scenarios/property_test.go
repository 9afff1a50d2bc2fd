package scenarios_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Every property is looked at in every run; what the tests differ in is what goes
// wrong. -rapid.seed chooses the plans and -rapid.checks how many there are: 25 by
// default with DTSIM_LONG, and 5 without, for each is a run of a whole cluster.
func TestMain(m *testing.M) {
	flag.Parse()
	said := os.Getenv("RAPID_CHECKS") != ""
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "rapid.checks" })
	if !said {
		checks := "5"
		if long {
			checks = "25"
		}
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err) // rapid has changed
		}
	}
	os.Exit(m.Run())
}

// long reports whether tests may take minutes of processor time: make test-long and
// .ci/run set DTSIM_LONG. Without it, tests make fewer runs of the same kinds.
var long = os.Getenv("DTSIM_LONG") != ""

func TestPropertyWhenAnythingGoesWrong(t *testing.T)   { hold(t, "hostile") }
func TestPropertyOnABadNetwork(t *testing.T)           { hold(t, "hostile-network") }
func TestPropertyWhenNodesFail(t *testing.T)           { hold(t, "hostile-nodes") }
func TestPropertyOnBadDisks(t *testing.T)              { hold(t, "hostile-disks") }
func TestPropertyWithWrongClocks(t *testing.T)         { hold(t, "hostile-clocks") }
func TestPropertyWithFailingProviders(t *testing.T)    { hold(t, "hostile-provider") }
func TestPropertyWhenAcksGoAstray(t *testing.T)        { hold(t, "hostile-acks") }
func TestPropertyWhenOperatorsMeddle(t *testing.T)     { hold(t, "hostile-operators") }
func TestPropertyAroundThePrepareBarrier(t *testing.T) { hold(t, "barrier") }

// hold runs plans of a family, each in a bubble, and fails with the first plan that
// violates a property, made as small as rapid can.
func hold(t *testing.T, family string) {
	t.Helper()
	s, err := scenarios.ByName(family)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		p := s.Plans().Draw(rt, "plan")
		var verdict trace.Verdict
		encoded := p.Encode()
		rapid.SyncTest(rt, func(*rapid.T) {
			rec, err := trace.NewRecorder(io.Discard, trace.Header{Plan: *encoded})
			require.NoError(rt, err)
			verdict, _, err = cluster.Run(encoded, tasks.Application(tasks.Default()), rec, tasks.Judge)
			require.NoError(rt, err)
		})
		for _, v := range verdict.Violations {
			kept := keepPlan(rt, t.Name(), v.Property, p)
			refuse(rt, v, "the plan is %s; go run ./cmd/dtsim run --plan scenarios/%s runs it again", kept, kept)
		}
	})
}

// keepPlan writes a plan beside what rapid leaves of a failure. While rapid shrinks,
// smaller plans take the place of larger ones.
func keepPlan(t *rapid.T, test, property string, p *taskplan.Plan) string {
	name := filepath.Join("testdata", "rapid", test, property+".plan.json")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(name, plan.Encode(p.Encode()), 0o644); err != nil {
		t.Fatalf("%v", err)
	}
	return name
}

// refuse fails with a violation. Each property has a line of its own: rapid takes two
// failures for the same when they come from the same line, and would shrink from one
// defect into another.
func refuse(t *rapid.T, v trace.Violation, format string, args ...any) {
	t.Logf("at %s on %s: %s: %s", v.At, v.Node, v.Property, v.Message)
	t.Logf(format, args...)
	switch v.Property {
	case "P1":
		t.Fatalf("P1 agreement is violated")
	case "P2":
		t.Fatalf("P2 linearizability is violated")
	case "P3":
		t.Fatalf("P3 lifecycle is violated")
	case "P4":
		t.Fatalf("P4 ownership is violated")
	case "P5":
		t.Fatalf("P5 prepare barrier is violated")
	case "P6":
		t.Fatalf("P6 group barrier is violated")
	case "P7":
		t.Fatalf("P7 finish barrier is violated")
	case "P8":
		t.Fatalf("P8 schema is violated")
	case "P9":
		t.Fatalf("P9 callbacks is violated")
	case "P10":
		t.Fatalf("P10 fail fast is violated")
	case "P11":
		t.Fatalf("P11 conflicts is violated")
	case "P12":
		t.Fatalf("P12 cleanup is violated")
	case "P13":
		t.Fatalf("P13 throttle is violated")
	case "P14":
		t.Fatalf("P14 handles is violated")
	case "P15":
		t.Fatalf("P15 errors is violated")
	case "P16":
		t.Fatalf("P16 progress is violated")
	case "P17":
		t.Fatalf("P17 no wedge is violated")
	case "P18":
		t.Fatalf("P18 robustness is violated")
	}
	t.Fatalf("%s is violated", v.Property)
}
