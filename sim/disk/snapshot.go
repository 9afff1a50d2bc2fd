package disk

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/trace/event"
)

// retained is how many snapshots are kept.
const retained = 2

// snapshot is a complete snapshot; it does not change any more.
type snapshot struct {
	meta raft.SnapshotMeta
	data []byte
}

// whole reports whether all of its state is there.
func (s *snapshot) whole() bool { return int64(len(s.data)) == s.meta.Size }

// snapshotStore is a mount as the store of Raft's snapshots.
type snapshotStore Mount

// Create begins a snapshot. It is there once its sink was closed, and not before.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != 1 {
		return nil, fmt.Errorf("disk: snapshots of version %d cannot be stored", version)
	}
	m := (*Mount)(s)
	ops := m.sinkOps(index)
	m.hold(ops.create, m.number(index))
	if err := m.fails(ops.create, m.number(index)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.taken++
	m.open.Sinks++
	return &sink{mount: m, ops: ops, meta: raft.SnapshotMeta{
		Version: version,
		ID:      fmt.Sprintf("%d-%d-%d", term, index, m.state.taken),
		Index:   index, Term: term,
		Configuration: configuration.Clone(), ConfigurationIndex: configurationIndex,
	}}, nil
}

// List returns the snapshots, the newest first.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	var list []*raft.SnapshotMeta
	(*Mount)(s).read(func(st *state) {
		for _, snap := range slices.Backward(st.snapshots) {
			meta := snap.meta
			list = append(list, &meta)
		}
	})
	return list, nil
}

// Open returns a snapshot to read.
func (s *snapshotStore) Open(id string) (meta *raft.SnapshotMeta, r io.ReadCloser, err error) {
	err = fmt.Errorf("disk: there is no snapshot %q", id)
	(*Mount)(s).read(func(st *state) {
		for _, snap := range st.snapshots {
			if snap.meta.ID == id && !snap.whole() {
				err = fmt.Errorf("disk: of snapshot %q there are %d of %d bytes", id, len(snap.data), snap.meta.Size)
			} else if snap.meta.ID == id {
				copied := snap.meta
				meta, r, err = &copied, &reader{Reader: bytes.NewReader(snap.data), mount: (*Mount)(s)}, nil
				(*Mount)(s).open.Readers++
			}
		}
	})
	return meta, r, err
}

// reader reads a snapshot. Closing it twice does nothing more.
type reader struct {
	*bytes.Reader
	mount *Mount
	once  sync.Once
}

// Close ends the reading.
func (r *reader) Close() error {
	r.once.Do(func() { r.mount.closes(func(o *Open) { o.Readers-- }) })
	return nil
}

// Open is how many snapshots are open through a mount: Sinks were created and neither
// closed nor cancelled, Readers opened and not closed.
type Open struct{ Sinks, Readers int64 }

// OpenSnapshots returns how many snapshots are open.
func (m *Mount) OpenSnapshots() Open {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open
}

// closes changes how many snapshots are open.
func (m *Mount) closes(change func(*Open)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.open)
}

// sinkOps are the operations of a sink.
type sinkOps struct{ create, write, close Op }

var (
	takes    = sinkOps{SnapshotCreate, SnapshotWrite, SnapshotClose}
	installs = sinkOps{InstallCreate, InstallWrite, InstallClose}
)

// sinkOps reports whether a snapshot of that index is taken of what the node has, or
// installed to replace it.
func (m *Mount) sinkOps(index uint64) sinkOps {
	ops := takes
	m.read(func(st *state) {
		var has uint64
		if n := len(st.log); n > 0 {
			has = st.log[n-1].Index
		}
		if n := len(st.snapshots); n > 0 {
			has = max(has, st.snapshots[n-1].meta.Index)
		}
		if index > has {
			ops = installs
		}
	})
	return ops
}

// errSinkClosed answers a write to a sink after its end.
var errSinkClosed = errors.New("disk: the snapshot is closed")

// sink gathers a snapshot.
type sink struct {
	mount *Mount
	ops   sinkOps

	mu     sync.Mutex
	meta   raft.SnapshotMeta
	data   []byte
	closed bool
}

// ID returns the id under which the snapshot can be opened once it is complete.
func (s *sink) ID() string { return s.meta.ID }

// Write appends to the snapshot.
func (s *sink) Write(p []byte) (int, error) {
	w := &write{op: s.ops.write, number: s.mount.number(s.meta.Index)}
	s.mount.step(WriteBegins, w)
	s.mount.hold(w.op, w.number)
	if err := s.mount.fails(w.op, w.number); err != nil {
		return 0, err
	}
	if err := s.append(p); err != nil {
		return 0, err
	}
	s.mount.step(WriteUnsynced, w)
	return len(p), nil
}

func (s *sink) append(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errSinkClosed
	}
	s.data = append(s.data, p...)
	return nil
}

// end notes that the sink is not open any more. s.mu is held.
func (s *sink) end() {
	if !s.closed {
		s.closed = true
		s.mount.closes(func(o *Open) { o.Sinks-- })
	}
}

// Cancel throws the snapshot away, unless it was closed.
func (s *sink) Cancel() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.data = nil
	return nil
}

// Close completes the snapshot: makes it durable, visible, and removes those that
// are too many. A second Close, or one after Cancel, does nothing.
func (s *sink) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.end()
	s.meta.Size = int64(len(s.data))
	snap := &snapshot{meta: s.meta, data: s.data}
	s.data = nil
	s.mu.Unlock()

	err := s.mount.write(&write{
		op: s.ops.close, number: s.mount.number(snap.meta.Index),
		change: func(st *state) { s.mount.keep(st, snap) },
		survives: func(st *state, draw keyed.Draw) (left, of int) {
			size := uint64(len(snap.data))
			if size > 0 && draw.Str("cut").N(2) == 0 {
				size = draw.Str("size").N(size)
			}
			kept := &snapshot{meta: snap.meta, data: snap.data[:size]}
			if !kept.whole() && !slices.ContainsFunc(st.snapshots, (*snapshot).whole) {
				return 0, len(snap.data)
			}
			s.mount.keep(st, kept)
			return int(size), len(snap.data)
		},
	})
	s.mount.stored(err, Stored{Snapshot: true})
	return err
}

// keep adds a snapshot to a state, and removes those that are too many. m.mu is held.
func (m *Mount) keep(st *state, snap *snapshot) {
	st.snapshots = append(slices.Clone(st.snapshots), snap)
	slices.SortStableFunc(st.snapshots, func(a, b *snapshot) int {
		return cmp.Or(cmp.Compare(a.meta.Term, b.meta.Term), cmp.Compare(a.meta.Index, b.meta.Index))
	})
	if !snap.whole() {
		return // what is too many is removed behind the sync
	}
	st.snapshots = st.snapshots[max(len(st.snapshots)-retained, 0):]
	m.record(&event.SnapshotStored{Index: snap.meta.Index, Term: snap.meta.Term})
}
