// Package taskevent has the events of the task manager in a trace as structs, what it puts
// into the events of the framework (see sim/trace/event), and the commands that stand in
// its log.
//
// The package is a format, like sim/trace: it imports the formats below it and nothing of
// the task manager, so that checks read a run without the code that is checked.
package taskevent

import (
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Of returns the content of an event: the body that it was recorded with, or else one that is
// read from its fields. Events of other kinds come to an [event.Other].
func Of(e *trace.Event) trace.Body {
	if e.Body != nil {
		return e.Body
	}
	return event.Read(e, New(e.Kind))
}

// New returns an empty body for events of a kind, nil if there is no struct for it.
func New(k trace.Kind) trace.Body {
	switch k {
	case trace.TaskChanged:
		return new(TaskChanged)
	case trace.SchemaChanged:
		return new(SchemaChanged)
	case trace.Listed:
		return new(Listed)
	case trace.ListFailed:
		return new(ListFailed)
	case trace.RecoveryAsked:
		return new(RecoveryAsked)
	case trace.CallbackStarted:
		return new(CallbackStarted)
	case trace.CallbackEnded:
		return new(CallbackEnded)
	case trace.WorkStarted:
		return new(WorkStarted)
	case trace.WorkProgressed:
		return new(WorkProgressed)
	case trace.WorkEnded:
		return new(WorkEnded)
	case trace.StartAsked:
		return new(StartAsked)
	case trace.HandleStarted:
		return new(HandleStarted)
	case trace.HandleTerminated:
		return new(HandleTerminated)
	case trace.HandleExited:
		return new(HandleExited)
	case trace.StartedAgain:
		return new(StartedAgain)
	case trace.SchedulerClosing:
		return new(SchedulerClosing)
	case trace.SchedulerClosed:
		return new(SchedulerClosed)
	case trace.ShardChanged:
		return new(ShardChanged)
	case trace.LocalStateRemoved:
		return new(LocalStateRemoved)
	}
	return event.New(k)
}
