package replica

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
)

// startRaft starts a raft with or without protections.
func startRaft(t *testing.T, protected bool, c *raft.Config, fsm raft.FSM, store *raft.InmemStore, transport raft.Transport) *ProtectedRaft {
	t.Helper()
	snapshots := raft.NewInmemSnapshotStore()
	if protected {
		r, err := NewRaft(c, fsm, store, store, snapshots, transport)
		require.NoError(t, err)
		return r
	}
	r, err := raft.NewRaft(c, fsm, store, store, snapshots, transport)
	require.NoError(t, err)
	return &ProtectedRaft{Raft: r}
}

// transferTo transfers leadership, by raft itself if there is no protection.
func (p *ProtectedRaft) transferTo(id raft.ServerID) raft.Future {
	if p.transfers == nil {
		return p.Raft.LeadershipTransferToServer(id, raft.ServerAddress(id))
	}
	return p.LeadershipTransferToServer(id, raft.ServerAddress(id))
}

// peer is a server that the test plays: it answers as do says.
type peer struct {
	*raft.InmemTransport
	do   func(command any) (answer any, err error)
	stop chan struct{}
}

var errUnreachable = errors.New("unreachable")

// newPeer returns a server that is connected with own. It is closed with the test.
func newPeer(t *testing.T, id raft.ServerAddress, own *raft.InmemTransport, do func(any) (any, error)) *peer {
	_, transport := raft.NewInmemTransportWithTimeout(id, time.Minute)
	p := &peer{transport, do, make(chan struct{})}
	own.Connect(id, transport)
	p.Connect(own.LocalAddr(), own)
	go func() {
		for {
			select {
			case rpc := <-p.Consumer():
				go func() { rpc.Respond(p.do(rpc.Command)) }()
			case <-p.stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(p.stop)
		p.Close()
	})
	return p
}

// unreachable answers as a server that nothing reaches.
func unreachable(command any) (any, error) {
	switch command.(type) {
	case *raft.RequestVoteRequest:
		return &raft.RequestVoteResponse{}, errUnreachable
	case *raft.TimeoutNowRequest:
		return &raft.TimeoutNowResponse{}, errUnreachable
	}
	return &raft.AppendEntriesResponse{}, errUnreachable
}

// agree answers every request of a candidate or leader with yes.
func agree(command any) (any, error) {
	switch q := command.(type) {
	case *raft.RequestVoteRequest:
		return &raft.RequestVoteResponse{Term: q.Term, Granted: true}, nil
	case *raft.AppendEntriesRequest:
		return &raft.AppendEntriesResponse{Term: q.Term, LastLog: q.PrevLogEntry + uint64(len(q.Entries)), Success: true}, nil
	}
	return unreachable(command)
}

// threeServers returns the configuration and the settings of n1 in a cluster of three,
// with a store that knows both.
func threeServers(t *testing.T, own *raft.InmemTransport) (*raft.Config, *raft.InmemStore) {
	c := raft.DefaultConfig()
	c.LocalID, c.Logger, c.PreVoteDisabled = "n1", hclog.NewNullLogger(), true
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	store := raft.NewInmemStore()
	all := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}, {ID: "n2", Address: "n2"}, {ID: "n3", Address: "n3"}}}
	require.NoError(t, raft.BootstrapCluster(c, store, store, raft.NewInmemSnapshotStore(), own, all))
	return c, store
}

// fastTransport has a path for heartbeats past raft's main loop, as raft.NetworkTransport has.
type fastTransport struct {
	*raft.InmemTransport
	handler func(raft.RPC)
}

func (f *fastTransport) SetHeartbeatHandler(handler func(raft.RPC)) { f.handler = handler }

// heartbeat delivers the heartbeat of a leader; the answer is not waited for.
func (f *fastTransport) heartbeat(from *peer, term uint64) {
	q := &raft.AppendEntriesRequest{RPCHeader: header(), Term: term}
	if f.handler != nil {
		go f.handler(raft.RPC{Command: q, RespChan: make(chan raft.RPCResponse, 1)})
		return
	}
	go func() { _ = from.AppendEntries("n1", f.LocalAddr(), q, new(raft.AppendEntriesResponse)) }()
}

// slowLog is what raft logs to: a line with a text takes until the release.
type slowLog struct {
	text    string
	release chan struct{}
}

func (s slowLog) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.text) {
		<-s.release
	}
	return len(line), nil
}

