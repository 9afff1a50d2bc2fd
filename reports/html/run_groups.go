package html

import (
	"slices"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// kindGroup is a set of kinds of events that the page shows and hides together.
type kindGroup struct {
	// Name is its label in the page.
	Name string `json:"name"`
	// Shown is true for a group that is shown from the start.
	Shown bool `json:"shown"`
	// Decisive is true for a group whose events explain a run: if there is no room for all
	// events, these are shown.
	Decisive bool `json:"decisive"`
	kinds    []trace.Kind
}

// kindGroups are the groups in the order of the page. Whether a message is a heartbeat is
// decided by its field.
var kindGroups = []kindGroup{
	{Name: "lives", Shown: true, Decisive: true, kinds: []trace.Kind{trace.RunStarted, trace.Inherited, trace.RunEnded, trace.Panicked, trace.LeftBehind, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.Configured, trace.DiskEmptied, trace.Recovered}},
	{Name: "faults", Shown: true, Decisive: true, kinds: []trace.Kind{trace.FaultBegan, trace.FaultActivated, trace.FaultEnded, trace.Stalled, trace.ClockSet, trace.Quiescence}},
	{Name: "leaders", Shown: true, Decisive: true, kinds: []trace.Kind{trace.NodeState, trace.LeaderSeen}},
	{Name: "log", Shown: true, Decisive: true, kinds: []trace.Kind{trace.Committed}},
	{Name: "tasks", Shown: true, Decisive: true, kinds: []trace.Kind{trace.TaskChanged}},
	{Name: "calls", Shown: true, Decisive: true, kinds: []trace.Kind{trace.Called, trace.Returned}},
	{Name: "callbacks", Shown: true, Decisive: true, kinds: []trace.Kind{trace.CallbackStarted, trace.CallbackEnded, trace.RecoveryAsked}},
	{Name: "work", Shown: true, Decisive: true, kinds: []trace.Kind{trace.WorkStarted, trace.WorkProgressed, trace.WorkEnded, trace.StartAsked, trace.HandleStarted, trace.HandleTerminated, trace.HandleExited}},
	{Name: "data", Shown: true, Decisive: true, kinds: []trace.Kind{trace.SchemaChanged, trace.ShardChanged, trace.LocalStateRemoved}},
	{Name: "steps", Shown: true, Decisive: true, kinds: []trace.Kind{trace.Explored, trace.Step}},
	{Name: "applied", Shown: true, kinds: []trace.Kind{trace.Applied}},
	{Name: "messages", Shown: true, kinds: []trace.Kind{trace.MessageSent, trace.MessageLost}},
	{Name: "heartbeats"},
	{Name: "lists", kinds: []trace.Kind{trace.Listed, trace.ListFailed}},
	{Name: "requests", kinds: []trace.Kind{trace.Proposed}},
	{Name: "snapshots", kinds: []trace.Kind{trace.SnapshotTaken, trace.SnapshotReread, trace.SnapshotStored, trace.SnapshotRestored, trace.Replayed}},
	{Name: "stores", kinds: []trace.Kind{trace.StoresOpened, trace.LogStored, trace.LogDeleted, trace.StableStored}},
	{Name: "closing", kinds: []trace.Kind{trace.StartedAgain, trace.SchedulerClosing, trace.SchedulerClosed}},
	{Name: "files", kinds: []trace.Kind{trace.FileWritten, trace.FileRenamed, trace.FileRemoved}},
	{Name: "at the end", kinds: []trace.Kind{trace.AtRest}},
	{Name: "others", Shown: true},
}

// groupByKind are the indexes of groups by kind.
var groupByKind = func() map[trace.Kind]int {
	all := make(map[trace.Kind]int)
	for i, g := range kindGroups {
		for _, k := range g.kinds {
			all[k] = i
		}
	}
	return all
}()

// heartbeatGroup is the index of the group without kinds of its own.
var heartbeatGroup = slices.IndexFunc(kindGroups, func(g kindGroup) bool { return g.Name == "heartbeats" })

// groupIndex returns the index of the group of an event.
func groupIndex(e *trace.Event) int {
	var msg string
	switch b := e.Body.(type) {
	case *event.MessageSent:
		msg = b.Msg
	case *event.MessageLost:
		msg = b.Msg
	}
	if msg == "heartbeat" || msg == "heartbeat-reply" {
		return heartbeatGroup
	}
	if g, ok := groupByKind[e.Kind]; ok {
		return g
	}
	return len(kindGroups) - 1
}
