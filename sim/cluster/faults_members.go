package cluster

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// members is what operators do to the configuration of the cluster.
type members struct {
	// turn is taken by who changes the configuration: one thing is done at a time.
	turn chan struct{}
	// restoring is what is not yet as it was before.
	restoring sync.WaitGroup
}

func newMembers() *members { return &members{turn: make(chan struct{}, 1)} }

// inTurn does what operators do to the configuration when it is its turn, and nothing if over is closed
// before that.
func (c *Cluster) inTurn(over <-chan struct{}, do func()) {
	c.members.restoring.Add(1)
	c.work(func() {
		defer c.members.restoring.Done()
		select {
		case c.members.turn <- struct{}{}:
			defer func() { <-c.members.turn }()
			do()
		case <-over:
		}
	})
}

// memberPoll is how long it takes until an operator tries again.
const memberPoll = 50 * time.Millisecond

// suffrage is what a node is in a configuration.
type suffrage int

const (
	absent suffrage = iota
	nonVoter
	voter
)

// suffrageOf returns what a node is in a configuration.
func suffrageOf(name string, c raft.Configuration) suffrage {
	for _, s := range c.Servers {
		if string(s.ID) == name {
			if s.Suffrage == raft.Voter {
				return voter
			}
			return nonVoter
		}
	}
	return absent
}

// is asks the leader, if there is one, to make of a node what it is to be; it reports whether the leader
// has committed a configuration in which it is that. Of the other nodes so many may leave for good.
// Nothing waits for a future of raft: those of one that is shut down may never come.
func (c *Cluster) is(name string, want suffrage, gone int) bool {
	i := c.leads()
	if i == nil {
		return false
	}
	term := TermOf(i.raft)
	known := i.raft.GetConfiguration()
	if known.Error() != nil {
		return false
	}
	if suffrageOf(name, known.Configuration()) != want {
		if i.node.name == name && want != voter && !canLose(known.Configuration(), gone) {
			i.transfers.LeadershipTransfer()
			time.Sleep(removeAgain)
			return false
		}
		id, address := raft.ServerID(name), raft.ServerAddress(name)
		switch want {
		case absent:
			i.raft.RemoveServer(id, 0, removeTimeout)
		case voter:
			i.raft.AddVoter(id, address, 0, removeTimeout)
		case nonVoter:
			if suffrageOf(name, known.Configuration()) == voter {
				i.raft.DemoteVoter(id, 0, removeTimeout)
			} else {
				i.raft.AddNonvoter(id, address, 0, removeTimeout)
			}
		}
		time.Sleep(removeAgain)
		known = i.raft.GetConfiguration()
		if known.Error() != nil || suffrageOf(name, known.Configuration()) != want {
			return false
		}
	}
	last := i.raft.LastIndex()
	time.Sleep(removeAgain)
	return i.raft.CommitIndex() >= last && TermOf(i.raft) == term && i.halt.Err() == nil
}

