// Package reconcile holds every decision of a scheduler, as pure functions.
//
// A scheduler looks after the tasks of one node. For each key, that is namespace
// and task id, it keeps a [Memory] and repeats: build a [View] of what the node
// sees, show it to the memory with [Memory.Saw], ask [Next] for the one [Action] to
// perform, perform it, tell the memory its [Outcome] with [Memory.Settle], ask again
// until the answer is [Wait], [Relist] or [Forget]. Actions of one key are strictly sequential; keys share nothing.
//
// The invariant: what Next answers depends on its two arguments alone, and
// repeating the same view and memory gives the same action. That is what lets a
// model checker visit every interleaving of the code that ships.
//
// The package must not know of clocks, locks, goroutines, contexts, I/O or logs,
// nor of what a payload means. It imports fsm for the types of a task.
//
// A crash loses the memory and the handles and nothing else: all that must
// survive is in the record (the acks) or with the provider.
package reconcile
