package tasks

import (
	"dtsim/scenarios/goals"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Guest is the import path of the program inside the engines.
const Guest = "dtsim/scenarios/tasks/guest"

// Instrumented returns the packages whose goroutines can be held up: the Raft library, and what of
// the system runs in goroutines of its own.
func Instrumented() []string {
	return []string{"github.com/hashicorp/raft", "dtsim/fsm/replica", "dtsim/sched"}
}

// SystemPackages returns the import path prefixes of what counts as the system when a run crashes.
// The Raft library is part of it: the harness starts, asks and stops it as its user would.
func SystemPackages() []string {
	return []string{"dtsim/fsm", "dtsim/sched", "github.com/hashicorp/raft"}
}

// Shipped returns the import paths of the packages of which the task manager consists.
func Shipped() []string {
	return []string{"dtsim/fsm", "dtsim/fsm/api", "dtsim/fsm/replica", "dtsim/sched", "dtsim/sched/reconcile"}
}

// refused returns the verdict on a run that cannot be judged.
func refused(err error) func() trace.Verdict {
	verdict := trace.Verdict{Violations: []trace.Violation{{Property: "plan", Message: err.Error()}}}
	return func() trace.Verdict { return verdict }
}

// Judge is the [trace.Judge] of the task manager: the properties, of the task manager and of any
// Raft application, by the profile of the trace, and the promises of a plan give the verdict, and the footer counts what was exercised, waived and covered.
func Judge(of *plan.Plan, rec *trace.Recorder) (finish func() trace.Verdict) {
	p, err := taskplan.Of(of)
	if err != nil {
		return refused(err)
	}
	by, err := property.ProfileNamed(rec.Profile())
	if err != nil {
		return refused(err)
	}
	observer := property.New(p, by)
	count := coverage.Record(&p.Plan, rec, goals.New(p, observer.Log()))
	rec.Watch(observer.Observe, property.Kinds()...)
	return func() trace.Verdict {
		verdict := observer.Verdict()
		for name, n := range observer.Counters() {
			rec.Count(name, n)
		}
		count()
		return verdict
	}
}
