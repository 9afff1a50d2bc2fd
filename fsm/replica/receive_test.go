package replica

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// n1 has applied 20 entries, and its log begins behind a snapshot of them.
func TestWhatASnapshotHasIsTakenOutOfRequests(t *testing.T) {
	with := func(t *testing.T, test func(*follower)) {
		withFollower(t, 1, true, func(f *follower) {
			f.snapshot(20, 20)
			test(f)
		})
	}
	t.Run("an append that begins before its end", func(t *testing.T) {
		with(t, func(f *follower) {
			require.True(t, f.append(2, 2, 7, 23, 23))
			synctest.Wait()
			require.Equal(t, uint64(23), f.raft.AppliedIndex())
		})
	})
	t.Run("an append from the first entry on", func(t *testing.T) {
		with(t, func(f *follower) { require.True(t, f.append(2, 0, 0, 23, 23)) })
	})
	t.Run("an append that ends before it does", func(t *testing.T) {
		with(t, func(f *follower) {
			require.True(t, f.append(2, 2, 7, 9, 9))
			require.Equal(t, uint64(20), f.raft.AppliedIndex())
			require.Equal(t, uint64(20), f.raft.LastIndex())
		})
	})
	t.Run("but nothing of what contradicts it", func(t *testing.T) {
		with(t, func(f *follower) { require.False(t, f.append(3, 2, 7, 23, 23), "entry 20 is of term 2") })
	})
	t.Run("nor of what a former leader sends", func(t *testing.T) {
		with(t, func(f *follower) {
			require.False(t, f.append(1, 1, 7, 9, 9))
			require.ErrorContains(t, f.send(1, 10, 1), "not installed")
			require.Equal(t, uint64(2), f.raft.CurrentTerm())
		})
	})
	t.Run("and a snapshot still tells who leads", func(t *testing.T) {
		with(t, func(f *follower) {
			f.install(5, 10, 2)
			require.Equal(t, uint64(5), f.raft.CurrentTerm())
			require.Equal(t, uint64(20), f.raft.AppliedIndex())
		})
	})
}

// n1 has entries of a former leader, of term 2, where a snapshot of the leader of term 3 ends, and
// behind it.
func TestASnapshotTakesTheEntriesOfAFormerLeaderAway(t *testing.T) {
	for _, last := range []uint64{10, 14} {
		for _, compacted := range []bool{false, true} {
			for _, protected := range []bool{false, true} {
				withFollower(t, 0, protected, func(f *follower) {
					if compacted {
						f.snapshot(9, 9)
						f.kind = raft.LogNoop
						require.True(t, f.append(2, 2, 9, last, 9))
					} else {
						require.True(t, f.append(2, 0, 0, last, 4))
					}
					synctest.Wait()
					f.state = `{"applied_index":9}`
					f.install(3, 10, 3)
					vote := raft.RequestVoteResponse{}
					ask := &raft.RequestVoteRequest{RPCHeader: header(), Term: 4, LastLogIndex: last, LastLogTerm: 2, LeadershipTransfer: true}
					require.NoError(t, f.leader.RequestVote("n1", "n1", ask, &vote))
					if !protected {
						require.True(t, vote.Granted, "to a candidate without what is committed")
						return
					}
					require.False(t, vote.Granted)
					require.Equal(t, uint64(10), f.raft.LastIndex())
					stored, err := f.log.LastIndex()
					require.NoError(t, err)
					require.Less(t, stored, uint64(10))
					require.True(t, f.append(5, 3, 10, 12, 12))
					synctest.Wait()
					require.Equal(t, uint64(12), f.raft.AppliedIndex())
				})
			}
		}
	}
}

// A snapshot is not installed if the log has all of it, and what stands behind it is kept.
func TestALogThatHasTheEndOfASnapshotIsKept(t *testing.T) {
	withFollower(t, 0, true, func(f *follower) {
		require.True(t, f.append(2, 0, 0, 14, 4))
		synctest.Wait()
		f.install(2, 10, 2)
		require.Equal(t, uint64(4), f.raft.AppliedIndex())
		require.Equal(t, uint64(14), f.raft.LastIndex())
		require.True(t, f.append(2, 2, 14, 15, 15))
		synctest.Wait()
		require.Equal(t, uint64(15), f.raft.AppliedIndex())
	})
}

// The leader reads its request again when it is answered.
func TestARequestIsNotChangedForItsSender(t *testing.T) {
	r := newReceiver(nil, new(receivedLog))
	r.log.end.reach(5, 2)
	r.applied = func() uint64 { return 5 }
	q := &raft.AppendEntriesRequest{PrevLogEntry: 3, PrevLogTerm: 2, LeaderCommitIndex: 9, Entries: []*raft.Log{{Index: 4, Term: 2}, {Index: 5, Term: 2}, {Index: 6, Term: 2}}}
	before := *q
	require.Equal(t, &raft.AppendEntriesRequest{LeaderCommitIndex: 6, Entries: q.Entries[2:]}, r.behindSnapshot(boundCommit(q)))
	require.Equal(t, before, *q)

	r.applied = func() uint64 { return 4 }
	require.Same(t, q, r.behindSnapshot(q), "the snapshot was not restored")
	heartbeat := &raft.AppendEntriesRequest{Term: 2}
	require.Same(t, heartbeat, r.behindSnapshot(boundCommit(heartbeat)))
}

func TestARequestThatRaftDoesNotTakeFails(t *testing.T) {
	in := make(chan raft.RPC)
	r := newReceiver(in, new(receivedLog))
	r.applied = func() uint64 { return 10 }
	returned := make(chan struct{})
	go func() {
		r.run()
		close(returned)
	}()
	answers := make(chan raft.RPCResponse, 1)
	in <- raft.RPC{Command: &raft.InstallSnapshotRequest{LastLogIndex: 10}, Reader: strings.NewReader("state"), RespChan: answers}
	r.close()
	r.close()
	require.ErrorIs(t, (<-answers).Error, raft.ErrRaftShutdown)
	<-returned
}
