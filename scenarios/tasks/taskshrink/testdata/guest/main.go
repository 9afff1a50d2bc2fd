// Command guest is the real guest with a planted defect: the state of a replica
// depends on whether its node's clock is wrong by more than a minute.
package main

import (
	"time"

	"dtsim/scenarios/tasks"
	"dtsim/sim/cluster"
	"dtsim/sim/engine/bubble"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

func run(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error) {
	verdict, _, err := cluster.Run(p, tasks.Application(planted{tasks.Default()}), rec, tasks.Judge)
	return verdict, err
}

// planted is the system with the defect.
type planted struct{ tasks.System }

func (p planted) NewReplica(c tasks.ReplicaConfig) tasks.Replica {
	return replica{p.System.NewReplica(c), c}
}

type replica struct {
	tasks.Replica
	config tasks.ReplicaConfig
}

func (r replica) Hash() (string, error) {
	hash, err := r.Replica.Hash()
	if wrong := r.config.Clock.Since(time.Now()); wrong > time.Minute || wrong < -time.Minute {
		return "0" + hash[1:], err
	}
	return hash, err
}
