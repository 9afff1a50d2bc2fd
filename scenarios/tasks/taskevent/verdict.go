package taskevent

import "dtsim/sim/trace/event"

// The reasons of permanent rejections, which the proposer learns.
const (
	TaskNotRunning    = "task-not-running"
	TaskNotExist      = "task-not-exist"
	UnitTerminal      = "unit-terminal"
	UnitWrongNode     = "unit-wrong-node"
	TaskNotFinalizing = "task-not-finalizing" // a retryable rejection may have it, too
	InvalidCommand    = "invalid-command"
)

// The reasons of retryable rejections. They are in the trace alone: the proposer learns no
// more than that it may try again. Other rejections have no reason.
const (
	// TaskActive: a run of that id is active.
	TaskActive = "task-active"
	// TaskConflict: an active task works on the same data; the verdict is about its run.
	TaskConflict = "task-conflict"
	// TaskTooFresh: the record may not be removed yet.
	TaskTooFresh = "task-too-fresh"
	// TaskStillRunning: the record of an active task is to be removed.
	TaskStillRunning = "task-still-running"
	// RequestStale: the request is below what its client still waits for.
	RequestStale = "request-stale"
	// SessionExpired: the session of the client has expired.
	SessionExpired = "session-expired"
	// Panicked: carrying the command out panicked.
	Panicked = "panicked"
)

// OfSessions reports whether a command was refused by the table of sessions, so that it
// was not carried out.
func OfSessions(v event.Verdict) bool {
	return v.Reason == RequestStale || v.Reason == SessionExpired
}

// VerdictOf returns the verdict on a command from its outcome and its verdict as a trace
// has them; the latter is empty for an accepted command and in traces of old.
func VerdictOf(outcome, verdict string) event.Verdict {
	switch {
	case outcome == event.Accepted:
		return event.Verdict{Class: event.ClassOK}
	case verdict != "":
		return event.ParseVerdict(verdict)
	}
	return verdictOfWords(outcome)
}

// AnswerOf returns the verdict that the caller of a call receives. The call must have been
// accepted or rejected.
func AnswerOf(e *event.Returned) event.Verdict {
	switch {
	case e.Outcome == event.OK:
		return event.Verdict{Class: event.ClassOK}
	case e.Class != "":
		return event.ParseVerdict(e.Class).AtCaller()
	}
	return verdictOfWords(e.Error).AtCaller()
}

// Interrupted reports whether a callback was interrupted, so that it has no outcome.
func (b *CallbackEnded) Interrupted() bool {
	if b.Result == "" {
		return interruptedByWords(b.Error)
	}
	return b.Result == CallbackInterrupted
}

// UnreadablePayload is in the error of a unit whose task has a payload that its provider
// cannot work with.
const UnreadablePayload = "payload"
