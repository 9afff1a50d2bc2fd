// Package trace is the event log of a run: append, hash, encode, decode.
//
// A trace is a file of lines: a header, one event a line, and a footer with the
// verdict and the hash of all bytes before it. Equal runs have equal bytes.
//
// The package imports sim/plan and nothing else of this repository.
package trace

import "time"

// Format is the number of the file format that this package reads and writes.
const Format = 1

// Event is one thing that happened.
type Event struct {
	// At is the virtual time since the start of the run.
	At time.Duration
	// Node is where it happened; empty for the harness itself.
	Node string
	// Incarnation counts the starts of Node from 1; 0 for the harness.
	Incarnation int
	// Kind says what happened; see the Kind constants.
	Kind Kind
	// Fields are the details, in a fixed order for each kind.
	Fields []Field
}

// Kind says what an event is.
type Kind string

// Field is one detail of an event.
type Field struct {
	Key string
	// Value is a string, an int64, a uint64 or a bool.
	Value any
}
