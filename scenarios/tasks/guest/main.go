// Command guest is the program inside both engines: it runs a plan on a cluster of
// this repository's system and answers with the trace.
//
// Everything that decides a run comes with the job; see package sim/engine/bubble
// for what makes one job independent of those before it.
package main

import (
	"dtsim/scenarios/tasks"
	"dtsim/sim/cluster"
	"dtsim/sim/engine/bubble"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

// run runs a plan in the bubble it is called in.
func run(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error) {
	verdict, _, err := cluster.Run(p, tasks.Application(tasks.Default()), rec, tasks.Judge)
	return verdict, err
}
