// Package disk is what a simulated node keeps through its incarnations: Raft's log,
// term, vote and snapshots, and the provider's files.
//
// The invariant: what was synced is there at the next [Disk.Open], what was not may
// be lost in a crash, and what an incarnation writes after its end is not there. A
// mount that has ended goes on working, on a copy that nothing else sees: the
// goroutines of a dead node may write what they like, and read it again, without an
// error that they would never have met.
//
// Raft's stores sync every write before they return, as Raft expects of them: a
// write that the crash overtakes is lost whole. The provider's files are synced when
// the provider reports it.
package disk

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Config describes a disk.
type Config struct {
	// Node is the name of the node, for the trace.
	Node string
	// SyncLatency is how long every sync takes.
	SyncLatency time.Duration
	// Start is the start of the run; the times of events count from it.
	Start time.Time
	// Recorder gets the events of files and of Raft's stores; nil for none.
	Recorder *trace.Recorder
	// Fatal is called when a write has failed that Raft cannot do without: it would panic.
	// It must end the incarnation and its mount; the write then returns as if
	// it had succeeded, to an incarnation that is dead.
	Fatal func(incarnation int)
	// Stored is called by the goroutine of an incarnation that has made something of Raft's durable,
	// before it goes on; nil for nobody.
	Stored func(incarnation int, s Stored)
}

// Stored is what was made durable.
type Stored struct {
	// Term is Raft's term, if that was raised.
	Term uint64
	// Configuration is the last configuration among entries of the log that were stored.
	Configuration event.LogEntry
	// RemovedFrom and RemovedTo are the first and the last index of entries of the log that were
	// removed.
	RemovedFrom, RemovedTo uint64
	// Snapshot is set for a snapshot.
	Snapshot bool
}

// Disk is the durable state of one node. It is safe for concurrent use.
type Disk struct {
	config Config

	mu      sync.Mutex
	mounted *Mount // the last one

	ruling sync.Mutex
	rules  []*rule
	ruled  atomic.Bool // there are rules
}

// New returns an empty disk.
func New(c Config) *Disk { return &Disk{config: c} }

// Open mounts the disk for an incarnation. A mount that has not ended is ended as by
// Close.
func (d *Disk) Open(incarnation int) *Mount {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &Mount{disk: d, config: d.config, incarnation: incarnation}
	if d.mounted == nil {
		m.state = newState()
	} else {
		m.state = d.mounted.handOver()
		m.record(m.state.opened())
	}
	d.mounted = m
	return m
}

// Mount is one incarnation's view of the disk. Once it has ended, by Close or Crash,
// whatever is written through it changes nothing that a later mount sees. It is safe
// for concurrent use.
type Mount struct {
	disk        *Disk
	config      Config
	incarnation int

	mu    sync.Mutex
	state *state
	ended *state // what the next mount begins with; nil while this one lasts
	// open is how many snapshots are open.
	open Open
	// paused is closed at the end of a pause; nil without one.
	paused chan struct{}
}

// state is what lies on the disk.
type state struct {
	log       entries
	stable    map[string][]byte
	snapshots []*snapshot // complete ones, oldest first
	taken     int         // snapshots ever completed
	files     files
}

func newState() *state {
	return &state{stable: map[string][]byte{}, files: newFiles()}
}

// clone returns a copy that shares only what is never changed in place.
func (s *state) clone() *state {
	return &state{
		log:       slices.Clone(s.log),
		stable:    maps.Clone(s.stable),
		snapshots: slices.Clone(s.snapshots),
		taken:     s.taken,
		files:     s.files.clone(),
	}
}

// Close ends the mount as the end of a process does: what was written stays, synced
// or not. It is idempotent; the first end of a mount counts.
func (m *Mount) Close() { m.end(false) }

// Crash ends the mount as the loss of power does: what was not synced is gone. It is
// idempotent; the first end of a mount counts.
func (m *Mount) Crash() { m.end(true) }

func (m *Mount) end(crash bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(crash)
}

func (m *Mount) endLocked(crash bool) {
	if m.ended != nil {
		return
	}
	m.ended = m.state.clone()
	if crash {
		m.tear()
		m.ended.files.crash()
	}
}

// handOver returns what the next mount begins with.
func (m *Mount) handOver() *state {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(false)
	return m.ended.clone()
}

// commit changes the state durably: once the time of a sync has passed, and not at
// all if the mount ends before that, or if the operation fails.
func (m *Mount) commit(op Op, name string, change func(*state)) error {
	if m.config.SyncLatency > 0 {
		time.Sleep(m.config.SyncLatency)
	}
	m.pass()
	if err := m.fails(op, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m.state)
	return nil
}

// stored reports what an operation that returned err has made durable.
func (m *Mount) stored(err error, s Stored) {
	if err == nil && m.config.Stored != nil && !m.hasEnded() {
		m.config.Stored(m.incarnation, s)
	}
}

// read looks at the state.
func (m *Mount) read(look func(*state)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	look(m.state)
}

// record appends an event, unless the mount has ended. m.mu is held.
func (m *Mount) record(body trace.Body) {
	if m.ended == nil {
		m.config.Recorder.Record(time.Since(m.config.Start), m.config.Node, m.incarnation, body)
	}
}

// Log returns the store of Raft's log.
func (m *Mount) Log() raft.LogStore { return (*logStore)(m) }

// Stable returns the store of Raft's term and vote.
func (m *Mount) Stable() raft.StableStore { return (*stableStore)(m) }

// Snapshots returns the store of Raft's snapshots; it keeps the last two.
func (m *Mount) Snapshots() raft.SnapshotStore { return (*snapshotStore)(m) }

// Files returns the provider's files.
func (m *Mount) Files() *Files { return (*Files)(m) }
