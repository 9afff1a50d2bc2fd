package cluster

import (
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"dtsim/sim/disk"
)

// Node is a machine of the cluster: a name, a disk, and at most one incarnation.
type Node struct {
	cluster *Cluster
	name    string
	disk    *disk.Disk
	starts  int
	// current is nil while the node is down.
	current *incarnation
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Up says whether the node runs.
func (n *Node) Up() bool { return n.current != nil }

// bootstrap writes the first configuration to an empty disk.
func (n *Node) bootstrap(names []string) {
	mount := n.disk.Open(0)
	defer mount.Close()
	var all raft.Configuration
	for _, name := range names {
		all.Servers = append(all.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(name), Address: raft.ServerAddress(name)})
	}
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
	c.Logger = hclog.NewNullLogger()
	c.NoLegacyTelemetry = true
	return c
}

// Start begins a new incarnation on what the disk holds. It does nothing when the
// node is up.
func (n *Node) Start() {
	if n.current != nil {
		return
	}
	n.starts++
	n.cluster.counters.Starts++
	n.current = n.cluster.begin(n)
}

// Crash ends the incarnation as the loss of power does, at once: what was not synced
// is gone, and nothing of it does anything any more. It does nothing when the node is
// down.
func (n *Node) Crash() {
	if n.current == nil {
		return
	}
	i := n.current
	n.current = nil
	i.crash()
}

// Stop shuts the incarnation down in order, and returns when it has ended. It does
// nothing when the node is down.
func (n *Node) Stop() {
	if n.current == nil {
		return
	}
	i := n.current
	n.current = nil
	i.shutdown()
}
