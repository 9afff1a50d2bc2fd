package runpage

import "dtsim/sim/trace"

// group is what kinds of events have in common that are shown and hidden together.
type group struct {
	// Name stands in the page.
	Name string `json:"name"`
	// Shown says that it is shown from the start.
	Shown bool `json:"shown"`
	// Decides says that a run is understood by it: where a page has room for some events
	// only, it has those.
	Decides bool `json:"decides"`
	kinds   []trace.Kind
}

// The groups, in the order of the page. A message is a heartbeat by its field.
var groups = []group{
	{Name: "lives", Shown: true, Decides: true, kinds: []trace.Kind{trace.RunStarted, trace.Inherited, trace.RunEnded, trace.Panicked, trace.LeftBehind, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft}},
	{Name: "faults", Shown: true, Decides: true, kinds: []trace.Kind{trace.FaultBegan, trace.FaultBit, trace.FaultEnded, trace.ClockSet, trace.Calm}},
	{Name: "leaders", Shown: true, Decides: true, kinds: []trace.Kind{trace.NodeState, trace.LeaderSeen}},
	{Name: "log", Shown: true, Decides: true, kinds: []trace.Kind{trace.Committed}},
	{Name: "tasks", Shown: true, Decides: true, kinds: []trace.Kind{trace.TaskChanged}},
	{Name: "calls", Shown: true, Decides: true, kinds: []trace.Kind{trace.Called, trace.Returned}},
	{Name: "callbacks", Shown: true, Decides: true, kinds: []trace.Kind{trace.CallbackStarted, trace.CallbackEnded, trace.RecoveryAsked}},
	{Name: "work", Shown: true, Decides: true, kinds: []trace.Kind{trace.WorkStarted, trace.WorkEnded, trace.StartAsked, trace.HandleStarted, trace.HandleTerminated, trace.HandleExited}},
	{Name: "data", Shown: true, Decides: true, kinds: []trace.Kind{trace.SchemaChanged, trace.ShardChanged, trace.LocalStateRemoved}},
	{Name: "steps", Shown: true, Decides: true, kinds: []trace.Kind{trace.Explored, trace.Step}},
	{Name: "applied", Shown: true, kinds: []trace.Kind{trace.Applied}},
	{Name: "messages", Shown: true, kinds: []trace.Kind{trace.MessageSent, trace.MessageLost}},
	{Name: "heartbeats"},
	{Name: "lists", kinds: []trace.Kind{trace.Listed, trace.ListFailed}},
	{Name: "requests", kinds: []trace.Kind{trace.Proposed}},
	{Name: "snapshots", kinds: []trace.Kind{trace.SnapshotTaken, trace.SnapshotReread, trace.SnapshotStored, trace.SnapshotRestored, trace.Replayed}},
	{Name: "closing", kinds: []trace.Kind{trace.StartedAgain, trace.SchedulerClosing, trace.SchedulerClosed}},
	{Name: "files", kinds: []trace.Kind{trace.FileWritten, trace.FileRenamed, trace.FileRemoved}},
	{Name: "at the end", kinds: []trace.Kind{trace.AtRest}},
	{Name: "others", Shown: true},
}

var (
	groupOf    = make(map[trace.Kind]int)
	heartbeats int
)

func init() {
	for i, g := range groups {
		if g.Name == "heartbeats" {
			heartbeats = i
		}
		for _, k := range g.kinds {
			groupOf[k] = i
		}
	}
}

// grouped returns the group of an event.
func grouped(e *trace.Event) int {
	if e.Kind == trace.MessageSent || e.Kind == trace.MessageLost {
		if msg := e.Str("msg"); msg == "heartbeat" || msg == "heartbeat-reply" {
			return heartbeats
		}
	}
	if g, ok := groupOf[e.Kind]; ok {
		return g
	}
	return len(groups) - 1
}
