package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

// allKinds is the name for every kind.
const allKinds = "all"

// kindGroups are the names for kinds that are asked for together.
var kindGroups = map[string][]trace.Kind{
	"messages":  {trace.MessageSent, trace.MessageLost},
	"files":     {trace.FileWritten, trace.FileRenamed, trace.FileRemoved},
	"stores":    {trace.StoresOpened, trace.LogStored, trace.LogDeleted, trace.StableStored},
	"snapshots": {trace.SnapshotTaken, trace.SnapshotStored, trace.SnapshotReread, trace.SnapshotRestored},
	"faults":    {trace.FaultBegan, trace.FaultActivated, trace.FaultEnded, trace.Stalled, trace.Quiescence, trace.ClockSet},
	"lives":     {trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.Configured, trace.DiskEmptied, trace.Recovered},
	"calls":     {trace.Called, trace.Proposed, trace.Returned},
	"lists":     {trace.Listed, trace.ListFailed},
	"callbacks": {trace.CallbackStarted, trace.CallbackEnded},
	"log":       {trace.Committed, trace.TaskChanged},
	"work":      {trace.StartAsked, trace.HandleStarted, trace.HandleTerminated, trace.HandleExited, trace.WorkStarted, trace.WorkProgressed, trace.WorkEnded},
}

// ungroupedKinds are the kinds that are in no group.
var ungroupedKinds = []trace.Kind{
	trace.RunStarted, trace.Inherited, trace.RunEnded, trace.Panicked, trace.LeftBehind, trace.NodeState, trace.LeaderSeen, trace.Applied, trace.Replayed,
	trace.SchemaChanged, trace.RecoveryAsked, trace.StartedAgain, trace.SchedulerClosing, trace.SchedulerClosed, trace.ShardChanged,
	trace.LocalStateRemoved, trace.AtRest, trace.Explored, trace.Step,
}

// knownKinds returns all kinds.
func knownKinds() map[trace.Kind]bool {
	all := make(map[trace.Kind]bool)
	for _, group := range kindGroups {
		for _, kind := range group {
			all[kind] = true
		}
	}
	for _, kind := range ungroupedKinds {
		all[kind] = true
	}
	return all
}

// Check returns an error that names an option which is wrong for every run with these nodes. A
// kind of event that does not occur in a run is valid; tasks cannot be checked.
func (o ColumnOptions) Check(nodes []string) error { return o.check(nodes, nil) }

// check is Check with the kinds of a run, which may have further ones.
func (o ColumnOptions) check(nodes []string, present map[trace.Kind]bool) error {
	if o.From < 0 || o.Until < 0 || o.Until != 0 && o.Until < o.From {
		return fmt.Errorf("--until %s precedes --from %s", o.Until, o.From)
	}
	for _, name := range o.Nodes {
		if !slices.Contains(nodes, name) {
			return fmt.Errorf("no node %q (nodes: %s)", name, nameList(nodes))
		}
	}
	known := knownKinds()
	for _, name := range o.Kinds {
		bare := strings.TrimPrefix(name, "+")
		if _, group := kindGroups[bare]; group || bare == allKinds || known[trace.Kind(bare)] || present[trace.Kind(bare)] {
			continue
		}
		return fmt.Errorf("no kind of event %q (kinds: %s; groups: %s, %s)", bare,
			nameList(slices.Sorted(maps.Keys(known))), strings.Join(slices.Sorted(maps.Keys(kindGroups)), ", "), allKinds)
	}
	return nil
}

// nameList returns names for a terminal.
func nameList[S ~string](names []S) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = timeline.Visible(string(name))
	}
	return strings.Join(all, ", ")
}
