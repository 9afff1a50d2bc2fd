package property

import (
	"maps"
	"slices"

	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
)

// watched are the events that the checks of the task manager look at.
var watched = map[trace.Kind]bool{
	trace.RunStarted: true, trace.Inherited: true, trace.Committed: true, trace.TaskChanged: true, trace.Applied: true, trace.Replayed: true,
	trace.SnapshotTaken: true, trace.SnapshotStored: true, trace.SnapshotReread: true, trace.SnapshotRestored: true,
	trace.Called: true, trace.Proposed: true, trace.Returned: true, trace.Listed: true, trace.ListFailed: true, trace.RecoveryAsked: true,
	trace.CallbackStarted: true, trace.CallbackEnded: true, trace.WorkStarted: true, trace.WorkProgressed: true, trace.WorkEnded: true,
	trace.StartAsked: true, trace.HandleStarted: true, trace.HandleTerminated: true, trace.HandleExited: true,
	trace.StartedAgain: true, trace.SchedulerClosing: true, trace.SchedulerClosed: true,
	trace.NodeStarted: true, trace.NodeState: true, trace.NodeStopped: true, trace.NodePaused: true, trace.Stalled: true,
	trace.NodeResumed: true, trace.NodeLeft: true, trace.FaultActivated: true, trace.ClockSet: true, trace.Quiescence: true,
	trace.ShardChanged: true, trace.LocalStateRemoved: true, trace.AtRest: true, trace.RunEnded: true,
	trace.Panicked: true, trace.LeftBehind: true,
}

// Kinds returns the kinds of events that an [Observer] has to be given, sorted; it
// takes no notice of others.
func Kinds() []trace.Kind {
	all := append(raftcheck.Kinds(), slices.Collect(maps.Keys(watched))...)
	slices.Sort(all)
	return slices.Compact(all)
}
