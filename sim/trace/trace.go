// Package trace is the event log of a run: append, hash, encode, decode.
//
// A trace is a file of lines: a header, one event a line, and a footer with the
// verdict and the hash of all bytes before it. Equal runs have equal bytes: every
// value has exactly one way to stand in the file, and [Reader] refuses any other.
//
// The package imports sim/plan and nothing else of this repository.
package trace

import (
	"time"

	"dtsim/sim/plan"
)

// Format is the number of the file format that this package reads and writes.
const Format = 1

// Header is the first line of a trace: all that the run is a function of.
type Header struct {
	// Format is [Format]; NewRecorder sets it.
	Format int
	Plan   plan.Plan
	// Engine is the name of the engine that ran the plan: "native", "sealed", "bubble".
	Engine string
	// Entropy is what the Go runtime's own draws came from.
	Entropy uint64
	// Build identifies the program that ran the plan.
	Build string
	// Profile names the rules by which the run is judged, if they are not those of the
	// application itself: published code may have another contract.
	Profile string
}

// Verdict is what the checks found in a run.
type Verdict struct {
	// Passed is true when there are no violations.
	Passed     bool
	Violations []Violation
}

// Violation is one broken property.
type Violation struct {
	// Property is the identifier from the design, "P5" for example, or the name of
	// a promise of the plan.
	Property string
	// Message names the facts that contradict each other.
	Message string
	// At is the virtual time since the start of the run.
	At time.Duration
	// Node is where it was seen; empty for the cluster as a whole.
	Node string
	// Events are the places in the trace of the events that led there, in order; see
	// [Event.Seq].
	Events []int
}

// Footer is the last line of a trace.
type Footer struct {
	Verdict Verdict
	// Hash is the sha256, in hex, of all bytes before the footer line.
	Hash string
	// Events is how many events the trace holds.
	Events int
	// VirtualTime is the time of the last event.
	VirtualTime time.Duration
	// Counters counts events by kind, and has the sums of [Recorder.Count].
	Counters map[string]int64
}

// Trace is a whole trace in memory.
type Trace struct {
	Header Header
	Events []Event
	Footer Footer
}
