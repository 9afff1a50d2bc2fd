package reconcile

import (
	"fmt"
	"strings"
)

// Kind is what an [Action] does.
type Kind uint8

const (
	// Wait: nothing to do until something changes or a later pass.
	Wait Kind = iota
	// Relist: the list is older than this node's own last effect; look again.
	Relist
	// Forget: nothing is left of the key; its memory may go.
	Forget
	// Terminate asks the worker of Version to stop.
	Terminate
	// Reap drops the handle of Version, whose worker has exited.
	Reap
	// Start launches a worker.
	Start
	// AskRecovered asks the provider whether its part of a terminal task is done;
	// the outcome's Answer is what it returned.
	AskRecovered
	// Prepare runs OnGroupCompleted of a barrier task's Group with Units.
	Prepare
	// AckPreparation records the outcome of the preparation: Success and Message.
	AckPreparation
	// CompleteGroup runs OnGroupCompleted of a task without barrier.
	CompleteGroup
	// Swap runs OnSwapRequested.
	Swap
	// AckPost records the outcome of CompleteGroup or Swap: Success and Message.
	AckPost
	// CompleteTask runs OnTaskCompleted.
	CompleteTask
	// Finalize moves the task from SWAPPING to FINISHED.
	Finalize
	// CleanRecord removes the expired record from the cluster.
	CleanRecord
	// CleanLocal removes the provider's local state of Version.
	CleanLocal
)

var kindNames = [...]string{
	Wait: "Wait", Relist: "Relist", Forget: "Forget", Terminate: "Terminate", Reap: "Reap", Start: "Start",
	AskRecovered: "AskRecovered", Prepare: "Prepare", AckPreparation: "AckPreparation",
	CompleteGroup: "CompleteGroup", Swap: "Swap", AckPost: "AckPost", CompleteTask: "CompleteTask",
	Finalize: "Finalize", CleanRecord: "CleanRecord", CleanLocal: "CleanLocal",
}

// String returns the name of the constant.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// AtRest reports whether there is nothing to perform: Wait, Relist or Forget.
func (k Kind) AtRest() bool { return k <= Forget }

// IsGroupCallback reports whether the action runs a provider's callback for one group.
func (k Kind) IsGroupCallback() bool { return k == Prepare || k == CompleteGroup || k == Swap }

// Action is the one thing a node does next for a key.
type Action struct {
	Kind Kind
	// Version is the version acted on; it differs from the listed one for
	// Terminate, Reap and CleanLocal only. 0 when no record is listed and none is meant.
	Version uint64
	// Group and Units are the arguments of a group callback.
	Group string
	Units []string
	// Success and Message are the content of an ack.
	Success bool
	Message string
	// Basis is what the decision rests on; [Memory.Settle] needs it.
	Basis Basis
}

// String returns the action in one line, without its basis.
func (a Action) String() string {
	var b strings.Builder
	b.WriteString(a.Kind.String())
	if a.Version != 0 {
		fmt.Fprintf(&b, " v%d", a.Version)
	}
	switch {
	case a.Kind.IsGroupCallback():
		fmt.Fprintf(&b, " group=%q units=%v", a.Group, a.Units)
	case a.Kind == AckPreparation || a.Kind == AckPost:
		fmt.Fprintf(&b, " success=%t", a.Success)
		if a.Message != "" {
			fmt.Fprintf(&b, " message=%s", a.Message)
		}
	}
	return b.String()
}

// Result is how an action went.
type Result uint8

const (
	// OK: done.
	OK Result = iota
	// Failed: an error or a panic. For an effect on the cluster it may have happened
	// all the same.
	Failed
	// Cancelled: interrupted by a shutdown; no outcome.
	Cancelled
)

// Outcome is what came of an [Action].
type Outcome struct {
	Result Result
	// Err is the error, if any.
	Err string
	// Answer is what the provider returned, for AskRecovered.
	Answer bool
	// Handle is what the caller knows the launched worker by, for Start. Unwatched: it
	// cannot report that it has exited.
	Handle    uint64
	Unwatched bool
	// Pass is the newest pass that had been started when the action ended: lists up
	// to that one may not show its effect.
	Pass uint64
}
