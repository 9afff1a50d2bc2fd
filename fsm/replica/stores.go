package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// protectStores wraps log and snapshots for raft.NewRaft. Without it a cluster can block for ever,
// or a replica is given entries that were never
// committed (P1, P16).
//
// The Raft paper (section 7) has a follower that is given a snapshot keep what its log
// holds behind the snapshot's last entry if it holds that entry, and drop all of it if
// not. hashicorp/raft (1.8) does neither: it keeps what there is, and looks for the
// entry at the snapshot's end in the log alone. It is not there when the log has a gap
// before what the follower was sent behind the snapshot, or was compacted up to the
// snapshot's end; and it may be an uncommitted one of an older leader. Then the follower
// refuses everything behind the snapshot, the leader sends the same snapshot again, and so
// for ever, if the cluster needs that follower to commit; one lost answer suffices. And
// such a follower, once it leads, may send
// what was never committed as if it had been.
//
// The log that is returned answers for the newest snapshot: at its end stands an entry
// of its term, and, unless the log holds just that entry, nothing before it. Where this
// node took the snapshot itself, the log does hold it, and goes on to: compaction spares
// it. Else a leader that reads its log entry by entry could see, with a compaction in
// between, the entry before the end and then one that stands for it, and send the latter.
func protectStores(log raft.LogStore, snapshots raft.SnapshotStore) (*boundedLog, raft.SnapshotStore, error) {
	list, err := snapshots.List()
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	end := new(snapshotEnd)
	for _, meta := range list {
		end.reach(meta.Index, meta.Term)
	}
	return &boundedLog{LogStore: log, end: end}, &watchedSnapshots{snapshots, end}, nil
}

// snapshotEnd is the last entry of the newest snapshot; index 0 when there is none.
type snapshotEnd struct {
	mu          sync.Mutex
	index, term uint64
}

func (s *snapshotEnd) get() (index, term uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index, s.term
}

func (s *snapshotEnd) reach(index, term uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if index > s.index {
		s.index, s.term = index, term
	}
}

// boundedLog is a log with the end of the newest snapshot.
type boundedLog struct {
	raft.LogStore
	end *snapshotEnd
	// cut is the index of the entry behind which raft is to drop the log; 0 for none. Raft does so, and
	// knows of it, when an append contradicts an entry: that one does for as long.
	cut atomic.Uint64
}

// IsMonotonic returns that of the log; see raft.MonotonicLogStore.
func (b *boundedLog) IsMonotonic() bool {
	monotonic, ok := b.LogStore.(raft.MonotonicLogStore)
	return ok && monotonic.IsMonotonic()
}

// GetLog reads the entry of an index into l, or returns raft.ErrLogNotFound. The entry
// that stands for the end of a snapshot has index and term, and no content: raft sends
// only what stands behind an entry that it has, and before this one there is none. The
// first entry of all, which raft sends without one before it, is left alone.
func (b *boundedLog) GetLog(index uint64, l *raft.Log) error {
	if index > 0 && index == b.cut.Load() {
		*l = raft.Log{Index: index, Type: standIn} // of no term
		return nil
	}
	end, term := b.end.get()
	if index > end || end == 1 {
		return b.LogStore.GetLog(index, l)
	}
	switch superseded, err := b.superseded(end, term); {
	case err != nil:
		return err
	case !superseded:
		return b.LogStore.GetLog(index, l)
	case index < end:
		return raft.ErrLogNotFound
	}
	*l = raft.Log{Index: end, Term: term, Type: standIn}
	return nil
}

// standIn is no type of raft's: should an entry of it ever be sent, it is not applied.
const standIn raft.LogType = 0xff

// DeleteRange removes the entries from min to max, but not the one at the end of the
// newest snapshot: what is committed is removed only because a snapshot holds it, and
// what is not lies behind every snapshot, so that a range that ends where the snapshot
// does is a compaction.
func (b *boundedLog) DeleteRange(min, max uint64) error {
	if cut := b.cut.Load(); cut > 0 && min == cut && max > cut {
		return b.LogStore.DeleteRange(min+1, max)
	}
	if end, _ := b.end.get(); max == end && end > 0 {
		max--
	}
	if min > max {
		return nil
	}
	return b.LogStore.DeleteRange(min, max)
}

// StoreLogs stores entries; not the one behind which the log was cut, which is there, or in a snapshot.
func (b *boundedLog) StoreLogs(all []*raft.Log) error {
	if cut := b.cut.Load(); cut > 0 && len(all) == 1 && all[0].Index == cut {
		return nil
	}
	return b.LogStore.StoreLogs(all)
}

// superseded reports whether the log goes on behind the end of the newest snapshot without
// holding it. A log that ends before it is left alone: raft takes the snapshot's end for
// the last entry then.
func (b *boundedLog) superseded(end, term uint64) (bool, error) {
	last, err := b.LastIndex()
	if err != nil || last < end {
		return false, err
	}
	var own raft.Log
	switch err := b.LogStore.GetLog(end, &own); {
	case errors.Is(err, raft.ErrLogNotFound):
		return true, nil
	case err != nil:
		return false, err
	}
	return own.Term != term, nil
}

// watchedSnapshots notes the end of every snapshot that is complete.
type watchedSnapshots struct {
	raft.SnapshotStore
	end *snapshotEnd
}

// Create begins a snapshot.
func (w *watchedSnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, transport raft.Transport,
) (raft.SnapshotSink, error) {
	sink, err := w.SnapshotStore.Create(version, index, term, configuration, configurationIndex, transport)
	if err != nil {
		return nil, err
	}
	return &watchedSink{SnapshotSink: sink, done: func() { w.end.reach(index, term) }}, nil
}

// watchedSink calls done when the snapshot is complete.
type watchedSink struct {
	raft.SnapshotSink
	done      func()
	cancelled bool
}

func (s *watchedSink) Cancel() error {
	s.cancelled = true
	return s.SnapshotSink.Cancel()
}

func (s *watchedSink) Close() error {
	err := s.SnapshotSink.Close()
	if err == nil && !s.cancelled {
		s.done()
	}
	return err
}
