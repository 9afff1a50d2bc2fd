// Package provider is what the tasks of a plan do to the data of a simulated
// node: the provider kinds of [taskplan.Kind], each an fsm.Provider with durable
// state on the node's disk.
//
// Its one invariant is that nothing is reported before it is durable, and that
// everything may be interrupted and begun again: what a node still has to do, it
// finds on its disk and in the record of the task, never in its memory.
//
// # What a crash leaves
//
// The state of a shard is written in two steps, a draft and then its name, each with
// its sync. A crash in the middle leaves a draft, whole or torn, that the next
// incarnation throws away, and the shard as it was: the work is done again. A write that
// fails in the second step leaves open what a restart would find; what is
// known is then written again before anything else.
//
// # What swaps and what rolls back (P8)
//
// A reindex builds new segments beside those that serve queries, and swaps them
// when all its replicas have built theirs. Whether a replica of a shard ends on
// the new tokenization is a function of the task's record alone, so that all
// replicas of the shard end the same, however late they learn of it:
//
//   - The task FINISHED: every replica has swapped.
//   - A task of whole shards FAILED or was CANCELLED: every replica that had
//     swapped swaps back, and what was built is discarded.
//   - A task with a group per tenant FAILED or was CANCELLED: the tenants whose
//     units are all COMPLETED in the record have swapped, or swap now, and keep it
//     ("already-swapped tenants remain valid" on the package page); every other
//     tenant is as it was. The schema keeps the old tokenization; such a tenant
//     serves its own until a later task finishes.
//
// A tenant that was added while a task was at work, and of which it has no unit, keeps the
// tokenization with which it was created, and the schema has it for that tenant.
//
// A node that comes back when the record is gone goes by the schema, which learns
// before the first replica swaps for good: it knows the run that has flipped a
// property, and the tenants that a run has swapped alone. A tenant that the schema
// does not know has not been swapped at all. And no run begins on a shard that still
// holds something of an earlier one.
//
// The package knows nothing of Raft, of the scheduler or of the cluster around it.
package provider
