// Package explore visits every state that a finite machine can reach, and says whether
// any of them, or any step between them, breaks a property.
//
// A machine is a [Model]: initial states, enabled actions, a step. What else a model can
// say of itself opens more: [Symmetric], [Reducible], [Live], [Concurrent], [Kinded],
// [StateFormatter], [PathChecker].
//
//   - [Check] exhausts the machine, breadth first (the shortest counterexample) or depth
//     first, or stops at a bound and says what it has not seen.
//   - With Options.Liveness it also asks whether the settled states stay reachable and
//     whether a weakly fair run can stay away from them for ever.
//   - [Walk] takes random walks through machines that cannot be exhausted.
//   - [Replay] takes one path again, without any of the search.
//
// # Invariant
//
// What breadth first search reports is a function of the model and the options, not of
// Jobs or of scheduling: the same states, transitions, levels and counterexample on one
// worker and on many. The same holds for walks. The exceptions are searches that were cut
// short by a bound or by their context, and say so.
//
// # What it must not know
//
// What a machine is about. It reads no clock except to pace [Options.Watch].
package explore
