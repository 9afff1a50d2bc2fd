package plan

import (
	"encoding/json"
	"slices"
)

// Fault is one thing that goes wrong: what, from when on, for how long, to whom. Kind
// determines which of the fields are used; the table in faults.go has them for all kinds.
//
// A fault without duration (a crash, a jump of a clock) is activated at its beginning. One
// that lasts is a rule about decisions of one sort (what becomes of a message, whether
// a write succeeds): it is activated wherever it matches, with its Rate and at most Count
// times, until For has passed. Nothing outlasts Plan.Quiescence.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Key is what the fault's draws are keyed by, so that they stay as they are when
	// other faults are removed. Zero means its position in Plan.Faults, counted from 1;
	// see [Plan.FaultKey] and [Plan.WithoutFault].
	Key uint64 `json:"key,omitempty"`

	// At is when the fault begins, since the start of the run; with When, it is the
	// time from which on moments count.
	At Duration `json:"at,omitempty"`
	// When makes the fault begin at a moment, if that comes before Plan.Quiescence.
	When *Trigger `json:"when,omitempty"`
	// For is how long the fault lasts; zero means until Plan.Quiescence.
	For Duration `json:"for,omitempty"`

	// Node is a node's name or a role (see [Role]) that is resolved when the fault
	// begins. For faults of links it is the sender; empty means any.
	Node string `json:"node,omitempty"`
	// Peer is the receiver, a name or a role; empty means any.
	Peer string `json:"peer,omitempty"`
	// Nodes are names and roles: one side of a partition, or who crashes together.
	Nodes []string `json:"nodes,omitempty"`

	// Rate is how often the fault is activated where it matches, in a million; zero means always.
	Rate uint64 `json:"rate,omitempty"`
	// Count is how often it is activated at most; zero means without bound.
	Count int `json:"count,omitempty"`
	// Min and Max bound a time that is drawn for each activation: how much later, how long,
	// how far apart.
	Min Duration `json:"min,omitempty"`
	Max Duration `json:"max,omitempty"`
	// By is how far a clock goes forward, or back when it is negative.
	By Duration `json:"by,omitempty"`
	// Drift is how many microseconds a second a clock gains, or loses when negative.
	Drift int `json:"drift,omitempty"`
	// Op narrows the fault to operations of one name; which there are depends on Kind.
	Op string `json:"op,omitempty"`
	// Name narrows a fault of a disk to a key of the stable store, or to a file of the application.
	Name string `json:"name,omitempty"`

	// About narrows the fault to something of the application: each key must have that
	// value. Which keys there are depends on the application.
	About map[string]string `json:"about,omitempty"`

	// Do is what happens at the beginning of an Operate: an operation of the application.
	Do json.RawMessage `json:"do,omitempty"`
}

// Trigger names a moment of the run. The fault begins at once: the goroutine that
// reached the moment continues only when the fault has begun.
type Trigger struct {
	Moment Moment `json:"moment"`
	// Node is the node that reaches the moment; empty means any. Without it, what every
	// replica does (an apply, a term that is raised, a configuration that is appended or committed)
	// counts once, for the first replica that does it.
	Node string `json:"node,omitempty"`
	// Op narrows the moments of writes to one of [Stores], Name to a key of the store "stable".
	Op   string `json:"op,omitempty"`
	Name string `json:"name,omitempty"`
	// About narrows the moment to something of the application, as Fault.About does.
	About map[string]string `json:"about,omitempty"`
	// Nth counts the moments that match, from 1; zero means 1.
	Nth int `json:"nth,omitempty"`
}

// Roles that stand for nodes in a fault, resolved when it begins; an application
// may have others. Where several nodes have the role, a draw keyed by the fault chooses.
const (
	// Leader is the node that leads with the highest term; if there is none, the last
	// one that did.
	Leader = "leader"
	// Follower is a node that is up and not Leader.
	Follower = "follower"
	// Here is the node that reached the moment; it needs a trigger.
	Here = "here"
	// Minority stands for as many nodes as a cluster can lose, Majority for one more.
	// They are for Nodes alone.
	Minority = "minority"
	Majority = "majority"
)

