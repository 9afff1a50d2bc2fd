package event

import (
	"strconv"
	"time"

	"dtsim/sim/trace"
)

// The states of a raft.
const (
	Leader       = "Leader"
	Candidate    = "Candidate"
	Follower     = "Follower"
	RaftShutdown = "Shutdown"
)

// NodeState: the Raft state of the node changed.
type NodeState struct {
	State string
	Term  uint64
	// Leader is the leader, in traces that record it.
	Leader string
}

func (*NodeState) Kind() trace.Kind { return trace.NodeState }
func (b *NodeState) Schema(s *trace.Schema) {
	s.Str("state", &b.State)
	s.Uint("term", &b.Term)
	s.OptStr("leader", &b.Leader)
}

// LeaderSeen: the node learned of a leader, or lost it.
type LeaderSeen struct {
	// Leader is empty for none.
	Leader string
}

func (*LeaderSeen) Kind() trace.Kind         { return trace.LeaderSeen }
func (b *LeaderSeen) Schema(s *trace.Schema) { s.Str("leader", &b.Leader) }

// Message names a message.
type Message struct {
	// To is the node that it is for.
	To string
	// Msg is its kind; the name of a reply ends in "-reply".
	Msg string
	// ID is 48 bits of the hash of its content, N its occurrence on the link.
	ID, N uint64
}

func (m *Message) Schema(s *trace.Schema) {
	s.Str("to", &m.To)
	s.Str("msg", &m.Msg)
	s.Uint("id", &m.ID)
	s.Uint("n", &m.N)
}

// MessageSent: a message left a node. The network uses the body again, so a watcher of the
// run must not keep it.
type MessageSent struct {
	Message
	// What is in it, as far as messages of its kind have that: the term; the entry before its
	// entries, how many these are, and the commit index; the last index; the size of what it
	// carries; the answer; the error that is the answer.
	Term, Prev   trace.Opt[uint64]
	Entries      trace.Opt[int64]
	Commit, Last trace.Opt[uint64]
	Size         trace.Opt[int64]
	OK           trace.Opt[bool]
	Error        string
	// Acked is the last entry that the sender of an answer has on its disk, by its own word: of
	// the entries that an append carried, or of a snapshot. AckedTerm is its term.
	Acked, AckedTerm trace.Opt[uint64]
	// Arrives is the time of the delivery.
	Arrives time.Duration
}

func (*MessageSent) Kind() trace.Kind { return trace.MessageSent }
func (b *MessageSent) Schema(s *trace.Schema) {
	b.Message.Schema(s)
	s.SomeUint("term", &b.Term)
	s.SomeUint("prev", &b.Prev)
	s.SomeInt("entries", &b.Entries)
	s.SomeUint("commit", &b.Commit)
	s.SomeUint("last", &b.Last)
	s.SomeInt("size", &b.Size)
	s.SomeBool("ok", &b.OK)
	s.OptStr("error", &b.Error)
	s.SomeUint("acked", &b.Acked)
	s.SomeUint("acked_term", &b.AckedTerm)
	s.Dur("arrives", &b.Arrives)
}

// MessageLost: a message will not be, or could not be, delivered. The event's node is the
// sender, which may be dead by now.
type MessageLost struct {
	Message
	// Why is "down" (no incarnation of the node runs, or the caller is gone), "full" (too many
	// wait), or the fault.
	Why string
}

func (*MessageLost) Kind() trace.Kind { return trace.MessageLost }
func (b *MessageLost) Schema(s *trace.Schema) {
	b.Message.Schema(s)
	s.Str("why", &b.Why)
}

// Accepted is the outcome of a command that was not rejected.
const Accepted = "ok"

