// Package replica puts the task manager into a replicated log of hashicorp/raft.
//
// A [Replica] is one node's raft.FSM: the task manager, a small schema (its
// collections, their properties and tenants) whose changes are checked by the task
// manager's guards, and a table of sessions that recognises a command which its proposer's
// own retry committed a second time. A [Client] belongs to it: it proposes on
// the leader, forwards to it from anywhere else, retries, and lists linearizably.
//
// # One invariant
//
// The state is a function of the log: [Replica.State] is the same, byte for byte,
// on every replica that has applied the same index, whether it got there by
// applying or by restoring a snapshot (P1). No verdict reads a clock, the
// configuration, or the order of a map.
//
// # Outcomes
//
// A client returns one of four outcomes, distinguished with errors.Is:
//
//   - nil: the command was applied and accepted;
//   - [ErrRejected]: it was applied and refused. If it can never succeed it also
//     matches fsm.ErrPermanentRejection, on whichever node it was proposed (P15);
//   - [ErrNotCommitted]: it was not applied and never will be;
//   - [ErrAmbiguous]: the outcome is unknown. It may take effect later, at most once.
//
// Every request has an id. All attempts of a request carry the same one, so a
// retry of a command that was committed after all gets the first outcome. The
// client also watches its own replica: when the answer of the leader is lost, the
// outcome is taken from the log.
//
// # Reads
//
// A read requests a read index from the leader: the leader commits an entry that changes
// nothing, and answers with the index of the last command before it. The requesting node
// waits until it has applied that index, and reads locally. Reads that wait at the
// leader share one entry. Committing is what makes it linearizable: the leader's
// entry is accepted by a majority after the read was asked for, so no later leader
// has committed anything the answer misses. raft.VerifyLeader does not prove that:
// it also counts the answers to heartbeats that were sent before it was called, and
// such an answer may still be on its way when a new leader commits.
//
// # Raft
//
// A node starts its raft with [NewRaft] instead of raft.NewRaft: by itself, hashicorp/raft
// 1.8 can let two nodes apply different entries, send a follower one snapshot for ever, and
// refuse all commands after a transfer of leadership has failed. [ProtectedRaft] lists
// the defects and the protections.
//
// # Deviations from the reference
//
//   - A command that its own retry commits a second time gets the first outcome again,
//     not a rejection (P2). The reference has no request ids.
//   - Lists are linearizable on every node (P2, P9). The reference answers from the
//     memory of a node that may have lost leadership.
//   - A panic in an apply is a rejection, not a silent success (P18).
//   - A unit failure without a message is a failure (P4, P10), not a completion.
//   - Clean-up carries the proposer's time and time to live (P1, P12).
//   - A task that is bound to a collection needs it to exist (P12).
//   - The flip of a migration names its task: it is accepted once every owning node has
//     swapped, or when the task is FINISHED, and changes nothing when a newer one has
//     overtaken it (P8). The reference relies on a flag.
//   - A tenant that keeps what a migration has made of it, although the migration
//     failed, is in the schema: it is recorded before the tenant's first replica
//     swaps, and outlives the task's record (P8).
//   - An unknown command is refused instead of being accepted without effect (P15).
//
// # What it must not do
//
// It starts no goroutine and never waits for a raft future: a future that is in the
// queue of the state machine when raft shuts down is never answered. Outcomes come
// from [Replica.Apply], and waits end with it, with a change of leadership, with the
// injected clock, or with the caller's context.
package replica