var (
	singleRoles = []string{Leader, Follower, Here}
	groupRoles  = []string{Minority, Majority}
)

// SingleRoles returns the roles that stand for one node.
func SingleRoles() []string { return slices.Clone(singleRoles) }

// Moment is a point of a run at which a fault can begin.
type Moment string

// The moments of the framework; an application has others.
const (
	// ApplyBeforeReply: a leader has applied a command and has not answered the caller yet.
	ApplyBeforeReply Moment = "apply-before-reply"
	// FileUnsynced: the application has written a file, or given one its name, and has
	// not synced that yet.
	FileUnsynced Moment = "file-unsynced"
	// SnapshotBegin: a replica has captured its state and not stored it yet.
	SnapshotBegin Moment = "snapshot-begin"
	// SnapshotStored: a snapshot, the node's own or one that it was sent, is on its disk; the
	// log that it stands for is still there, and one that was sent is not in use yet.
	SnapshotStored Moment = "snapshot-stored"
	// SnapshotSent: a leader has sent a snapshot, which is on its way.
	SnapshotSent Moment = "snapshot-sent"
	// SnapshotReceived: a snapshot has arrived at a node, which has done nothing about it yet.
	SnapshotReceived Moment = "snapshot-received"
	// SnapshotInstalled: a replica has replaced its state by a snapshot.
	SnapshotInstalled Moment = "snapshot-installed"
	// VoteGranted: a node has granted its vote to another, which is on its disk, and has not
	// answered yet.
	VoteGranted Moment = "vote-granted"
	// TermRaised: a node's disk has a higher term than before.
	TermRaised Moment = "term-raised"
	// LeaderElected: a node has become leader.
	LeaderElected Moment = "leader-elected"
	// LeadershipLost: a leader has become follower.
	LeadershipLost Moment = "leadership-lost"
	// ConfigAppended: a node has a configuration of the cluster in its log, on its disk.
	ConfigAppended Moment = "config-appended"
	// ConfigCommitted: a node knows that a configuration, which it has appended since it was
	// started, is committed; the moment is that of its next message.
	ConfigCommitted Moment = "config-committed"
	// WriteBegin: a node is about to write to one of Raft's stores.
	WriteBegin Moment = "write-begin"
	// WriteUnsynced: it has written, and has not synced that yet.
	WriteUnsynced Moment = "write-unsynced"
	// WriteSynced: what it has written is durable, and it has done nothing about that yet.
	WriteSynced Moment = "write-synced"
)

// WriteMoments returns the moments of writes to Raft's stores.
func WriteMoments() []Moment { return []Moment{WriteBegin, WriteUnsynced, WriteSynced} }

// Stores returns the names of the stores to which Raft writes; what removes entries of the log is one
// of its own.
func Stores() []string { return []string{"log", "log-remove", "stable", "snapshot"} }

// Moments returns the moments of the framework.
func Moments() []Moment { return append([]Moment{ApplyBeforeReply, FileUnsynced}, RaftMoments()...) }

// RaftMoments returns those of them that nodes of any application come to by Raft.
func RaftMoments() []Moment {
	return []Moment{SnapshotBegin, SnapshotStored, SnapshotSent, SnapshotReceived, SnapshotInstalled, VoteGranted, TermRaised,
		LeaderElected, LeadershipLost, ConfigAppended, ConfigCommitted, WriteBegin, WriteUnsynced, WriteSynced}
}

// FaultKey returns what the draws of fault i are keyed by.
func (p *Plan) FaultKey(i int) uint64 {
	if key := p.Faults[i].Key; key != 0 {
		return key
	}
	return uint64(i) + 1
}

// WithoutFault returns a copy of the plan without fault i; the others draw as they
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
