package plan

// FaultKind is what goes wrong.
type FaultKind string

// Faults of links: rules about messages from Node to Peer. Op is the name of a message
// as in the trace ("append", "heartbeat", "vote", "pre-vote", "snapshot", "timeout-now",
// "forward"; with "-reply" behind it for the answer); empty means all.
const (
	// Delay lets a message take Min to Max longer.
	Delay FaultKind = "delay"
	// Loss loses a message.
	Loss FaultKind = "loss"
	// Duplicate lets a message arrive a second time, Min to Max after the first.
	Duplicate FaultKind = "duplicate"
	// Reorder holds a message back until the next one on its link has overtaken it, for
	// Max at the longest.
	Reorder FaultKind = "reorder"
	// ReplyLoss loses the answer to a request that was served.
	ReplyLoss FaultKind = "reply-loss"
	// LateDuplicate lets a forwarded request arrive again Min to Max later, whether its
	// caller still waits or not.
	LateDuplicate FaultKind = "late-duplicate"
	// Partition cuts all links between Nodes and the others.
	Partition FaultKind = "partition"
	// OneWay loses what Nodes send to the others; or to Peer, if given.
	OneWay FaultKind = "one-way"
	// Flap is a Partition that comes and goes: each phase lasts Min to Max.
	Flap FaultKind = "flap"
)

// Faults of nodes. Node or Nodes are struck.
const (
	// Crash ends a node as the loss of power does; it starts again after For.
	Crash FaultKind = "crash"
	// Shutdown ends a node in order, its callbacks cancelled; it starts again after For.
	Shutdown FaultKind = "shutdown"
	// Pause lets a node take no step and hear nothing; its timers are late.
	Pause FaultKind = "pause"
	// Leave crashes a node that never comes back.
	Leave FaultKind = "leave"
	// Remove takes a node out of the Raft configuration; then it never comes back.
	Remove FaultKind = "remove"
	// Transfer asks the leader to hand over leadership, to Node if given.
	Transfer FaultKind = "transfer"
)

// Faults of disks, of Node.
const (
	// TornFiles lets an unsynced write to a file of the provider survive a crash, whole
	// or in part: which, the draws say. (Without it, a crash loses all of them.)
	TornFiles FaultKind = "torn-files"
	// DiskError fails a write. Op is "log", "stable", "snapshot" or "files".
	DiskError FaultKind = "disk-error"
	// DiskFull fails every write that needs room.
	DiskFull FaultKind = "disk-full"
	// SnapshotError fails the creation of a snapshot. Op is "create", "write" or "close".
	SnapshotError FaultKind = "snapshot-error"
	// InstallError fails the installation of a snapshot that another node has sent. Op
	// is "create", "write", "close" or "restore".
	InstallError FaultKind = "install-error"
	// ForceSnapshot cuts Node off for For; at the end, all others have a snapshot and
	// no log behind it, so that the leader must send Node the snapshot.
	ForceSnapshot FaultKind = "force-snapshot"
)

// Faults of clocks, of Node.
const (
	// ClockOffset lets a clock be ahead by By, or behind.
	ClockOffset FaultKind = "clock-offset"
	// ClockDrift lets a clock gain Drift microseconds a second, or lose them.
	ClockDrift FaultKind = "clock-drift"
	// ClockJump sets a clock forward by By, or back; it is right again at Plan.Calm.
	ClockJump FaultKind = "clock-jump"
)

// Faults of providers, on Node.
const (
	// StartError fails StartTask.
	StartError FaultKind = "start-error"
	// WorkerDeath ends a worker that has taken up a unit; it reports nothing.
	WorkerDeath FaultKind = "worker-death"
	// WorkerLinger lets a worker live for Min to Max after it was told to stop.
	WorkerLinger FaultKind = "worker-linger"
	// UnitError lets the work on a unit fail, which is reported.
	UnitError FaultKind = "unit-error"
	// CallbackError, CallbackPanic and CallbackCancelled let a callback return an error,
	// panic, return context.Canceled. Op is its name as in the trace.
	CallbackError     FaultKind = "callback-error"
	CallbackPanic     FaultKind = "callback-panic"
	CallbackCancelled FaultKind = "callback-cancelled"
	// CallbackSlow lets a callback take Min to Max longer.
	CallbackSlow FaultKind = "callback-slow"
)

// Faults of calls that a scheduler, a provider or an operator makes on Node. Op is the
// call's name as in the trace: "complete-unit", "ack-swap", "add-task" and so on.
const (
	// CallError fails a call before it did anything.
	CallError FaultKind = "call-error"
	// ReplyError fails a call after it did all.
	ReplyError FaultKind = "reply-error"
	// CallTwice makes a call a second time, as another request, Min to Max after the
	// first has returned: what a caller's own retry comes to.
	CallTwice FaultKind = "call-twice"
	// CallLate makes a call Min to Max later, whether its node still lives or not; the
	// caller is told at once that its outcome is not known.
	CallLate FaultKind = "call-late"
	// AckDelay, AckDuplicate and AckLoss are about acks alone: sent Min to Max later,
	// sent twice, never sent although its outcome seems unknown to the caller.
	AckDelay     FaultKind = "ack-delay"
	AckDuplicate FaultKind = "ack-duplicate"
	AckLoss      FaultKind = "ack-loss"
	// AckFlip sends a success as a failure, after a restart of its node.
	AckFlip FaultKind = "ack-flip"
)

// Operate lets an operator or a client do something: Do.
const Operate FaultKind = "operate"

// faultUse says which fields of a Fault a kind uses beside kind, key, at and when.
type faultUse struct {
	needs, may []string
	// ops are the values of op; nil means any that is no empty string.
	ops []string
}

