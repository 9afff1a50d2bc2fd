package tried

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
)

// acceptedZero has cases of one thing that may stay at zero.
type acceptedZero struct {
	part, of string
	cases    []string
	// why is the reason.
	why string
}

// cases of a command.
func cases(became outcome, states ...state) []string {
	var all []string
	for _, s := range states {
		all = append(all, caseNames[became][s])
	}
	return all
}

const (
	guarded   = "the guards of the simulated providers refuse it as long as a task works on the collection (P11)"
	tooEarly  = "a provider does that only once its task is in SWAPPING, and no status is returned to"
	readsOnly = "a read changes nothing, so that nothing is in doubt"
	noBarrier = "a preparation ack is sent in PREPARING; an earlier one would take a provider that acknowledges by itself"
)

// acceptedZeros are the cases that may stay at zero. One that is tried all the same is no error.
var acceptedZeros = []acceptedZero{
	{partCommand, taskevent.CommandDropCollection, cases(accepted, started, preparing, swapping, foreign), guarded},
	{partCommand, freeze, cases(accepted, started, preparing, swapping), guarded},
	{partCommand, taskevent.CommandDeleteTenants, cases(accepted, started, preparing, swapping), guarded},
	{partCommand, flip, cases(retryable, started, preparing), tooEarly},
	{partCommand, taskevent.CommandPreparationAck, cases(accepted, started), noBarrier},
	{partCommand, preparationFailed, cases(accepted, started), noBarrier},
	{partCall, string(taskplan.ListTasks), []string{answeredAmbiguous}, readsOnly},
	{partOption, "nodes", []string{"more"}, "six nodes and more have no majority of a kind that four or five do not have, and cost more time"},
	{partOption, "replicas of a shard", []string{"more"}, "a shard on every node of three is the extreme already"},
	{partOption, "stalls", []string{"listed"}, "lists come from runs that are shrunk or explained, not from seeds"},
}

// reason returns why a row may stay at zero, "" if it may not.
func reason(r coverage.Possibility) string {
	for _, z := range acceptedZeros {
		if z.part != r.Part || z.of != r.Of {
			continue
		}
		for _, one := range z.cases {
			if one == r.Case {
				return z.why
			}
		}
	}
	return ""
}
