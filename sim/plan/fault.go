package plan

import "slices"

// Fault is one thing that goes wrong: what, from when on, for how long, to whom. Kind
// says which of the fields are used; the table in faults.go says it for all kinds.
//
// A fault that strikes once (a crash, a jump of a clock) does so at its beginning. One
// that lasts is a rule about decisions of one sort (what becomes of a message, whether
// a write succeeds): it bites wherever it matches, with its Rate and at most Count
// times, until For has passed. Nothing outlasts Plan.Calm.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Key is what the fault's draws are keyed by, so that they stay as they are when
	// other faults are removed. Zero means its position in Plan.Faults, counted from 1;
	// see [Plan.FaultKey] and [Plan.WithoutFault].
	Key uint64 `json:"key,omitempty"`

	// At is when the fault begins, since the start of the run; with When, it is the
	// time from which on moments count.
	At Duration `json:"at,omitempty"`
	// When makes the fault begin at a moment, if that comes before Plan.Calm.
	When *Trigger `json:"when,omitempty"`
	// For is how long the fault lasts; zero means until Plan.Calm.
	For Duration `json:"for,omitempty"`

	// Node is a node's name or a role (see [Role]) that is resolved when the fault
	// begins. For faults of links it is the sender; empty means any.
	Node string `json:"node,omitempty"`
	// Peer is the receiver, a name or a role; empty means any.
	Peer string `json:"peer,omitempty"`
	// Nodes are names and roles: one side of a partition, or who crashes together.
	Nodes []string `json:"nodes,omitempty"`

	// Rate is how often the fault bites where it could, in a million; zero means always.
	Rate uint64 `json:"rate,omitempty"`
	// Count is how often it bites at most; zero means without bound.
	Count int `json:"count,omitempty"`
	// Min and Max bound a time that is drawn for each bite: how much later, how long,
	// how far apart.
	Min Duration `json:"min,omitempty"`
	Max Duration `json:"max,omitempty"`
	// By is how far a clock goes forward, or back when it is negative.
	By Duration `json:"by,omitempty"`
	// Drift is how many microseconds a second a clock gains, or loses when negative.
	Drift int `json:"drift,omitempty"`
	// Op narrows the fault to operations of one name; which there are depends on Kind.
	Op string `json:"op,omitempty"`

	// Namespace, TaskID and Unit narrow the fault to a namespace, a task, a unit.
	Namespace string `json:"namespace,omitempty"`
	TaskID    string `json:"task_id,omitempty"`
	Unit      string `json:"unit,omitempty"`

	// Do is what an operator does at the beginning of an Operate; its At is zero, and
	// its Node may be a role.
	Do *Operation `json:"do,omitempty"`
}

// Trigger names a moment of the run. The fault strikes on the spot: whoever reached the
// moment goes on only when the fault has begun.
type Trigger struct {
	Moment Moment `json:"moment"`
	// Node is the node that reaches the moment; empty means any. Without it, what every
	// replica does (an apply) counts once, for the first replica that does it.
	Node string `json:"node,omitempty"`
	// Namespace and TaskID narrow the moment to a task; empty means any.
	Namespace string `json:"namespace,omitempty"`
	TaskID    string `json:"task_id,omitempty"`
	// Nth counts the moments that match, from 1; zero means 1.
	Nth int `json:"nth,omitempty"`
}

// Roles that stand for nodes in a fault, resolved when it begins. Where several nodes
// have the role, a draw keyed by the fault chooses.
const (
	// Leader is the node that leads with the highest term; if there is none, the last
	// one that did.
	Leader = "leader"
	// Follower is a node that is up and not Leader.
	Follower = "follower"
	// Owner is a node that owns a unit of the task that the fault, or else its trigger,
	// names.
	Owner = "owner"
	// Here is the node that reached the moment; it needs a trigger.
	Here = "here"
	// Minority stands for as many nodes as a cluster can lose, Majority for one more.
	// They are for Nodes alone.
	Minority = "minority"
	Majority = "majority"
)

var (
	singleRoles = []string{Leader, Follower, Owner, Here}
	groupRoles  = []string{Minority, Majority}
)

// IsRole says whether a name in a fault is a role.
func IsRole(name string) bool {
	return slices.Contains(singleRoles, name) || slices.Contains(groupRoles, name)
}

