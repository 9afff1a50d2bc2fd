package trace

// Kind is the type of an event.
type Kind string

// The kinds of events, with their fields in order. Fields in [brackets] are there
// only when they apply.
const (
	// RunStarted: the harness begins. seed, nodes, duration, start (the true time, in ms
	// since 1970).
	RunStarted Kind = "run-started"
	// Inherited: a snapshot that a newer version of the software has written stands on every
	// disk when the run begins. index, snapshot (as it stands there).
	Inherited Kind = "inherited"
	// RunEnded: the harness has stopped every node.
	RunEnded Kind = "run-ended"
	// Panicked: the system has panicked, which has ended the run; what stands behind it
	// never happened. what (the words of the panic), in (the innermost function of the
	// system), at (its file and line).
	Panicked Kind = "panicked"
	// LeftBehind: goroutines of the system wait for ever, which has ended the run. n (how
	// many), in (the innermost function of the system of one), at (its file and line).
	LeftBehind Kind = "left-behind"

	// NodeStarted: an incarnation begins.
	NodeStarted Kind = "node-started"
	// NodeStopped: an incarnation ends. how ("shutdown" or "crash").
	NodeStopped Kind = "node-stopped"
	// NodePaused: a node takes no step from here on. NodeResumed: it does again.
	NodePaused  Kind = "node-paused"
	NodeResumed Kind = "node-resumed"
	// NodeLeft: the node will not be started again.
	NodeLeft Kind = "node-left"

	// FaultBegan: a fault of the plan begins. fault (its position), what (its kind),
	// [moment], [nodes (the names, with commas)], [peer].
	FaultBegan Kind = "fault-began"
	// FaultActivated: a fault changed something: a message's fate, a write, a call, a node's
	// life. fault, what, and what it changed. Node is where.
	FaultActivated Kind = "fault-bit"
	// FaultEnded: a fault that lasts is over. fault, what.
	FaultEnded Kind = "fault-ended"
	// ClockSet: a node's clock was set, or its pace. ahead (how much more than the run's time
	// it shows now, in ns), drift (how many microseconds a second it gains from now on).
	ClockSet Kind = "clock-set"
	// Quiescence: all faults are over.
	Quiescence Kind = "calm"

	// NodeState: the node's Raft state changed. state, term, [leader].
	NodeState Kind = "node-state"
	// LeaderSeen: the node learned of a leader, or lost it (leader ""). leader.
	LeaderSeen Kind = "leader-seen"

	// MessageSent: a message left a node. to, msg, id, n, [term, prev, entries,
	// commit, size, ok], arrives. Part of the reply's name is "-reply". id is the message's
	// identity (48 bits of its content's hash), n its occurrence on the link;
	// arrives is the virtual time of the delivery, in ns.
	MessageSent Kind = "sent"
	// MessageLost: a message will not be, or could not be, delivered. to, msg, id, n,
	// why ("down": the node is not up, or the caller is gone; "full": too many wait).
	// Node is the sender, which may be dead by now.
	MessageLost Kind = "lost"

	// Applied: a replica applied a command. index, term, command, [namespace, task],
	// outcome ("ok" or the rejection), sum (64 bits of the entry's hash), [first (the index at
	// which a duplicate took effect)], [state (64 bits of the hash of the replica's state)].
	Applied Kind = "applied"
	// Committed: a command was applied by the first replica of all. index, term, command,
	// [class], outcome ("ok" or the rejection), [first (the index at which a duplicate took
	// effect)], [client, seq (the request it is)], body (the command as it stands in the log).
	Committed Kind = "committed"
	// TaskChanged: what the command just committed left of a task it names, whether it
	// changed anything or not. namespace, task, version, status ("" when there is no such
	// record), [unit, unit_status, owner, progress].
	TaskChanged Kind = "task-changed"
	// Replayed: the whole log was applied to a fresh replica, with another clock and
	// time to live. index, state (the hash), outcome. Node is empty.
	Replayed Kind = "replayed"
	// SnapshotTaken: a replica captured its state. index, hash.
	SnapshotTaken Kind = "snapshot-taken"
	// SnapshotReread: what a replica has written of its snapshot was restored into a fresh
	// one, with another clock and time to live. index (of the snapshot), hash (of the fresh
	// replica's state, or why there is none).
	SnapshotReread Kind = "snapshot-reread"
	// SnapshotStored: a snapshot, the replica's own or one that it was sent, is on the
	// disk. index.
	SnapshotStored Kind = "snapshot-stored"
	// SnapshotRestored: a replica replaced its state. index, hash.
	SnapshotRestored Kind = "snapshot-restored"
	// SchemaChanged: a node's schema changed. collection, change, [property, tokenization].
	SchemaChanged Kind = "schema-changed"

	// Called: a client operation begins. op (its position in the workload; behind those
	// the position of the fault that lets an operator do it; above both for what schedulers
	// and providers call), do, what it is about, [flaw (what is wrong with a submission)],
	// [resent (true: a fault makes a call again,
	// or late, and no caller waits for it)].
	Called Kind = "called"
	// Proposed: the operation's command got a request id, under which it is committed if
	// ever. op, client, seq.
	Proposed Kind = "proposed"
	// Returned: it ended. op, do, outcome ("ok", "rejected", "ambiguous", "error"), [error],
	// [class (of a rejection, as its caller recognises it: "retryable", or "permanent" and the
	// reason)].
	Returned Kind = "returned"
	// Listed: a node listed the tasks. index (the applied index that the list is at least
	// of), tasks (how many), called (the virtual time at which the list was asked for, in
	// ns), [op (the operation whose list it is; a scheduler's has none)], contents (see
	// [Event.ListedTasks]).
	Listed Kind = "listed"

	// ListFailed: a list was asked for and there was no answer. error, [op].
	ListFailed Kind = "list-failed"

	// RecoveryAsked: a provider was asked whether its part of a task is done, which the
	// scheduler found terminal at start, and said so or not. namespace, task, version,
	// status, done.
	RecoveryAsked Kind = "recovery-asked"
	// CallbackStarted: a provider callback begins. callback, namespace, task, version,
	// status, [group, units].
	CallbackStarted Kind = "callback-started"
	// CallbackEnded: it returned. The same fields, [error].
	CallbackEnded Kind = "callback-ended"
	// WorkStarted: a provider's worker took up a unit. namespace, task, version, unit.
	WorkStarted Kind = "work-started"
	// WorkEnded: the worker is done with a unit. The same fields, outcome.
	WorkEnded Kind = "work-ended"
	// StartAsked: a provider was asked to start a run; until HandleStarted it may take
	// time, or fail. namespace, task, version.
	StartAsked Kind = "start-asked"
	// HandleStarted: a provider started a run. namespace, task, version, handle (its
	// number within the incarnation).
	HandleStarted Kind = "handle-started"
	// HandleExited: no worker of a handle is left. The same fields.
	HandleExited Kind = "handle-exited"
	// StartedAgain: the node's scheduler, which was started, was asked to start once more.
	// error (why it has not).
	StartedAgain Kind = "started-again"
	// SchedulerClosing: the node's scheduler is about to be closed.
	SchedulerClosing Kind = "scheduler-closing"
	// SchedulerClosed: the node's scheduler has been closed, and Close has returned.
	SchedulerClosed Kind = "scheduler-closed"
	// HandleTerminated: a task handle was terminated. The same fields.
	HandleTerminated Kind = "handle-terminated"

	// ShardChanged: a replica of a shard changed durably. collection, born (the log index
	// that created the collection), shard, why ("created", "updated", "prepared", "swapped",
	// "rebuilt", "rolled-back", "removed"), [property, tokenization (what it now serves)],
	// [namespace, task, version].
	ShardChanged Kind = "shard-changed"
	// LocalStateRemoved: the provider removed its local state of a task. namespace,
	// task, version.
	LocalStateRemoved Kind = "local-state-removed"
	// AtRest: what a node holds when the run ends. what ("record": namespace, task,
	// version, status, digest (see models/spec); "local": namespace, task, version; "schema": collection, property,
	// tokenization; "shard": collection, shard, property, tokenization; "state": index, hash; "log": first, last (the indices
	// between which it holds entries), snapshot (the end of the newest), covered (how many
	// entries that holds, too); "alone": collection, shard, property, version (of the run that has
	// swapped the tenant alone, as the schema has it)).
	AtRest Kind = "at-rest"

	// Explored: the model checker begins a counterexample. config (the machine's), [settings
	// (of a machine that has no name, as it was asked for)], initial (which of its initial
	// states), loop (the step that the last one returns to, from 1; 0 for a run that ends),
	// then the parts of the initial state as the model names them.
	Explored Kind = "explored"
	// Step: the machine took a step; what happens in it, in the words of a run, stands behind
	// it. n (from 1), action (as the model numbers it), what (in
	// words), then "= " and a name for each part of the state that changed, with its new value.
	Step Kind = "step"

	// FileWritten: a file of the provider was written. file, size.
	FileWritten Kind = "file-written"
	// FileRenamed: file, to.
	FileRenamed Kind = "file-renamed"
	// FileRemoved: file.
	FileRemoved Kind = "file-removed"
)
