package network_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// net is a network of three nodes for tests without Raft.
type net struct {
	*network.Network
	t        testing.TB
	start    time.Time
	recorder *trace.Recorder
	out      *bytes.Buffer
}

func newNet(t testing.TB, seed uint64) *net {
	n := &net{t: t, start: time.Now(), out: &bytes.Buffer{}}
	var err error
	n.recorder, err = trace.NewRecorder(n.out, trace.Header{Plan: plan.Default(), Engine: "bubble"})
	require.NoError(t, err)
	n.Network = network.New(network.Config{
		Seed: seed, Nodes: []string{"n1", "n2", "n3"}, Start: n.start, Recorder: n.recorder,
		MinLatency: time.Millisecond, MaxLatency: 20 * time.Millisecond, CallTimeout: 100 * time.Millisecond,
	})
	return n
}

// events returns what happened until now.
func (n *net) events() []trace.Event {
	_, err := n.recorder.Close(trace.Verdict{Passed: true})
	require.NoError(n.t, err)
	tr, err := trace.Read(n.out)
	require.NoError(n.t, err)
	return tr.Events
}

// answer lets an endpoint answer append requests with their term and the index they
// build on, each after the time that delay gives, until the test is over.
func answer(t *testing.T, e *network.Endpoint, delay func(*raft.AppendEntriesRequest) time.Duration) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		for {
			select {
			case <-over:
				return
			case rpc := <-e.Consumer():
				req := rpc.Command.(*raft.AppendEntriesRequest)
				time.Sleep(delay(req))
				rpc.Respond(&raft.AppendEntriesResponse{Term: req.Term, LastLog: req.PrevLogEntry, Success: true}, nil)
			}
		}
	}()
}

func atOnce(*raft.AppendEntriesRequest) time.Duration { return 0 }

// ping makes an append call and returns the answer.
func ping(e *network.Endpoint, to raft.ServerAddress, index uint64) (uint64, error) {
	var resp raft.AppendEntriesResponse
	err := e.AppendEntries("", to, &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: index}, &resp)
	return resp.LastLog, err
}

func TestALatencyBelongsToTheMessageAndNotToTheOrder(t *testing.T) {
	// travel returns the latency of every message by link, identity and occurrence.
	travel := func(seed uint64, order ...uint64) map[string]int64 {
		latencies := map[string]int64{}
		synctest.Test(t, func(t *testing.T) {
			n := newNet(t, seed)
			a, b := n.Open("n1", 1), n.Open("n2", 1)
			answer(t, b, atOnce)
			for _, i := range order {
				got, err := ping(a, "n2", i)
				require.NoError(t, err)
				require.Equal(t, i, got)
			}
			for _, e := range n.events() {
				if e.Kind == trace.MessageSent {
					latency := e.Int("arrives") - int64(e.At)
					require.GreaterOrEqual(t, latency, int64(time.Millisecond))
					require.Less(t, latency, int64(20*time.Millisecond))
					latencies[fmt.Sprint(e.Node, e.Str("to"), e.Str("msg"), e.Int("id"), "/", e.Int("n"))] = latency
				}
			}
		})
		return latencies
	}
	want := travel(1, 7, 8, 9, 7)
	require.Len(t, want, 8, "two legs a call")
	require.Equal(t, want, travel(1, 7, 7, 9, 8), "the order of the calls decided")
	for message, latency := range travel(1, 9) {
		require.Equal(t, want[message], latency, "the other messages decided")
	}
	other := travel(2, 7, 8, 9, 7)
	for message, latency := range want {
		require.NotEqual(t, other[message], latency, "the seed decides nothing")
	}
	distinct := map[int64]bool{}
	for _, latency := range want {
		distinct[latency] = true
	}
	require.Len(t, distinct, len(want), "messages share latencies")
}

func TestTheSameCallsGiveTheSameBytes(t *testing.T) {
	run := func() (data []byte) {
		synctest.Test(t, func(t *testing.T) {
			n := newNet(t, 3)
			a, b := n.Open("n1", 1), n.Open("n2", 1)
			answer(t, b, atOnce)
			for i := range uint64(50) {
				_, err := ping(a, "n2", i%5)
				require.NoError(t, err)
			}
			b.Close()
			_, err := ping(a, "n2", 1)
			require.ErrorIs(t, err, network.ErrTimeout)
			_, err = n.recorder.Close(trace.Verdict{Passed: true})
			require.NoError(t, err)
			data = n.out.Bytes()
		})
		return data
	}
	require.Equal(t, string(run()), string(run()))
}

func TestACallThatNobodyAnswersTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a := n.Open("n1", 1)
		ends := make(chan time.Time, 2)
		for _, to := range []raft.ServerAddress{"n2", "n3"} {
			go func() {
				_, err := ping(a, to, 1)
				require.ErrorIs(t, err, network.ErrTimeout)
				ends <- time.Now()
			}()
		}
		first, second := <-ends, <-ends
		require.WithinRange(t, first, n.start.Add(100*time.Millisecond), n.start.Add(101*time.Millisecond))
		require.NotEqual(t, first, second, "two calls end in one instant")
		events := n.events()
		require.Equal(t, trace.MessageLost, events[3].Kind)
		require.Equal(t, "down", events[3].Str("why"))

		_, err := ping(a, "n4", 1)
		require.EqualError(t, err, `network: there is no node "n4"`)
	})
}

func TestALateAnswerReachesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		answer(t, b, func(r *raft.AppendEntriesRequest) time.Duration {
			if r.PrevLogEntry == 1 {
				return 90 * time.Millisecond
			}
			return 0
		})
		for i := uint64(1); i < 20; i++ {
			got, err := ping(a, "n2", i)
			if i == 1 {
				require.ErrorIs(t, err, network.ErrTimeout)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, i, got)
		}
	})
}

func TestAClosedEndpointIsFenced(t *testing.T) {
	const noon = 30 * time.Millisecond // when n1 is closed
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		answer(t, b, func(*raft.AppendEntriesRequest) time.Duration { return noon })
		asked := make(chan error)
		go func() { _, err := ping(a, "n2", 1); asked <- err }() // the answer meets a dead caller
		go func() { _, err := ping(b, "n1", 2); asked <- err }() // n1 dies with the request in hands
		time.Sleep(noon)
		require.NoError(t, a.Close())
		require.ErrorIs(t, <-asked, network.ErrClosed)
		require.Equal(t, noon, time.Since(n.start), "the caller learned of it late")
		require.NoError(t, a.Close())
		_, err := ping(a, "n2", 3)
		require.ErrorIs(t, err, network.ErrClosed)

		again := n.Open("n1", 2)
		rpc := <-a.Consumer()
		rpc.Respond(&raft.AppendEntriesResponse{}, nil) // a dead node answers
		require.ErrorIs(t, <-asked, network.ErrTimeout)
		time.Sleep(time.Second)
		require.Empty(t, again.Consumer())
		require.Empty(t, a.Consumer())

		lost := 0
		for _, e := range n.events() {
			require.False(t, e.Kind == trace.MessageSent && e.Node == "n1" && e.At >= noon, "sent by the dead: %v", e)
			if e.Kind == trace.MessageLost {
				lost++
				require.Equal(t, "append-reply", e.Str("msg"))
				require.Equal(t, "n2", e.Node)
			}
		}
		require.Equal(t, 1, lost)
	})
}

func TestOpeningANodeAgainClosesTheEndpointBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		old := n.Open("n1", 1)
		n.Open("n1", 2)
		_, err := ping(old, "n2", 1)
		require.ErrorIs(t, err, network.ErrClosed)
	})
}

func TestARequestTooManyIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		done := make(chan error)
		for i := range uint64(300) {
			go func() { _, err := ping(a, "n2", i); done <- err }()
		}
		for range 300 {
			require.ErrorIs(t, <-done, network.ErrTimeout)
		}
		full := 0
		for _, e := range n.events() {
			if e.Str("why") == "full" {
				full++
			}
		}
		require.Equal(t, 300-256, full)
		b.Close()
	})
}

func TestHeartbeatsTakeTheirOwnWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		beats := 0
		b.SetHeartbeatHandler(func(rpc raft.RPC) {
			beats++
			rpc.Respond(&raft.AppendEntriesResponse{Term: 9, Success: true}, nil)
		})
		var resp raft.AppendEntriesResponse
		require.NoError(t, a.AppendEntries("", "n2", &raft.AppendEntriesRequest{Term: 1}, &resp))
		require.Equal(t, uint64(9), resp.Term)
		require.Equal(t, 1, beats)
		_, err := ping(a, "n2", 5) // the consumer is not read
		require.ErrorIs(t, err, network.ErrTimeout)
		require.Equal(t, 1, beats)
		require.Equal(t, "heartbeat", n.events()[0].Str("msg"))
		b.Close()
	})
}

func TestASnapshotArrivesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		sent := bytes.Repeat([]byte("state "), 100_000)
		go func() {
			rpc := <-b.Consumer()
			got, err := io.ReadAll(rpc.Reader)
			if err == nil && !bytes.Equal(sent, got) {
				err = errors.New("it is another one")
			}
			time.Sleep(500 * time.Millisecond) // longer than other calls may take
			rpc.Respond(&raft.InstallSnapshotResponse{Success: true}, err)
		}()
		var resp raft.InstallSnapshotResponse
		require.NoError(t, a.InstallSnapshot("", "n2", &raft.InstallSnapshotRequest{Size: int64(len(sent))}, &resp, bytes.NewReader(sent)))
		require.True(t, resp.Success)
		require.Equal(t, int64(len(sent)), n.events()[0].Int("size"))

		err := a.InstallSnapshot("", "n2", &raft.InstallSnapshotRequest{}, &resp, io.MultiReader(failing{}))
		require.ErrorIs(t, err, errTorn)
	})
}

var errTorn = errors.New("torn")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errTorn }

func TestOfAnErrorOnlyTheTextTravels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		go func() {
			rpc := <-b.Consumer()
			rpc.Respond(&raft.AppendEntriesResponse{Term: 3}, errTorn)
		}()
		var resp raft.AppendEntriesResponse
		err := a.AppendEntries("", "n2", &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: 1}, &resp)
		require.EqualError(t, err, "torn")
		require.NotErrorIs(t, err, errTorn)
		require.Equal(t, uint64(3), resp.Term)
	})
}

func TestWhatTheSenderChangesLaterDoesNotTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		entry := &raft.Log{Index: 5, Data: []byte("before"), Extensions: []byte("x")}
		req := &raft.AppendEntriesRequest{Term: 1, Entries: []*raft.Log{entry, {Index: 6}}}
		go func() {
			var resp raft.AppendEntriesResponse
			_ = a.AppendEntries("", "n2", req, &resp)
		}()
		synctest.Wait()
		copy(entry.Data, "after!")
		entry.Index, req.Term, req.Entries[1] = 50, 2, nil
		rpc := <-b.Consumer()
		got := rpc.Command.(*raft.AppendEntriesRequest)
		require.Equal(t, uint64(1), got.Term)
		require.Equal(t, []*raft.Log{{Index: 5, Data: []byte("before"), Extensions: []byte("x")}, {Index: 6}}, got.Entries)
		rpc.Respond(&raft.AppendEntriesResponse{}, nil)
		time.Sleep(time.Second)
	})
}

func TestPipeliningIsRefusedAndAddressesAreNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newNet(t, 1).Open("n2", 1)
		_, err := e.AppendEntriesPipeline("n1", "n1")
		require.ErrorIs(t, err, raft.ErrPipelineReplicationNotSupported)
		require.Equal(t, raft.ServerAddress("n2"), e.LocalAddr())
		for _, a := range []raft.ServerAddress{"n1", "n2", "elsewhere"} {
			require.Equal(t, a, e.DecodePeer(e.EncodePeer("", a)))
		}
		require.Panics(t, func() { newNet(t, 1).Open("n9", 1) })
	})
}

func TestAHeartbeatCostsNoAllocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		recorder, err := trace.NewRecorder(io.Discard, trace.Header{Plan: plan.Default()})
		require.NoError(t, err)
		n := network.New(network.Config{Nodes: []string{"n1", "n2"}, MinLatency: 1, MaxLatency: 1000, CallTimeout: time.Second, Start: start, Recorder: recorder})
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		resp := &raft.AppendEntriesResponse{}
		b.SetHeartbeatHandler(func(rpc raft.RPC) { rpc.Respond(resp, nil) })
		req, got := &raft.AppendEntriesRequest{Term: 1}, &raft.AppendEntriesResponse{}
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			if err := a.AppendEntries("", "n2", req, got); err != nil {
				t.Error(err)
			}
		}))
	})
}
