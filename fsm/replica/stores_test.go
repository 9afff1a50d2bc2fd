package replica

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// follower is a real raft instance that a made-up leader speaks to.
type follower struct {
	t      *testing.T
	raft   *ProtectedRaft
	log    *raft.InmemStore
	leader *raft.InmemTransport
	// kind is that of the entries which append sends.
	kind raft.LogType
	// state is the snapshot that is sent: that of a machine whose first entry was a command, and all that
	// follow raft's own.
	state string
}

// withFollower runs test on a follower that keeps trailing entries before the head of
// its log.
func withFollower(t *testing.T, trailing uint64, protected bool, test func(*follower)) {
	synctest.Test(t, func(t *testing.T) {
		_, own := raft.NewInmemTransportWithTimeout("n1", time.Second)
		_, leader := raft.NewInmemTransportWithTimeout("n2", time.Second)
		own.Connect("n2", leader)
		leader.Connect("n1", own)
		defer own.Close()
		defer leader.Close()
		c := raft.DefaultConfig()
		c.LocalID, c.TrailingLogs, c.Logger = "n1", trailing, hclog.NewNullLogger()
		c.SnapshotInterval, c.SnapshotThreshold = time.Hour, 1<<40
		store := raft.NewInmemStore()
		r := startRaft(t, protected, c, New(Config{}), store, own)
		defer func() { require.NoError(t, r.Shutdown().Error()) }()
		test(&follower{t: t, raft: r, log: store, leader: leader, kind: raft.LogNoop, state: `{"applied_index":1}`})
	})
}

// servers is the configuration that the entries of the tests are under.
var servers = raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}, {ID: "n2", Address: "n2"}}}

// header is what a leader of a term sends along.
func header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n2"), Addr: []byte("n2")}
}

// append sends the entries behind prev up to last, all of one term, and reports whether
// the follower took them.
func (f *follower) append(term, prevTerm, prev, last, commit uint64) bool {
	q := &raft.AppendEntriesRequest{RPCHeader: header(), Term: term, PrevLogEntry: prev, PrevLogTerm: prevTerm, LeaderCommitIndex: commit}
	for index := prev + 1; index <= last; index++ {
		l := &raft.Log{Index: index, Term: term, Type: f.kind}
		if index == 1 {
			l.Type, l.Data = raft.LogConfiguration, raft.EncodeConfiguration(servers)
		}
		q.Entries = append(q.Entries, l)
	}
	var p raft.AppendEntriesResponse
	require.NoError(f.t, f.leader.AppendEntries("n1", "n1", q, &p))
	return p.Success
}

// snapshot has the follower apply commands up to commit of those up to last, and take a snapshot.
func (f *follower) snapshot(last, commit uint64) {
	f.kind = raft.LogCommand
	require.True(f.t, f.append(2, 0, 0, last, commit))
	synctest.Wait()
	require.NoError(f.t, f.raft.Snapshot().Error())
}

// install sends a snapshot that ends with an entry; the follower takes it.
func (f *follower) install(term, index, indexTerm uint64) {
	require.NoError(f.t, f.send(term, index, indexTerm))
}

// send sends a snapshot, and returns the follower's error.
func (f *follower) send(term, index, indexTerm uint64) error {
	state := []byte(f.state)
	q := &raft.InstallSnapshotRequest{
		RPCHeader: header(), SnapshotVersion: raft.SnapshotVersionMax, Term: term, LastLogIndex: index, LastLogTerm: indexTerm,
		Configuration: raft.EncodeConfiguration(servers), ConfigurationIndex: 1, Size: int64(len(state)),
	}
	var p raft.InstallSnapshotResponse
	if err := f.leader.InstallSnapshot("n1", "n1", q, &p, bytes.NewReader(state)); err != nil || p.Success {
		return err
	}
	return errors.New("not installed")
}

// What raft keeps of a log next to a snapshot makes a follower refuse all that comes
// behind the snapshot. The first column of each test is what raft does by itself: when
// it is mended there, protectStores can go.
func TestAFollowerGoesOnBehindASnapshot(t *testing.T) {
	for _, c := range []struct {
		name     string
		trailing uint64
		// before is what the follower goes through; the snapshot ends with entry 10.
		before func(*follower)
		// term is the leader's, snapshot that of entry 10.
		term, snapshot uint64
	}{
		{"whose entries before its end were compacted while the answers to those behind it got lost", 3, func(f *follower) {
			require.True(f.t, f.append(2, 0, 0, 14, 10))
			f.install(2, 10, 2)
		}, 2, 2},
		{"that left a gap in the log, and the answer to the first entry behind it got lost", 10240, func(f *follower) {
			require.True(f.t, f.append(2, 0, 0, 4, 4))
			f.install(2, 10, 2)
			require.True(f.t, f.append(2, 2, 10, 11, 10))
		}, 2, 2},
		{"that ends where an older leader had begun another entry", 10240, func(f *follower) {
			require.True(f.t, f.append(2, 0, 0, 14, 4))
			f.install(3, 10, 3)
		}, 3, 3},
		{"that is older than the newest one, behind which its log goes on", 2, func(f *follower) {
			f.snapshot(12, 11)
			_ = f.send(2, 10, 2)
		}, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, protected := range []bool{false, true} {
				withFollower(t, c.trailing, protected, func(f *follower) {
					c.before(f)
					// The leader has no match index for the follower; it begins behind the snapshot.
					require.Equal(t, protected, f.append(c.term, c.snapshot, 10, 16, 16))
					if protected {
						synctest.Wait()
						require.Equal(t, uint64(16), f.raft.AppliedIndex())
					}
				})
			}
		})
	}
}

