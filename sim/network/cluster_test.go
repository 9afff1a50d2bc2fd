package network_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/disk"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// machine is a replica that appends what it receives.
type machine struct {
	mu    sync.Mutex
	lines []byte
	// restored counts the snapshots it was given.
	restored int
}

func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(append(m.lines, l.Data...), '\n')
	return nil
}

func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return capture(slices.Clone(m.lines)), nil
}

func (m *machine) Restore(r io.ReadCloser) error {
	defer r.Close()
	lines, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = lines
	m.restored++
	return err
}

func (m *machine) restores() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restored
}

func (m *machine) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.lines)
}

type capture []byte

func (c capture) Persist(s raft.SnapshotSink) error {
	if _, err := s.Write(c); err != nil {
		return err
	}
	return s.Close()
}

func (capture) Release() {}

// node is one node of a test cluster.
type node struct {
	name        string
	incarnation int
	disk        *disk.Disk
	mount       *disk.Mount
	endpoint    *network.Endpoint
	machine     *machine
	raft        *raft.Raft
}

// cluster is a Raft cluster on the simulated network and disks. It is to be used
// inside a bubble.
type cluster struct {
	tb       testing.TB
	plan     plan.Plan
	net      *network.Network
	recorder *trace.Recorder
	out      bytes.Buffer
	nodes    []*node
}

func newCluster(tb testing.TB, p plan.Plan, traced bool) *cluster {
	c := &cluster{tb: tb, plan: p}
	start := time.Now()
	if traced {
		var err error
		c.recorder, err = trace.NewRecorder(&c.out, trace.Header{Plan: p, Engine: "bubble", Build: "test"})
		require.NoError(tb, err)
	}
	c.net = network.New(network.Config{
		Seed: p.Seed, Nodes: p.Cluster.NodeNames(), Start: start, Recorder: c.recorder,
		MinLatency: p.Cluster.Network.MinLatency.D(), MaxLatency: p.Cluster.Network.MaxLatency.D(),
		CallTimeout: p.Cluster.Network.CallTimeout.D(),
	})
	var members raft.Configuration
	for _, name := range p.Cluster.NodeNames() {
		members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(name)})
	}
	for _, name := range p.Cluster.NodeNames() {
		n := &node{name: name, disk: disk.New(disk.Config{
			Node: name, Start: start, Recorder: c.recorder, SyncLatency: p.Cluster.Disk.SyncLatency.D(),
		})}
		c.nodes = append(c.nodes, n)
		m := n.disk.Open(0)
		require.NoError(tb, raft.BootstrapCluster(c.config(name), m.Log(), m.Stable(), m.Snapshots(), c.net.Open(name, 0), members))
		m.Close()
	}
	for _, n := range c.nodes {
		c.start(n)
	}
	return c
}

func (c *cluster) config(name string) *raft.Config {
	r := c.plan.Cluster.Raft
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(name)
	rc.Logger = hclog.NewNullLogger()
	rc.HeartbeatTimeout = r.HeartbeatTimeout.D()
	rc.ElectionTimeout = r.ElectionTimeout.D()
	rc.LeaderLeaseTimeout = r.LeaderLeaseTimeout.D()
	rc.CommitTimeout = r.CommitTimeout.D()
	rc.SnapshotInterval = r.SnapshotInterval.D()
	rc.SnapshotThreshold = r.SnapshotThreshold
	rc.TrailingLogs = r.TrailingLogs
	rc.NoLegacyTelemetry = true
	return rc
}

// start begins an incarnation.
func (c *cluster) start(n *node) {
	n.incarnation++
	n.mount = n.disk.Open(n.incarnation)
	n.endpoint = c.net.Open(n.name, n.incarnation)
	n.machine = &machine{}
	var err error
	n.raft, err = raft.NewRaft(c.config(n.name), n.machine, n.mount.Log(), n.mount.Stable(), n.mount.Snapshots(), n.endpoint)
	require.NoError(c.tb, err)
}

// crash ends the incarnation at once.
func (c *cluster) crash(n *node) {
	n.endpoint.Close()
	n.mount.Crash()
	require.NoError(c.tb, n.raft.Shutdown().Error())
}

func (c *cluster) stop() {
	for _, n := range c.nodes {
		c.crash(n)
	}
}

