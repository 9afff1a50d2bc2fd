package cluster

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hashicorp/raft"

	"dtsim/sim/plan"
	"dtsim/sim/stall/point"
)

// resolve turns the roles in a fault into names; a is the moment it waited for. An
// unheld role resolves to no node.
func (c *Cluster) resolve(f *fault, a arrival) {
	names := f.Nodes
	switch {
	case f.operation != nil:
		names = []string{f.operation.Node}
	case f.Node != "":
		names = []string{f.Node}
	}
	for _, name := range names {
		f.nodes = append(f.nodes, c.who(f, a, name)...)
	}
	slices.Sort(f.nodes)
	f.nodes = slices.Compact(f.nodes)
	if f.Peer != "" {
		if who := c.who(f, a, f.Peer); len(who) > 0 {
			f.peer = who[0]
		} else {
			f.peer = noNode
		}
	}
	if len(f.nodes) == 0 && len(names) > 0 {
		f.nodes = []string{noNode}
	}
}

// noNode is not the name of a node. It stands for an unheld role, where no name at all
// means any node.
const noNode = "(none)"

// who returns the nodes that a name or a role stands for.
func (c *Cluster) who(f *fault, a arrival, name string) []string {
	one := func(names []string) []string {
		if len(names) == 0 {
			return nil
		}
		return []string{c.shuffled(f, names)[0]}
	}
	all := c.plan.Cluster.NodeNames()
	switch name {
	case plan.Here:
		return []string{a.node}
	case plan.Leader:
		if leader := c.leader(); leader != "" {
			return []string{leader}
		}
		return nil
	case plan.Follower:
		leader := c.leader()
		return one(slices.DeleteFunc(all, func(n string) bool { return n == leader || !c.Node(n).Up() }))
	case plan.Minority:
		return c.shuffled(f, all)[:(len(all)-1)/2]
	case plan.Majority:
		return c.shuffled(f, all)[:(len(all)-1)/2+1]
	}
	if r, ok := c.app.(Roles); ok && c.Node(name) == nil {
		about := make(About)
		if f.When != nil {
			maps.Copy(about, f.When.About)
		}
		maps.Copy(about, f.About)
		if holders, known := r.Holders(name, about); known {
			return one(holders)
		}
	}
	return []string{name}
}

// shuffled returns the names in an order of the fault's own.
func (c *Cluster) shuffled(f *fault, names []string) []string {
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(f.draw.Str("who").Str(a).Uint64(), f.draw.Str("who").Str(b).Uint64())
	})
	return names
}

// leader returns the node that leads with the highest term, or else the last one that
// did; "" if there was none.
func (c *Cluster) leader() string {
	var best *Incarnation
	for _, n := range c.nodes {
		if i := n.running(); i != nil && i.leads() && (best == nil || TermOf(i.raft) > TermOf(best.raft)) {
			best = i
		}
	}
	if best != nil {
		return best.node.name
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	return c.lastLeader
}

// leads reports whether the incarnation's raft is leader.
func (i *Incarnation) leads() bool {
	defer point.Exempt()() // it is asked under locks of the cluster, too
	return i.begun.Load() && i.raft.State() == raft.Leader
}
