package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/coverage"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// application is one whose runs differ by who led, and have had an effect of each fault.
func application() *Application {
	return &Application{
		Review: func(*trace.Reader) error { return nil },
		Recount: func(run []byte) ([]Activation, error) {
			whole, err := trace.Read(bytes.NewReader(run))
			if err != nil {
				return nil, err
			}
			all := make([]Activation, len(whole.Header.Plan.Faults))
			for i := range all {
				all[i].Activated = true
			}
			return all, nil
		},
		Differ: func(first, second []byte) (bool, error) {
			leader := []byte(`"state":"Leader"`)
			line := func(run []byte) string {
				for one := range bytes.Lines(run) {
					if bytes.Contains(one, leader) {
						_, behind, _ := bytes.Cut(one, []byte(`"node":`))
						return string(behind)
					}
				}
				return ""
			}
			return line(first) != line(second), nil
		},
		Ablate: func(p *plan.Plan, fault int) *plan.Plan {
			less := p.WithoutFault(fault)
			less.Part = nil
			return less
		},
	}
}

// faulted is an engine in whose runs each fault is activated and, if it is a crash, lets
// another node lead. Without pauses its runs violate a property, or end in harm.
type faulted struct {
	ran  []*plan.Plan
	harm func(runs int) (trace.Event, error)
}

func (*faulted) Name() string { return "faulted" }
func (*faulted) Close() error { return nil }

func (f *faulted) Run(_ context.Context, job engine.Job) (engine.Result, error) {
	f.ran = append(f.ran, job.Plan)
	var out bytes.Buffer
	rec, err := trace.NewRecorder(&out, trace.Header{Plan: *job.Plan, Engine: f.Name(), Entropy: job.Entropy, Build: "b"})
	if err != nil {
		return engine.Result{}, err
	}
	finish := coverage.Record(job.Plan, rec, nil)
	rec.Emit(trace.Event{Kind: trace.RunStarted, Fields: []trace.Field{trace.Uint("seed", job.Plan.Seed)}})
	leader, paused := "n1", false
	for i, one := range job.Plan.Faults {
		rec.Emit(trace.Event{Node: "n3", Incarnation: 1, Kind: trace.FaultActivated, Fields: []trace.Field{trace.Int("fault", int64(i)), trace.Str("what", string(one.Kind))}})
		switch one.Kind {
		case plan.Crash:
			leader = "n2"
		case plan.Pause:
			paused = true
		}
	}
	rec.Emit(trace.Event{Node: leader, Incarnation: 1, Kind: trace.NodeState, Fields: []trace.Field{trace.Str("state", "Leader")}})
	verdict := trace.Verdict{Passed: paused}
	if !paused {
		verdict.Violations = []trace.Violation{{Property: "P16", Message: "never ended"}}
		if f.harm != nil {
			e, err := f.harm(len(f.ran))
			if err != nil {
				return engine.Result{}, err
			}
			rec.Emit(e)
		}
	}
	finish()
	footer, err := rec.Close(verdict)
	return engine.Result{Trace: out.Bytes(), Footer: footer}, err
}

// beset is a family of plans with a fault of each kind.
func beset(kinds ...plan.FaultKind) *Family {
	return &Family{Name: "beset", Command: "dtsim run", Ablate: application().Ablate, Plan: func(seed uint64) *plan.Plan {
		p := plan.Default()
		p.Seed, p.Duration, p.Quiescence = seed, plan.Duration(time.Minute), plan.Duration(30*time.Second)
		for _, kind := range kinds {
			p.Faults = append(p.Faults, plan.Fault{Kind: kind, Node: "n3", At: plan.Duration(time.Second), For: plan.Duration(time.Second)})
		}
		return &p
	}}
}