var (
	messageOps  = []string{"append", "heartbeat", "vote", "pre-vote", "snapshot", "timeout-now", "forward"}
	replyOps    = repliesTo(messageOps)
	callbackOps = []string{"OnGroupCompleted", "OnSwapRequested", "OnTaskCompleted"}
	callOps     = []string{"complete-unit", "fail-unit", "update-progress", "clean-up-task", "finalize-task", "ack-swap",
		"ack-preparation", "flip-property", "swap-tenants", string(AddTask), string(CancelTask), string(FailTask),
		string(CreateCollection), string(DropCollection), string(UpdateProperty), string(DeleteTenants)}
	ackOps = []string{"ack-swap", "ack-preparation"}
	about  = []string{"namespace", "task_id"}
)

func repliesTo(requests []string) (replies []string) {
	for _, r := range requests {
		replies = append(replies, r+"-reply")
	}
	return replies
}

// fields joins lists of field names.
func fields(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var (
	rule  = []string{"for", "rate", "count"}
	link  = fields(rule, []string{"node", "peer", "op"})
	times = []string{"min", "max"}
	who   = []string{"node", "nodes"}
	call  = fields(rule, about, []string{"node", "op", "unit"})
)

// faultUses is the table of all kinds.
var faultUses = map[FaultKind]faultUse{
	Delay:         {needs: []string{"max"}, may: fields(link, []string{"min"}), ops: fields(messageOps, replyOps)},
	Loss:          {may: link, ops: fields(messageOps, replyOps)},
	Duplicate:     {may: fields(link, times), ops: fields(messageOps, replyOps)},
	Reorder:       {needs: []string{"max"}, may: link, ops: fields(messageOps, replyOps)},
	ReplyLoss:     {may: link, ops: messageOps},
	LateDuplicate: {needs: []string{"max"}, may: fields(rule, []string{"node", "peer", "min"})},
	Partition:     {needs: []string{"nodes"}, may: []string{"for"}},
	OneWay:        {needs: []string{"nodes"}, may: []string{"for", "peer"}},
	Flap:          {needs: []string{"nodes", "max"}, may: []string{"for", "min"}},

	Crash:    {may: fields(who, []string{"for"})},
	Shutdown: {may: fields(who, []string{"for"})},
	Pause:    {may: fields(who, []string{"for"})},
	Leave:    {may: who},
	Remove:   {needs: []string{"node"}},
	Transfer: {may: []string{"node"}},

	TornFiles:     {needs: []string{"node"}, may: rule},
	DiskError:     {needs: []string{"node", "op"}, may: rule, ops: []string{"log", "stable", "snapshot", "files"}},
	DiskFull:      {needs: []string{"node"}, may: []string{"for"}},
	SnapshotError: {needs: []string{"node", "op"}, may: rule, ops: []string{"create", "write", "close"}},
	InstallError:  {needs: []string{"node", "op"}, may: rule, ops: []string{"create", "write", "close", "restore"}},
	ForceSnapshot: {needs: []string{"node", "for"}},

	ClockOffset: {needs: []string{"node", "by"}, may: []string{"for"}},
	ClockDrift:  {needs: []string{"node", "drift"}, may: []string{"for"}},
	ClockJump:   {needs: []string{"node", "by"}},

	StartError:        {may: fields(rule, about, []string{"node"})},
	WorkerDeath:       {may: fields(rule, about, []string{"node", "unit"})},
	WorkerLinger:      {needs: []string{"max"}, may: fields(rule, about, []string{"node", "unit", "min"})},
	UnitError:         {may: fields(rule, about, []string{"node", "unit"})},
	CallbackError:     {may: fields(rule, about, []string{"node", "op"}), ops: callbackOps},
	CallbackPanic:     {may: fields(rule, about, []string{"node", "op"}), ops: callbackOps},
	CallbackCancelled: {may: fields(rule, about, []string{"node", "op"}), ops: callbackOps},
	CallbackSlow:      {needs: []string{"max"}, may: fields(rule, about, []string{"node", "op", "min"}), ops: callbackOps},

	CallError:    {may: call, ops: callOps},
	ReplyError:   {may: call, ops: callOps},
	CallTwice:    {may: fields(call, times), ops: callOps},
	CallLate:     {needs: []string{"max"}, may: fields(call, []string{"min"}), ops: callOps},
	AckDelay:     {needs: []string{"max"}, may: fields(rule, about, []string{"node", "op", "min"}), ops: ackOps},
	AckDuplicate: {may: fields(rule, about, times, []string{"node", "op"}), ops: ackOps},
	AckLoss:      {may: fields(rule, about, []string{"node", "op"}), ops: ackOps},
	AckFlip:      {may: fields(rule, about, []string{"node", "op"}), ops: ackOps},

	Operate: {needs: []string{"do"}},
}

// FaultKinds returns all kinds, in the order of this file.
func FaultKinds() []FaultKind {
	return []FaultKind{Delay, Loss, Duplicate, Reorder, ReplyLoss, LateDuplicate, Partition, OneWay, Flap,
		Crash, Shutdown, Pause, Leave, Remove, Transfer,
		TornFiles, DiskError, DiskFull, SnapshotError, InstallError, ForceSnapshot,
		ClockOffset, ClockDrift, ClockJump,
		StartError, WorkerDeath, WorkerLinger, UnitError, CallbackError, CallbackPanic, CallbackCancelled, CallbackSlow,
		CallError, ReplyError, CallTwice, CallLate, AckDelay, AckDuplicate, AckLoss, AckFlip,
		Operate}
}
