package goals

import (
	"time"

	"dtsim/sim/trace"
)

// removed makes a matcher for the removal of a record by a node whose clock meets a predicate.
func removed(is func(ahead time.Duration) bool) func(*state, *trace.Event) bool {
	return committed(cleanUpTask, func(s *state, c *command) bool {
		return c.Accepted && c.call != nil && is(s.nodes.Of(c.call.node).Ahead(s.now))
	})
}

// clockGoals are about clocks that a record's time to live is measured by.
var clockGoals = []goal{
	{
		Name: "record removed with a clock ahead", on: trace.Committed,
		About:   "a node whose clock is ahead by a second or more has the record of a task removed: for others its time may not have come",
		reached: removed(func(ahead time.Duration) bool { return ahead >= time.Second }),
	},
	{
		Name: "record removed with a clock behind", on: trace.Committed,
		About:   "a node whose clock is behind by a second or more has the record of a task removed",
		reached: removed(func(ahead time.Duration) bool { return ahead <= -time.Second }),
	},
}
