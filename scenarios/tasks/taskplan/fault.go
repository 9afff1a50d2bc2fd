package taskplan

import (
	"cmp"
	"slices"

	"dtsim/sim/plan"
)

// What narrows a fault or a trigger to something of tasks: the keys of its About.
const (
	AboutNamespace = "namespace"
	AboutTask      = "task_id"
	AboutUnit      = "unit"
)

// About narrows a fault or a trigger to a task.
func About(namespace, task string) map[string]string {
	return map[string]string{AboutNamespace: namespace, AboutTask: task}
}

// Owner is the role of a node that owns a unit of the task that the fault, or else its
// trigger, names.
const Owner = "owner"

// The moments of tasks. Those of the log are reached when a replica has applied the command;
// a replica that applies it again after a restart does not reach them again.
const (
	// TaskAdded: a task is on record.
	TaskAdded plan.Moment = "task-added"
	// Claimed: a unit has got its owner.
	Claimed plan.Moment = "claim"
	// UnitDone: a unit has become terminal.
	UnitDone plan.Moment = "unit-done"
	// LastUnit: no unit of the task is open any more.
	LastUnit plan.Moment = "last-unit"
	// PrepareAckApplied: a preparation ack is in the log.
	PrepareAckApplied plan.Moment = "ack-prepare-applied"
	// BarrierLift: the task has left PREPARING for SWAPPING.
	BarrierLift plan.Moment = "barrier-lift"
	// PostAckApplied: a post-completion ack is in the log.
	PostAckApplied plan.Moment = "ack-post-applied"
	// SchemaFlip: a node's schema has the property that the task changes.
	SchemaFlip plan.Moment = "schema-flip"
	// Finalized: the task has become FINISHED.
	Finalized plan.Moment = "finalized"
	// Cleaned: the record is gone.
	Cleaned plan.Moment = "cleaned"
	// CancelApplied: the task has become CANCELLED.
	CancelApplied plan.Moment = "cancel-applied"

	// StartTask: a node's provider is asked to start a run of a task.
	StartTask plan.Moment = "start-task"
	// Prepare and PrepareDone: a node's preparation callback begins, has ended.
	Prepare     plan.Moment = "prepare"
	PrepareDone plan.Moment = "prepare-done"
	// PrepareAckSend: a node is about to send its preparation ack.
	PrepareAckSend plan.Moment = "ack-prepare-send"
	// SwapBegin, SwapBetweenShards and SwapEnd: a node's swap callback begins, has
	// swapped a shard and has another one to swap, has ended.
	SwapBegin         plan.Moment = "swap-begin"
	SwapBetweenShards plan.Moment = "swap-between-shards"
	SwapEnd           plan.Moment = "swap-end"
	// PostAckSend: a node is about to send its post-completion ack.
	PostAckSend plan.Moment = "ack-post-send"
	// CompleteTask: a node's OnTaskCompleted begins.
	CompleteTask plan.Moment = "complete-task"
	// FinalizeSend and CleanupSend: a node is about to propose that.
	FinalizeSend plan.Moment = "finalize-send"
	CleanupSend  plan.Moment = "cleanup-send"
)

// Moments returns all moments, those of the framework among them.
func Moments() []plan.Moment {
	return slices.Concat([]plan.Moment{TaskAdded, Claimed, UnitDone, LastUnit, PrepareAckApplied, BarrierLift, PostAckApplied, SchemaFlip,
		Finalized, Cleaned, CancelApplied, plan.ApplyBeforeReply, StartTask, Prepare, PrepareDone, PrepareAckSend, SwapBegin,
		SwapBetweenShards, SwapEnd, PostAckSend, CompleteTask, FinalizeSend, CleanupSend, plan.FileUnsynced}, plan.RaftMoments())
}

