// Command guest is the program inside both engines: it runs a plan on a cluster of
// this repository's system and answers with the trace.
//
// Everything that decides a run comes with the job; see package sim/engine/bubble
// for what makes one job independent of those before it.
package main

import (
	"io"

	"dtsim/sim/cluster"
	"dtsim/sim/coverage"
	"dtsim/sim/engine/bubble"
	"dtsim/sim/engine/wire"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

// run runs a job in the bubble it is called in.
func run(job wire.Job, w, spill io.Writer) (trace.Footer, error) {
	rec, err := trace.NewRecorder(w, trace.Header{Plan: *job.Plan, Engine: job.Engine, Entropy: job.Entropy, Build: job.Build})
	if err != nil {
		return trace.Footer{}, err
	}
	if spill != nil {
		rec.Spill(spill)
	}
	finish := coverage.Record(job.Plan, rec)
	verdict, _ := cluster.Run(job.Plan, cluster.Default(), rec)
	finish()
	return rec.Close(verdict)
}
