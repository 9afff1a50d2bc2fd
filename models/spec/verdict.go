package spec

import "strings"

// Class is the class of a verdict, which reaches the proposer.
type Class string

// The classes of verdicts.
const (
	// OK: the command was accepted, with or without effect.
	OK Class = "ok"
	// Permanent: it was rejected, and would be for ever.
	Permanent Class = "permanent"
	// Retryable: it was rejected, and the same command may be accepted later.
	Retryable Class = "retryable"
)

// The reasons of permanent rejections: the ids in their markers.
const (
	TaskNotRunning    = "task-not-running"
	TaskNotExist      = "task-not-exist"
	UnitTerminal      = "unit-terminal"
	UnitWrongNode     = "unit-wrong-node"
	TaskNotFinalizing = "task-not-finalizing"
	InvalidCommand    = "invalid-command"
)

// Verdict is what a command comes to. Verdicts are comparable: Reason stands with
// [Permanent] alone, because retryable rejections carry no id to the proposer.
type Verdict struct {
	Class  Class
	Reason string
}

func (v Verdict) String() string {
	if v.Reason == "" {
		return string(v.Class)
	}
	return string(v.Class) + " " + v.Reason
}

var (
	accepted = Verdict{Class: OK}
	notNow   = Verdict{Class: Retryable}
)

func never(reason string) Verdict { return Verdict{Permanent, reason} }

// Marker begins the name of a reason in the text of a permanent rejection.
const marker = "[dtm-perm/"

// ReadVerdict reads the outcome of a command as a trace has it: "ok" or the text of
// the rejection. The marker may stand anywhere in it.
func ReadVerdict(text string) Verdict {
	if text == "ok" {
		return accepted
	}
	if _, rest, found := strings.Cut(text, marker); found {
		if reason, _, closed := strings.Cut(rest, "]"); closed {
			return never(reason)
		}
	}
	return notNow
}
