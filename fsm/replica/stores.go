package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// protectStores wraps log and snapshots for raft.NewRaft, so that a [receiver] knows where the newest
// snapshot ends, and can have raft drop the end of the log. What a log of before holds that contradicts
// the newest snapshot is dropped at once.
func protectStores(log raft.LogStore, snapshots raft.SnapshotStore) (*receivedLog, raft.SnapshotStore, error) {
	list, err := snapshots.List()
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	r := &receivedLog{LogStore: log}
	for _, meta := range list {
		r.end.reach(meta.Index, meta.Term)
	}
	if err := r.agree(); err != nil {
		return nil, nil, fmt.Errorf("drop what contradicts a snapshot: %w", err)
	}
	return r, &watchedSnapshots{snapshots, &r.end}, nil
}

// errOvertaken is the error of a snapshot that is complete when one that ends behind it is there.
var errOvertaken = errors.New("a newer snapshot was installed meanwhile")

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

// receivedLog is a log that can be cut.
type receivedLog struct {
	raft.LogStore
	end snapshotEnd
	// cut is the index of the entry behind which raft is to drop the log; 0 for none. Raft does so,
	// and knows of it, when an append contradicts what stands there: all does for as long.
	cut atomic.Uint64
}

// agree drops what stands at the end of the newest snapshot, and behind it, if that is not what the
// snapshot ends with.
func (r *receivedLog) agree() error {
	end, term := r.end.get()
	own, err := r.termOf(end)
	if err != nil || own == 0 || own == term {
		return err
	}
	last, err := r.LastIndex()
	if err != nil {
		return err
	}
	return r.DeleteRange(end, last)
}

// termOf returns the term of an entry, zero if it is not there.
func (r *receivedLog) termOf(index uint64) (uint64, error) {
	var l raft.Log
	err := r.LogStore.GetLog(index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return 0, nil
	}
	return l.Term, err
}

// IsMonotonic returns that of the log; see raft.MonotonicLogStore.
func (r *receivedLog) IsMonotonic() bool {
	monotonic, ok := r.LogStore.(raft.MonotonicLogStore)
	return ok && monotonic.IsMonotonic()
}

// GetLog reads the entry of an index into l, or returns raft.ErrLogNotFound.
func (r *receivedLog) GetLog(index uint64, l *raft.Log) error {
	if index > 0 && index == r.cut.Load() {
		*l = raft.Log{Index: index} // of no term
		return nil
	}
	return r.LogStore.GetLog(index, l)
}

// DeleteRange removes the entries from min to max, but not the one behind which the log is cut. An
// empty log stays as it is: raft compacts one after it was cut, which not every store can do.
func (r *receivedLog) DeleteRange(min, max uint64) error {
	if cut := r.cut.Load(); cut > 0 && cut == min && cut < max {
		min++
	}
	if last, err := r.LastIndex(); err != nil || last == 0 {
		return err
	}
	return r.LogStore.DeleteRange(min, max)
}

// StoreLogs stores entries, but not the one behind which the log is cut: it is there, or in a snapshot.
func (r *receivedLog) StoreLogs(all []*raft.Log) error {
	if cut := r.cut.Load(); cut > 0 && len(all) == 1 && all[0].Index == cut {
		return nil
	}
	return r.LogStore.StoreLogs(all)
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
	return &watchedSink{SnapshotSink: sink, end: w.end, index: index, term: term}, nil
}

// watchedSink notes the end of the snapshot when it is complete.
type watchedSink struct {
	raft.SnapshotSink
	end         *snapshotEnd
	index, term uint64
	cancelled   bool
}

func (s *watchedSink) Cancel() error {
	s.cancelled = true
	return s.SnapshotSink.Cancel()
}

// Close completes the snapshot. One of this node that is overtaken, by a snapshot of the leader that was
// installed while it was written, fails: raft would take it for the newest, though its log begins
// behind the other, and as a leader send that for ever, to whom it has (R6).
func (s *watchedSink) Close() error {
	if newest, _ := s.end.get(); newest > s.index && !s.cancelled {
		return errors.Join(errOvertaken, s.Cancel())
	}
	err := s.SnapshotSink.Close()
	if err == nil && !s.cancelled {
		s.end.reach(s.index, s.term)
	}
	return err
}
