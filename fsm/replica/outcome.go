package replica

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dtsim/fsm"
)

// The three ways in which a command can fail; see the package comment.
var (
	// ErrRejected: the command was applied and refused. Trying the same again may
	// succeed later, unless the error also matches fsm.ErrPermanentRejection.
	ErrRejected = errors.New("command rejected")
	// ErrNotCommitted: the command has had no effect and will have none.
	ErrNotCommitted = errors.New("command not committed")
	// ErrAmbiguous: the command may or may not take effect, now or later, but at
	// most once.
	ErrAmbiguous = errors.New("outcome unknown")
)

// Verdicts of the session table. They are part of the log's outcome, so every
// replica gives them alike.
var (
	errStale   error = &reasoned{"request is below what its client still waits for", "request-stale"}
	errExpired error = &reasoned{"session has expired", "session-expired"}
)

// reasoned is an error that is an [fsm.Reasoned].
type reasoned struct{ text, reason string }

func (r *reasoned) Error() string            { return r.text }
func (r *reasoned) Reason() (string, string) { return r.reason, "" }

// Result is the outcome of one committed command.
type Result struct {
	// Index is the log index at which the command took effect: for a duplicate, that
	// of the first of its kind. An added task has it as its version.
	Index uint64
	// Err is nil when the command was accepted.
	Err error
}

// outcome is a Result in the form that is remembered, snapshotted and sent.
type outcome struct {
	Index uint64 `json:"index"`
	// Code is OK; FailedPrecondition for a permanent rejection; Internal for any
	// other; OutOfRange and Aborted for the verdicts of the session table.
	Code    codes.Code `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
}

func newOutcome(index uint64, err error) outcome {
	o := outcome{Index: index}
	switch permanent := fsm.ToRPCError(err); {
	case err == nil:
		return o
	case permanent != nil:
		s := status.Convert(permanent)
		o.Code, o.Message = s.Code(), s.Message()
	case errors.Is(err, errStale):
		o.Code, o.Message = codes.OutOfRange, err.Error()
	case errors.Is(err, errExpired):
		o.Code, o.Message = codes.Aborted, err.Error()
	default:
		o.Code, o.Message = codes.Internal, err.Error()
	}
	o.Message = strings.ToValidUTF8(o.Message, "\uFFFD")
	return o
}

// err returns the proposer's error: the same error wherever it stands and
// however the outcome came to it.
func (o outcome) err() error {
	switch o.Code {
	case codes.OK:
		return nil
	case codes.OutOfRange:
		return &rejection{message: o.Message, cause: errStale}
	case codes.Aborted:
		return &rejection{message: o.Message, cause: errExpired}
	}
	return &rejection{message: o.Message, cause: fsm.RehydratePermanentRejection(status.Error(o.Code, o.Message))}
}

func (o outcome) result() Result { return Result{Index: o.Index, Err: o.err()} }

// rejection keeps the state machine's own text, without the decoration of a gRPC
// status, and the sentinels that go with them.
type rejection struct {
	message string
	cause   error
}

func (r *rejection) Error() string   { return r.message }
func (r *rejection) Unwrap() []error { return []error{ErrRejected, r.cause} }

// explained is the error of a Result for the observer of a replica, which receives the
// reason of a plain rejection, too.
type explained struct {
	error
	reason, about string
}

// explain returns the result of a command that was rejected because of that error, if it
// was.
func (r Result) explain(why error) Result {
	if reason, about := fsm.Reason(why); r.Err != nil && reason != "" {
		r.Err = &explained{r.Err, reason, about}
	}
	return r
}

func (e *explained) Unwrap() error            { return e.error }
func (e *explained) Reason() (string, string) { return e.reason, e.about }
