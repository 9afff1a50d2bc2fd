package trace

// Kind is the type of an event.
type Kind string

// The kinds of events. Each has a struct of the same name, which documents when such an
// event is recorded and what its fields are: in sim/trace/event, or, for those of an
// application, in a package of the application.
const (
	// Of the run.
	RunStarted Kind = "run-started"
	Inherited  Kind = "inherited"
	RunEnded   Kind = "run-ended"
	Panicked   Kind = "panicked"
	LeftBehind Kind = "left-behind"

	// Of nodes.
	NodeStarted Kind = "node-started"
	NodeStopped Kind = "node-stopped"
	NodePaused  Kind = "node-paused"
	NodeResumed Kind = "node-resumed"
	Stalled     Kind = "stalled"
	NodeLeft    Kind = "node-left"
	Configured  Kind = "configured"
	DiskEmptied Kind = "disk-emptied"
	Recovered   Kind = "recovered"

	// Of faults and clocks.
	FaultBegan     Kind = "fault-began"
	FaultActivated Kind = "fault-bit"
	FaultEnded     Kind = "fault-ended"
	ClockSet       Kind = "clock-set"
	Quiescence     Kind = "calm"

	// Of Raft and its messages.
	NodeState   Kind = "node-state"
	LeaderSeen  Kind = "leader-seen"
	MessageSent Kind = "sent"
	MessageLost Kind = "lost"

	// Of the log and the state machines.
	Applied          Kind = "applied"
	Committed        Kind = "committed"
	Replayed         Kind = "replayed"
	SnapshotTaken    Kind = "snapshot-taken"
	SnapshotReread   Kind = "snapshot-reread"
	SnapshotStored   Kind = "snapshot-stored"
	SnapshotRestored Kind = "snapshot-restored"

	// Of the stores that Raft has on a node's disk.
	StoresOpened Kind = "stores-opened"
	LogStored    Kind = "log-stored"
	LogDeleted   Kind = "log-deleted"
	StableStored Kind = "stable-stored"

	// Of calls.
	Called   Kind = "called"
	Proposed Kind = "proposed"
	Returned Kind = "returned"

	// Of files.
	FileWritten Kind = "file-written"
	FileRenamed Kind = "file-renamed"
	FileRemoved Kind = "file-removed"

	// Of the end of a run.
	AtRest Kind = "at-rest"

	// Of counterexamples of the model checker.
	Explored Kind = "explored"
	Step     Kind = "step"

	// Of the task manager.
	TaskChanged       Kind = "task-changed"
	SchemaChanged     Kind = "schema-changed"
	Listed            Kind = "listed"
	ListFailed        Kind = "list-failed"
	RecoveryAsked     Kind = "recovery-asked"
	CallbackStarted   Kind = "callback-started"
	CallbackEnded     Kind = "callback-ended"
	WorkStarted       Kind = "work-started"
	WorkProgressed    Kind = "work-progressed"
	WorkEnded         Kind = "work-ended"
	StartAsked        Kind = "start-asked"
	HandleStarted     Kind = "handle-started"
	HandleExited      Kind = "handle-exited"
	StartedAgain      Kind = "started-again"
	SchedulerClosing  Kind = "scheduler-closing"
	SchedulerClosed   Kind = "scheduler-closed"
	HandleTerminated  Kind = "handle-terminated"
	ShardChanged      Kind = "shard-changed"
	LocalStateRemoved Kind = "local-state-removed"
)
