package campaign

import (
	"fmt"

	"dtsim/models/history"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// agreed has both judges of linearizability judge the history of a run (P2). The
// verdict of the commit order stands in the run's own verdict; that the judges
// contradict each other, or that one of them cannot tell about a history that the other
// calls good, is a failure of the harness.
func agreed(r *trace.Reader) error {
	r.Only(history.Kinds()...)
	h, err := history.FromTrace(r)
	if err != nil {
		return fmt.Errorf("the history of the run: %w", err)
	}
	report, err := history.Judge(h, rules())
	switch {
	case err != nil:
		return fmt.Errorf("the history of the run: %w", err)
	case !report.Agree():
		return fmt.Errorf("the judges of the run's history contradict each other: the order of the log is %s, porcupine says %s",
			report.CommitOrder, report.Porcupine)
	case report.Verdict() == history.Unknown:
		return fmt.Errorf("nobody knows whether the run's history is linearizable: the order of the log is %s, porcupine says %s",
			report.CommitOrder, report.Porcupine)
	}
	return nil
}

// rules are those of the state machine that runs are of.
func rules() *spec.Rules {
	set := provider.NewSet(provider.Env{})
	return refinement.Rules(set.ConflictDetectors(), set.SchemaMutationDetectors(), set.Extractors())
}
