package goals

import (
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// refusedFor makes a matcher for a command of a name that was rejected for a reason,
// about a task that a newer version has left.
func refusedFor(name, reason string) func(*state, *trace.Event) bool {
	return committed(name, func(s *state, c *command) bool {
		r := s.Current[c.Run().Key()]
		return r != nil && r.Inherited && c.Verdict.Reason == reason
	})
}

// standsInTheWay reports whether a command was refused because of a task that a newer version
// has left.
func standsInTheWay(s *state, _ *trace.Event) bool {
	if s.command.Verdict.Reason != taskevent.TaskConflict {
		return false
	}
	for _, r := range s.Current {
		if r.Inherited && s.command.Verdict.About == r.ID.String() {
			return true
		}
	}
	return false
}

var inheritedGoals = []goal{
	{
		Name: "id submitted that a newer version has at work, refused", on: trace.Committed,
		About:   "the cluster was rolled back, and the id is that of a task in a status that is unknown now",
		reached: refusedFor(addTask, taskevent.TaskActive),
	},
	{
		Name: "data that a newer version has at work, refused to others", on: trace.Committed,
		About:   "a submission or a change of the schema conflicts with a task in an unknown status",
		reached: standsInTheWay,
	},
	{
		Name: "fail-task in a status that nobody knows, refused", on: trace.Committed,
		About:   "an operator gives up a task that a newer version has left",
		reached: refusedFor(markFailed, taskevent.TaskNotFinalizing),
	},
	{
		Name: "clean-up in a status that nobody knows, refused", on: trace.Committed,
		About:   "the record of a task is to go that a newer version has left",
		reached: refusedFor(cleanUpTask, taskevent.TaskStillRunning),
	},
}
