// Command guest is the program that runs the counter in an engine.
package main

import (
	"dtsim/sim/cluster"
	"dtsim/sim/engine/bubble"
	"dtsim/sim/internal/counter"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

// run runs a plan in the bubble it is called in.
func run(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error) {
	verdict, _, err := cluster.Run(p, counter.Application{}, rec, counter.Judge)
	return verdict, err
}
