// Package history judges what clients of the task API have seen: is there one order
// of all operations, in keeping with real time, in which models/spec gives every
// answer that was given (P2)?
//
// Two judges answer, independently of each other:
//
//   - [CommitOrder] takes the order of the log as the witness and checks, in linear
//     time, that it is one: real-time order kept, every outcome the specified one,
//     every list a state between the operations it must and those it may show.
//   - [Search] looks for any order, with porcupine, for each task by itself. It uses
//     nothing of the log but which operations never took effect, by when those without
//     an answer did, and which version an added task has.
//
// What Search calls illegal, CommitOrder must, too. The reverse holds but for what only
// the log or several tasks together show ([Finding.Hidden]). Anything else is a bug of
// the judges: see [Report.Agree].
//
// # Invariant
//
// A verdict is a function of the history: no clock, no random choice, a budget in steps.
//
// # What it must not depend on
//
// The origin of a history. convert.go alone reads traces; the judges read [History].
// Search starts goroutines, so judge outside of a bubble.
package history
