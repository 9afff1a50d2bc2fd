package cluster

import (
	"io"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/disk"
	"dtsim/sim/plan"
	"dtsim/sim/stall/point"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// machine is the raft.FSM of an incarnation: the application's, and the events of its
// applies.
type machine Incarnation

// Apply is an entry of the log that the machine of an incarnation is applying.
type Apply struct {
	// Index and Term are the entry's, Sum is [disk.Sum] of it.
	Index, Term, Sum uint64
	// First is set if no replica has applied the entry before.
	First bool

	recorded bool
}

// Apply implements raft.FSM.
func (m *machine) Apply(entry *raft.Log) any {
	m.gate.pass()
	defer point.Exempt()()
	c := m.cluster
	c.applying.Lock()
	defer c.applying.Unlock()
	defer m.freed()()
	m.apply = Apply{Index: entry.Index, Term: entry.Term, Sum: disk.Sum(entry), First: !m.dead && c.log.offer(entry)}
	result := m.machine.Apply(entry)
	if !m.apply.recorded && m.machine.AppliedIndex() == entry.Index {
		i := (*Incarnation)(m)
		i.AppendApplied("", nil, Outcome{Words: event.Accepted})
		if i.Awaited() {
			i.Announce(nil)
		}
	}
	return result
}

// Applying returns the apply under way. It is called by a machine during its Apply.
func (i *Incarnation) Applying() Apply { return i.apply }

// Append appends an event that belongs to the apply under way: no other event comes
// between. It is called by a machine during its Apply.
func (i *Incarnation) Append(body trace.Body) { i.append(body) }

// AppendApplied appends the event of the apply under way: the command, the application's
// details, and the outcome. It is called during Apply, while the state is
// that of the index; a machine that does not call it has it done without details.
func (i *Incarnation) AppendApplied(command string, details []trace.Field, o Outcome) {
	a := &i.apply
	a.recorded = true
	if a.First {
		i.cluster.counters.Commands++
	}
	i.append(&event.Applied{
		Index: a.Index, Term: a.Term, Command: command, Details: details,
		Outcome: o.Words, Verdict: o.Verdict, Sum: a.Sum, First: o.duplicateOf(a.Index), State: i.cluster.sample(i.machine, a.Index),
	})
}

// freed lets goroutines of the node that are held up go on if a step of the machine, which begins,
// waits for what one of them holds: with applying held no time may pass. It returns what is to be
// done after the step.
func (m *machine) freed() func() {
	if !m.threads.Stalled() {
		return func() {}
	}
	t := time.AfterFunc(1, m.threads.Unlock)
	return func() { t.Stop() }
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.gate.pass()
	s, err := m.capture()
	if err == nil {
		(*Incarnation)(m).Reach(plan.SnapshotBegin, nil)
	}
	return s, err
}

func (m *machine) capture() (raft.FSMSnapshot, error) {
	defer point.Exempt()()
	m.cluster.applying.Lock()
	defer m.cluster.applying.Unlock()
	defer m.freed()()
	s, err := m.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	(*Incarnation)(m).append(&event.SnapshotTaken{State: m.state()})
	return &reread{FSMSnapshot: s, incarnation: (*Incarnation)(m), index: m.machine.AppliedIndex()}, nil
}

// Restore implements raft.FSM.
func (m *machine) Restore(source io.ReadCloser) error {
	m.gate.pass()
	if m.begun.Load() && !m.restoring.Load() { // raft panics where a user's restore fails
		if err := m.mount.RestoreFails(); err != nil {
			return err
		}
	}
	if err := m.replace(source); err != nil {
		return err
	}
	if m.begun.Load() { // else it is the node's own
		(*Incarnation)(m).Reach(plan.SnapshotInstalled, nil)
	}
	return nil
}

func (m *machine) replace(source io.ReadCloser) error {
	defer point.Exempt()()
	m.cluster.applying.Lock()
	defer m.cluster.applying.Unlock()
	defer m.freed()()
	if err := m.machine.Restore(source); err != nil {
		return err
	}
	(*Incarnation)(m).append(&event.SnapshotRestored{State: m.state()})
	if r, ok := m.process.(Restored); ok {
		r.StateRestored()
	}
	return nil
}

// state returns the state of the machine.
func (m *machine) state() event.State {
	return event.State{Index: m.machine.AppliedIndex(), Hash: stateOf(m.machine)}
}

// sample returns 64 bits of the hash of a machine's state at an index, "" if the state at
// that index is not compared.
func (c *Cluster) sample(m Machine, index uint64) string {
	if !c.sampled(index) {
		return ""
	}
	return stateOf(m)
}

// stateOf returns 64 bits of the hash of a machine's state, or why there is none.
func stateOf(m Machine) string {
	hash, err := m.Hash()
	if err != nil {
		return err.Error()
	}
	return hash[:min(len(hash), 16)]
}
