// Command guest is the program inside the native engine: it runs a plan on a cluster of the
// published task manager and answers with the trace.
package main

import (
	"dtsim/scenarios/tasks"
	"dtsim/scenarios/weaviate"
	"dtsim/sim/cluster"
	"dtsim/sim/engine/bubble"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

// run runs a plan in the bubble it is called in.
func run(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error) {
	verdict, _, err := cluster.Run(p, tasks.Application(weaviate.System(rec.Profile())), rec, tasks.Judge)
	return verdict, err
}
