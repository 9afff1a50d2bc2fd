package cluster

import (
	"bytes"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/stall/point"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// userRestore has the leader take a backup for its state, by raft.Restore: one that was made in the same
// moment, so that nothing that is committed is lost. What is in its log and not committed is aborted.
//
// Until a majority has the state from it, the leader is ahead of what is committed: its snapshot stands for
// entries that it has aborted, and that others may commit if one of them leads. hashicorp/raft
// warns of that. So the leader crashes where it loses the leadership meanwhile, does not start again before
// it has been removed, and comes back with an empty disk.
func (c *Cluster) userRestore(f *fault) func() {
	over := make(chan struct{})
	c.inTurn(over, func() {
		if i := c.leads(); i != nil {
			c.restoreOn(f, i)
		}
	})
	return func() { close(over) }
}

func (c *Cluster) restoreOn(f *fault, i *Incarnation) {
	n := i.node
	b := &backup{incarnation: i, meta: &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, ID: "backup"}}
	err := i.raft.Restore(b.meta, b, removeTimeout)
	i.restoring.Store(false)
	if !b.begun {
		return
	}
	if err == nil {
		c.activated(f, n, trace.Str("change", event.Restored), trace.Uint("aborted", b.aborted))
		n.putBack(false)
		return
	}
	n.takeOut()
	if c.becomes(n, absent, nil) {
		c.activated(f, n, trace.Str("change", event.Removed))
		n.putBack(true)
		if c.becomes(n, voter, nil) {
			c.activated(f, n, trace.Str("change", event.Added), trace.Bool("emptied", true))
		}
	}
}

// backup is a backup of a leader's state that is made when raft reads it, which it does on its main loop:
// nothing is committed until it has been restored.
type backup struct {
	incarnation *Incarnation
	meta        *raft.SnapshotMeta

	// begun is set when the state of the node is about to be replaced; aborted is how many entries are in
	// its log and not committed.
	begun   bool
	aborted uint64
	data    bytes.Buffer
}

// errBackup answers a raft whose node has ended.
var errBackup = errors.New("cluster: the node has ended")

// Read implements io.Reader.
func (b *backup) Read(p []byte) (int, error) {
	if !b.begun {
		if err := b.make(); err != nil {
			return 0, err
		}
	}
	return b.data.Read(p)
}

// make makes the backup, of the state behind all that is committed.
func (b *backup) make() error {
	defer point.Exempt()()
	i := b.incarnation
	if !i.node.hold(i) {
		return errBackup
	}
	b.begun = true
	i.restoring.Store(true)
	committed := i.raft.CommitIndex()
	b.aborted = i.raft.LastIndex() - committed
	for last := i.lastCommand(committed); i.applied() < last; {
		if i.Fenced() {
			return errBackup
		}
		time.Sleep(time.Millisecond)
	}
	i.cluster.applying.Lock()
	s, err := i.machine.Snapshot()
	i.cluster.applying.Unlock()
	if err != nil {
		return err
	}
	defer s.Release()
	if err := s.Persist(&backupSink{&b.data}); err != nil {
		return err
	}
	b.meta.Size = int64(b.data.Len())
	return nil
}

// applied returns the index of the last command that the machine has taken in, or that its state stands for.
func (i *Incarnation) applied() uint64 {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	return max(i.apply.Index, i.machine.AppliedIndex())
}

// hold keeps the node from starting again once the incarnation has ended. It reports whether that has
// not.
func (n *Node) hold(i *Incarnation) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current != i {
		return false
	}
	n.out = true
	return true
}

// lastCommand returns the index of the last command in the log up to an index, 0 if there is none.
func (i *Incarnation) lastCommand(index uint64) uint64 {
	for log := i.mount.Log(); index > 0; index-- {
		var l raft.Log
		if log.GetLog(index, &l) != nil {
			return 0
		}
		if l.Type == raft.LogCommand {
			return index
		}
	}
	return 0
}

// backupSink is the end of a backup.
type backupSink struct{ *bytes.Buffer }

func (*backupSink) ID() string    { return "backup" }
func (*backupSink) Cancel() error { return nil }
func (*backupSink) Close() error  { return nil }