func TestWhatARunOwesToAFault(t *testing.T) {
	made := func(t *testing.T, faults []Activation, kinds ...plan.FaultKind) (Outcome, []*plan.Plan) {
		e := new(faulted)
		spec := Spec{Application: application(), Engine: e, Archive: NewArchive(t.TempDir())}
		o, first, _ := spec.execute(t.Context(), slot{outcome: &Outcome{Run: Run{Family: beset(kinds...), Seed: 1}}, engine: e})
		require.Equal(t, Passed, o.State, "%v", o.Err)
		o.Counters = map[string]int64{}
		return spec.ablate(t.Context(), o, e, first, faults), e.ran
	}
	t.Run("a fault that was not activated is not taken away", func(t *testing.T) {
		o, ran := made(t, make([]Activation, 2), plan.Crash, plan.Pause)
		require.Empty(t, o.Counters)
		require.Len(t, ran, 1)
	})
	t.Run("something else is decided without the crash", func(t *testing.T) {
		o, ran := made(t, []Activation{{Activated: true}, {}}, plan.Crash, plan.Pause)
		require.Equal(t, coverage.Ablation(plan.Crash, true, false), o.Counters)
		require.Nil(t, o.Ablation)
		require.Equal(t, ran[0].WithoutFault(0), ran[1])
	})
	t.Run("nothing else is decided without one of two pauses", func(t *testing.T) {
		o, _ := made(t, []Activation{{Activated: true, Effective: true}, {}}, plan.Pause, plan.Pause)
		require.Equal(t, coverage.Ablation(plan.Pause, false, true), o.Counters)
	})
	t.Run("nothing else is decided without the last pause, but a property is violated", func(t *testing.T) {
		o, _ := made(t, []Activation{{}, {Activated: true, Effective: true}}, plan.Crash, plan.Pause)
		require.Equal(t, coverage.Ablation(plan.Pause, true, true), o.Counters)
		require.Equal(t, Passed, o.State)
		require.Equal(t, Violated, o.Ablation.State)
		require.Equal(t, 2, o.Ablation.Run.Ablated)
	})
	t.Run("which fault it is depends on the plan alone", func(t *testing.T) {
		faults := []Activation{{Activated: true}, {Activated: true}, {Activated: true}}
		_, first := made(t, faults, plan.Pause, plan.Crash, plan.Pause)
		_, second := made(t, faults, plan.Pause, plan.Crash, plan.Pause)
		require.Equal(t, first[1], second[1])
	})
}

// campaignOf is a campaign of one run that holds, and may not without its pause.
func campaignOf(t *testing.T, e engine.Engine, dir string) Spec {
	t.Helper()
	journal, err := CreateJournal(dir, nil)
	require.NoError(t, err)
	t.Cleanup(func() { journal.Close() })
	return Spec{
		Application: application(), Runs: []Run{{Family: beset(plan.Pause), Seed: 7}}, Engine: e, Jobs: 1, Archive: NewArchive(dir), Journal: journal,
		Now: func() time.Time { return time.Unix(0, 0) },
	}
}

func TestAViolationWithoutAFaultIsOneOfTheSmallerPlan(t *testing.T) {
	e, dir := new(faulted), t.TempDir()
	spec := campaignOf(t, e, dir)
	whole := spec.Runs[0].Plan()
	smaller := whole.WithoutFault(0)
	result := Execute(t.Context(), spec)
	require.Equal(t, 1, result.Status())
	require.Equal(t, []*plan.Plan{whole, whole, smaller, smaller}, e.ran, "both are confirmed")

	o := result.Asked[0]
	require.Equal(t, Passed, o.State)
	require.Empty(t, o.Folder)
	require.Equal(t, 1, result.Done())
	require.Len(t, result.Violated(), 1)
	less := result.Violated()[0]
	require.Equal(t, *o.Ablation, less)
	require.Equal(t, smaller, less.Run.Plan())
	require.Equal(t, "beset, seed 7, without faults[0]", less.Run.String())
	require.Equal(t, plan.Hash(smaller), less.PlanHash)
	require.True(t, less.Twice)
	require.Equal(t, []string{"P16"}, less.Properties())
	require.Equal(t, Violated, Sum("", result.Asked).State())

	kept, err := os.ReadFile(filepath.Join(less.Folder, PlanFile))
	require.NoError(t, err)
	require.Equal(t, plan.Encode(smaller), kept)
	page, err := os.ReadFile(filepath.Join(less.Folder, ReplayFile))
	require.NoError(t, err)
	require.Contains(t, string(page), "# beset, seed 7, without faults[0]: violates P16\n")
	require.Contains(t, string(page), ReplayCommand(less.Folder))

	resume := func() (Result, int) {
		past, err := ReadJournal(dir)
		require.NoError(t, err)
		again := spec
		again.Journal, err = past.Resume(dir)
		require.NoError(t, err)
		defer again.Journal.Close()
		e.ran = nil
		require.NoError(t, again.Resume(t.Context(), past))
		return Execute(t.Context(), again), len(e.ran)
	}
	resumed, ran := resume()
	require.Equal(t, result, resumed, "a continued campaign has the same totals")
	require.Equal(t, 1, ran, "one run is made to see that it is the same still")

	require.NoError(t, os.RemoveAll(less.Folder))
	resumed, ran = resume()
	require.Equal(t, result, resumed, "what was found is needed: it is found again")
	require.Equal(t, 4, ran)
	require.DirExists(t, less.Folder)

	journal := filepath.Join(dir, JournalFile)
	lines, err := os.ReadFile(journal)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(journal, bytes.ReplaceAll(lines, []byte(`"lacks":1`), []byte(`"lacks":2`)), 0o644))
	past, err := ReadJournal(dir)
	require.NoError(t, err)
	require.ErrorContains(t, spec.Resume(t.Context(), past), "without faults[1] has another plan now")
}

