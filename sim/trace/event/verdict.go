package event

import "strings"

// Class is what the proposer of a command learns from the verdict on it.
type Class string

// The classes of verdicts.
const (
	// ClassOK: the command was accepted, with or without effect.
	ClassOK Class = "ok"
	// ClassPermanent: it was rejected, and would be for ever.
	ClassPermanent Class = "permanent"
	// ClassRetryable: it was rejected, and the same command may be accepted later.
	ClassRetryable Class = "retryable"
)

// Verdict is what the log has made of a command, for programs. The reasons are the
// application's.
type Verdict struct {
	Class Class
	// Reason is empty if there is no name for it. It has no spaces.
	Reason string
	// About names what stands in the way of the command, if the reason is about something.
	About string
}

// String returns the form in which a verdict is in a trace: class, reason and what it is
// about, with spaces between them.
func (v Verdict) String() string {
	text := string(v.Class)
	if v.Reason != "" {
		text += " " + v.Reason
		if v.About != "" {
			text += " " + v.About
		}
	}
	return text
}

// ParseVerdict reads what [Verdict.String] returns.
func ParseVerdict(text string) Verdict {
	class, rest, _ := strings.Cut(text, " ")
	reason, about, _ := strings.Cut(rest, " ")
	return Verdict{Class(class), reason, about}
}

// AtCaller returns the verdict as the proposer receives it: a permanent rejection has its
// reason, a retryable one has none.
func (v Verdict) AtCaller() Verdict {
	if v.Class != ClassPermanent {
		v.Reason = ""
	}
	v.About = ""
	return v
}
