package campaign

import (
	"context"
	"fmt"
	"slices"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// pinTries is under how many entropies the sealed engine is tried.
const pinTries = 8

// Pin is a violation that is reproduced on every machine.
type Pin struct {
	// Trace is that of the sealed engine, nil when it does not see the violation.
	Trace []byte
	// Words describe the result.
	Words string
}

// Pin runs a plan by the sealed engine, under one entropy after the other from the
// given one on, until it violates a property. The native engine's runs depend on the
// build for one machine; the sealed engine's are the same everywhere.
func (c Collector) Pin(ctx context.Context, p *plan.Plan, property string, entropy uint64) Pin {
	if c.Sealed == nil {
		return Pin{Words: "not pinned for other machines: the sealed engine was not asked for"}
	}
	sealed, err := c.Sealed()
	if err != nil {
		return Pin{Words: fmt.Sprintf("not pinned for other machines: %v", err)}
	}
	var failed error
	for i := range uint64(pinTries) {
		r, err := c.Application.Once(ctx, sealed, engine.Job{Plan: p, Entropy: entropy + i})
		if ctx.Err() != nil {
			return Pin{Words: "not pinned for other machines: interrupted"}
		}
		if err != nil {
			failed = err
			continue
		}
		if slices.ContainsFunc(r.Footer.Verdict.Violations, func(v trace.Violation) bool { return v.Property == property }) {
			return Pin{Trace: r.Trace, Words: fmt.Sprintf("pinned: the sealed engine shows it on every machine, under entropy %d", entropy+i)}
		}
	}
	words := fmt.Sprintf("not pinned for other machines: the sealed engine did not show %s under %d entropies", property, pinTries)
	if failed != nil {
		words += fmt.Sprintf(" (and failed: %v)", failed)
	}
	return Pin{Words: words}
}
