package campaign

import (
	"context"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
)

// Application is what a campaign has to know of the system under test. Its functions must
// depend on their arguments alone and be safe for concurrent use.
type Application struct {
	// Name is what its plans call it.
	Name string
	// Guest is the import path of the program that executes its runs; System and Judge are
	// for crash triage. See [engine.Options].
	Guest  string
	System []string
	Judge  trace.Judge
	// Profile is by which Judge judges; see [engine.Options].
	Profile string
	// Module is the folder of the guest's module below that of this one; empty for this one.
	Module string
	// NativeOnly is why only the native engine can run it; empty if both can.
	NativeOnly string
	// Instrument are the packages that are instrumented unless the caller names others.
	Instrument []string
	// Cover are the import paths of the packages that are shipped: of those it can be counted what
	// runs enter.
	Cover []string
	// Review checks a run that has passed once more, by other means. It returns an error if
	// the two contradict each other, which is a failure of the harness.
	Review func(*trace.Reader) error
	// Recount counts the coverage of a run once more, from its trace, and returns what became
	// of the faults, in the order of the plan. It returns an error if the footer counts
	// something else.
	Recount func(run []byte) ([]Activation, error)
	// Differ reports whether two runs, as traces, have decided differently. When they decided
	// is no difference.
	Differ func(first, second []byte) (bool, error)
	// Ablate returns a plan without the fault at an index, and without expectations that may
	// be an effect of that fault.
	Ablate func(p *plan.Plan, fault int) *plan.Plan
	// Controls are the runs about the harness itself, which command makes.
	Controls func(command string) *Controls

	// Cause returns the violation that stands for all of a run.
	Cause func(*plan.Plan, []trace.Violation) trace.Violation
	// Shrink returns the smallest plan that violates the same property.
	Shrink func(context.Context, *plan.Plan, shrink.Options) (shrink.Result, error)
	// Shape is equal for shrunk plans that show the same failure, if they violate the same
	// property.
	Shape func(*plan.Plan) string
	// View returns the numbers, from 1, of the events that led to a violation.
	View func(*trace.Trace, trace.Violation) []int
}

// Options returns the options of an engine that runs the application.
func (a *Application) Options(o engine.Options) engine.Options {
	o.Guest, o.System, o.Judge, o.Profile = a.Guest, a.System, a.Judge, a.Profile
	if o.Instrument == nil {
		o.Instrument = a.Instrument
	}
	return o
}

// Activation is what became of a fault of a run.
type Activation struct {
	// Activated is set when the fault has changed something at all, Effective when the run
	// went another way after that.
	Activated, Effective bool
}
