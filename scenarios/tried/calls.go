package tried

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/trace/event"
)

// What a caller may get.
const (
	answered          = event.OK
	rejectedForGood   = "rejected permanently"
	rejectedForNow    = "rejected for now"
	answeredAmbiguous = "ambiguous"
	answeredNoEffect  = "no effect"
	unanswered        = "no answer"
)

// answerOf returns what a caller got.
func answerOf(b *event.Returned) string {
	switch b.Outcome {
	case event.Ambiguous:
		return answeredAmbiguous
	case event.NoEffect:
		return answeredNoEffect
	case event.Rejected:
		if taskevent.AnswerOf(b).Class == event.ClassPermanent {
			return rejectedForGood
		}
		return rejectedForNow
	}
	return answered
}

// callTable is what each call of an operator, a scheduler or a provider may come to, beside
// success, doubt, no effect and no answer.
var callTable = []struct {
	do         string
	rejections []string
}{
	{string(taskplan.AddTask), []string{rejectedForGood, rejectedForNow}},
	{string(taskplan.CancelTask), []string{rejectedForGood, rejectedForNow}},
	{string(taskplan.FailTask), []string{rejectedForGood, rejectedForNow}},
	{string(taskplan.CleanUpTask), []string{rejectedForGood, rejectedForNow}},
	{string(taskplan.CreateCollection), []string{rejectedForNow}},
	{string(taskplan.DropCollection), []string{rejectedForNow}},
	{string(taskplan.UpdateProperty), []string{rejectedForNow}},
	{string(taskplan.AddTenants), []string{rejectedForNow}},
	{string(taskplan.FreezeTenants), []string{rejectedForNow}},
	{string(taskplan.ThawTenants), []string{rejectedForNow}},
	{string(taskplan.DeleteTenants), []string{rejectedForNow}},
	{string(taskplan.SendStray), []string{rejectedForGood, rejectedForNow}},
	{string(taskplan.ListTasks), nil},
	{taskevent.CompleteUnit, []string{rejectedForGood}},
	{taskevent.FailUnit, []string{rejectedForGood}},
	{taskevent.UpdateProgress, []string{rejectedForGood}},
	{taskevent.FinalizeTask, []string{rejectedForGood, rejectedForNow}},
	{taskevent.AckSwap, []string{rejectedForGood, rejectedForNow}},
	{taskevent.AckPreparation, []string{rejectedForGood}},
	{taskevent.FlipProperty, []string{rejectedForGood, rejectedForNow}},
	{taskevent.SwapTenants, []string{rejectedForGood, rejectedForNow}},
}

func callRows() []coverage.Possibility {
	var all []coverage.Possibility
	for _, row := range callTable {
		all = append(all, rows(partCall, row.do, answered)...)
		all = append(all, rows(partCall, row.do, row.rejections...)...)
		all = append(all, rows(partCall, row.do, answeredAmbiguous, answeredNoEffect, unanswered)...)
	}
	return all
}