// The promise of a plan may be what comes of its fault.
func TestWhatAPlanPromisesItDoesNotPromiseWithoutAFault(t *testing.T) {
	family := beset(plan.Pause)
	whole := family.Plan(7)
	whole.Application, whole.Part = "counter", json.RawMessage(`{"promises":["5 at the end"]}`)
	require.NoError(t, whole.Validate())
	family.Plan = func(uint64) *plan.Plan { return whole }
	require.Equal(t, whole, Run{Family: family}.Plan())
	smaller := whole.WithoutFault(0)
	smaller.Part = nil
	require.Equal(t, smaller, Run{Family: family, Ablated: 1}.Plan())
	require.NotEmpty(t, whole.Part)
}

func TestWhatElseComesOfARunWithoutAFault(t *testing.T) {
	raced := &engine.GuestError{Engine: "faulted", How: engine.Raced, Stderr: "WARNING: DATA RACE\nhere"}
	crashed := &engine.GuestError{Engine: "faulted", How: engine.Crashed, Stderr: "panic: boom"}
	for name, c := range map[string]struct {
		// harm is done to the smaller run, the third of all, and to the repetition.
		harm   func(runs int, interrupt func()) (trace.Event, error)
		state  State
		status int
		words  string // the error's, or the property
	}{
		"a data race": {func(int, func()) (trace.Event, error) { return trace.Event{}, raced }, Passed, 1, Race},
		"a guest that crashes": {func(int, func()) (trace.Event, error) { return trace.Event{}, crashed }, HarnessError, 3,
			"without faults[0] (pause): the faulted guest crashed"},
		"another run each time": {func(runs int, _ func()) (trace.Event, error) {
			return trace.Event{Kind: trace.Applied, Fields: []trace.Field{trace.Int("index", int64(runs))}}, nil
		}, HarnessError, 3, "without faults[0] (pause): nondeterminism"},
		"an interrupt": {func(_ int, interrupt func()) (trace.Event, error) {
			interrupt()
			return trace.Event{Kind: trace.Quiescence}, nil
		}, NotRun, 3, ""},
		"an interrupt while it is confirmed": {func(runs int, interrupt func()) (trace.Event, error) {
			if runs == 4 {
				interrupt()
			}
			return trace.Event{Kind: trace.Quiescence}, nil
		}, Passed, 1, "P16"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			e, dir := &faulted{harm: func(runs int) (trace.Event, error) { return c.harm(runs, interrupt) }}, t.TempDir()
			result := Execute(ctx, campaignOf(t, e, dir))
			o := result.Asked[0]
			require.Equal(t, c.state, o.State)
			require.Equal(t, c.status, result.Status(), "%v", o.Err)
			require.Equal(t, c.state == Passed, o.Ablation != nil)
			past, err := ReadJournal(dir)
			require.NoError(t, err)
			require.Len(t, past.lines, map[bool]int{true: 1}[c.state == Passed], "what has no verdict is made again")
			switch c.state {
			case Passed:
				require.Equal(t, []string{c.words}, o.Ablation.Properties())
				require.FileExists(t, filepath.Join(o.Ablation.Folder, ReplayFile))
			case HarnessError:
				require.ErrorContains(t, o.Err, c.words)
				require.Zero(t, o.Run.Ablated, "broken is the run that was asked for")
				kept, err := os.ReadFile(filepath.Join(o.Folder, PlanFile))
				require.NoError(t, err)
				require.Equal(t, plan.Encode(o.Run.Plan().WithoutFault(0)), kept, "the plan that the harness failed at")
			}
		})
	}
}
