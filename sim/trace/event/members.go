package event

import (
	"strings"

	"dtsim/sim/trace"
)

// Configured: a node has a configuration of the cluster in its log, on its disk. The first one, with
// which all nodes begin as voters, has no such event.
type Configured struct {
	// Index and Term are those of its entry.
	Index, Term uint64
	// Voters and Others are the names of its members, separated by commas: those that vote, and those
	// that are sent the log alone.
	Voters, Others string
}

func (*Configured) Kind() trace.Kind { return trace.Configured }
func (b *Configured) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Uint("term", &b.Term)
	s.Str("voters", &b.Voters)
	s.OptStr("others", &b.Others)
}

// VoterNames returns the names of those that vote.
func (b *Configured) VoterNames() []string {
	if b.Voters == "" {
		return nil
	}
	return strings.Split(b.Voters, ",")
}

// DiskEmptied: Raft's log, its term and vote, and its snapshots are gone from the disk of a node, which
// is down. Files of the application are still there.
type DiskEmptied struct{}

func (*DiskEmptied) Kind() trace.Kind     { return trace.DiskEmptied }
func (*DiskEmptied) Schema(*trace.Schema) {}

// Recovered: all nodes are down, and an operator has made of the disk of one of them the beginning of a
// cluster that has it alone: all that stood in its log is committed from here on
// (raft.RecoverCluster). The event's node is the one.
type Recovered struct {
	// Index and Term are those of the last entry on the disk.
	Index, Term uint64
}

func (*Recovered) Kind() trace.Kind { return trace.Recovered }
func (b *Recovered) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Uint("term", &b.Term)
}

// The changes of a node's membership that faults record.
const (
	Demoted       = "demoted"
	Promoted      = "promoted"
	Removed       = "removed"
	Added         = "added"
	AddedNonVoter = "added-non-voter"
	Restored      = "restored"
	// RecoveredAlone is what a node is that is a cluster by itself.
	RecoveredAlone = "recovered"
)

// Change is what a fault has done to the membership of a node, or to its state: the details of a
// [FaultActivated].
type Change struct {
	// What is one of [Demoted], [Promoted], [Removed], [Added], [AddedNonVoter], [Restored] and [RecoveredAlone];
	// empty for faults of another sort.
	What string
	// Emptied is set if its disk is empty.
	Emptied bool
	// Aborted is how many entries were in the log of a leader and not committed when its state was
	// replaced.
	Aborted uint64
}

func (c *Change) Schema(s *trace.Schema) {
	s.OptStr("change", &c.What)
	s.OptBool("emptied", &c.Emptied)
	s.OptUint("aborted", &c.Aborted)
}

// Change returns what a fault has done to the membership of a node.
func (b *FaultActivated) Change() (c Change) {
	trace.ReadFields(b.Details, &c)
	return c
}
