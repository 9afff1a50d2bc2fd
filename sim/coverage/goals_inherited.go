package coverage

import (
	"encoding/json"
	"strings"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// inherit takes in the tasks that a newer version has left. They count for no task that
// is active in one of this version's ways.
func (s *story) inherit(e *trace.Event) {
	var snapshot struct {
		Tasks fsm.State `json:"distributed_tasks"`
	}
	if err := json.Unmarshal([]byte(e.Str("snapshot")), &snapshot); err != nil {
		return // whether it can be read is for the checks to say
	}
	for _, tasks := range snapshot.Tasks.Tasks {
		for _, t := range tasks {
			r := newRun(provider.Run{Namespace: t.Namespace, Task: t.ID, Version: t.Version}, t.NeedsPreparationBarrier)
			r.status, r.reached, r.since, r.foreign = string(t.Status), uint64(e.Int("index")), e.At, true
			s.runs[r.id], s.current[[2]string{t.Namespace, t.ID}] = r, r
		}
	}
}

// refusedFor makes a matcher for a command of a name that was rejected with these words,
// about a task that a newer version has left.
func refusedFor(name, words string) func(*story, *trace.Event) bool {
	return committed(name, func(s *story, c *command) bool {
		r := s.current[[2]string{c.run.Namespace, c.run.Task}]
		return r != nil && r.foreign && strings.Contains(c.outcome, words)
	})
}

// standsInTheWay says that a command was refused because of a task that a newer version
// has left.
func standsInTheWay(s *story, _ *trace.Event) bool {
	for _, r := range s.current {
		if r.foreign && strings.Contains(s.command.outcome, "conflicts with active task "+r.id.String()) {
			return true
		}
	}
	return false
}

var inheritedGoals = []Goal{
	{
		Name: "id submitted that a newer version has at work, refused", on: trace.Committed,
		About:   "the cluster was rolled back, and the id is that of a task in a status that nobody knows any more",
		reached: refusedFor(addTask, "is already running"),
	},
	{
		Name: "data that a newer version has at work, refused to others", on: trace.Committed,
		About:   "a submission or a change of the schema conflicts with a task in a status that nobody knows",
		reached: standsInTheWay,
	},
	{
		Name: "fail-task in a status that nobody knows, refused", on: trace.Committed,
		About:   "an operator gives up a task that a newer version has left",
		reached: refusedFor(markFailed, "cannot be marked failed"),
	},
	{
		Name: "clean-up in a status that nobody knows, refused", on: trace.Committed,
		About:   "the record of a task is to go that a newer version has left",
		reached: refusedFor(cleanUpTask, "is still running"),
	},
}
