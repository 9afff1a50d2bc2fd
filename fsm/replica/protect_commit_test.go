package replica

import (
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// words is a raft.FSM that keeps what it applies.
type words struct {
	mu      sync.Mutex
	applied []string
}

func (w *words) Apply(entry *raft.Log) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applied = append(w.applied, string(entry.Data))
	return nil
}

func (w *words) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.applied...)
}

func (*words) Snapshot() (raft.FSMSnapshot, error) { return nil, io.EOF }
func (*words) Restore(io.ReadCloser) error         { return io.EOF }

// n1 has two entries of a leader that was deposed before anybody else had them. The next leader, n2, has
// committed other entries at their indices when it sends n1 an append that was made before: without
// entries, and with what is committed by now.
func TestAnAppendCommitsNoMoreThanItShows(t *testing.T) {
	for _, protected := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, own := raft.NewInmemTransportWithTimeout("n1", time.Minute)
			defer own.Close()
			n2 := newPeer(t, "n2", own, unreachable)
			newPeer(t, "n3", own, unreachable)
			c, store := threeServers(t, own)
			c.HeartbeatTimeout, c.ElectionTimeout = time.Hour, time.Hour
			fsm := &words{}
			r := startRaft(t, protected, c, fsm, store, own)
			defer func() { require.NoError(t, r.Shutdown().Error()) }()

			send := func(q *raft.AppendEntriesRequest) {
				q.RPCHeader, q.Leader, q.PrevLogEntry, q.PrevLogTerm = header(), []byte("n2"), 1, 1
				answer := new(raft.AppendEntriesResponse)
				require.NoError(t, n2.AppendEntries("n1", "n1", q, answer))
				require.True(t, answer.Success)
				synctest.Wait()
			}
			entry := func(index uint64, word string) *raft.Log {
				return &raft.Log{Index: index, Term: 2, Type: raft.LogCommand, Data: []byte(word)}
			}
			send(&raft.AppendEntriesRequest{Term: 2, Entries: []*raft.Log{entry(2, "deposed"), entry(3, "deposed")}})
			require.Empty(t, fsm.all())
			send(&raft.AppendEntriesRequest{Term: 3, LeaderCommitIndex: 3})
			if !protected {
				require.Equal(t, []string{"deposed", "deposed"}, fsm.all(), "it has applied what was never committed")
				return
			}
			require.Empty(t, fsm.all())
		})
	}
}