// leader waits for a leader among the nodes that take part.
func (c *cluster) leader() *node {
	for range 1000 {
		for _, n := range c.nodes {
			if n.raft.State() == raft.Leader && n.raft.VerifyLeader().Error() == nil {
				return n
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Fail(c.tb, "no node became leader within 10s")
	return nil
}

// apply proposes lines on the leader, one after the other.
func (c *cluster) apply(from, to int) (text string) {
	for i := from; i < to; i++ {
		line := fmt.Sprintf("line %d", i)
		require.NoError(c.tb, c.leader().raft.Apply([]byte(line), time.Second).Error())
		text += line + "\n"
	}
	return text
}

// trace closes the trace and returns its bytes.
func (c *cluster) trace() []byte {
	_, err := c.recorder.Close(trace.Verdict{Passed: true})
	require.NoError(c.tb, err)
	return c.out.Bytes()
}

func testPlan() plan.Plan {
	p := plan.Default()
	p.Cluster.Raft.SnapshotThreshold = 20
	p.Cluster.Raft.TrailingLogs = 5
	p.Cluster.Raft.SnapshotInterval = plan.Duration(time.Second)
	return p
}

func TestAClusterElectsAndReplicates(t *testing.T) {
	for _, sync := range []time.Duration{0, time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			p := testPlan()
			p.Cluster.Disk.SyncLatency = plan.Duration(sync)
			c := newCluster(t, p, true)
			defer c.stop()
			want := c.apply(0, 10)
			time.Sleep(time.Second)
			for _, n := range c.nodes {
				require.Equal(t, want, n.machine.text(), n.name)
			}
		})
	}
}

func TestALaggingNodeIsGivenASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, testPlan(), true)
		defer c.stop()
		lagging := c.nodes[0]
		if c.leader() == lagging {
			lagging = c.nodes[1]
		}
		c.crash(lagging)
		want := c.apply(0, 100)
		time.Sleep(5 * time.Second)
		c.start(lagging)
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, lagging.machine.restores())
		require.Equal(t, want, lagging.machine.text())
		want += c.apply(100, 103)
		time.Sleep(time.Second)
		require.Equal(t, want, lagging.machine.text())
	})
}

func TestARestartKeepsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPlan()
		p.Cluster.Raft.SnapshotThreshold = 1000
		c := newCluster(t, p, true)
		defer c.stop()
		want := c.apply(0, 50)
		time.Sleep(time.Second)
		for _, n := range c.nodes {
			c.crash(n)
		}
		for _, n := range c.nodes {
			c.start(n)
		}
		require.NoError(t, c.leader().raft.Barrier(time.Second).Error())
		time.Sleep(time.Second)
		for _, n := range c.nodes {
			require.Equal(t, want, n.machine.text(), n.name)
			require.Zero(t, n.machine.restores())
		}
	})
}

func TestLeadershipIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, testPlan(), true)
		defer c.stop()
		before := c.leader()
		to := c.nodes[0]
		if to == before {
			to = c.nodes[1]
		}
		require.NoError(t, before.raft.LeadershipTransferToServer(raft.ServerID(to.name), raft.ServerAddress(to.name)).Error())
		time.Sleep(time.Second)
		require.Equal(t, to.name, c.leader().name)
		require.Contains(t, string(c.trace()), `"msg":"timeout-now"`)
	})
}

func TestACrashedLeaderIsReplacedAndFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, testPlan(), true)
		defer c.stop()
		c.apply(0, 3)
		old := c.leader()
		c.crash(old)
		at := time.Now()
		require.NotEqual(t, old.name, c.leader().name)
		c.apply(3, 6)
		c.start(old)
		time.Sleep(time.Second)
		require.Equal(t, c.leader().machine.text(), old.machine.text())

		events, err := trace.Read(bytes.NewReader(c.trace()))
		require.NoError(t, err)
		lost := 0
		start := at.Add(-events.Footer.VirtualTime)
		for _, e := range events.Events {
			if e.Kind == trace.MessageLost {
				lost++
			}
			if e.Node == old.name && e.Incarnation == 1 && e.Kind == trace.MessageSent {
				require.False(t, start.Add(e.At).After(at), "a message of the dead incarnation at %s", e.At)
			}
		}
		require.NotZero(t, lost)
	})
}
