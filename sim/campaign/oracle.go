package campaign

import (
	"context"
	"errors"
	"strings"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
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
