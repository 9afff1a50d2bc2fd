package taskevent

import (
	"strings"

	"dtsim/sim/trace/event"
)

// This file reads old traces, which hold the reason of a rejection, and that a callback was
// interrupted, in words alone. Nothing else may recognise anything by its words.

// marker begins the name of a reason in the text of a permanent rejection. It is a part of
// the wire format, and may be anywhere in the text.
const marker = "[dtm-perm/"

// reasonsByWords are the reasons of retryable rejections by what their texts contain; the
// first that is found counts.
var reasonsByWords = []struct{ words, reason string }{
	{" panicked: ", Panicked},
	{"request is below what its client still waits for", RequestStale},
	{"session has expired", SessionExpired},
	{"conflicts with active task", TaskConflict},
	{"conflicts with an existing task", TaskConflict},
	{"is already running", TaskActive},
	{"too fresh", TaskTooFresh},
	{"is still running", TaskStillRunning},
	{"task is not in finalizing state", TaskNotFinalizing},
}

func verdictOfWords(text string) event.Verdict {
	if _, rest, found := strings.Cut(text, marker); found {
		if reason, _, closed := strings.Cut(rest, "]"); closed {
			return event.Verdict{Class: event.ClassPermanent, Reason: reason}
		}
	}
	v := event.Verdict{Class: event.ClassRetryable}
	for _, r := range reasonsByWords {
		if strings.Contains(text, r.words) {
			v.Reason = r.reason
			break
		}
	}
	if _, run, found := strings.Cut(text, "conflicts with active task "); found && v.Reason == TaskConflict {
		v.About = run
	}
	return v
}

func interruptedByWords(err string) bool { return strings.Contains(err, "context canceled") }
