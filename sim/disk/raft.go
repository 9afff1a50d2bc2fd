package disk

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// entries are log entries, sorted by index. There may be gaps, as in the stores that
// are in use: a follower that was given a snapshot goes on behind it.
type entries []entry

// entry is a log entry with its sum.
type entry struct {
	raft.Log
	sum uint64
}

// event returns the entry as it is in events.
func (e *entry) event() event.LogEntry {
	return event.LogEntry{Index: e.Index, Term: e.Term, Sum: e.sum}
}

// Sum returns 64 bits of the hash of an entry: of its type, its data and its extensions, but not
// of its place. Of a command without extensions it is the FNV-1a hash of the data.
func Sum(l *raft.Log) uint64 {
	h := fnv.New64a()
	h.Write(l.Data)
	if l.Type != raft.LogCommand || len(l.Extensions) > 0 {
		h.Write([]byte{byte(l.Type)})
		h.Write(l.Extensions)
	}
	return h.Sum64()
}

// find returns where the entry of that index is, or belongs.
func (e entries) find(index uint64) (int, bool) {
	if len(e) == 0 || index < e[0].Index {
		return 0, false
	}
	if i := index - e[0].Index; i < uint64(len(e)) && e[i].Index == index {
		return int(i), true // no gap before it
	}
	return slices.BinarySearchFunc(e, index, func(l entry, index uint64) int {
		if l.Index < index {
			return -1
		}
		return int(min(l.Index-index, 1))
	})
}

// logStore is a mount as Raft's log.
type logStore Mount

// FirstIndex returns the lowest index, 0 for an empty log.
func (s *logStore) FirstIndex() (index uint64, err error) {
	m := (*Mount)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.state.log; len(e) > 0 {
		index = e[0].Index
	}
	return index, nil
}

// LastIndex returns the highest index, 0 for an empty log.
func (s *logStore) LastIndex() (index uint64, err error) {
	m := (*Mount)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.state.log; len(e) > 0 {
		index = e[len(e)-1].Index
	}
	return index, nil
}

// GetLog reads the entry of that index into l, or returns raft.ErrLogNotFound.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	m := (*Mount)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.state.log.find(index)
	if !ok {
		return raft.ErrLogNotFound
	}
	*l = m.state.log[i].Log
	return nil
}

// StoreLog stores one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries, replacing those of the same index.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	m := (*Mount)(s)
	stored := make([]entry, len(logs))
	var configuration event.LogEntry
	for i, l := range logs {
		stored[i] = entry{*l, Sum(l)}
		if l.Type == raft.LogConfiguration {
			configuration = stored[i].event()
		}
	}
	err := m.write(&write{
		op: Log, number: m.number(logs[0].Index),
		change: func(st *state) { m.append(st, stored) },
		survives: func(st *state, draw keyed.Draw) (left, of int) {
			n := len(stored)
			if n > 1 && draw.Str("cut").N(2) == 0 {
				n = 1 + int(draw.Str("size").N(uint64(n-1)))
			}
			m.append(st, stored[:n])
			return n, len(stored)
		},
	})
	if configuration.Index > 0 {
		m.stored(err, Stored{Configuration: configuration})
	}
	return err
}

// append puts entries into the log of a state. m.mu is held.
func (m *Mount) append(st *state, stored []entry) {
	for _, l := range stored {
		if i, ok := st.log.find(l.Index); ok {
			st.log[i] = l
		} else if n := len(st.log); n == 0 || st.log[n-1].Index < l.Index {
			st.log = append(st.log, l)
		} else {
			st.log = slices.Insert(st.log, i, l)
		}
	}
	for i := range stored {
		if l := &stored[i]; l.Type == raft.LogConfiguration && m.incarnation > 0 {
			m.record(configured(&l.Log))
		}
	}
	for len(stored) > 0 {
		n := 1
		for n < len(stored) && stored[n].Index == stored[n-1].Index+1 {
			n++
		}
		m.record(storedEvent(stored[:n]))
		stored = stored[n:]
	}
}

