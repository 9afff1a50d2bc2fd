package disk

import (
	"errors"
	"slices"
	"time"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

var (
	// ErrIO: the disk failed; nothing was written.
	ErrIO = errors.New("disk: input/output error")
	// ErrFull: there is no room; nothing was written.
	ErrFull = errors.New("disk: no space left")
)

// Op is what is done to a disk.
type Op string

// The operations. What removes something needs no room, but may fail as well. A
// snapshot whose index is above that of the last log entry is one that is installed.
const (
	Log            Op = "log"
	LogRemove      Op = "log-remove"
	Stable         Op = "stable"
	File           Op = "files"
	FileRemove     Op = "files-remove"
	SnapshotCreate Op = "snapshot-create"
	SnapshotWrite  Op = "snapshot-write"
	SnapshotClose  Op = "snapshot-close"
	InstallCreate  Op = "install-create"
	InstallWrite   Op = "install-write"
	InstallClose   Op = "install-close"
	// InstallRestore is what a node does with a snapshot that it has been given.
	InstallRestore Op = "install-restore"
	// Tear is what a crash does to a change of a file that was not synced: without a
	// rule it is lost, with one it survives, whole or in part.
	Tear Op = "tear"
	// TearLog, TearStable and TearSnapshot are the same for a write to one of Raft's stores.
	//
	//   - Of a batch of entries, those in front survive: a log is appended to. To remove entries is
	//     one step: it happens or not.
	//   - A key of the stable store has its new value or its old one, never a part of it: stores like
	//     BoltDB write pages aside and then one meta page, which counts only if its checksum is right.
	//   - Of a snapshot, the metadata survive, and the state whole or cut off. Such a snapshot is
	//     listed and cannot be opened, as in raft.FileSnapshotStore, whose checksum tells. Without
	//     an older one that is whole, raft could not start until somebody removed it: then all of it
	//     is lost.
	TearLog      Op = "tear-log"
	TearStable   Op = "tear-stable"
	TearSnapshot Op = "tear-snapshot"
)

// tears are what a crash does to the writes of an operation.
var tears = map[Op]Op{
	Log: TearLog, LogRemove: TearLog, Stable: TearStable, SnapshotClose: TearSnapshot, InstallClose: TearSnapshot,
}

// Rule is what is wrong with a disk.
type Rule struct {
	// Fault names the rule in the trace.
	Fault event.Fault
	// Draw is what the rule's draws are narrowed from.
	Draw keyed.Draw
	// Ops are the operations that fail.
	Ops []Op
	// Name narrows the rule to a key of the stable store or to a file; empty means any.
	Name string
	// Err is what they fail with.
	Err error
	// Min and Max bound how much longer they take, instead of failing; zero for none.
	Min, Max time.Duration
	// Rate is how many in a million fail; zero means all of them.
	Rate uint64
	// Count is how many fail at most; zero means without bound.
	Count int
}

// rule is a Rule in force.
type rule struct {
	Rule
	activations int
	asked       map[[2]string]uint64 // by operation and name
}

// AddRule puts a rule in force and returns what ends it.
func (d *Disk) AddRule(r Rule) (end func()) {
	d.ruling.Lock()
	defer d.ruling.Unlock()
	added := &rule{Rule: r, asked: make(map[[2]string]uint64)}
	d.rules = append(d.rules, added)
	d.ruled.Store(true)
	return func() {
		d.ruling.Lock()
		defer d.ruling.Unlock()
		d.rules = slices.DeleteFunc(d.rules, func(r *rule) bool { return r == added })
		d.ruled.Store(len(d.rules) > 0)
	}
}

// slows reports whether the rule makes operations slow.
func (r *rule) slows() bool { return r.Max > 0 }

// activated returns the first rule that an operation activates, one that slows it down or another,
// and a draw of its own; nil if none does.
func (d *Disk) activated(op Op, name string, slow bool) (*rule, keyed.Draw) {
	if !d.ruled.Load() {
		return nil, 0
	}
	d.ruling.Lock()
	defer d.ruling.Unlock()
	for _, r := range d.rules {
		if r.slows() != slow || !slices.Contains(r.Ops, op) || r.Name != "" && r.Name != name || r.Count > 0 && r.activations >= r.Count {
			continue
		}
		key := [2]string{string(op), name}
		r.asked[key]++
		draw := r.Draw.Str(d.config.Node).Str(string(op)).Str(name).Int(r.asked[key])
		if r.Rate == 0 || draw.Str("rate").Chance(r.Rate) {
			r.activations++
			return r, draw
		}
	}
	return nil, 0
}

// fails returns what an operation fails with. m.mu is not held.
func (m *Mount) fails(op Op, name string) error {
	if !m.disk.ruled.Load() || m.hasEnded() {
		return nil
	}
	r, _ := m.disk.activated(op, name, false)
	if r == nil {
		return nil
	}
	m.recordActivation(r, op, name)
	return r.Err
}

// slowed returns how much longer an operation takes. m.mu is not held.
func (m *Mount) slowed(op Op, name string) time.Duration {
	if !m.disk.ruled.Load() || m.hasEnded() {
		return 0
	}
	r, draw := m.disk.activated(op, name, true)
	if r == nil {
		return 0
	}
	wait := draw.Str("wait").Duration(r.Min, r.Max)
	m.recordActivation(r, op, name, trace.Dur("by", wait))
	return wait
}

// hold lets the time pass by which an operation is slowed down. m.mu is not held.
func (m *Mount) hold(op Op, name string) {
	if wait := m.slowed(op, name); wait > 0 {
		time.Sleep(wait)
	}
}

// recordActivation records that a rule was activated.
func (m *Mount) recordActivation(r *rule, op Op, name string, more ...trace.Field) {
	m.config.Recorder.Record(time.Since(m.config.Start), m.config.Node, m.incarnation, &event.FaultActivated{
		Fault: r.Fault, Details: append([]trace.Field{trace.Str("op", string(op)), trace.Str("name", name)}, more...),
	})
}

func (m *Mount) hasEnded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended != nil
}