// Moment is a point of the protocol at which a fault can strike.
type Moment string

// The moments. Those of the log are reached when a replica has applied the command;
// a replica that applies it again after a restart does not reach them again.
const (
	// TaskAdded: a task is on record.
	TaskAdded Moment = "task-added"
	// Claimed: a unit has got its owner.
	Claimed Moment = "claim"
	// UnitDone: a unit has become terminal.
	UnitDone Moment = "unit-done"
	// LastUnit: no unit of the task is open any more.
	LastUnit Moment = "last-unit"
	// PrepareAckApplied: a preparation ack is in the log.
	PrepareAckApplied Moment = "ack-prepare-applied"
	// BarrierLift: the task has left PREPARING for SWAPPING.
	BarrierLift Moment = "barrier-lift"
	// PostAckApplied: a post-completion ack is in the log.
	PostAckApplied Moment = "ack-post-applied"
	// SchemaFlip: a node's schema has the property that the task changes.
	SchemaFlip Moment = "schema-flip"
	// Finalized: the task has become FINISHED.
	Finalized Moment = "finalized"
	// Cleaned: the record is gone.
	Cleaned Moment = "cleaned"
	// CancelApplied: the task has become CANCELLED.
	CancelApplied Moment = "cancel-applied"
	// ApplyBeforeReply: a leader has applied a command and has not told the caller yet.
	ApplyBeforeReply Moment = "apply-before-reply"

	// StartTask: a node's provider is asked to start a run of a task.
	StartTask Moment = "start-task"
	// Prepare and PrepareDone: a node's preparation callback begins, has ended.
	Prepare     Moment = "prepare"
	PrepareDone Moment = "prepare-done"
	// PrepareAckSend: a node is about to send its preparation ack.
	PrepareAckSend Moment = "ack-prepare-send"
	// SwapBegin, SwapBetweenShards and SwapEnd: a node's swap callback begins, has
	// swapped a shard and has another one to swap, has ended.
	SwapBegin         Moment = "swap-begin"
	SwapBetweenShards Moment = "swap-between-shards"
	SwapEnd           Moment = "swap-end"
	// PostAckSend: a node is about to send its post-completion ack.
	PostAckSend Moment = "ack-post-send"
	// CompleteTask: a node's OnTaskCompleted begins.
	CompleteTask Moment = "complete-task"
	// FinalizeSend and CleanupSend: a node is about to propose that.
	FinalizeSend Moment = "finalize-send"
	CleanupSend  Moment = "cleanup-send"

	// FileUnsynced: a provider has written a file, or given one its name, and has not
	// synced that yet.
	FileUnsynced Moment = "file-unsynced"

	// SnapshotBegin: a replica has captured its state and not stored it yet.
	SnapshotBegin Moment = "snapshot-begin"
	// SnapshotInstalled: a replica has replaced its state by a snapshot.
	SnapshotInstalled Moment = "snapshot-installed"
	// LeaderElected: a node has become leader.
	LeaderElected Moment = "leader-elected"
)

// Moments returns all moments.
func Moments() []Moment {
	return []Moment{TaskAdded, Claimed, UnitDone, LastUnit, PrepareAckApplied, BarrierLift, PostAckApplied, SchemaFlip,
		Finalized, Cleaned, CancelApplied, ApplyBeforeReply, StartTask, Prepare, PrepareDone, PrepareAckSend, SwapBegin,
		SwapBetweenShards, SwapEnd, PostAckSend, CompleteTask, FinalizeSend, CleanupSend, FileUnsynced, SnapshotBegin,
		SnapshotInstalled, LeaderElected}
}

// FaultKey returns what the draws of fault i are keyed by.
func (p *Plan) FaultKey(i int) uint64 {
	if key := p.Faults[i].Key; key != 0 {
		return key
	}
	return uint64(i) + 1
}

// WithoutFault returns a copy of the plan that lacks fault i; the others draw as they
// did before.
func (p *Plan) WithoutFault(i int) *Plan {
	c := *p
	c.Faults = nil
	for j, f := range p.Faults {
		if j != i {
			f.Key = p.FaultKey(j)
			c.Faults = append(c.Faults, f)
		}
	}
	return &c
}