// configured is the event of a configuration.
func configured(l *raft.Log) *event.Configured {
	b := &event.Configured{Index: l.Index, Term: l.Term}
	var voters, others []string
	for _, s := range raft.DecodeConfiguration(l.Data).Servers {
		if s.Suffrage == raft.Voter {
			voters = append(voters, string(s.ID))
		} else {
			others = append(others, string(s.ID))
		}
	}
	b.Voters, b.Others = strings.Join(voters, ","), strings.Join(others, ",")
	return b
}

// storedEvent is the event of entries without a gap.
func storedEvent(of []entry) *event.LogStored {
	b := &event.LogStored{First: of[0].Index, Term: of[len(of)-1].Term, Sums: make([]uint64, len(of))}
	same := true
	for i := range of {
		b.Sums[i] = of[i].sum
		same = same && of[i].Term == b.Term
	}
	if !same {
		for i := range of {
			b.Terms = append(b.Terms, of[i].Term)
		}
	}
	return b
}

// DeleteRange removes the entries from lo to hi, both included.
func (s *logStore) DeleteRange(lo, hi uint64) error {
	m := (*Mount)(s)
	err := m.write(&write{op: LogRemove, number: m.number(lo), change: func(st *state) {
		from, _ := st.log.find(lo)
		to, found := st.log.find(hi)
		if found {
			to++
		}
		if from < to {
			st.log = slices.Delete(st.log, from, to)
			m.record(&event.LogDeleted{From: lo, To: hi})
		}
	}})
	m.stored(err, Stored{RemovedFrom: lo, RemovedTo: hi})
	return err
}

// number is an index as the name of an operation; empty when there is no rule to ask
// for it.
func (m *Mount) number(index uint64) string {
	if !m.disk.ruled.Load() {
		return ""
	}
	return strconv.FormatUint(index, 10)
}

// stableStore is a mount as the store of Raft's term and vote.
type stableStore Mount

// Set stores a value.
func (s *stableStore) Set(key, value []byte) error {
	return s.store(slices.Clone(value), &event.StableStored{Key: string(key), Text: string(value)})
}

// store stores a value and records that. Raft panics when its term cannot be stored: then the
// node is as good as crashed, and crashes.
func (s *stableStore) store(value []byte, b *event.StableStored) error {
	m := (*Mount)(s)
	var raised uint64
	err := m.write(&write{op: Stable, name: b.Key, number: b.Key, change: func(st *state) {
		before := st.number(b.Key)
		st.stable[b.Key] = value
		m.record(b)
		if now := st.number(b.Key); b.Key == event.CurrentTerm && now > before {
			raised = now
		}
	}})
	if raised > 0 {
		m.stored(err, Stored{Term: raised})
	}
	if err != nil && b.Key == event.CurrentTerm && m.config.Fatal != nil {
		m.config.Fatal(m.incarnation)
		return nil
	}
	return err
}

// Get returns a value, nil for one that was never set.
func (s *stableStore) Get(key []byte) (value []byte, err error) {
	(*Mount)(s).read(func(st *state) { value = slices.Clone(st.stable[string(key)]) })
	return value, nil
}

// SetUint64 stores a number.
func (s *stableStore) SetUint64(key []byte, value uint64) error {
	return s.store(binary.BigEndian.AppendUint64(nil, value), &event.StableStored{Key: string(key), N: trace.Some(value)})
}

// GetUint64 returns a number, 0 for one that was never set.
func (s *stableStore) GetUint64(key []byte) (n uint64, err error) {
	(*Mount)(s).read(func(st *state) { n = st.number(string(key)) })
	return n, nil
}

// number returns a number of the stable store, 0 for one that was never set.
func (s *state) number(key string) uint64 {
	if b := s.stable[key]; len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// opened is the event of what an incarnation finds.
func (s *state) opened() *event.StoresOpened {
	b := &event.StoresOpened{
		Entries: int64(len(s.log)), Term: s.number(event.CurrentTerm), VoteTerm: s.number(event.LastVoteTerm),
		Vote: string(s.stable[event.LastVoteCand]),
	}
	for i := range s.log {
		b.Sum ^= s.log[i].event().Mix()
	}
	if n := len(s.log); n > 0 {
		b.First, b.Last = s.log[0].Index, s.log[n-1].Index
	}
	for _, snap := range slices.Backward(s.snapshots) {
		if snap.whole() {
			b.Snapshot = snap.meta.Index
			break
		}
	}
	return b
}
