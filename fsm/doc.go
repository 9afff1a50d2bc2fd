// Package fsm is the state machine of distributed tasks: what a committed command
// does to them.
//
// A task is a set of units that nodes claim, work on and complete. When all are
// complete, the nodes that own units prepare (with the barrier flag) and then swap
// to the result, each acknowledging either step, and the task finishes:
//
//	STARTED ──────────────► SWAPPING ──► FINISHED
//	   └────► PREPARING ───────┘
//	STARTED ──► CANCELLED;  STARTED, PREPARING, SWAPPING ──► FAILED
//
// [Manager] holds the tasks and applies commands; package sched decides on every
// node what to do about them; package fsm/replica puts a Manager behind a Raft log.
//
// # Invariant
//
// A verdict is a function of the log and the snapshot alone: not of a clock, a
// setting, the order of a map or the moment a hook was installed. Two Managers that
// applied the same commands have byte-identical snapshots, for ever (P1). The times
// that a verdict depends on are in the command.
//
// # What it must not know
//
// Raft libraries, transports, disks, schedulers, and that a simulator exists. It
// does no I/O and starts no goroutine.
//
// # Deviations from the reference
//
// The API and the wire formats are those of Weaviate's distributedtask
// v1.38.0-rc.0. Where its behaviour can break a property, the property wins:
//
//   - P1: CleanUpTask takes the time and the time to live from the command, not from
//     the replica's clock and configuration, which may differ from node to node. A
//     the proposer of a command without a time has checked that itself.
//   - P1: times are in UTC, not in the replica's local zone, also after Restore; times
//     that JSON cannot express are refused, so that a snapshot can always be made.
//   - P1: Restore replaces the state and does not merge into it. It refuses null
//     entries, duplicate IDs and keys that are not the entry's name, and then
//     leaves the state as it was.
//   - P1, P11: detectors and extractors are asked in sorted order and get sorted
//     copies, not the records themselves in map order.
//   - P3, P11, P12: every record that is not terminal is active, with an unknown
//     status too: it is not replaced ("already running"; the reference replaces
//     PREPARING and SWAPPING records) and not cleaned up ("still running"; it cleans
//     those up).
//   - P5, P7, P16: acks that come in STARTED count on entering the phase they belong
//     to. In the reference a task whose preparation acks all come early waits for ever,
//     and an early failed ack is lost.
//   - P7: with AcksRequired, fixed when the task is added, MarkTaskFinalized is refused
//     until every owning node has acknowledged success. Tasks without it follow the
//     reference, where schedulers alone keep that gate.
//   - P8: once every owning node has acknowledged its swap, nothing fails the task any
//     more: the schema may have changed. MarkTaskFailed is refused for ever then, and
//     so is the failed ack of a node without units.
//   - P12: the time to live counts from the command that made the task terminal
//     (TerminalAt), not from the end of the units' work (FinishedAt), which may lie
//     far before it. Collections are compared without regard to case.
//   - P15: commands that are bad in themselves (empty names, duplicate units, no
//     units, progress outside of 0 to 1, bytes that are no command) are refused for
//     ever, as ErrInvalidCommand, and before the state is looked at; the reference
//     treats some of them as retryable and accepts the others. ErrTaskNotInFinalizingState
//     is permanent only when the task's status rules the command out for ever: a
//     finalization in STARTED may succeed later. Commands with unknown numbers are
//     refused, not ignored.
//   - P15: a conflict detector may be a PayloadChecker, too: a payload that can
//     never be processed is then refused for ever, and not as a conflict.
//   - P15: ToRPCError puts the marker in front of wrapped errors, and
//     RehydratePermanentRejection finds it anywhere, so that the sentinel survives
//     wrapping and any number of hops.
//   - P17: MarkTaskFailed (command 309 of later versions) ends a task in STARTED and
//     PREPARING too.
//   - P18: a panic in a detector is a rejection, in an extractor "not bound", in the
//     notifier a line in the log; without a logger, log lines are discarded. The scheduler is woken
//     after the lock is released, so that a notifier may call the Manager.
package fsm
