package cluster

import "dtsim/sim/plan"

// arrival is a moment that a node has reached.
type arrival struct {
	moment plan.Moment
	node   string
	about  About
	// copied is set if it is about a command that another replica has applied before.
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
