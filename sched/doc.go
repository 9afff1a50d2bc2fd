// Package sched runs the tasks of the cluster on one node.
//
// A [Scheduler] lists the tasks of the cluster on every tick and on every wake,
// launches and stops workers through the [Provider] of the task's namespace, runs
// the provider's callbacks, records their outcomes, finishes tasks whose every
// node has succeeded, and cleans up records and local state. What it does next for
// a task is decided by package reconcile; this package performs it. Beside it
// stand the tools of providers: [ThrottledRecorder], [ConcurrencyLimiter] and, as a
// complete example, [ShardNoopProvider].
//
// The invariant: for each task, this node does one thing at a time, decided on the
// newest list it has; different tasks never wait for each other; and after Close
// nothing starts.
//
// The package must not know how commands reach the cluster, what a payload means,
// or that anything may be simulated.
//
// # What a provider must be able to take
//
// The same again. A node may crash between any two steps, and the scheduler
// remembers nothing across a crash that is not in the record of the task:
//
//   - StartTask is called again for a task that has units left for this node: after
//     a restart, and whenever the worker has exited. A unit this node has claimed
//     comes back to this node; the worker finds out from its own durable state how
//     far it was, and goes on or begins anew.
//   - A unit that is not claimed is offered to every node. The first report claims
//     it; the others are rejected and must let it go. Tasks that fix the node of
//     each unit in their payload have no such race.
//   - A unit claimed by a node is never given to another. When the node is gone for
//     good the task has to be cancelled or failed by an operator.
//   - OnGroupCompleted and OnSwapRequested run once per node, group and phase, and
//     again when the node went down, or was being shut down, before their outcome
//     was recorded. OnTaskCompleted runs again until it has succeeded once.
//   - Terminate asks for a stop; the local state stays until CleanupTask. The worker
//     of an older run has exited, and its local state was removed, before a newer
//     run of the same id is started.
//   - Errors that a shutdown causes wrap [context.Canceled]: they are no outcome.
//
// What helps: write to a temporary name and rename; leave a marker when a unit, a
// preparation or a swap is complete, and look for it first; checkpoint long work.
//
// # Deviations from the reference
//
// The exported API is that of the reference; its behaviour differs where a property
// of the design asks for more.
//
//   - Actions of one task are sequential and tasks are independent; in the reference
//     one slow callback holds up all tasks, and a panic ends the loop for good (P18).
//   - Panics of providers and recorders are failures of that one call (P18).
//   - A list older than what the node has seen is ignored, and after each accepted
//     ack, finalization or removal the scheduler lists again before it decides; the
//     reference guesses an effective status and hands older records to callbacks (P9).
//   - OnSwapRequested runs in SWAPPING and on FINISHED only; the reference also swaps
//     FAILED tasks, whose barrier may never have lifted (P5).
//   - OnTaskCompleted in SWAPPING, and finalization, wait until every owning node has
//     acknowledged success; the reference waits for any acks, and in a provider
//     without callbacks, or without an ack recorder, for none. A task that requires
//     acks gets them from providers without callbacks too, and so does the
//     preparation barrier, which would keep such a task for ever (P7, P8, P16).
//   - Acks are sent in their phase, by nodes that own units; the reference also sends
//     empty acks and acks of terminal tasks (P7).
//   - OnTaskCompleted is not repeated because a finalization failed (P9).
//   - An OnTaskCompleted that fails or panics is tried again without a limit, and the
//     task is not finalized meanwhile; nor does the scheduler fail the task (P8, P9).
//   - Callbacks of nodes whose own ack is in the record do not run again after a
//     restart (P9).
//   - A RecoveryAwareProvider is asked about FAILED and CANCELLED tasks too: they may
//     have something to roll back (P8, P9).
//   - At the start, local state is removed for tasks that owe nothing any more, not
//     for every task that is not STARTED (P12).
//   - The worker and the local state of an older run are gone before a newer run of
//     the same id starts (P12, P14).
//   - The state of callbacks is kept per namespace and id, so that equal ids in two
//     namespaces do not meet (P9).
//   - The time to live of a record counts from when it became terminal, where that is
//     known, so that a long swap does not eat it up (P12).
//   - Close is idempotent, cancels calls to the cluster, and waits (P14).
//   - A second scheduler on one registry shares the gauge; a tick interval that is not
//     positive is the default; a nil logger is silent (P18).
//   - Repeated error lines are sampled on the injected clock.
//   - The throttle interval of a unit runs from the end of a forward and one forward
//     is under way at a time; a terminal report that failed does not end the interval;
//     entries that no longer throttle are dropped (P13).
//   - A done context always wins in ConcurrencyLimiter.Acquire; Release without Acquire
//     panics instead of blocking.
//   - Those of [ShardNoopProvider] stand in its own comment.
package sched
