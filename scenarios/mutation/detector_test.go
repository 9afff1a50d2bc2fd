package mutation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// mutant is one that breaks P5 and P7.
func mutant(name string) Subject {
	m := &Mutant{Name: name, Breaks: []string{"P5", "P7"}}
	return Subject{Mutant: m, Edits: build.Edits{"fsm/task.go": name}}
}

// fakeDetector finds what a test prescribes, by the name of the subject's edit.
type fakeDetector struct {
	name  string
	finds map[string]Finding
	looks int
}

func (j *fakeDetector) Name() string { return j.name }

func (j *fakeDetector) Skip(m *Mutant) string {
	if j.name != schema.Exploration {
		return ""
	}
	return m.Unmodelled
}

func (j *fakeDetector) Detect(_ context.Context, system System, wanted func(string) bool, repetition int) Finding {
	j.looks++
	f := j.finds[system.Edits["fsm/task.go"]+system.Choice]
	if !wanted(f.Property) {
		f.Property = ""
	}
	f.Runs *= repetition
	return f
}

func execute(t *testing.T, journal *Journal, subjects []Subject, detectors ...Detector) []Record {
	t.Helper()
	records, err := Execute(t.Context(), Spec{
		Subjects: subjects, Detectors: detectors, Budget: time.Minute, Repetitions: 3, Journal: journal,
		Begin: func(string, string, int) {}, Watch: func(Record) {},
	})
	require.NoError(t, err)
	return records
}

func TestAKillIsAPropertyThatTheMutantBreaks(t *testing.T) {
	sim := &fakeDetector{name: schema.Simulation, finds: map[string]Finding{
		"":       {Property: "P1", Runs: 9},
		"killed": {Property: "P7", Runs: 2, Fired: map[string]int{"P7": 4}, Violating: 4},
		"missed": {Property: "P1", Runs: 4, Fired: map[string]int{"P1": 4}, Violating: 4},
		"failed": {Property: "P5", Err: errors.New("no engine")},
	}}
	unit := &fakeDetector{name: schema.UnitTests}
	explore := &fakeDetector{name: schema.Exploration}
	unmodelled := mutant("killed")
	unmodelled.Mutant.Unmodelled = "it has no clocks"
	subjects := []Subject{{}, mutant("missed"), unmodelled, mutant("failed")}
	detectors := []Detector{sim, explore, unit}
	rows := Table(subjects, detectors, execute(t, nil, subjects, detectors...))

	cell := func(name string, detector int) Cell {
		for _, row := range rows {
			if row.Subject.Name() == name {
				return row.Cells[detector]
			}
		}
		t.Fatalf("no row %s", name)
		return Cell{}
	}
	require.True(t, cell(Unmutated, 0).Killed(), "of the system as it is, anything is a finding")
	require.True(t, cell("killed", 0).Killed())
	require.Equal(t, 4, cell("killed", 0).Runs(), "the median of three")
	require.Equal(t, "it has no clocks", cell("killed", 1).Skipped())
	require.False(t, cell("missed", 0).Killed())
	require.Equal(t, []string{"P1"}, rows[2].Unexpected(cell("missed", 0)))
	require.False(t, cell("failed", 0).Killed())
	require.Error(t, cell("failed", 0).Err())
	require.Len(t, cell("missed", 2).Records, 1, "only the simulation has other seeds")

	var order []string
	for _, row := range rows {
		order = append(order, row.Subject.Name())
	}
	require.Equal(t, []string{Unmutated, "killed", "missed", "failed"}, order, "survivors last")
	require.Equal(t, map[string][]string{schema.Simulation: {"missed", "failed"}, schema.Exploration: {"missed", "failed"}}, Survivors(rows))

	d := NewDocument(Head{Command: "dtsim mutants", Machine: "2 cores", Budget: time.Minute, Repetitions: 3, Detectors: []string{schema.Simulation, schema.Exploration, schema.UnitTests}}, rows)
	require.Equal(t, "P7", d.Mutants[0].Kills[schema.Simulation].Property)
	require.Len(t, d.Found, 3)
	text := Markdown(d)
	require.Contains(t, text, "Each detector had 1m0s for a mutant")
	require.Contains(t, text, "| (unmutated) | nothing | P1: 18 runs, 0.0 s |")
	require.Contains(t, text, "| killed | P5 P7 | P7: 4 runs, 0.0 s | not asked: it has no clocks | nothing: 0.0 s |")
	require.Contains(t, text, "| missed | P5 P7 | nothing: 8 runs, 0.0 s; also P1 |")
	require.Contains(t, text, "| failed | P5 P7 | the detector failed |")
	d.Found = []schema.Finding{{Detector: schema.Simulation, Property: HarnessError}}
	require.Contains(t, Markdown(d), "| (unmutated) | nothing | the detector failed |")
	d.Found = nil
	require.Contains(t, text, "| P7 | killed | killed |")
	encoded, err := json.Marshal(d)
	require.NoError(t, err)
	var again schema.Mutants
	require.NoError(t, json.Unmarshal(encoded, &again))
	require.Equal(t, text, Markdown(again), "the document contains all of the table")
}

