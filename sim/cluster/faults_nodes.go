package cluster

import (
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/pause"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// targets returns the nodes that a fault names.
func (c *Cluster) targets(f *fault) (nodes []*Node) {
	for _, name := range f.nodes {
		if n := c.Node(name); n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// activated records that a fault has changed the life of a node.
func (c *Cluster) activated(f *fault, n *Node, details ...trace.Field) {
	c.emitOf(n.name, &event.FaultActivated{Fault: f.event(), Details: details})
}

// crash crashes nodes; those that ran start again in the end.
func (c *Cluster) crash(f *fault) func() {
	var down []*Node
	for _, n := range c.targets(f) {
		if n.Crash() {
			c.activated(f, n)
			down = append(down, n)
		}
	}
	return restart(down)
}

// restart returns what starts nodes.
func restart(nodes []*Node) func() {
	return func() {
		for _, n := range nodes {
			n.restart()
		}
	}
}

// shutdown ends nodes in order. They are notified at once, and have the time that they
// need.
func (c *Cluster) shutdown(f *fault) func() {
	var down []*Node
	for _, n := range c.targets(f) {
		if i := n.beginStop(); i != nil {
			c.activated(f, n)
			down = append(down, n)
			c.work(i.shutdown)
		}
	}
	return restart(down)
}

// pause lets nodes take no step until it ends.
func (c *Cluster) pause(f *fault) func() {
	var paused []*Incarnation
	for _, n := range c.targets(f) {
		if i := n.running(); i != nil && i.pause() {
			c.activated(f, n)
			paused = append(paused, i)
		}
	}
	return func() {
		for _, i := range paused {
			i.resume()
		}
	}
}

// leave crashes nodes for good.
func (c *Cluster) leave(f *fault) func() {
	for _, n := range c.targets(f) {
		if n.leave() {
			c.activated(f, n)
		}
	}
	return nil
}

// leave crashes the node; it is not started again. It reports whether the node had not
// left before.
func (n *Node) leave() bool {
	n.mu.Lock()
	before := n.left
	n.left = true
	n.mu.Unlock()
	if before {
		return false
	}
	n.Crash()
	n.cluster.emitOf(n.name, &event.NodeLeft{})
	return true
}

const (
	// removeTimeout is how long a leader may take to put a change of the configuration
	// into its log, removeAgain how long it takes until it is asked again.
	removeTimeout = time.Second
	removeAgain   = 500 * time.Millisecond
)

// remove has a node taken out of the configuration, after which it leaves. It leaves
// at quiescence in any case: a node that learns of its removal late is gone by then.
func (c *Cluster) remove(f *fault) func() {
	for _, n := range c.targets(f) {
		c.work(func() {
			c.members.turn <- struct{}{}
			defer func() { <-c.members.turn }()
			// The node itself is among those that leave for good.
			for c.duration() > 0 && !c.is(n.name, absent, c.plan.MostGone()-1) {
				time.Sleep(removeAgain)
			}
			if n.leave() {
				c.activated(f, n)
			}
		})
	}
	return func() {
		for _, n := range c.targets(f) {
			if n.leave() {
				c.activated(f, n)
			}
		}
	}
}

// duration is how much of the run is left.
func (c *Cluster) duration() time.Duration { return c.plan.Duration.D() - time.Since(c.start) }

// transfer has the leader hand over its leadership.
func (c *Cluster) transfer(f *fault) func() {
	i := c.leads()
	if i == nil {
		return nil
	}
	hand := i.transfers.LeadershipTransfer
	if len(f.nodes) > 0 {
		to := f.nodes[0]
		if c.Node(to) == nil || to == i.node.name {
			return nil
		}
		hand = func() raft.Future {
			return i.transfers.LeadershipTransferToServer(raft.ServerID(to), raft.ServerAddress(to))
		}
	}
	hand()
	c.activated(f, i.node)
	return nil
}

// pause lets the incarnation take no step; false if it is paused already.
func (i *Incarnation) pause() bool {
	i.cluster.applying.Lock()
	if i.dead || i.paused {
		i.cluster.applying.Unlock()
		return false
	}
	i.append(&event.NodePaused{})
	i.paused = true
	i.cluster.applying.Unlock()
	i.gate.close()
	i.threads.Pause()
	i.clock.Pause()
	i.endpoint.Pause()
	i.mount.Pause()
	return true
}

// resume lets a paused incarnation go on. Everything that has waited for it is there at once, in an
// order that is drawn; see package sim/pause.
func (i *Incarnation) resume() {
	i.cluster.applying.Lock()
	if !i.paused {
		i.cluster.applying.Unlock()
		return
	}
	i.paused = false
	i.pauses++
	draw := keyed.New(i.cluster.plan.Seed, "cluster.resume").Str(i.node.name).Int(uint64(i.number)).Int(i.pauses)
	messages, timers := i.endpoint.Resume(), i.clock.Resume()
	steps := slices.Concat(messages, timers, i.threads.Resume())
	resumed := &event.NodeResumed{Timers: int64(len(timers)), Takes: time.Duration(len(steps))}
	for _, m := range messages {
		if m.Message {
			resumed.Messages++
		}
	}
	i.append(resumed)
	i.cluster.applying.Unlock()
	// Who waits for the disk may hold locks, without which no time passes.
	i.mount.Resume()
	i.gate.open()
	pause.Release(draw, steps)
}