// Faults of providers, on Node.
const (
	// StartError fails StartTask.
	StartError plan.FaultKind = "start-error"
	// WorkerDeath ends a worker that has taken up a unit; it reports nothing.
	WorkerDeath plan.FaultKind = "worker-death"
	// WorkerLinger lets a worker live for Min to Max after it was terminated.
	WorkerLinger plan.FaultKind = "worker-linger"
	// UnitError lets the work on a unit fail, which is reported.
	UnitError plan.FaultKind = "unit-error"
	// CallbackError, CallbackPanic and CallbackCancelled let a callback return an error,
	// panic, return context.Canceled. Op is its name as in the trace.
	CallbackError     plan.FaultKind = "callback-error"
	CallbackPanic     plan.FaultKind = "callback-panic"
	CallbackCancelled plan.FaultKind = "callback-cancelled"
	// CallbackSlow lets a callback take Min to Max longer.
	CallbackSlow plan.FaultKind = "callback-slow"
)

// AckFlip sends the success of an ack as a failure, after a restart of its node. Op is
// the name of the call.
const AckFlip plan.FaultKind = "ack-flip"

// AnyAck, as the Op of a fault of calls, stands for both acks.
const AnyAck = "ack"

var (
	callbackOps = []string{"OnGroupCompleted", "OnSwapRequested", "OnTaskCompleted"}
	ackOps      = []string{"ack-swap", "ack-preparation"}
	callOps     = slices.Concat([]string{"complete-unit", "fail-unit", "update-progress", "clean-up-task", "finalize-task"}, ackOps,
		[]string{AnyAck, "flip-property", "swap-tenants", string(AddTask), string(CancelTask), string(FailTask),
			string(CreateCollection), string(DropCollection), string(UpdateProperty), string(DeleteTenants)})

	ofTask = []string{AboutNamespace, AboutTask}
	ofUnit = []string{AboutNamespace, AboutTask, AboutUnit}
	rule   = []string{"for", "rate", "count", "about", "node"}
)

// faultTable is the table of all kinds of tasks: the fields of a fault that each uses
// besides kind, key, at and when, and what it can be narrowed to.
var faultTable = []struct {
	kind  plan.FaultKind
	use   plan.Use
	about []string
}{
	{StartError, plan.Use{May: rule}, ofTask},
	{WorkerDeath, plan.Use{May: rule}, ofUnit},
	{WorkerLinger, plan.Use{Needs: []string{"max"}, May: slices.Concat(rule, []string{"min"})}, ofUnit},
	{UnitError, plan.Use{May: rule}, ofUnit},
	{CallbackError, plan.Use{May: slices.Concat(rule, []string{"op"}), Ops: callbackOps}, ofTask},
	{CallbackPanic, plan.Use{May: slices.Concat(rule, []string{"op"}), Ops: callbackOps}, ofTask},
	{CallbackCancelled, plan.Use{May: slices.Concat(rule, []string{"op"}), Ops: callbackOps}, ofTask},
	{CallbackSlow, plan.Use{Needs: []string{"max"}, May: slices.Concat(rule, []string{"op", "min"}), Ops: callbackOps}, ofTask},
	{AckFlip, plan.Use{May: slices.Concat(rule, []string{"op"}), Ops: ackOps}, ofTask},
}

// FaultKinds returns all kinds, in the order of the documentation: of the
// infrastructure, of providers, of calls.
func FaultKinds() []plan.FaultKind {
	own := plan.FaultKinds()
	calls := slices.IndexFunc(own, plan.IsCall)
	var kinds []plan.FaultKind
	for _, row := range faultTable {
		kinds = append(kinds, row.kind)
	}
	return slices.Insert(own, calls, kinds...)
}

// The kinds of faults of acks that documents of format 1 may have, each with the kind that
// does the same to calls of any name.
var formerKinds = map[plan.FaultKind]plan.FaultKind{
	"ack-delay":     plan.CallDelay,
	"ack-duplicate": plan.CallTwice,
	"ack-loss":      plan.CallLoss,
}

// Renamed returns the kind that there is today for one in a document or a trace.
func Renamed(kind plan.FaultKind) plan.FaultKind {
	if now, ok := formerKinds[kind]; ok {
		return now
	}
	return kind
}

// upgraded returns the faults with the kinds that there are today.
func upgraded(faults []plan.Fault) []plan.Fault {
	faults = slices.Clone(faults)
	for i := range faults {
		f := &faults[i]
		if kind := Renamed(f.Kind); kind != f.Kind {
			f.Kind, f.Op = kind, cmp.Or(f.Op, AnyAck)
		}
	}
	return faults
}
