package fsm

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// PermanentRejectionRPCCode is the gRPC code that a permanent rejection travels
// under: the state machine is sound, but this request can never be satisfied.
const PermanentRejectionRPCCode = codes.FailedPrecondition

// What the Manager refuses is either permanent, because no retry of the command
// can ever succeed, or plain, because a later one may. Permanent rejections match
// [ErrPermanentRejection] and mostly one of the other sentinels (P15).
var (
	// ErrPermanentRejection is the umbrella: every permanent rejection matches it.
	ErrPermanentRejection = errors.New("permanent FSM rejection")
	// ErrTaskNotRunning: the task has left STARTED, for ever.
	ErrTaskNotRunning = errors.New("task is no longer running")
	// ErrTaskDoesNotExist: there is no such task in this version, or it has no such
	// unit.
	ErrTaskDoesNotExist = errors.New("task does not exist")
	// ErrUnitAlreadyTerminal: the unit has completed or failed.
	ErrUnitAlreadyTerminal = errors.New("unit is already terminal")
	// ErrUnitWrongNode: the unit is claimed by another node.
	ErrUnitWrongNode = errors.New("unit belongs to a different node")
	// ErrTaskNotInFinalizingState: the task's status does not allow the command. It
	// is permanent when the status rules it out for ever, and plain when the task may
	// still reach a status that allows the command.
	ErrTaskNotInFinalizingState = errors.New("task is not in finalizing state")
	// ErrInvalidCommand: the command itself is bad, whatever the state.
	ErrInvalidCommand = errors.New("invalid command")
)

// markers are the wire names of the sentinels. They are read by other versions:
// never change one.
var markers = []struct {
	id       string
	sentinel error
}{
	{"task-not-running", ErrTaskNotRunning},
	{"task-not-exist", ErrTaskDoesNotExist},
	{"unit-terminal", ErrUnitAlreadyTerminal},
	{"unit-wrong-node", ErrUnitWrongNode},
	{"task-not-finalizing", ErrTaskNotInFinalizingState},
	{"invalid-command", ErrInvalidCommand},
}

const markerPrefix = "[dtm-perm/"

func marker(id string) string { return markerPrefix + id + "]" }

// wrapPermanent returns a permanent rejection that matches sentinel and
// ErrPermanentRejection, with the sentinel's marker in front of its text.
func wrapPermanent(sentinel error, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if id := markerID(sentinel); id != "" {
		text = marker(id) + " " + text
	}
	return fmt.Errorf("%s: %w: %w", text, sentinel, ErrPermanentRejection)
}

// invalid returns the permanent rejection of a command that is bad in itself.
func invalid(format string, args ...any) error {
	return wrapPermanent(ErrInvalidCommand, format, args...)
}

// markerID returns the id of the first known sentinel in err's chain, or "".
func markerID(err error) string {
	for _, m := range markers {
		if errors.Is(err, m.sentinel) {
			return m.id
		}
	}
	return ""
}

// extractMarkerID returns the id of the marker that text starts with, or "".
func extractMarkerID(text string) string {
	rest, ok := strings.CutPrefix(text, markerPrefix)
	if !ok {
		return ""
	}
	id, _, ok := strings.Cut(rest, "]")
	if !ok {
		return ""
	}
	return id
}

// markedSentinel returns the sentinel of the first known marker anywhere in text,
// or nil. Wrappers put their own text in front of the marker.
func markedSentinel(text string) error {
	for {
		at := strings.Index(text, markerPrefix)
		if at < 0 {
			return nil
		}
		text = text[at:]
		id := extractMarkerID(text)
		for _, m := range markers {
			if m.id == id {
				return m.sentinel
			}
		}
		text = text[len(markerPrefix):]
	}
}

// ToRPCError returns the gRPC status that carries a permanent rejection to another
// node: [PermanentRejectionRPCCode] and the whole text, with the marker in front
// even if err was wrapped. For nil and for any other error it returns nil: those
// are the caller's to map.
func ToRPCError(err error) error {
	if !errors.Is(err, ErrPermanentRejection) {
		return nil
	}
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if id := markerID(err); id != "" && !strings.HasPrefix(text, marker(id)) {
		text = marker(id) + " " + text
	}
	return status.Error(PermanentRejectionRPCCode, text)
}

// RehydratePermanentRejection gives an error that came over gRPC its sentinels
// back: the umbrella for every status with [PermanentRejectionRPCCode], and the
// specific one when the message holds a marker that this binary knows. Any other
// error, and one that has its sentinels already, is returned unchanged.
func RehydratePermanentRejection(err error) error {
	if err == nil || errors.Is(err, ErrPermanentRejection) {
		return err
	}
	s, ok := status.FromError(err)
	if !ok || s.Code() != PermanentRejectionRPCCode {
		return err
	}
	return &rehydrated{remote: err, sentinel: markedSentinel(s.Message())}
}

// rehydrated is a remote rejection with its sentinels. It keeps the remote text as
// it is.
type rehydrated struct {
	remote   error
	sentinel error // nil when this binary knows no marker of the text
}

func (r *rehydrated) Error() string { return r.remote.Error() }

func (r *rehydrated) Unwrap() []error {
	if r.sentinel == nil {
		return []error{r.remote, ErrPermanentRejection}
	}
	return []error{r.remote, r.sentinel, ErrPermanentRejection}
}