func TestAPropertyIsWorthWhatNothingElseCatches(t *testing.T) {
	sees := func(n int, fired ...string) Finding {
		f := Finding{Property: fired[0], Fired: map[string]int{}, Violating: n}
		for _, property := range fired {
			f.Fired[property] = n
		}
		return f
	}
	const enough = Convincing
	for name, c := range map[string]struct {
		sim, explore Finding
		catches      []string
		alone        string
	}{
		"alone":                        {sees(enough, "P5"), sees(1, "P5"), []string{"P5"}, "P5"},
		"too few runs":                 {sees(enough-1, "P5"), sees(1, "P5"), []string{"P5"}, ""},
		"not alone in a run":           {sees(enough, "P5", "P7"), Finding{}, []string{"P5", "P7"}, ""},
		"a promise beside it":          {sees(enough, "P5", "task-ends"), Finding{}, []string{"P5"}, "P5"},
		"the harness fails in some":    {sees(enough, "P5", HarnessError), Finding{}, []string{"P5"}, "P5"},
		"a data race beside it":        {sees(enough, "P5", campaign.Race), Finding{}, []string{"P5"}, ""},
		"the model checker sees other": {sees(enough, "P5"), sees(1, "P7"), []string{"P5", "P7"}, ""},
		"not the mutant's to break":    {sees(enough, "P9"), Finding{}, nil, ""},
		"a detector fails":             {sees(enough, "P5"), Finding{Err: errors.New("no engine")}, []string{"P5"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			subjects := []Subject{mutant("m")}
			detectors := []Detector{
				&fakeDetector{name: schema.Simulation, finds: map[string]Finding{"m": c.sim}}, &fakeDetector{name: schema.Exploration, finds: map[string]Finding{"m": c.explore}},
			}
			records, err := Execute(t.Context(), Spec{
				Subjects: subjects, Detectors: detectors, Repetitions: 1, Begin: func(string, string, int) {}, Watch: func(Record) {},
			})
			require.NoError(t, err)
			var catches []string
			alone := ""
			for _, w := range Vacuity(Table(subjects, detectors, records)) {
				if len(w.Catches) > 0 {
					catches = append(catches, w.Property)
				}
				if len(w.Alone) > 0 {
					alone += w.Property
				}
			}
			require.Equal(t, c.catches, catches)
			require.Equal(t, c.alone, alone)
		})
	}
}

func TestAMeasurementThatWasInterruptedGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "journal")
	open := func(sources string, budget time.Duration) *Journal {
		j, err := OpenJournal(name, sources, budget)
		require.NoError(t, err)
		t.Cleanup(func() { j.Close() })
		return j
	}
	subjects := []Subject{{}, mutant("killed"), mutant("failed")}
	detector := &fakeDetector{name: schema.Simulation, finds: map[string]Finding{
		"killed": {Property: "P7", Runs: 2, Where: "there", Fired: map[string]int{"P2": 1, "P7": 3}, Violating: 3},
		"failed": {Err: errors.New("no engine")},
	}}
	first := execute(t, open("one", time.Minute), subjects, detector)
	require.Equal(t, 3+3+1, detector.looks)

	detector.looks = 0
	require.Equal(t, first[:6], execute(t, open("one", time.Minute), subjects, detector)[:6])
	require.Equal(t, 1, detector.looks, "a detector that failed looks again")

	for _, other := range []*Journal{open("two", time.Minute), open("one", time.Hour)} {
		detector.looks = 0
		execute(t, other, subjects, detector)
		require.Equal(t, 7, detector.looks, "other sources, or another budget")
	}

	content, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, content[:len(content)-5], 0o644))
	detector.looks = 0
	execute(t, open("one", time.Hour), subjects, detector)
	require.Equal(t, 2, detector.looks, "the line that was cut off, and the detector that failed")
	require.NoError(t, os.WriteFile(name, []byte("nonsense\n"), 0o644))
	_, err = OpenJournal(name, "one", time.Minute)
	require.ErrorContains(t, err, "line 1")
}

