package main

import (
	"fmt"
	"io"
	"math/rand"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// cluster is a few raft nodes, one client, and a leader that stops now and then.
type cluster struct {
	plan  *plan.Plan
	rec   *trace.Recorder
	start time.Time
	nodes []*node
	peers map[raft.ServerAddress]*raft.InmemTransport
}

type node struct {
	*cluster
	id    raft.ServerID
	logs  *raft.InmemStore
	snaps *raft.InmemSnapshotStore
	raft  *raft.Raft
}

func newCluster(p *plan.Plan, rec *trace.Recorder) *cluster {
	c := &cluster{plan: p, rec: rec, start: time.Now(), peers: make(map[raft.ServerAddress]*raft.InmemTransport)}
	for i := range p.Cluster.Nodes {
		c.nodes = append(c.nodes, &node{cluster: c, id: raft.ServerID("n" + strconv.Itoa(i+1)),
			logs: raft.NewInmemStore(), snaps: raft.NewInmemSnapshotStore()})
	}
	return c
}

// note records an event of a node at the present instant.
func (c *cluster) note(node raft.ServerID, kind trace.Kind, fields ...trace.Field) {
	c.rec.Emit(trace.Event{At: time.Since(c.start), Node: string(node), Incarnation: 1, Kind: kind, Fields: fields})
}

// run runs until the plan's duration is over, and stops everything.
func (c *cluster) run() {
	var servers []raft.Server
	for _, n := range c.nodes {
		servers = append(servers, raft.Server{ID: n.id, Address: raft.ServerAddress(n.id)})
	}
	for _, n := range c.nodes {
		n.boot()
		if err := n.raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error(); err != nil {
			panic(err)
		}
	}
	restart := 10 * time.Second
	for i := 0; time.Since(c.start) < c.plan.Duration.D(); i++ {
		time.Sleep(time.Duration(1+rand.Intn(30)) * time.Millisecond)
		for _, n := range c.nodes {
			if n.raft.State() != raft.Leader {
				continue
			}
			err := n.raft.Apply(fmt.Appendf(nil, "command %d", i), time.Second).Error()
			c.note(n.id, trace.Returned, trace.Str("outcome", fmt.Sprint(err)))
			if time.Since(c.start) > restart {
				restart += 10 * time.Second
				n.stop()
				time.Sleep(time.Duration(300+rand.Intn(1000)) * time.Millisecond)
				n.boot()
			}
			break
		}
	}
	for _, n := range c.nodes {
		n.stop()
	}
}

// boot starts the node, anew or again.
func (n *node) boot() {
	addr := raft.ServerAddress(n.id)
	_, inner := raft.NewInmemTransportWithTimeout(addr, 400*time.Millisecond)
	for peer, t := range n.peers {
		if peer != addr {
			inner.Connect(peer, t)
			t.Connect(addr, inner)
		}
	}
	n.peers[addr] = inner
	conf := raft.DefaultConfig()
	conf.LocalID = n.id
	conf.Logger = hclog.NewNullLogger()
	conf.NoLegacyTelemetry = true
	conf.SnapshotThreshold, conf.TrailingLogs, conf.SnapshotInterval = 100, 50, 5*time.Second
	r, err := raft.NewRaft(conf, &machine{node: n}, n.logs, n.logs, n.snaps, &slow{InmemTransport: inner, node: n})
	if err != nil {
		panic(err)
	}
	n.raft = r
	n.note(n.id, trace.NodeStarted)
}

func (n *node) stop() {
	if err := n.raft.Shutdown().Error(); err != nil {
		panic(err)
	}
	n.note(n.id, trace.NodeStopped)
}

// slow is a transport whose calls take a while.
type slow struct {
	*raft.InmemTransport
	node *node
}

func (s *slow) travel(to raft.ServerAddress, msg string) {
	latency := time.Duration(1_000_000 + rand.Intn(9_000_000))
	s.node.note(s.node.id, trace.MessageSent, trace.Str("to", string(to)), trace.Str("msg", msg), trace.Dur("latency", latency))
	time.Sleep(latency)
}

func (s *slow) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, res *raft.AppendEntriesResponse) error {
	s.travel(to, "append-"+strconv.Itoa(len(req.Entries)))
	return s.InmemTransport.AppendEntries(id, to, req, res)
}

func (s *slow) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, res *raft.RequestVoteResponse) error {
	s.travel(to, "vote")
	return s.InmemTransport.RequestVote(id, to, req, res)
}

func (s *slow) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, res *raft.RequestPreVoteResponse) error {
	s.travel(to, "pre-vote")
	return s.InmemTransport.RequestPreVote(id, to, req, res)
}

// machine counts.
type machine struct {
	*node
	mu sync.Mutex
	n  int
}

func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	m.note(m.id, trace.Applied, trace.Uint("index", l.Index), trace.Str("command", string(l.Data)))
	return nil
}

func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note(m.id, trace.SnapshotTaken, trace.Int("n", int64(m.n)))
	return snapshot(m.n), nil
}

func (m *machine) Restore(r io.ReadCloser) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := fmt.Fscan(r, &m.n)
	m.note(m.id, trace.SnapshotRestored, trace.Int("n", int64(m.n)))
	return err
}

type snapshot int

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := fmt.Fprintln(sink, int(s)); err != nil {
		return err
	}
	return sink.Close()
}

func (snapshot) Release() {}