// Raft's main loop is held up between the last vote and the leadership, by a line that it
// logs. Meanwhile the leader of term 9 sends a heartbeat.
func TestACandidateThatIsHeldUpDoesNotLeadATermOfOthers(t *testing.T) {
	for _, protected := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, inner := raft.NewInmemTransportWithTimeout("n1", time.Minute)
			defer inner.Close()
			own := &fastTransport{InmemTransport: inner}
			votes := func(command any) (any, error) {
				if q, ok := command.(*raft.RequestVoteRequest); ok {
					return agree(q)
				}
				return unreachable(command)
			}
			newPeer(t, "n3", inner, votes)
			leader := newPeer(t, "n2", inner, votes)
			c, store := threeServers(t, inner)
			log := slowLog{"election won", make(chan struct{})}
			c.Logger = hclog.New(&hclog.LoggerOptions{Output: log})
			r := startRaft(t, protected, c, New(Config{}), store, own)
			defer func() { require.NoError(t, r.Shutdown().Error()) }()

			time.Sleep(time.Second)
			require.Equal(t, raft.Candidate, r.State())
			require.Equal(t, uint64(2), r.CurrentTerm())
			own.heartbeat(leader, 9)
			synctest.Wait()
			close(log.release)
			synctest.Wait()

			require.Equal(t, uint64(9), r.CurrentTerm())
			last, err := store.LastIndex()
			require.NoError(t, err)
			var entry raft.Log
			require.NoError(t, store.GetLog(last, &entry))
			if !protected {
				require.Equal(t, raft.Leader, r.State())
				require.Equal(t, uint64(9), entry.Term, "it has appended an entry under the term of n2")
				return
			}
			require.Equal(t, raft.Follower, r.State())
			require.Equal(t, uint64(2), entry.Term, "it has led the term in which it was elected")
			_, id := r.LeaderWithID()
			require.Equal(t, raft.ServerID("n2"), id)
		})
	}
}

func TestOnlyATransportWithPreVotesHasThem(t *testing.T) {
	_, with := raft.NewInmemTransport("n1")
	defer with.Close()
	_, ok := protectTransport(with, newTransfers(), newReceiver(nil, nil)).(raft.WithPreVote)
	require.True(t, ok)
	_, ok = protectTransport(struct{ raft.Transport }{with}, newTransfers(), newReceiver(nil, nil)).(raft.WithPreVote)
	require.False(t, ok)
}

// closed is a transport that counts how often it is closed.
type closed struct {
	raft.Transport
	times int
}

func (c *closed) Close() error {
	c.times++
	return nil
}

func TestATransportIsClosedWithItsRaft(t *testing.T) {
	_, inner := raft.NewInmemTransport("n1")
	defer inner.Close()
	transport := &closed{Transport: inner}
	c, store := threeServers(t, inner)
	r := startRaft(t, true, c, New(Config{}), store, transport)
	require.NoError(t, r.Shutdown().Error())
	require.Equal(t, 1, transport.times)

	r = startRaft(t, true, c, New(Config{}), store, struct{ raft.Transport }{inner})
	require.NoError(t, r.Shutdown().Error(), "one that cannot be closed is left open")
}

// A server that its leader removes shuts down by itself, if it is to.
func TestNothingIsLeftOfARaftThatShutsItselfDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, own := raft.NewInmemTransportWithTimeout("n1", time.Minute)
		defer own.Close()
		c, store := threeServers(t, own)
		c.ShutdownOnRemove = true
		all := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}}}
		store = raft.NewInmemStore()
		require.NoError(t, raft.BootstrapCluster(c, store, store, raft.NewInmemSnapshotStore(), own, all))
		r := startRaft(t, true, c, New(Config{}), store, own)
		time.Sleep(time.Second)
		require.Equal(t, raft.Leader, r.State())
		other := newPeer(t, "n2", own, agree)
		require.NoError(t, r.AddVoter("n2", other.LocalAddr(), 0, 0).Error())
		require.NoError(t, r.RemoveServer("n1", 0, 0).Error())
		synctest.Wait()
		require.Equal(t, raft.Shutdown, r.State())
	})
}

