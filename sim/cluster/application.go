package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// Application is a hashicorp/raft application that is simulated: the system under test,
// its clients and what is known of both. It is safe for concurrent use.
type Application interface {
	// Begin prepares a run of the cluster's plan. It is called inside the bubble, before
	// any node starts. The error is the reason why the plan is not one of the application.
	Begin(*Cluster) (Instance, error)
}

// Instance is an application in one run. Its methods are called by any goroutine of the run.
//
// An Instance may also implement [Beginner], [Operator], [Roles] and [Sampler].
type Instance interface {
	// Operations returns what clients do, sorted by time.
	Operations() []Operation
	// NewProcess returns the application's part of an incarnation that begins. An error
	// is a bug of the harness: what a process begins with was made by the simulator.
	NewProcess(*Incarnation) (Process, error)
	// NewMachine returns an empty machine that belongs to no node. It is restored from
	// snapshots and replayed, with what no verdict may depend on (clocks, configuration)
	// different from that of the nodes. OnApply, if it is not nil, is called during every
	// Apply of a command with what became of it.
	NewMachine(onApply func(Outcome)) Machine
}

// Operation is one thing that a client does.
type Operation struct {
	// At is when, since the start of the run.
	At time.Duration
	// Node is the node whose client it is.
	Node string
	// Do does it and returns when it is over; the incarnation is nil if the node is down.
	// The context ends with the run.
	Do func(context.Context, *Incarnation)
}

// Beginner is an [Instance] whose nodes begin with a state.
type Beginner interface {
	// Initial returns the snapshot that stands on every disk when the run begins; nil for
	// empty disks.
	Initial() *Initial
}

// Initial is a snapshot with which a run begins.
type Initial struct {
	// Index is that of the last entry that the snapshot stands for, at least 1.
	Index uint64
	// Snapshot is what the machine's Restore reads.
	Snapshot []byte
}

// Operator is an [Instance] that performs the operations of faults of kind plan.Operate.
type Operator interface {
	// Operation returns the operation of a fault, whose node may be a role. Its time is not
	// used.
	Operation(fault int) Operation
}

// Roles is an [Instance] that has roles of its own for the nodes that a fault names.
type Roles interface {
	// Holders returns the nodes that have a role, sorted, for what a fault and its trigger
	// are about; false if the application has no such role.
	Holders(role string, about About) ([]string, bool)
}

// Sampler is an [Instance] whose state is too large to be compared after every command.
type Sampler interface {
	// Sampled reports whether the state at an index is compared between nodes.
	Sampled(index uint64) bool
}

// Machine is a raft.FSM whose whole state can be compared. Safe for concurrent use;
// Apply, Snapshot and Restore are raft's to call.
type Machine interface {
	raft.FSM
	// AppliedIndex returns the index of the last command that was applied or that a
	// restored snapshot stands for. An entry that is no command leaves it as it is.
	AppliedIndex() uint64
	// Hash returns the hash of the whole state in a canonical form, at least 16
	// characters of hexadecimal. Equal states have equal hashes.
	Hash() (string, error)
}

// Process is the application's part of one incarnation of a node: all that a crash ends.
//
// A Process may also implement [RaftMaker], [Restored] and [Resting].
type Process interface {
	// Machine returns the state machine that raft drives. It is called once.
	Machine() Machine
	// Start starts what the process does beside the machine: clients, servers, goroutines.
	// Raft is up; no operation is performed before Start returns.
	Start(*raft.Raft) error
	// Stop ends what Start has begun and waits for it, while raft still runs. It is called
	// once, after a crash as well: then nothing that it does has an effect any more.
	Stop()
}

// RaftMaker is a [Process] that starts its raft itself, with other stores or another
// transport in between. Without it raft.NewRaft does.
type RaftMaker interface {
	// NewRaft starts raft, as raft.NewRaft does. It also returns what transfers the
	// leadership, which may be that raft.
	NewRaft(*raft.Config, raft.FSM, raft.LogStore, raft.StableStore, raft.SnapshotStore, raft.Transport) (*raft.Raft, Transferrer, error)
}

// Transferrer transfers the leadership of a node, like a raft.Raft. Its futures are not
// waited for.
type Transferrer interface {
	LeadershipTransfer() raft.Future
	LeadershipTransferToServer(raft.ServerID, raft.ServerAddress) raft.Future
}

// Restored is a [Process] that is notified when its machine's state was replaced.
type Restored interface {
	// StateRestored is called after the machine's Restore, as part of it. It must not wait.
	StateRestored()
}

// Resting is a [Process] that holds more at the end of a run than its state.
type Resting interface {
	// Rest appends events of kind trace.AtRest, through [Incarnation.Emit].
	Rest()
}

// About names what a decision, a moment or a call is about, in the words of the
// application: "task_id": "t1". A fault that is about something matches what has the same
// values for the keys that the fault has.
type About map[string]string

// matches reports whether what a fault or a trigger is about covers a.
func (a About) matches(of map[string]string) bool {
	for key, value := range of {
		if a[key] != value {
			return false
		}
	}
	return true
}

// Outcome is what a machine made of a command.
type Outcome struct {
	// Words is event.Accepted, or why the command was rejected.
	Words string
	// Verdict is the rejection for programs, as event.Verdict writes it; empty for a command
	// that was accepted, or if there is none.
	Verdict string
	// First is the index at which a command that came again took effect; otherwise 0, or
	// the command's own.
	First uint64
}

// duplicateOf returns the index at which the command at an index took effect before; 0 if
// it did not.
func (o Outcome) duplicateOf(index uint64) uint64 {
	if o.First == index {
		return 0
	}
	return o.First
}
