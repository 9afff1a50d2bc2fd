package fsm

import (
	"errors"
	"fmt"
)

// The reasons of plain rejections. Their proposers learn only that a later command
// may succeed; the reasons are for observers of the log.
const (
	reasonTaskActive       = "task-active"
	reasonTaskConflict     = "task-conflict"
	reasonTaskTooFresh     = "task-too-fresh"
	reasonTaskStillRunning = "task-still-running"
	reasonPanicked         = "panicked"
)

// Reasoned is an error with a machine-readable reason why a command was rejected. A
// detector's error may be one, to name the task that it refuses a command for.
type Reasoned interface {
	error
	// Reason returns a name without spaces, and what it is about; either may be empty.
	Reason() (reason, about string)
}

// Reason returns why a command was rejected, machine-readable: from the first [Reasoned] in
// err's chain, or else the wire name of its sentinel. Rejections without a reason, and
// the plain rejections of other nodes, have an empty one.
func Reason(err error) (reason, about string) {
	if r, ok := errors.AsType[Reasoned](err); ok {
		return r.Reason()
	}
	return markerID(err), ""
}

// refusal is a plain rejection with its reason.
type refusal struct {
	error
	reason string
}

func refuse(reason, format string, args ...any) error {
	return &refusal{fmt.Errorf(format, args...), reason}
}

func (r *refusal) Unwrap() error            { return r.error }
func (r *refusal) Reason() (string, string) { return r.reason, "" }
