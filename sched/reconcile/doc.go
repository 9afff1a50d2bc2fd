// Package reconcile holds every decision of a scheduler, as pure functions.
//
// A scheduler looks after the tasks of one node. For each key, that is namespace and
// task id, it keeps a [Runner] and repeats: make a [View] of what a [Pass] has read,
// deliver it, ask for the next [Action], perform it, settle its [Outcome], ask again
// until nothing is to be performed. Actions of one key are strictly sequential; keys
// share nothing. A Runner holds what was delivered, the action under way, the workers
// that were launched, and a [Memory]; [Next] is the decision itself, a function of a
// View and a Memory.
//
// The scheduler of package sched, the model checker (models/explore/tasks) and the trace
// checker (scenarios/tracecheck) drive the same Runner, and none of them decides anything
// beside it.
//
// The invariant: what a Runner decides depends on what it was given alone, and a copy of
// a Runner that is given the same decides the same. That is what lets a model checker
// visit every interleaving of the code that ships.
//
// The package must not know of clocks, locks, goroutines, contexts, I/O or logs,
// nor of what a payload means. It imports fsm for the types of a task.
//
// A crash loses the Runner and nothing else: all that must survive is in the record (the
// acks) or with the provider.
package reconcile
