package campaign

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Race is the property that a data race in the system violates. No check watches it:
// the race detector of a raced engine does.
const Race = "race"

// Raced returns the violation that an error of an engine stands for: a data race is
// the system's fault and not the harness's.
func Raced(err error) ([]trace.Violation, bool) {
	var guest *engine.GuestError
	if !errors.As(err, &guest) || guest.How != engine.Raced {
		return nil, false
	}
	report := strings.TrimSpace(guest.Stderr)
	if at := strings.Index(report, "WARNING: DATA RACE"); at > 0 {
		report = report[at:]
	}
	return []trace.Violation{{Property: Race, Message: report}}, true
}

// Oracle returns what finds the violations of a plan: a run of it by e. The entropy
// is that of every run.
func (a *Application) Oracle(e engine.Engine, entropy uint64) func(context.Context, *plan.Plan) ([]trace.Violation, error) {
	return func(ctx context.Context, p *plan.Plan) ([]trace.Violation, error) {
		r, err := a.Once(ctx, e, engine.Job{Plan: p, Entropy: entropy})
		if found, raced := Raced(err); raced {
			return found, nil
		}
		return r.Footer.Verdict.Violations, err
	}
}

// Stalls returns what lists the goroutines that were held up in a run of a plan by e; see
// [Application.Oracle].
func (a *Application) Stalls(e engine.Engine, entropy uint64) func(context.Context, *plan.Plan) ([]shrink.Stalled, error) {
	return func(ctx context.Context, p *plan.Plan) ([]shrink.Stalled, error) {
		r, err := a.Once(ctx, e, engine.Job{Plan: p, Entropy: entropy})
		if err != nil {
			return nil, err
		}
		return stalled(bytes.NewReader(r.Trace))
	}
}

// stalled returns what was held up in the run that a trace is of.
func stalled(in io.Reader) ([]shrink.Stalled, error) {
	r, err := trace.NewReader(in)
	if err != nil {
		return nil, err
	}
	r.Only(trace.Stalled)
	var all []shrink.Stalled
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		b, _ := event.Of(&e).(*event.Stalled)
		if b == nil {
			continue
		}
		all = append(all, shrink.Stalled{Began: e.At, Stall: plan.Stall{
			Node: e.Node, Incarnation: e.Incarnation, At: b.At, Nth: int(b.Nth), For: plan.Duration(b.For),
		}})
	}
}