// Raft by itself would go back to the late snapshot, and panic at the first entry
// behind it that is not in the log.
func TestASnapshotThatComesTooLateIsNotInstalled(t *testing.T) {
	for _, c := range []struct {
		name     string
		trailing uint64
		before   func(*follower)
	}{
		{"when what follows it was compacted", 1, func(f *follower) {
			f.snapshot(20, 20)
		}},
		{"when what follows it never was in the log", 10240, func(f *follower) {
			require.True(f.t, f.append(2, 0, 0, 4, 4))
			f.install(2, 20, 2)
			require.True(f.t, f.append(2, 2, 20, 21, 21))
		}},
		{"when the log holds what follows it", 10240, func(f *follower) {
			require.True(f.t, f.append(2, 0, 0, 20, 20))
			synctest.Wait()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, protected := range []bool{false, true} {
				withFollower(t, c.trailing, protected, func(f *follower) {
					c.before(f)
					applied := f.raft.AppliedIndex()
					err := f.send(2, 10, 2)
					if !protected {
						require.True(t, err != nil || f.raft.AppliedIndex() == 10, "it has gone back, or refuses for ever")
						return
					}
					require.NoError(t, err)
					require.Equal(t, applied, f.raft.AppliedIndex())
					require.True(t, f.append(2, 2, 10, 23, 23), "the leader goes on behind its snapshot")
					synctest.Wait()
					require.Equal(t, uint64(23), f.raft.AppliedIndex())
				})
			}
		})
	}
}

// A log of before is opened beside a snapshot that ends with entry 4 of term 3.
func TestWhatContradictsASnapshotIsNotOpened(t *testing.T) {
	for _, c := range []struct {
		name       string
		terms      map[uint64]uint64
		from, last uint64
	}{
		{"the log holds the end of the snapshot", map[uint64]uint64{3: 2, 4: 3, 5: 3}, 3, 5},
		{"it holds another entry there", map[uint64]uint64{2: 2, 3: 2, 4: 2, 5: 2}, 2, 3},
		{"it ends before", map[uint64]uint64{2: 2, 3: 2}, 2, 3},
		{"it goes on behind a gap", map[uint64]uint64{1: 2, 5: 3, 6: 3}, 1, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
			for _, index := range slices.Sorted(maps.Keys(c.terms)) {
				require.NoError(t, store.StoreLog(&raft.Log{Index: index, Term: c.terms[index]}))
			}
			_, transport := raft.NewInmemTransport("")
			sink, err := snapshots.Create(raft.SnapshotVersionMax, 4, 3, servers, 1, transport)
			require.NoError(t, err)
			require.NoError(t, sink.Close())
			log, _, err := protectStores(store, snapshots)
			require.NoError(t, err)
			first, err := log.FirstIndex()
			require.NoError(t, err)
			last, err := log.LastIndex()
			require.NoError(t, err)
			require.Equal(t, []uint64{c.from, c.last}, []uint64{first, last})
		})
	}
}

func TestOnlyACompleteSnapshotCounts(t *testing.T) {
	log, snapshots, err := protectStores(raft.NewInmemStore(), raft.NewInmemSnapshotStore())
	require.NoError(t, err)
	_, transport := raft.NewInmemTransport("")
	snapshot := func(index uint64, end func(raft.SnapshotSink) error) uint64 {
		sink, err := snapshots.Create(raft.SnapshotVersionMax, index, 2, servers, 1, transport)
		require.NoError(t, err)
		require.NoError(t, end(sink))
		newest, _ := log.end.get()
		return newest
	}
	require.Equal(t, uint64(4), snapshot(4, raft.SnapshotSink.Close))
	require.Equal(t, uint64(4), snapshot(5, raft.SnapshotSink.Cancel))
	require.Equal(t, uint64(4), snapshot(3, func(s raft.SnapshotSink) error {
		require.ErrorIs(t, s.Close(), errOvertaken)
		return nil
	}))
}

// TestASnapshotThatIsOvertakenIsNone: a node's own snapshot takes its time, and meanwhile a newer one of
// the leader is installed.
func TestASnapshotThatIsOvertakenIsNone(t *testing.T) {
	files, err := raft.NewFileSnapshotStoreWithLogger(t.TempDir(), 2, hclog.NewNullLogger())
	require.NoError(t, err)
	_, snapshots, err := protectStores(raft.NewInmemStore(), files)
	require.NoError(t, err)
	_, transport := raft.NewInmemTransport("")
	begin := func(index uint64) raft.SnapshotSink {
		sink, err := snapshots.Create(raft.SnapshotVersionMax, index, 4, servers, 1, transport)
		require.NoError(t, err)
		return sink
	}
	own, installed := begin(154), begin(162)
	require.NoError(t, installed.Close())
	require.ErrorIs(t, own.Close(), errOvertaken)
	list, err := snapshots.List()
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, uint64(162), list[0].Index)
	require.NoError(t, begin(170).Close(), "a newer one")
}