// canLose reports whether a leader may take its own vote away. Until that is committed, the others must be
// able to elect one of them by the configuration before: it has the longer log, so that it does not
// vote for them, and does not stand for election itself. Where they cannot, since so many of them may leave for
// good, operators transfer the leadership first.
func canLose(before raft.Configuration, gone int) bool {
	voters := 0
	for _, s := range before.Servers {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return (voters-1-gone)*2 > voters
}

// leads returns the incarnation that leads, nil if there is none.
func (c *Cluster) leads() *Incarnation {
	n := c.Node(c.leader())
	if n == nil {
		return nil
	}
	i := n.running()
	if i == nil || !i.leads() {
		return nil
	}
	return i
}

// becomes has a node made what it is to be. It reports whether it is, and gives up at the end of the run,
// when the node has left for good, or when over is closed, which may be nil.
func (c *Cluster) becomes(n *Node, want suffrage, over <-chan struct{}) bool {
	for !done(over) && c.duration() > 0 && !n.hasLeft() {
		if c.is(n.name, want, c.plan.MostGone()) {
			return true
		}
		time.Sleep(memberPoll)
	}
	return false
}

// done reports whether a channel is closed.
func done(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// changeMember has the membership of a node changed, and changed back in the end. One node at a time is
// no voter: the others wait for their turn.
func (c *Cluster) changeMember(f *fault) func() {
	over := make(chan struct{})
	for _, n := range c.targets(f) {
		c.inTurn(over, func() {
			if f.Kind == plan.Demote {
				c.demote(f, n, over)
			} else {
				c.removeAndAdd(f, n, over)
			}
		})
	}
	return func() { close(over) }
}

// demote makes a non-voter of a node, and a voter again.
func (c *Cluster) demote(f *fault, n *Node, over <-chan struct{}) {
	if c.becomes(n, nonVoter, over) {
		c.activated(f, n, trace.Str("change", event.Demoted))
		n.revive()
		<-over
	}
	n.revive()
	if c.becomes(n, voter, nil) {
		c.activated(f, n, trace.Str("change", event.Promoted))
	}
}

// removeAndAdd takes a node out of the configuration, and adds it again: at first as a non-voter if the
// fault demands that. A node that is replaced crashes once its removal is committed, and not before, and
// has nothing on its disk when it comes back; one that is not goes on running.
func (c *Cluster) removeAndAdd(f *fault, n *Node, over <-chan struct{}) {
	emptied := f.Kind == plan.Replace
	removed := c.becomes(n, absent, over)
	if removed {
		c.activated(f, n, trace.Str("change", event.Removed))
		if emptied {
			n.takeOut()
		}
		<-over
		if emptied {
			n.putBack(true)
		}
	}
	n.revive()
	details := []trace.Field{trace.Str("change", event.Added)}
	if emptied {
		details = append(details, trace.Bool("emptied", removed))
	}
	if f.Op == plan.AsNonVoter && removed && c.becomes(n, nonVoter, nil) {
		c.activated(f, n, slices.Replace(slices.Clone(details), 0, 1, trace.Str("change", event.AddedNonVoter))...)
		c.catchesUp(n)
	}
	if c.becomes(n, voter, nil) && removed {
		c.activated(f, n, details...)
	}
}

// revive starts a node again whose raft has shut itself down, which it does when it was the leader and
// has lost its vote.
func (n *Node) revive() {
	if i := n.running(); i != nil && i.raft.State() == raft.Shutdown {
		n.Crash()
		n.Start()
	}
}

// catchesUp waits until a node has applied what is committed now, for as long as a snapshot may take.
func (c *Cluster) catchesUp(n *Node) {
	var index uint64
	if i := c.leads(); i != nil {
		index = i.raft.CommitIndex()
	}
	for range int(snapshotWait / snapshotPoll) {
		if i := n.running(); i != nil && i.raft.AppliedIndex() >= index {
			return
		}
		time.Sleep(snapshotPoll)
	}
}

// takeOut crashes the node, which does not start before it is put back.
func (n *Node) takeOut() {
	n.mu.Lock()
	n.out = true
	n.mu.Unlock()
	n.Crash()
}

// putBack starts a node that was taken out, with what its disk holds or with nothing that is Raft's.
func (n *Node) putBack(emptied bool) {
	if emptied && !n.hasLeft() {
		n.disk.Empty()
		n.cluster.emitOf(n.name, &event.DiskEmptied{})
	}
	n.mu.Lock()
	n.out = false
	n.mu.Unlock()
	n.Start()
}

// hasLeft reports whether the node has left for good.
func (n *Node) hasLeft() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.left
}

// settle waits until the configuration is as it was before the faults, or has had enough time for that.
func (c *Cluster) settle() {
	settled := make(chan struct{})
	c.work(func() {
		c.members.restoring.Wait()
		close(settled)
	})
	select {
	case <-settled:
	case <-time.After(min(plan.Settles, max(c.duration()/2, 0))):
	}
}

// changesMembers reports whether the plan changes the configuration and changes it back.
func (c *Cluster) changesMembers() bool {
	return slices.ContainsFunc(c.plan.Faults, func(f plan.Fault) bool { return plan.ChangesMembers(f.Kind) })
}