// RestoreFails returns what goes wrong when the node puts a snapshot, which it was
// given and has stored, into use.
func (m *Mount) RestoreFails() error { return m.fails(InstallRestore, "") }

// tear lets unsynced changes survive the crash that ends the mount, as the rules determine.
// m.mu is held.
func (m *Mount) tear() {
	if !m.disk.ruled.Load() {
		return
	}
	m.ended.files.tear(func(name string) (keyed.Draw, bool) {
		r, draw := m.disk.activated(Tear, name, false)
		if r != nil {
			m.recordActivation(r, Tear, name)
		}
		return draw, r != nil
	})
	m.tearing = true
	defer func() { m.tearing = false }()
	for _, w := range m.unsynced {
		op, known := tears[w.op]
		if !known {
			continue
		}
		r, draw := m.disk.activated(op, w.number, false)
		if r == nil {
			continue
		}
		left, of := 1, 1
		if w.survives != nil {
			left, of = w.survives(m.ended, draw)
		} else {
			w.change(m.ended)
		}
		m.recordActivation(r, op, w.number, trace.Int("left", int64(left)), trace.Int("of", int64(of)))
	}
}

// tear makes durable, of the changes that were not synced, those that are chosen: a
// file's contents whole or cut off somewhere, a name as it is; a rename is atomic.
func (f *files) tear(chosen func(name string) (keyed.Draw, bool)) {
	for _, name := range sortedNames(f.live) {
		n := f.live[name]
		if string(n.data) != string(n.durable) {
			if draw, yes := chosen(name); yes {
				size := uint64(len(n.data))
				if draw.Str("cut").N(2) == 0 {
					size = draw.Str("size").N(size + 1)
				}
				n.durable = append([]byte{}, n.data[:size]...)
			}
		}
		if f.durable[name] == n {
			continue
		}
		if _, yes := chosen(name); yes {
			for _, old := range sortedNames(f.durable) {
				if f.durable[old] == n && f.live[old] != n {
					delete(f.durable, old)
				}
			}
			f.durable[name] = n
		}
	}
	for _, name := range sortedNames(f.durable) {
		if f.live[name] == nil && !f.named(f.durable[name]) {
			if _, yes := chosen(name); yes {
				delete(f.durable, name)
			}
		}
	}
}

// named reports whether a file has a name.
func (f *files) named(n *inode) bool {
	for _, other := range f.live {
		if other == n {
			return true
		}
	}
	return false
}

// Pause keeps writes from ending until [Mount.Resume].
func (m *Mount) Pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused == nil {
		m.paused = make(chan struct{})
	}
}

// Resume lets the writes go on.
func (m *Mount) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused != nil {
		close(m.paused)
		m.paused = nil
	}
}

// pass waits for the end of a pause.
func (m *Mount) pass() {
	for {
		m.mu.Lock()
		paused := m.paused
		m.mu.Unlock()
		if paused == nil {
			return
		}
		<-paused
	}
}
