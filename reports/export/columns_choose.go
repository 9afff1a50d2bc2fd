package export

import (
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// hiddenKinds are the kinds that are printed only if asked for.
var hiddenKinds = map[trace.Kind]bool{
	trace.MessageSent: true, trace.MessageLost: true, trace.FileWritten: true, trace.FileRenamed: true, trace.FileRemoved: true,
	trace.SnapshotTaken: true, trace.SnapshotStored: true, trace.SnapshotReread: true, trace.Replayed: true, trace.AtRest: true,
	trace.StoresOpened: true, trace.LogStored: true, trace.LogDeleted: true, trace.StableStored: true,
	trace.Proposed: true, trace.Applied: true, trace.LeaderSeen: true, trace.SchemaChanged: true, trace.StartedAgain: true, trace.SchedulerClosing: true, trace.SchedulerClosed: true,
	trace.RunStarted: true, trace.RunEnded: true,
}

// contextKinds are the kinds that are printed whatever task is asked for.
var contextKinds = map[trace.Kind]bool{
	trace.NodeStarted: true, trace.NodeStopped: true, trace.NodePaused: true, trace.NodeResumed: true, trace.NodeLeft: true, trace.Configured: true, trace.DiskEmptied: true, trace.Recovered: true,
	trace.FaultBegan: true, trace.FaultEnded: true, trace.Quiescence: true, trace.Panicked: true, trace.LeftBehind: true, trace.Explored: true, trace.Step: true,
}

// hiddenReason returns why an event is not printed; "" if it is, "-" if it is outside of what
// was asked for.
func (t *Columns) hiddenReason(e *trace.Event) string {
	if e.At < t.From || t.Until != 0 && e.At > t.Until {
		return "-"
	}
	if lane, ok := t.tl.Lane(e.Node); ok && !slices.Contains(t.columns, lane) {
		return "-"
	}
	if t.facts[e.Seq] {
		return ""
	}
	if len(t.Tasks) > 0 && !contextKinds[e.Kind] {
		task := t.describer.Task(e)
		if !slices.ContainsFunc(t.Tasks, func(name string) bool { return task != "" && names(task, name) }) {
			return "-"
		}
	}
	switch {
	case t.added[e.Kind] || t.asked[e.Kind]:
		return ""
	case len(t.asked) > 0:
		return "-"
	case hiddenKinds[e.Kind]:
		return string(e.Kind)
	}
	switch b := e.Body.(type) {
	case *event.Returned:
		if c := t.calls[e.Seq]; c != nil && c.Committed != 0 && b.Outcome == event.OK {
			return "returned ok" // the log shows it
		}
	case *event.Called:
		if c := t.calls[e.Seq]; c != nil && c.Committed != 0 && !c.ByOperator && !c.Resent {
			return "called" // the log shows it
		}
	case *taskevent.StartAsked:
		if b := t.bars[e.Seq]; b != nil && b.Outcome == "" {
			return "start-asked" // the handle shows it
		}
	case *event.FaultActivated:
		if b.Disturbance().Msg != "" {
			return "fault-bit on messages"
		}
	}
	return ""
}

// Styles of events.
var (
	styleBad   = text.Colors{text.Bold, text.FgRed}
	styleDim   = text.Colors{text.Faint}
	kindStyles = map[trace.Kind]text.Colors{
		trace.NodeStarted: {text.FgGreen}, trace.NodeResumed: {text.FgGreen},
		trace.NodeStopped: {text.FgRed}, trace.NodePaused: {text.FgRed}, trace.NodeLeft: {text.FgRed}, trace.MessageLost: {text.FgRed},
		trace.FaultBegan: {text.FgMagenta}, trace.FaultActivated: {text.FgMagenta}, trace.FaultEnded: {text.FgMagenta}, trace.Quiescence: {text.FgMagenta},
		trace.ClockSet:  {text.FgMagenta},
		trace.Committed: {text.Bold}, trace.TaskChanged: {text.FgCyan}, trace.Step: {text.Bold},
		trace.CallbackStarted: {text.FgYellow}, trace.CallbackEnded: {text.FgYellow}, trace.ShardChanged: {text.FgBlue},
		trace.MessageSent: styleDim, trace.Listed: styleDim, trace.Applied: styleDim, trace.Proposed: styleDim, trace.FileWritten: styleDim, trace.FileRenamed: styleDim, trace.FileRemoved: styleDim,
	}
)
