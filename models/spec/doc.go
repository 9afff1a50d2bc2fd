// Package spec says what the task API does, as a pure sequential machine over
// immutable state: [Machine.Step] takes a command and its place in the log and
// returns the next machine and the verdict.
//
// It was written from the documents (the reference and its page, the design, the
// deviations that package fsm lists), not from fsm, so that the two can be held
// against each other: stepped beside a real Manager, every verdict and every state
// must be the same. It is what histories are judged by, see models/history.
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
// step.go: one short method a command. state.go says what a task is, tree.go how
// state is shared, guards.go who else is asked, project.go how a machine compares to a
// snapshot.
package spec
