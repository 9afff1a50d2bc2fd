package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/plan"
	"dtsim/sim/stall/point"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// recover takes all nodes down and, in the end, makes a cluster of the disk of one of them, as
// raft.RecoverCluster does for operators who have lost a majority: the one whose log is the most up to
// date, among all that have not left. They are a majority, so that it has all that is committed. The others
// lose what Raft has on their disks, and are added again one after the other.
func (c *Cluster) recover(f *fault) func() {
	over := make(chan struct{})
	c.inTurn(over, func() {
		nodes := slices.DeleteFunc(slices.Clone(c.nodes), (*Node).hasLeft)
		for _, n := range nodes {
			n.takeOut()
		}
		// What is on its way was sent by nodes that there are no more, whose connections have ended.
		time.Sleep(c.longestWay())
		<-over
		c.recoverOn(f, nodes)
	})
	return func() { close(over) }
}

// longestWay is how long a message may be on its way.
func (c *Cluster) longestWay() time.Duration {
	way := c.plan.Cluster.Network.MaxLatency.D()
	longest := time.Duration(0)
	for _, f := range c.plan.Faults {
		switch f.Kind {
		case plan.Delay, plan.Duplicate, plan.LateDuplicate, plan.Reorder:
			longest = max(longest, f.Max.D())
		}
	}
	return 2*way + 2*longest
}

// recoverOn makes a cluster of the disk of one of the nodes, which are down, and adds the others.
func (c *Cluster) recoverOn(f *fault, nodes []*Node) {
	if len(nodes) == 0 {
		return
	}
	one := slices.MaxFunc(nodes, func(a, b *Node) int {
		aIndex, aTerm := a.disk.Last()
		bIndex, bTerm := b.disk.Last()
		return cmp.Or(cmp.Compare(aTerm, bTerm), cmp.Compare(aIndex, bIndex))
	})
	index, term := one.disk.Last()
	c.emitOf(one.name, &event.Recovered{Index: index, Term: term})
	for !one.recover() {
		if c.duration() <= 0 {
			return
		}
		time.Sleep(removeAgain) // its disk fails
	}
	c.activated(f, one, trace.Str("change", event.RecoveredAlone))
	one.putBack(false)
	for _, n := range nodes {
		if n != one {
			n.putBack(true)
		}
	}
	for _, n := range nodes {
		if n != one && c.becomes(n, voter, nil) {
			c.activated(f, n, trace.Str("change", event.Added), trace.Bool("emptied", true))
		}
	}
}

// recover calls raft.RecoverCluster, in an incarnation of its own that starts nothing else. It reports
// whether that has succeeded.
func (n *Node) recover() bool {
	n.mu.Lock()
	n.starts++
	i := n.cluster.incarnate(n, n.starts)
	n.mu.Unlock()
	defer point.Exempt()()
	i.emit(&event.NodeStarted{})
	process, err := n.cluster.app.NewProcess(i)
	if err == nil {
		i.process, i.machine = process, process.Machine()
		alone := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: raft.ServerID(n.name), Address: raft.ServerAddress(n.name)}}}
		err = raft.RecoverCluster(n.raftConfig(), (*machine)(i), i.mount.Log(), i.mount.Stable(), i.mount.Snapshots(), i.endpoint, alone)
	}
	i.cancel()
	i.endpoint.Close()
	i.mount.Close()
	i.threads.End()
	i.fence(&event.NodeStopped{How: event.Shutdown}, func() {})
	return err == nil
}
