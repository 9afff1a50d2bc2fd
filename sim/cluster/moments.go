package cluster

import (
	"slices"

	"dtsim/sim/disk"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/stall/point"
	"dtsim/sim/trace/event"
)

// arrival is a moment that a node has reached.
type arrival struct {
	moment plan.Moment
	node   string
	about  About
	// op and name are the store and the key of a write.
	op, name string
	// copied is set if another replica has come to the same before: has applied the command, say.
	copied bool
}

// Awaited reports whether the moments of the apply under way have to be announced: some
// fault waits for a moment, and the node has not reached the index in an earlier life. It
// is called by a machine during its Apply, once.
func (i *Incarnation) Awaited() bool {
	if i.dead || !i.cluster.faults.waiting() || i.apply.Index <= i.node.reached {
		return false
	}
	i.node.reached = i.apply.Index
	return true
}

// Announce announces the moments of the apply under way, and plan.ApplyBeforeReply on a
// leader, before anything learns of its outcome. The events of the apply must be in the
// trace: others may follow them now. It is called by a machine during its Apply, without
// locks of its own, when [Incarnation.Awaited] reports true.
func (i *Incarnation) Announce(about About, moments ...plan.Moment) {
	c := i.cluster
	if i.leads() {
		moments = append(moments, plan.ApplyBeforeReply)
	}
	if len(moments) == 0 {
		return
	}
	first := i.apply.First
	c.applying.Unlock()
	defer c.applying.Lock()
	for _, m := range moments {
		c.faults.arrive(arrival{moment: m, node: i.node.name, about: about, copied: !first && m != plan.ApplyBeforeReply})
	}
}

// incarnation returns an incarnation of a node that has not ended; nil if there is none of that
// number.
func (n *Node) incarnation(number int) *Incarnation {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, i := range []*Incarnation{n.current, n.ending} {
		if i != nil && i.number == number {
			return i
		}
	}
	return nil
}

// reach announces a moment of Raft, which the incarnation has come to unless it is dead.
func (i *Incarnation) reach(m plan.Moment, copied bool) {
	if !i.Fenced() {
		i.cluster.faults.arrive(arrival{moment: m, node: i.node.name, copied: copied})
	}
}

// stored announces the moments of what an incarnation's disk has got.
func (n *Node) stored(number int, s disk.Stored) {
	if !n.cluster.faults.waiting() {
		return
	}
	i := n.incarnation(number)
	if i == nil {
		return
	}
	switch {
	case s.Snapshot:
		i.reach(plan.SnapshotStored, false)
	case s.Term > 0:
		i.reach(plan.TermRaised, n.cluster.faults.again(plan.TermRaised, s.Term))
	case s.Configuration.Index > 0:
		i.await(s.Configuration)
		i.reach(plan.ConfigAppended, n.cluster.faults.again(plan.ConfigAppended, s.Configuration.Mix()))
	case s.RemovedTo > 0:
		i.forget(s.RemovedFrom, s.RemovedTo)
	}
}

// writeMoments are the moments of the steps of a write.
var writeMoments = map[disk.Step]plan.Moment{
	disk.WriteBegins: plan.WriteBegin, disk.WriteUnsynced: plan.WriteUnsynced, disk.WriteSynced: plan.WriteSynced,
}

// writing announces the moment of a step of a write.
func (n *Node) writing(number int, w disk.Writing) {
	s := n.cluster.faults
	if !s.waiting() {
		return
	}
	if i := n.incarnation(number); i != nil && !i.Fenced() {
		s.arrive(arrival{moment: writeMoments[w.Step], node: n.name, op: w.Store, name: w.Name})
	}
}

// reachedOnTheWay announces the moments of a message that an incarnation sends or gets.
func (c *Cluster) reachedOnTheWay(node string, number int, p network.Point) {
	if !c.faults.waiting() {
		return
	}
	i := c.Node(node).incarnation(number)
	if i == nil {
		return
	}
	switch p {
	case network.VoteGranted:
		i.reach(plan.VoteGranted, false)
	case network.SnapshotSent:
		i.reach(plan.SnapshotSent, false)
	case network.SnapshotReceived:
		i.reach(plan.SnapshotReceived, false)
	case network.Sending:
		for _, configuration := range i.committed() {
			i.reach(plan.ConfigCommitted, c.faults.again(plan.ConfigCommitted, configuration.Mix()))
		}
	}
}

// again reports whether a moment that every replica comes to was reached by another one before.
func (s *faults) again(m plan.Moment, number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := counted{m, number}
	before := s.counted[key]
	s.counted[key] = true
	return before
}

// counted is a moment that every replica comes to.
type counted struct {
	moment plan.Moment
	number uint64
}

// await notes a configuration that is to be committed.
func (i *Incarnation) await(configuration event.LogEntry) {
	s := i.cluster.faults
	s.mu.Lock()
	defer s.mu.Unlock()
	i.configurations = append(i.configurations, configuration)
}

// forget notes that the log has lost its entries between two indices.
func (i *Incarnation) forget(from, to uint64) {
	s := i.cluster.faults
	s.mu.Lock()
	defer s.mu.Unlock()
	i.configurations = slices.DeleteFunc(i.configurations, func(l event.LogEntry) bool { return l.Index >= from && l.Index <= to })
}

// committed returns the configurations that raft has committed, each once.
func (i *Incarnation) committed() (some []event.LogEntry) {
	defer point.Exempt()() // a pause of the node does not strike here, under a lock of the cluster
	s := i.cluster.faults
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(i.configurations) == 0 || !i.begun.Load() {
		return nil
	}
	last := i.raft.CommitIndex()
	i.configurations = slices.DeleteFunc(i.configurations, func(l event.LogEntry) bool {
		if l.Index <= last {
			some = append(some, l)
			return true
		}
		return false
	})
	return some
}
