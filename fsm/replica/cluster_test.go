package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// cluster is a set of real raft instances in one bubble.
type cluster struct {
	t     *testing.T
	nodes []*node

	mu  sync.Mutex
	cut map[[2]string]bool
	// onForward may replace an answer, after the request was served. It may sleep.
	onForward func(from, to string, answer []byte, err error) ([]byte, error)
	// lateAnswer delays the answer to an append or heartbeat.
	lateAnswer func(from, to string) time.Duration
}

// node is one start of one node.
type node struct {
	id        string
	cluster   *cluster
	transport *raft.InmemTransport
	raft      *ProtectedRaft
	replica   *Replica
	client    *Client
	snapshots *raft.InmemSnapshotStore

	mu      sync.Mutex
	applied []applied
	forward int // requests it has forwarded
}

type applied struct {
	index uint64
	req   api.ApplyRequest
	res   Result
}

// inBubble runs test on a cluster with a leader and shuts the cluster down.
func inBubble(t *testing.T, nodes int, test func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, cut: map[[2]string]bool{}}
		for i := range nodes {
			_, transport := raft.NewInmemTransportWithTimeout(raft.ServerAddress(fmt.Sprint("n", i+1)), 100*time.Millisecond)
			c.nodes = append(c.nodes, &node{id: fmt.Sprint("n", i+1), cluster: c, transport: transport})
		}
		var servers []raft.Server
		for _, n := range c.nodes {
			servers = append(servers, raft.Server{ID: raft.ServerID(n.id), Address: raft.ServerAddress(n.id)})
		}
		for _, n := range c.nodes {
			for _, peer := range c.nodes {
				n.transport.Connect(peer.transport.LocalAddr(), peer.transport)
			}
			n.start(servers)
		}
		defer c.shutdown()
		c.leader()
		test(c)
	})
}

func (n *node) start(servers []raft.Server) {
	t := n.cluster.t
	config := guardedConfig()
	config.OnApply = func(index, _ uint64, req api.ApplyRequest, res Result) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.applied = append(n.applied, applied{index, req, res})
	}
	n.replica = New(config)
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.id)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 300*time.Millisecond, 300*time.Millisecond, 200*time.Millisecond
	c.CommitTimeout = 20 * time.Millisecond
	c.TrailingLogs = 4
	c.SnapshotInterval, c.SnapshotThreshold = time.Hour, 1<<40
	c.Logger = hclog.NewNullLogger()
	store := raft.NewInmemStore()
	n.snapshots = raft.NewInmemSnapshotStore()
	require.NoError(t, raft.BootstrapCluster(c, store, store, n.snapshots, n.transport, raft.Configuration{Servers: servers}))
	var err error
	n.raft, err = NewRaft(c, n.replica, store, store, n.snapshots, &lateTransport{InmemTransport: n.transport, node: n})
	require.NoError(t, err)
	n.client, err = NewClient(ClientConfig{
		ID: n.id + "#1", NodeID: n.id, Replica: n.replica, Raft: n.raft, Forwarder: n,
		CompletedTaskTTL: time.Minute,
	})
	require.NoError(t, err)
}

// lateTransport delays answers.
type lateTransport struct {
	*raft.InmemTransport
	node *node
}

func (l *lateTransport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (l *lateTransport) AppendEntries(id raft.ServerID, to raft.ServerAddress, q *raft.AppendEntriesRequest, p *raft.AppendEntriesResponse) error {
	err := l.InmemTransport.AppendEntries(id, to, q, p)
	if late := l.node.cluster.late(); late != nil {
		time.Sleep(late(l.node.id, string(id)))
	}
	return err
}

// Forward calls the other node's client directly.
func (n *node) Forward(ctx context.Context, to string, request []byte) ([]byte, error) {
	n.mu.Lock()
	n.forward++
	n.mu.Unlock()
	c := n.cluster
	if c.isCut(n.id, to) {
		return nil, fmt.Errorf("%s to %s: %w", n.id, to, ErrNotSent)
	}
	time.Sleep(time.Millisecond)
	answer, err := c.node(to).client.Serve(ctx, n.id, request)
	if on := c.forwardHook(); on != nil {
		answer, err = on(n.id, to, answer, err)
	}
	if c.isCut(to, n.id) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return answer, err
}

func (c *cluster) node(id string) *node {
	return c.nodes[slices.IndexFunc(c.nodes, func(n *node) bool { return n.id == id })]
}

func (c *cluster) isCut(from, to string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut[[2]string{from, to}]
}

func (c *cluster) late() func(from, to string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lateAnswer
}

func (c *cluster) setLate(f func(from, to string) time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lateAnswer = f
}

func (c *cluster) forwardHook() func(from, to string, answer []byte, err error) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.onForward
}

func (c *cluster) setForwardHook(f func(from, to string, answer []byte, err error) ([]byte, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onForward = f
}

// isolate cuts a node off from all others.
func (c *cluster) isolate(n *node) {
	for _, other := range c.nodes {
		if other != n {
			c.sever(n, other)
		}
	}
}

func (c *cluster) sever(a, b *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[[2]string{a.id, b.id}], c.cut[[2]string{b.id, a.id}] = true, true
	a.transport.Disconnect(b.transport.LocalAddr())
	b.transport.Disconnect(a.transport.LocalAddr())
}

func (c *cluster) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.cut)
	for _, a := range c.nodes {
		for _, b := range c.nodes {
			a.transport.Connect(b.transport.LocalAddr(), b.transport)
		}
	}
}

// leader waits until one node leads and all that can reach it have noticed.
func (c *cluster) leader(except ...*node) *node {
	c.t.Helper()
	for range 2000 {
		time.Sleep(10 * time.Millisecond)
		for _, n := range c.nodes {
			if slices.Contains(except, n) || n.raft.State() != raft.Leader {
				continue
			}
			known := 0
			for _, other := range c.nodes {
				if _, id := other.raft.LeaderWithID(); string(id) == n.id {
					known++
				}
			}
			if known >= len(c.nodes)-len(except) {
				return n
			}
		}
	}
	c.t.Fatal("no leader within 20 s")
	return nil
}

func (c *cluster) followers(leader *node) []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return n == leader })
}

func (c *cluster) shutdown() {
	for _, n := range c.nodes {
		n.client.Close()
		if err := n.raft.Shutdown().Error(); err != nil {
			c.t.Errorf("shut down %s: %s", n.id, err)
		}
	}
}

// within returns a context for one operation.
func (c *cluster) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(c.t.Context(), d)
	c.t.Cleanup(cancel)
	return ctx
}

// requireAgreement waits until all nodes have applied the same and checks that they
// then have the same state (P1).
func (c *cluster) requireAgreement() {
	c.t.Helper()
	c.heal()
	ctx := c.within(time.Minute)
	for _, n := range c.nodes {
		require.NoError(c.t, n.client.catchUp(ctx))
	}
	want := state(c.t, c.nodes[0].replica)
	for _, n := range c.nodes[1:] {
		require.Equal(c.t, want, state(c.t, n.replica), "%s differs", n.id)
	}
}

// commits counts how often a command of this type was committed, and how often it
// took effect, by any node's log.
func (n *node) commits(typ api.CommandType) (committed, effective int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.applied {
		if a.req.Type == typ {
			committed++
			if a.index == a.res.Index && a.res.Err == nil {
				effective++
			}
		}
	}
	return committed, effective
}

var errLost = errors.New("connection reset")
