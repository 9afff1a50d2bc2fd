package campaign

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/coverage"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// faulted is an engine in whose runs each fault bites and, if it is a crash, lets
// another node lead. Without pauses its runs violate a property.
type faulted struct{ ran []*plan.Plan }

func (*faulted) Name() string { return "faulted" }
func (*faulted) Close() error { return nil }

func (f *faulted) Run(_ context.Context, job engine.Job) (engine.Result, error) {
	f.ran = append(f.ran, job.Plan)
	var out bytes.Buffer
	rec, err := trace.NewRecorder(&out, trace.Header{Plan: *job.Plan, Engine: f.Name(), Entropy: job.Entropy, Build: "b"})
	if err != nil {
		return engine.Result{}, err
	}
	leader, verdict := "n1", trace.Verdict{Violations: []trace.Violation{{Property: "P16", Message: "never ended"}}}
	for i, one := range job.Plan.Faults {
		rec.Emit(trace.Event{Node: "n3", Incarnation: 1, Kind: trace.FaultBit, Fields: []trace.Field{trace.Int("fault", int64(i)), trace.Str("what", string(one.Kind))}})
		switch one.Kind {
		case plan.Crash:
			leader = "n2"
		case plan.Pause:
			verdict = trace.Verdict{Passed: true}
		}
	}
	rec.Emit(trace.Event{Node: leader, Incarnation: 1, Kind: trace.NodeState, Fields: []trace.Field{trace.Str("state", "Leader")}})
	footer, err := rec.Close(verdict)
	return engine.Result{Trace: out.Bytes(), Footer: footer}, err
}

func TestWhatARunOwesToAFault(t *testing.T) {
	fault := func(kind plan.FaultKind) plan.Fault {
		return plan.Fault{Kind: kind, Node: "n3", At: plan.Duration(time.Second), For: plan.Duration(time.Second)}
	}
	first := func(t *testing.T, kinds ...plan.FaultKind) (*faulted, engine.Job, Recorded) {
		p := plan.Default()
		p.Duration, p.Calm = plan.Duration(time.Minute), plan.Duration(30*time.Second)
		for _, kind := range kinds {
			p.Faults = append(p.Faults, fault(kind))
		}
		require.NoError(t, p.Validate())
		e, job := new(faulted), engine.Job{Plan: &p, Entropy: 1}
		r, err := Once(t.Context(), e, job)
		require.NoError(t, err)
		return e, job, r
	}
	t.Run("a fault that has not bitten is not taken away", func(t *testing.T) {
		e, job, r := first(t, plan.Crash, plan.Pause)
		counted, _, err := without(t.Context(), e, job, r, make([]coverage.Struck, 2))
		require.NoError(t, err)
		require.Empty(t, counted)
		require.Len(t, e.ran, 1)
	})
	t.Run("something else is decided without the crash", func(t *testing.T) {
		e, job, r := first(t, plan.Crash, plan.Pause)
		counted, _, err := without(t.Context(), e, job, r, []coverage.Struck{{Bit: true}, {}})
		require.NoError(t, err)
		require.Equal(t, coverage.Without(plan.Crash, true, false), counted)
		require.Equal(t, job.Plan.WithoutFault(0), e.ran[1])
	})
	t.Run("nothing else is decided without one of two pauses", func(t *testing.T) {
		e, job, r := first(t, plan.Pause, plan.Pause)
		counted, _, err := without(t.Context(), e, job, r, []coverage.Struck{{Bit: true, Effective: true}, {}})
		require.NoError(t, err)
		require.Equal(t, coverage.Without(plan.Pause, false, true), counted)
	})
	t.Run("a violation of the smaller plan is not passed over", func(t *testing.T) {
		e, job, r := first(t, plan.Crash, plan.Pause)
		counted, less, err := without(t.Context(), e, job, r, []coverage.Struck{{}, {Bit: true}})
		require.ErrorContains(t, err, "without faults[1] (pause) it violates P16: never ended")
		require.Empty(t, counted)
		require.Equal(t, job.Plan.WithoutFault(1), less.plan)
		require.Len(t, less.traces(), 1)
	})
	t.Run("which fault it is depends on the plan alone", func(t *testing.T) {
		struck := []coverage.Struck{{Bit: true}, {Bit: true}, {Bit: true}}
		e, job, r := first(t, plan.Pause, plan.Crash, plan.Pause)
		for range 2 {
			_, _, err := without(t.Context(), e, job, r, struck)
			require.NoError(t, err)
		}
		require.Equal(t, e.ran[1], e.ran[2])
	})
}
