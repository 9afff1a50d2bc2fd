package coverage

import (
	"slices"

	"dtsim/sim/trace"
)

// Goal is a situation that some run of a campaign should come to, because mistakes
// like to live there.
type Goal struct {
	// Name is what the goal is called in counters and reports; it never changes its
	// meaning.
	Name string
	// About says what has to happen, in words.
	About string

	on trace.Kind
	// reached says whether an event of the kind, which the story has just taken in,
	// completes the situation.
	reached func(s *story, e *trace.Event) bool
}

// goals are all goals.
var goals = slices.Concat(crashGoals, restartGoals, leaderGoals, snapshotGoals, fileGoals, answerGoals, commandGoals, providerGoals,
	inheritedGoals)

// Goals returns all goals, in a fixed order.
func Goals() []Goal { return slices.Clone(goals) }