// n3 does not answer to what it is sent, and so cannot be caught up. Leadership is
// transferred to it twice, and is then lost.
func TestAFailedTransferDoesNotOutliveTheLeadership(t *testing.T) {
	test := func(t *testing.T, protected bool) {
		_, own := raft.NewInmemTransportWithTimeout("n1", time.Minute)
		defer own.Close()
		var cut atomic.Bool
		answer := make(chan struct{})
		newPeer(t, "n2", own, func(command any) (any, error) {
			if cut.Load() {
				return unreachable(command)
			}
			return agree(command)
		})
		newPeer(t, "n3", own, func(command any) (any, error) {
			if q, ok := command.(*raft.AppendEntriesRequest); ok && q.PrevLogEntry > 0 {
				<-answer
			} else if cut.Load() {
				return unreachable(command)
			}
			return agree(command)
		})
		c, store := threeServers(t, own)
		r := startRaft(t, protected, c, New(Config{}), store, own)
		defer func() { require.NoError(t, r.Shutdown().Error()) }()
		await := func(leads bool) {
			t.Helper()
			for range 1000 {
				if (r.State() == raft.Leader) == leads {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Fatalf("n1 is %s", r.State())
		}

		await(true)
		require.ErrorContains(t, r.transferTo("n3").Error(), "leadership transfer timeout")
		time.Sleep(100 * time.Millisecond) // raft answers first, and then ends the transfer
		err := r.transferTo("n3").Error()
		if protected {
			require.ErrorIs(t, err, ErrTransferPending)
			require.ErrorIs(t, err, raft.ErrLeadershipTransferInProgress)
		} else {
			require.ErrorContains(t, err, "leadership transfer timeout")
		}
		cut.Store(true)
		await(false)
		time.Sleep(100 * time.Millisecond) // until raft has stopped the replication
		cut.Store(false)
		close(answer)
		await(true)
		time.Sleep(time.Second)
		await(true)
		if protected {
			require.NoError(t, r.Apply(nil, time.Second).Error())
			require.NotErrorIs(t, r.transferTo("n3").Error(), ErrTransferPending, "there is a new term")
			return
		}
		require.ErrorIs(t, r.Apply(nil, time.Second).Error(), raft.ErrLeadershipTransferInProgress)
	}
	// It leaves two goroutines behind, which no bubble can end with.
	t.Run("without protection", func(t *testing.T) { test(t, false) })
	t.Run("with protection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, true) })
	})
}

func TestATransferIsRefusedWhileAnEarlierOneMayWait(t *testing.T) {
	refused := func(s *transfers, id raft.ServerID, term uint64) bool {
		_, ok := s.begin(id, term)
		return !ok
	}
	s := newTransfers()
	require.False(t, refused(s, "n2", 5))
	require.True(t, refused(s, "n2", 5), "in the same term")
	require.False(t, refused(s, "n3", 5), "to another server")
	require.False(t, refused(s, "n2", 6), "in another term")
	s.caughtUp("n2")
	first, ok := s.begin("n2", 6)
	require.True(t, ok, "the server was told to take over")

	s.withdraw(first)
	require.False(t, refused(s, "n2", 6), "it was not begun")
	s.withdraw(first)
	require.True(t, refused(s, "n2", 6), "a request withdraws no other")
}

func TestTheVoterWithTheLongestLogTakesOver(t *testing.T) {
	servers := []raft.Server{{ID: "n1"}, {ID: "n2"}, {ID: "n3"}, {ID: "n4"}, {ID: "n5", Suffrage: raft.Nonvoter}}
	s := newTransfers()
	next := func() raft.ServerID {
		to, err := s.choose(servers, "n1", 7)
		require.NoError(t, err)
		_, ok := s.begin(to.ID, 7)
		require.True(t, ok)
		return to.ID
	}
	for id, last := range map[raft.ServerID]uint64{"n1": 9, "n2": 3, "n3": 5, "n4": 5, "n5": 9} {
		s.answered(id, last)
	}
	require.Equal(t, raft.ServerID("n3"), next())
	require.Equal(t, raft.ServerID("n4"), next())
	require.Equal(t, raft.ServerID("n2"), next())
	_, err := s.choose(servers, "n1", 7)
	require.ErrorIs(t, err, ErrTransferPending)
	_, err = s.choose(servers[:1], "n1", 7)
	require.EqualError(t, err, "there is no other voter")
}

// A transfer while another one is under way is not begun, and does not count.
func TestATransferThatRaftRefusesMayBeTriedAgain(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		r := c.leader().raft
		var others []raft.ServerID
		for _, n := range c.nodes {
			if n.raft != r {
				others = append(others, raft.ServerID(n.id))
			}
		}
		request, ok := r.transfers.begin(others[0], r.CurrentTerm())
		require.True(t, ok)
		require.ErrorIs(t, r.transferTo(others[0]).Error(), ErrTransferPending)
		future := transfer{failed{raft.ErrLeadershipTransferInProgress}, r.transfers, request}
		require.ErrorIs(t, future.Error(), raft.ErrLeadershipTransferInProgress)
		require.NoError(t, r.transferTo(others[0]).Error())
		require.ErrorIs(t, r.LeadershipTransfer().Error(), raft.ErrNotLeader)
		require.ErrorIs(t, r.transferTo(others[1]).Error(), raft.ErrNotLeader)
	})
}