// violating is an engine whose runs violate by scenario and seed.
type violating map[string][]string

func (v violating) Name() string { return "native" }
func (v violating) Close() error { return nil }

func (v violating) Run(ctx context.Context, job engine.Job) (engine.Result, error) {
	if ctx.Err() != nil {
		return engine.Result{}, ctx.Err()
	}
	key := fmt.Sprintf("%s/%d", job.Plan.Name, job.Plan.Seed)
	time.Sleep(time.Duration(job.Plan.Seed*7%5) * time.Millisecond) // they end in another order
	r := engine.Result{Trace: []byte(key)}
	for _, property := range v[key] {
		if property == HarnessError {
			return engine.Result{}, errors.New("the guest crashed")
		}
		r.Footer.Verdict.Violations = append(r.Footer.Verdict.Violations, trace.Violation{Property: property, Message: key})
	}
	return r, nil
}

func TestScriptedFamiliesRunOnceAndThenSeldom(t *testing.T) {
	family := func(name string) *campaign.Family { return &campaign.Family{Name: name} }
	s := &Simulation{Scripted: []*campaign.Family{family("x"), family("y")}, Generated: []*campaign.Family{family("a"), family("b")}}
	var order []string
	for run := range s.runs(2) {
		if order = append(order, fmt.Sprintf("%s%d", run.Name, run.Seed-stride)); len(order) == 14 {
			break
		}
	}
	require.Equal(t, strings.Fields("x1 y1 a1 b1 x2 a2 b2 y2 a3 b3 x3 a4 b4 y3"), order)
}

func TestTheFirstRunThatKillsCountsWhateverEndsFirst(t *testing.T) {
	family := func(name string) *campaign.Family {
		return &campaign.Family{Name: name, Command: "run " + name, Plan: func(seed uint64) *plan.Plan { return &plan.Plan{Name: name, Seed: seed} }}
	}
	e := violating{
		"a/2": {"P1"}, "b/3": {HarnessError}, "a/5": {"P9", "P5"}, "b/5": {"P5"}, "a/6": {"P5"}, "b/6": {"task-ends"}, "a/1000003": {"P5"}, "a/1000004": {"P7"},
	}
	for seed := 7; seed < 20; seed++ {
		e[fmt.Sprintf("b/%d", seed)] = []string{"P5"}
	}
	for _, jobs := range []int{1, 2, 7} {
		raced := false
		s := &Simulation{
			Generated: []*campaign.Family{family("a"), family("b")}, Jobs: jobs, Budget: time.Minute, Now: time.Now,
			Open: func(_ context.Context, o engine.Options) (engine.Engine, error) { raced = o.Race; return e, nil },
		}
		wanted := func(property string) bool { return property == "P5" }
		f := s.Detect(t.Context(), System{}, wanted, 1)
		require.False(t, raced)
		f.Wall = 0
		require.Equal(t, Finding{
			Property: "P5", Message: "a/5", Where: "run a --seeds 5..5", Runs: 9,
			Fired: map[string]int{"P1": 1, HarnessError: 1, "P5": 9, "P9": 1, "task-ends": 1}, Violating: Convincing,
		}, f)
		again := s.Detect(t.Context(), System{}, wanted, 2)
		require.Equal(t, 5, again.Runs, "another repetition has other seeds")
		require.Equal(t, map[string]int{"P5": 1}, again.Fired, "and ends with the kill")
		chosen := s.Detect(t.Context(), System{Choice: "MUTANT=1"}, wanted, 1)
		require.Equal(t, map[string]int{"P1": 1, HarnessError: 1, "P5": 1, "P9": 1}, chosen.Fired, "as do all of a mutant that an operator made")
		s.Budget = 30 * time.Millisecond
		s.Detect(t.Context(), System{}, func(property string) bool { return property == campaign.Race }, 2)
		require.True(t, raced, "where a data race is wanted")
	}
	s := &Simulation{
		Generated: []*campaign.Family{family("a")}, Jobs: 2, Budget: 50 * time.Millisecond, Now: time.Now,
		Open: func(context.Context, engine.Options) (engine.Engine, error) { return violating{}, nil },
	}
	f := s.Detect(t.Context(), System{}, func(string) bool { return true }, 1)
	require.Empty(t, f.Property, "the budget ends it")
	require.Positive(t, f.Runs)
	require.NoError(t, f.Err)
}