// Applied: a replica applied a command.
type Applied struct {
	Index, Term uint64
	// Command is its name.
	Command string
	// Details are the application's own fields of the command.
	Details []trace.Field
	// Outcome is [Accepted], or why it was rejected, in words.
	Outcome string
	// Verdict is why it was rejected, for programs: see [Verdict]. It is empty in traces
	// of old and for a command that was accepted.
	Verdict string
	// Sum is 64 bits of the hash of the entry.
	Sum uint64
	// First is the index at which the command took effect, if that was before.
	First uint64
	// State is 64 bits of the hash of the replica's state afterwards, for some indices.
	State string
}

func (*Applied) Kind() trace.Kind { return trace.Applied }
func (b *Applied) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Uint("term", &b.Term)
	s.Str("command", &b.Command)
	s.Until("outcome", &b.Details)
	s.Str("outcome", &b.Outcome)
	s.OptStr("verdict", &b.Verdict)
	s.Uint("sum", &b.Sum)
	s.OptUint("first", &b.First)
	s.OptStr("state", &b.State)
}

// Request names a request of a client, which is at most once in effect.
type Request struct {
	Client string
	Seq    uint64
}

// IsZero reports whether there is no request.
func (r Request) IsZero() bool { return r == Request{} }

// String returns the form of messages.
func (r Request) String() string { return r.Client + "/" + strconv.FormatUint(r.Seq, 10) }

// Committed: a command was applied by the first replica of all.
type Committed struct {
	Index, Term uint64
	// Command is its name, Class what the application sorts commands by, if it does.
	Command, Class string
	// Outcome is [Accepted], or why it was rejected, in words; Verdict the same for programs,
	// as in [Applied].
	Outcome, Verdict string
	// First is the index at which the command took effect, if that was before.
	First uint64
	// Request is the request that it is; zero for none.
	Request Request
	// Body is the command as it is in the log.
	Body string
}

func (*Committed) Kind() trace.Kind { return trace.Committed }
func (b *Committed) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Uint("term", &b.Term)
	s.Str("command", &b.Command)
	s.OptStr("class", &b.Class)
	s.Str("outcome", &b.Outcome)
	s.OptStr("verdict", &b.Verdict)
	s.OptUint("first", &b.First)
	s.OptStr("client", &b.Request.Client)
	s.OptUint("seq", &b.Request.Seq)
	s.Str("body", &b.Body)
}

// Replayed: the whole log was applied to a fresh replica, with another clock. The event
// has no node.
type Replayed struct {
	Index uint64
	// The others are those of [Applied].
	Outcome, Verdict string
	Sum, First       uint64
	State            string
}

func (*Replayed) Kind() trace.Kind { return trace.Replayed }
func (b *Replayed) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Str("outcome", &b.Outcome)
	s.OptStr("verdict", &b.Verdict)
	s.Uint("sum", &b.Sum)
	s.OptUint("first", &b.First)
	s.OptStr("state", &b.State)
}

// State is the state of a replica at an index.
type State struct {
	Index uint64
	// Hash is 64 bits of its hash, or why there is none.
	Hash string
}

func (b *State) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Str("hash", &b.Hash)
}

// SnapshotTaken: a replica captured its state.
type SnapshotTaken struct{ State }

func (*SnapshotTaken) Kind() trace.Kind { return trace.SnapshotTaken }

// SnapshotReread: what a replica has written of its snapshot was restored into a fresh
// one. The index is that of the snapshot, the hash that of the fresh replica.
type SnapshotReread struct{ State }

func (*SnapshotReread) Kind() trace.Kind { return trace.SnapshotReread }

// SnapshotStored: a snapshot, the replica's own or one that it was sent, is on the disk.
type SnapshotStored struct {
	// Index and Term are those of the last entry that it stands for; the term is 0 in traces of
	// old.
	Index, Term uint64
}

func (*SnapshotStored) Kind() trace.Kind { return trace.SnapshotStored }
func (b *SnapshotStored) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.OptUint("term", &b.Term)
}

// SnapshotRestored: a replica replaced its state.
type SnapshotRestored struct{ State }

func (*SnapshotRestored) Kind() trace.Kind { return trace.SnapshotRestored }
