// Package shrink makes a plan that violates a property small: it takes away faults,
// operations, nodes, shards and units, moves times together, turns settings back to
// their defaults, and keeps what still violates the same property.
//
// Its one invariant: a plan is accepted only by [shrinker.accept], and only if the
// oracle reports that it violates the property the shrinking began with. So one bug
// cannot turn into another. Three rules more keep it from slipping into what is no
// bug at all, only a plan cut too short:
//
//   - What was violated before the end of the run must be so again.
//   - What was violated at the end keeps the quiet time before it: a shorter one
//     would leave unfinished what needs its time.
//   - A promise is kept with the workload it was written for.
//
// The result ends with a proof: of the plan that is left, each single element (a
// fault, an operation, a node, a shard, a unit, ...) was taken away once more, and
// the violation was gone each time.
//
// # Why not rapid's shrinker
//
// pgregory.net/rapid generates the plans and can shrink what it drew, but it judges by
// the traceback of the failure: two properties that fail at one call site are the
// same to it, and one property that fails at two is two. It shrinks the draws of a
// generator, so a plan from a file, from a trace or from another generator cannot be
// shrunk at all, and removing a draw shifts the meaning of all that follow. It stops
// by the wall clock and does not guarantee minimality. Here the plan itself is
// reduced, whatever its origin, with the property's identifier as the thing to keep, and
// the draws of what is left stay as they were ([plan.Plan.WithoutFault]).
//
// The package handles the framework's part of a plan, and violations. What an application's
// part consists of is for the [Application], and who runs a plan for the [Oracle].
package shrink
