package plan

import (
	"slices"
	"time"
)

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

// Faults of nodes. They affect Node or Nodes.
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
	// Demote makes a non-voter of Node, which is sent the log and has no vote; it is made a voter again
	// after For.
	Demote FaultKind = "demote"
	// Rejoin takes Node out of the Raft configuration, while it goes on running, and adds it again after
	// For: as a voter, or at first as a non-voter if Op says so.
	Rejoin FaultKind = "rejoin"
	// Replace is Rejoin of a node that crashes once its removal is committed and comes back with an empty
	// disk, but for the files of the application. A node that is a member must not lose its disk: it
	// has promised its vote and its entries. When its removal is committed, a majority
	// without it has all that it has ever acknowledged, and nobody can win an election by the votes
	// that it has granted without having that, too.
	Replace FaultKind = "replace"
	// Recover takes all nodes down and, after For, makes a cluster of one of them, the one with the most recent
	// log, as operators do who have lost a majority (raft.RecoverCluster): all that stands in its log is
	// committed by that. The others come back with empty disks and are added again. The nodes that have
	// not left must be a majority: else what is committed may be on none of their disks.
	Recover FaultKind = "recover"
	// UserRestore has the leader replace its state by a backup (raft.Restore) that was made in the same
	// moment: nothing that is committed is lost, what is not is aborted. A leader that loses the leadership
	// before a majority has that state is replaced, like by Replace: it is ahead of what is
	// committed. It is not for leaders that take in commands as batches: of those raft.Restore may wait
	// for ever.
	UserRestore FaultKind = "user-restore"
	// Transfer makes the leader hand over leadership, to Node if given.
	Transfer FaultKind = "transfer"
)

// AsNonVoter, as the Op of a Rejoin or a Replace, adds the node as a non-voter first, which is made a voter
// when it has caught up; AsVoter, or no Op, adds it as a voter at once.
const (
	AsVoter    = "voter"
	AsNonVoter = "non-voter"
)

// Settles is how long after Plan.Quiescence the configuration may take until it is as it was before
// a fault that changes members; the quiescent phase begins with that.
const Settles = 30 * time.Second

// ChangesMembers reports whether faults of a kind change the configuration, and change it back in the
// end.
func ChangesMembers(kind FaultKind) bool {
	switch kind {
	case Demote, Rejoin, Replace, Recover, UserRestore:
		return true
	}
	return false
}

// Faults of disks, of Node.
const (
	// TornFiles lets an unsynced write to a file of the application survive a crash, whole
	// or in part: the draws decide which. (Without it, a crash loses all of them.)
	TornFiles FaultKind = "torn-files"
	// TornWrites lets an unsynced write to one of Raft's stores survive a crash, whole or in part: the
	// draws decide which. Op is "log", "stable" or "snapshot". (Without it, a crash loses all of them.) Of
	// a batch of entries those in front survive, of a snapshot its metadata and a part of its state. A key
	// of the stable store has its new value or its old one: such stores write a page aside and switch to
	// it by one that has a checksum.
	TornWrites FaultKind = "torn-writes"
	// DiskSlow lets a write take Min to Max longer, and holds up who writes. Op is as for DiskError.
	DiskSlow FaultKind = "disk-slow"
	// DiskError fails a write. Op is "log", "stable", "snapshot" or "files"; Name is a key or a file.
	DiskError FaultKind = "disk-error"
	// DiskFull fails every write that needs space.
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
	// ClockJump sets a clock forward by By, or back; it is right again at Plan.Quiescence.
	ClockJump FaultKind = "clock-jump"
)

// Faults of calls that the application or an operator makes on Node. Op is the call's
// name as in the trace; which there are depends on the application.
const (
	// CallDelay makes a call Min to Max later, while its caller waits.
	CallDelay FaultKind = "call-delay"
	// CallError fails a call before it did anything.
	CallError FaultKind = "call-error"
	// CallLoss never makes a call; its caller gets an unknown outcome.
	CallLoss FaultKind = "call-loss"
	// CallLate makes a call Min to Max later, whether its node is still up or not; the
	// caller gets an unknown outcome at once.
	CallLate FaultKind = "call-late"
	// CallTwice makes a call a second time, as another request, Min to Max after the
	// first has returned: what a caller's own retry comes to.
	CallTwice FaultKind = "call-twice"
	// ReplyError fails a call after it did all.
	ReplyError FaultKind = "reply-error"
)

// Operate lets an operator or a client do something: Do.
const Operate FaultKind = "operate"

var (
	messageOps = []string{"append", "heartbeat", "vote", "pre-vote", "snapshot", "timeout-now", "forward"}
	replyOps   = repliesTo(messageOps)

	rule  = []string{"for", "rate", "count"}
	link  = slices.Concat(rule, []string{"node", "peer", "op"})
	times = []string{"min", "max"}
	who   = []string{"node", "nodes"}

	addedAs = []string{AsVoter, AsNonVoter}

	writes = []string{"log", "stable", "snapshot", "files"}
	// named are the values of op whose operations have names in a plan.
	named = []string{"stable", "files"}
	call  = slices.Concat(rule, []string{"node", "op", "about"})
)

