package disk

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/hashicorp/raft"
)

// entries are log entries, sorted by index. There may be gaps, as in the stores that
// are in use: a follower that was given a snapshot goes on behind it.
type entries []raft.Log

// find returns where the entry of that index is, or belongs.
func (e entries) find(index uint64) (int, bool) {
	if len(e) == 0 || index < e[0].Index {
		return 0, false
	}
	if i := index - e[0].Index; i < uint64(len(e)) && e[i].Index == index {
		return int(i), true // no gap before it
	}
	return slices.BinarySearchFunc(e, index, func(l raft.Log, index uint64) int {
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
	*l = m.state.log[i]
	return nil
}

// StoreLog stores one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries, replacing those of the same index.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	return (*Mount)(s).commit(Log, (*Mount)(s).number(logs[0].Index), func(st *state) {
		for _, l := range logs {
			if i, ok := st.log.find(l.Index); ok {
				st.log[i] = *l
			} else if n := len(st.log); n == 0 || st.log[n-1].Index < l.Index {
				st.log = append(st.log, *l)
			} else {
				st.log = slices.Insert(st.log, i, *l)
			}
		}
	})
}

// DeleteRange removes the entries from lo to hi, both included.
func (s *logStore) DeleteRange(lo, hi uint64) error {
	return (*Mount)(s).commit(LogRemove, (*Mount)(s).number(lo), func(st *state) {
		from, _ := st.log.find(lo)
		to, found := st.log.find(hi)
		if found {
			to++
		}
		if from < to {
			st.log = slices.Delete(st.log, from, to)
		}
	})
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

// Set stores a value. Raft panics when its term cannot be stored: then the node is as
// good as crashed, and crashes.
func (s *stableStore) Set(key, value []byte) error {
	m := (*Mount)(s)
	value = slices.Clone(value)
	err := m.commit(Stable, string(key), func(st *state) { st.stable[string(key)] = value })
	if err != nil && string(key) == currentTerm && m.config.Fatal != nil {
		m.config.Fatal(m.incarnation)
		return nil
	}
	return err
}

// currentTerm is the key of Raft's term.
const currentTerm = "CurrentTerm"

// Get returns a value, nil for one that was never set.
func (s *stableStore) Get(key []byte) (value []byte, err error) {
	(*Mount)(s).read(func(st *state) { value = slices.Clone(st.stable[string(key)]) })
	return value, nil
}

// SetUint64 stores a number.
func (s *stableStore) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 returns a number, 0 for one that was never set.
func (s *stableStore) GetUint64(key []byte) (n uint64, err error) {
	(*Mount)(s).read(func(st *state) {
		if b := st.stable[string(key)]; len(b) == 8 {
			n = binary.BigEndian.Uint64(b)
		}
	})
	return n, nil
}
