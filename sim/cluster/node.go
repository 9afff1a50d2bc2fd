package cluster

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"dtsim/sim/clock"
	"dtsim/sim/disk"
)

// Node is a machine of the cluster: a name, a disk, and at most one incarnation. Its
// methods are safe for concurrent use.
type Node struct {
	cluster *Cluster
	name    string
	disk    *disk.Disk

	mu     sync.Mutex
	starts int
	// current is nil while the node is down.
	current *Incarnation
	// ending is an incarnation that is being shut down in order.
	ending *Incarnation
	// left is set when the node is not started again.
	left bool
	// out is set while the node must not start, because an operator has taken it away.
	out bool
	// clock is that of the last incarnation: it goes on while the node is down.
	clock *clock.Clock
	drift int64

	// reached is the last index of which the node has announced moments, in all its
	// incarnations. The cluster's applying lock guards it.
	reached uint64
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Up reports whether the node runs.
func (n *Node) Up() bool { return n.running() != nil }

// running returns the incarnation that runs, nil when the node is down or has not come
// up yet.
func (n *Node) running() *Incarnation {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current == nil || !n.current.begun.Load() {
		return nil
	}
	return n.current
}

// bootstrap writes the first configuration to an empty disk, or the snapshot with which
// the run begins.
func (n *Node) bootstrap(names []string) {
	var all raft.Configuration
	for _, name := range names {
		all.Servers = append(all.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(name), Address: raft.ServerAddress(name)})
	}
	if n.cluster.initial != nil {
		n.writeInitial(all)
		return
	}
	mount := n.disk.Open(0)
	defer mount.Close()
	endpoint := n.cluster.network.Open(n.name, 0)
	defer endpoint.Close()
	err := raft.BootstrapCluster(n.raftConfig(), mount.Log(), mount.Stable(), mount.Snapshots(), endpoint, all)
	if err != nil {
		panic(fmt.Sprintf("cluster: bootstrap of %s: %s", n.name, err))
	}
}

func (n *Node) raftConfig() *raft.Config {
	p := n.cluster.plan.Cluster.Raft
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.name)
	c.HeartbeatTimeout = p.HeartbeatTimeout.D()
	c.ElectionTimeout = p.ElectionTimeout.D()
	c.LeaderLeaseTimeout = p.LeaderLeaseTimeout.D()
	c.CommitTimeout = p.CommitTimeout.D()
	c.SnapshotInterval = p.SnapshotInterval.D()
	c.SnapshotThreshold = p.SnapshotThreshold
	c.TrailingLogs = p.TrailingLogs
	if p.MaxAppendEntries > 0 {
		c.MaxAppendEntries = p.MaxAppendEntries
	}
	c.BatchApplyCh = p.BatchApply
	set(c, "PreVoteDisabled", p.NoPreVote)
	c.Logger = hclog.NewNullLogger()
	set(c, "NoLegacyTelemetry", true)
	return c
}

// Start begins a new incarnation on what the disk holds, once one that is being shut
// down has ended. It does nothing when the node is up or has left.
func (n *Node) Start() {
	for {
		n.mu.Lock()
		ending := n.ending
		if ending == nil {
			break
		}
		n.mu.Unlock()
		<-ending.ended
	}
	if n.current != nil || n.left || n.out {
		n.mu.Unlock()
		return
	}
	n.starts++
	i := n.cluster.incarnate(n, n.starts)
	n.current = i
	n.mu.Unlock()
	i.begin()
}

// restart starts the node, in a goroutine that the run waits for.
func (n *Node) restart() { n.cluster.work(n.Start) }

// Crash ends the incarnation as the loss of power does, at once: what was not synced
// is gone, and nothing of it does anything any more. It reports whether there was one; an
// incarnation that is being shut down is one, too.
func (n *Node) Crash() bool {
	n.mu.Lock()
	i := n.current
	if i == nil {
		i = n.ending
	}
	n.mu.Unlock()
	if i == nil || !i.crash() {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current == i {
		n.current = nil
	}
	return true
}

// Stop shuts the incarnation down in order, and returns when it has ended. It does
// nothing when the node is down.
func (n *Node) Stop() {
	if i := n.beginStop(); i != nil {
		i.shutdown()
	}
}

// close stops the node for the end of the run: nothing starts it again.
func (n *Node) close() {
	n.mu.Lock()
	n.left = true
	n.mu.Unlock()
	n.Stop()
}

// beginStop cancels the incarnation, and leaves it to the caller to shut it
// down; nil when the node is down.
func (n *Node) beginStop() *Incarnation {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := n.current
	if i == nil {
		return nil
	}
	n.current, n.ending = nil, i
	i.cancel()
	return i
}

// hasEnded records that the incarnation being shut down is no more.
func (n *Node) hasEnded(i *Incarnation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ending == i {
		n.ending = nil
	}
	close(i.ended)
}

// nextClock returns the clock of an incarnation that begins. mu is held.
func (n *Node) nextClock() *clock.Clock {
	var off time.Duration
	if n.clock != nil {
		off = n.ahead()
	}
	n.clock = clock.New(off)
	n.clock.SetDrift(n.drift)
	return n.clock
}
