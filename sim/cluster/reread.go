package cluster

import (
	"bytes"
	"io"

	"github.com/hashicorp/raft"

	"dtsim/sim/trace/event"
)

// reread is a snapshot that is read again once it is written: what reaches the disk is
// restored into a fresh replica, whose state has to be the one that was captured (P1).
// So a snapshot that is never restored in the run is tried as well, and one that has
// changed between its capture and its writing does not pass for the state of its index.
type reread struct {
	raft.FSMSnapshot
	incarnation *Incarnation
	index       uint64
}

// Persist implements raft.FSMSnapshot.
func (s *reread) Persist(to raft.SnapshotSink) error {
	return s.FSMSnapshot.Persist(&rereadSink{SnapshotSink: to, of: s})
}

// rereadSink keeps what goes through it.
type rereadSink struct {
	raft.SnapshotSink
	of      *reread
	written bytes.Buffer
}

// Write implements io.Writer.
func (s *rereadSink) Write(p []byte) (int, error) {
	n, err := s.SnapshotSink.Write(p)
	s.written.Write(p[:n])
	return n, err
}

// Close completes the snapshot, which is whole by now whatever becomes of it.
func (s *rereadSink) Close() error {
	s.of.read(s.written.Bytes())
	return s.SnapshotSink.Close()
}

// read restores the bytes of the snapshot and records what comes of them.
func (s *reread) read(written []byte) {
	if s.incarnation.Fenced() {
		return
	}
	fresh := s.incarnation.cluster.app.NewMachine(nil)
	var hash string
	if err := fresh.Restore(io.NopCloser(bytes.NewReader(written))); err != nil {
		hash = err.Error()
	} else {
		hash = stateOf(fresh)
	}
	s.incarnation.emit(&event.SnapshotReread{State: event.State{Index: s.index, Hash: hash}})
}
