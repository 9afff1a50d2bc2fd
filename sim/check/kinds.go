package check

import (
	"slices"

	"dtsim/sim/trace"
)

// kinds are the events that checks look at.
var kinds = []trace.Kind{
	trace.Committed, trace.TaskChanged, trace.Applied, trace.Replayed, trace.SnapshotTaken, trace.SnapshotRestored,
	trace.Returned, trace.Listed, trace.CallbackStarted, trace.CallbackEnded,
	trace.HandleStarted, trace.HandleTerminated, trace.HandleExited, trace.SchedulerClosed, trace.NodeStopped,
	trace.ShardChanged, trace.AtRest, trace.RunEnded,
}

// Kinds returns the kinds of events that an [Observer] has to be given; it takes no
// notice of others.
func Kinds() []trace.Kind { return slices.Clone(kinds) }
