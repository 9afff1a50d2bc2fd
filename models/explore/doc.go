// Package explore is an explicit-state model checker: it visits every state that a finite
// machine can reach and reports the shortest path to one that breaks a property.
//
// A machine is a [Model]: initial states, enabled actions, a step. A state is a plain
// value, slices and maps included; states are compared by content. A model may implement
// more:
//
//   - [StateChecker]: properties of single states; [Constrained]: a bound on the states;
//   - [Live]: progress under weak fairness;
//   - [Symmetric], [Reducible]: fewer states for the same verdict;
//   - [Fingerprinter]: a faster hash of states;
//   - [Concurrent], [Kinded]: better random walks;
//   - [StateFormatter], [PathChecker]: counterexamples that are readable, and checked twice.
//
// What can be done with a model:
//
//   - [Check] exhausts the machine, breadth first (the shortest counterexample) or depth
//     first, or stops at a bound and reports what it has not seen.
//   - With Options.Liveness it also checks that the settled states stay reachable and
//     that no weakly fair run stays away from them for ever.
//   - [Walk] takes random walks through machines that cannot be exhausted.
//   - [Replay] takes one path again, without any of the search.
//
// # Invariant
//
// The result of a breadth first search is a function of the model and the options, not of
// Jobs or of scheduling: the same states, transitions, levels and counterexample on one
// worker and on many. The same holds for walks. The exceptions are searches that were cut
// short by a bound or by their context, which the result states.
//
// # What it must not know
//
// What a machine is about. It reads no clock except to pace [Options.Watch].
package explore
