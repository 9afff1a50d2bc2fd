// Package tasks binds the task manager to the simulator: it is what a run of its
// scenarios is made of besides the plan.
package tasks

import (
	"dtsim/scenarios/property"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Judge is the [trace.Judge] of the task manager: the properties and the promises of p
// give the verdict, and the footer counts what was exercised, waived and covered.
func Judge(p *plan.Plan, rec *trace.Recorder) (finish func() trace.Verdict) {
	count := coverage.Record(p, rec)
	observer := property.New(p)
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
