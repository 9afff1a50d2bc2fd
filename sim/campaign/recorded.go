package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

// Recorded is a run that is over: what it was a function of and what came of it.
type Recorded struct {
	Header trace.Header
	engine.Result
}

// Once executes one job and checks that its trace is one; equal but empty traces
// would look like a perfect run. A run that has passed is reviewed.
// The error is a failure of the harness.
func (a *Application) Once(ctx context.Context, e engine.Engine, job engine.Job) (Recorded, error) {
	result, err := e.Run(ctx, job)
	r := Recorded{Result: result}
	if err != nil {
		return r, err
	}
	reader, err := trace.NewReader(bytes.NewReader(r.Trace))
	switch {
	case err != nil:
		return r, fmt.Errorf("the engine gave no trace: %w", err)
	case r.Footer.Events == 0 || r.Footer.Hash == "":
		return r, errors.New("the engine gave an empty trace")
	}
	r.Header = reader.Header()
	if r.Footer.Verdict.Passed {
		// A run that is bad anyway needs no second opinion.
		err = a.Review(reader)
	}
	return r, err
}
