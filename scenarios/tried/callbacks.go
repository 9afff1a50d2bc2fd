package tried

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/coverage"
	"dtsim/sim/trace/event"
)

// What a provider is asked for beside its callbacks: whether its part of a terminal task is done,
// and the work on units.
const (
	recovery = "recovery"
	work     = "work on a unit"
)

// How callbacks end.
var ends = []string{event.OK, taskevent.CallbackFailed, taskevent.CallbackPanicked, taskevent.CallbackInterrupted}

// callbackStates are the states of the task that each callback may be given.
var callbackStates = []struct {
	name   string
	states []state
}{
	{taskevent.GroupCompleted, []state{started, preparing, swapping, finished, failed}},
	{taskevent.SwapRequested, []state{swapping, finished}},
	{taskevent.TaskCompleted, []state{swapping, finished, failed, cancelled}},
}

func callbackRows() []coverage.Possibility {
	var all []coverage.Possibility
	for _, row := range callbackStates {
		for _, end := range ends {
			for _, s := range row.states {
				all = append(all, rows(partCallback, row.name, end+", "+stateNames[s])...)
			}
		}
	}
	for _, done := range []string{"done", "not done"} {
		for _, s := range terminal {
			all = append(all, rows(partCallback, recovery, done+", "+stateNames[s])...)
		}
	}
	return append(all, rows(partCallback, work, event.OK, taskevent.CallbackFailed)...)
}

func callbackCase(b *taskevent.CallbackEnded) string {
	end := event.OK
	switch {
	case b.Error == "":
	case b.Interrupted():
		end = taskevent.CallbackInterrupted
	case b.Result == taskevent.CallbackPanicked:
		end = taskevent.CallbackPanicked
	default:
		end = taskevent.CallbackFailed
	}
	return end + ", " + stateNames[stateOf(b.Status)]
}

func recoveryCase(b *taskevent.RecoveryAsked) string {
	done := "not done"
	if b.Done {
		done = "done"
	}
	return done + ", " + stateNames[stateOf(b.Status)]
}

func workCase(b *taskevent.WorkEnded) string {
	if b.Outcome == event.OK {
		return event.OK
	}
	return taskevent.CallbackFailed
}