func repliesTo(requests []string) (replies []string) {
	for _, r := range requests {
		replies = append(replies, r+"-reply")
	}
	return replies
}

// faultTable is the table of all kinds of the framework: which fields of a Fault each
// uses beside kind, key, at and when.
var faultTable = []struct {
	kind FaultKind
	use  Use
}{
	{Delay, Use{Needs: []string{"max"}, May: slices.Concat(link, []string{"min"}), Ops: slices.Concat(messageOps, replyOps)}},
	{Loss, Use{May: link, Ops: slices.Concat(messageOps, replyOps)}},
	{Duplicate, Use{May: slices.Concat(link, times), Ops: slices.Concat(messageOps, replyOps)}},
	{Reorder, Use{Needs: []string{"max"}, May: link, Ops: slices.Concat(messageOps, replyOps)}},
	{ReplyLoss, Use{May: link, Ops: messageOps}},
	{LateDuplicate, Use{Needs: []string{"max"}, May: slices.Concat(rule, []string{"node", "peer", "min"})}},
	{Partition, Use{Needs: []string{"nodes"}, May: []string{"for"}}},
	{OneWay, Use{Needs: []string{"nodes"}, May: []string{"for", "peer"}}},
	{Flap, Use{Needs: []string{"nodes", "max"}, May: []string{"for", "min"}}},

	{Crash, Use{May: slices.Concat(who, []string{"for"})}},
	{Shutdown, Use{May: slices.Concat(who, []string{"for"})}},
	{Pause, Use{May: slices.Concat(who, []string{"for"})}},
	{Leave, Use{May: who}},
	{Remove, Use{Needs: []string{"node"}}},
	{Demote, Use{Needs: []string{"node"}, May: []string{"for"}}},
	{Rejoin, Use{Needs: []string{"node"}, May: []string{"for", "op"}, Ops: addedAs}},
	{Replace, Use{Needs: []string{"node"}, May: []string{"for", "op"}, Ops: addedAs}},
	{Recover, Use{May: []string{"for"}}},
	{UserRestore, Use{}},
	{Transfer, Use{May: []string{"node"}}},

	{TornFiles, Use{Needs: []string{"node"}, May: rule}},
	{TornWrites, Use{Needs: []string{"node", "op"}, May: slices.Concat(rule, []string{"name"}), Ops: []string{"log", "stable", "snapshot"}}},
	{DiskSlow, Use{Needs: []string{"node", "op", "max"}, May: slices.Concat(rule, []string{"name", "min"}), Ops: writes}},
	{DiskError, Use{Needs: []string{"node", "op"}, May: slices.Concat(rule, []string{"name"}), Ops: writes}},
	{DiskFull, Use{Needs: []string{"node"}, May: []string{"for"}}},
	{SnapshotError, Use{Needs: []string{"node", "op"}, May: rule, Ops: []string{"create", "write", "close"}}},
	{InstallError, Use{Needs: []string{"node", "op"}, May: rule, Ops: []string{"create", "write", "close", "restore"}}},
	{ForceSnapshot, Use{Needs: []string{"node", "for"}}},

	{ClockOffset, Use{Needs: []string{"node", "by"}, May: []string{"for"}}},
	{ClockDrift, Use{Needs: []string{"node", "drift"}, May: []string{"for"}}},
	{ClockJump, Use{Needs: []string{"node", "by"}}},

	{CallDelay, Use{Needs: []string{"max"}, May: slices.Concat(call, []string{"min"})}},
	{CallError, Use{May: call}},
	{CallLoss, Use{May: call}},
	{CallLate, Use{Needs: []string{"max"}, May: slices.Concat(call, []string{"min"})}},
	{CallTwice, Use{May: slices.Concat(call, times)}},
	{ReplyError, Use{May: call}},

	{Operate, Use{Needs: []string{"do"}}},
}

// FaultKinds returns the kinds of the framework, in the order of this file.
func FaultKinds() (kinds []FaultKind) {
	for _, row := range faultTable {
		kinds = append(kinds, row.kind)
	}
	return kinds
}

// FaultUse returns which fields a kind of the framework uses; false for another kind.
func FaultUse(kind FaultKind) (Use, bool) {
	for _, row := range faultTable {
		if row.kind == kind {
			return row.use, true
		}
	}
	return Use{}, false
}

// IsCall reports whether a kind is a fault of calls.
func IsCall(kind FaultKind) bool {
	switch kind {
	case CallDelay, CallError, CallLoss, CallLate, CallTwice, ReplyError:
		return true
	}
	return false
}
