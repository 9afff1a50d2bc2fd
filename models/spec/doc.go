// Package spec specifies the task API as a pure sequential machine over immutable
// state: [Machine.Step] takes a command and its place in the log and
// returns the next machine and the verdict.
//
// It was written from the documents (the reference and its page, the design, the
// deviations that package fsm lists), not from fsm, so that the two can be checked
// against each other: a Manager that applies the same commands must come to the same
// verdicts and states. Histories are checked against it, see models/history.
//
// # Invariant
//
// Nothing that was returned ever changes. A step shares all it does not touch with
// the machine before it, so keeping every machine of a run is cheap, and a step in a
// task of a thousand units copies a dozen small nodes.
//
// # What it must not know
//
// fsm and everything above it: locks, logs, sessions, wake-ups, error texts. It
// shares with them package fsm/api alone, the form that commands have in the log. The
// guards of a namespace are given to it as plain functions ([Rules]).
//
// # The file to read first
//
// step.go: one short method a command. state.go holds what a task is, tree.go the shared
// state, guards.go the rules of namespaces, project.go the comparison with a snapshot.
package spec
