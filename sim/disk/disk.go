// Package disk is what a simulated node keeps through its incarnations: Raft's log,
// term, vote and snapshots, and the provider's files.
//
// The invariant: what was synced is there at the next [Disk.Open], what was not may
// be lost in a crash, and what an incarnation writes after its end is not there. A
// mount that has ended goes on working, on a copy that nothing else sees: the
// goroutines of a dead node may write what they like, and read it again, without an
// error that they would never have met.
//
// Raft's stores sync every write before they return, as Raft expects of them. A write that
// the crash overtakes is lost whole, unless a rule lets it survive: see [TearLog]. The
// provider's files are synced when the provider reports it.
package disk

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
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
	// Writing is called by the goroutine that writes to one of Raft's stores, at each step of the
	// write; nil for nobody.
	Writing func(incarnation int, w Writing)
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

// Empty removes what Raft has on the disk, between two incarnations: log, term, vote and snapshots. The
// provider's files stay. A mount that has not ended is ended as by Close.
func (d *Disk) Empty() {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &Mount{disk: d, config: d.config, state: newState()}
	if d.mounted != nil {
		had := d.mounted.handOver()
		m.state.files, m.state.taken = had.files, had.taken
	}
	d.mounted = m
}

// Last returns the index and the term of the last entry of Raft's log, or of the one with which the newest
// snapshot ends if that is later; zeros for an empty disk. It is what the next mount finds.
func (d *Disk) Last() (index, term uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mounted == nil {
		return 0, 0
	}
	st := d.mounted.handOver()
	for _, s := range st.snapshots {
		if s.whole() && s.meta.Index >= index {
			index, term = s.meta.Index, s.meta.Term
		}
	}
	if n := len(st.log); n > 0 && st.log[n-1].Index > index {
		index, term = st.log[n-1].Index, st.log[n-1].Term
	}
	return index, term
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
	// unsynced are the writes to Raft's stores under way, in the order in which they began.
	unsynced []*write
	// tearing is set while writes survive the crash that ends the mount.
	tearing bool
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
	if wait := m.config.SyncLatency + m.slowed(op, name); wait > 0 {
		time.Sleep(wait)
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

// write commits a write to one of Raft's stores, and reports its steps.
func (m *Mount) write(w *write) error {
	m.step(WriteBegins, w)
	m.mu.Lock()
	m.unsynced = append(m.unsynced, w)
	m.mu.Unlock()
	m.step(WriteUnsynced, w)
	err := m.commit(w.op, w.number, func(st *state) {
		m.unsynced = slices.DeleteFunc(m.unsynced, func(other *write) bool { return other == w })
		w.change(st)
	})
	if err != nil {
		m.mu.Lock()
		m.unsynced = slices.DeleteFunc(m.unsynced, func(other *write) bool { return other == w })
		m.mu.Unlock()
		return err
	}
	m.step(WriteSynced, w)
	return nil
}

// step reports that a write has come to a step.
func (m *Mount) step(s Step, w *write) {
	if m.config.Writing != nil && !m.hasEnded() {
		m.config.Writing(m.incarnation, Writing{Step: s, Store: stores[w.op], Name: w.name})
	}
}

// write is a write to one of Raft's stores.
type write struct {
	op Op
	// name is the key of the stable store, empty for another store; number is what rules are asked for.
	name, number string
	// change makes the write.
	change func(*state)
	// survives makes of the write what a crash leaves of it, a part or all, and returns how much of
	// how much that is; nil if it is all or nothing.
	survives func(*state, keyed.Draw) (left, of int)
}

// Writing is a step of a write to one of Raft's stores.
type Writing struct {
	Step Step
	// Store is [StoreLog], [StoreLogRemove], [StoreStable] or [StoreSnapshot].
	Store string
	// Name is the key of the stable store; empty for the others.
	Name string
}

// Step is how far a write has come.
type Step int

const (
	// WriteBegins: nothing is written yet.
	WriteBegins Step = iota
	// WriteUnsynced: it is written, and may be lost in a crash.
	WriteUnsynced
	// WriteSynced: it is durable, and who writes does not know yet.
	WriteSynced
)

// The stores to which Raft writes; what removes entries of the log counts as one of its own.
const (
	StoreLog       = "log"
	StoreLogRemove = "log-remove"
	StoreStable    = "stable"
	StoreSnapshot  = "snapshot"
)

// stores are the stores of operations.
var stores = map[Op]string{
	Log: StoreLog, LogRemove: StoreLogRemove, Stable: StoreStable,
	SnapshotWrite: StoreSnapshot, SnapshotClose: StoreSnapshot, InstallWrite: StoreSnapshot, InstallClose: StoreSnapshot,
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
	if m.ended == nil || m.tearing {
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
