package coverage

import (
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Nodes is what the events so far tell of the nodes of any application.
type Nodes struct {
	names []string
	nodes map[string]*Node
	// leaders are the nodes that have become leader, in that order.
	leaders []string
	// recovering is the node that is made a cluster of its own, while that goes on; "" for none.
	recovering string
	// election is the election timeout, lease the leader's lease, quiescence when faults and stalls end.
	election, lease, quiescence time.Duration
}

// Node is a node and its newest incarnation.
type Node struct {
	Name        string
	Incarnation int
	Up, Paused  bool
	// Left: it will not be started again.
	Left bool
	// Started is when the incarnation began.
	Started time.Duration
	// State is the Raft state, "" while the node is down.
	State string
	// StoppedAs is the Raft state in which the node stopped, and Stopped when.
	StoppedAs string
	Stopped   time.Duration
	// Was is the Raft state before that.
	Was string
	// Led is the node that led when this one was paused, and Elections how often a node had become leader
	// by then.
	Led       string
	Elections int
	// HeldUntil is when the last of its goroutines that is held up goes on.
	HeldUntil time.Duration
	// Drift is how many microseconds a second its clock gains; see also Ahead.
	Drift int64
	// ahead is by how much its clock was ahead at clockSet, jumped whether it was set then by more than
	// it had gained.
	ahead, clockSet time.Duration
	jumped          bool
	// Follows: the incarnation has seen a leader.
	Follows bool
	// Capturing: a snapshot was taken and is not on the disk. CutSnapshot: that was cut short
	// by the end of the incarnation.
	Capturing, CutSnapshot bool
	// Member is what a fault has done to its membership last: one of the changes of package event, empty
	// for a voter that was always one, or is one again. Emptied: it has come back with an empty disk.
	Member  string
	Emptied bool
	// Wrote is the key of the stable store that was written last.
	Wrote string
	// Applied is the highest index that the node has applied in any incarnation, and
	// AppliedBefore what it was before the newest event that raised it.
	Applied, AppliedBefore uint64
}

// NewNodes returns the nodes of a plan, of which nothing has been seen.
func NewNodes(p *plan.Plan) *Nodes {
	n := &Nodes{
		names: p.Cluster.NodeNames(), nodes: make(map[string]*Node),
		election: p.Cluster.Raft.ElectionTimeout.D(), lease: p.Cluster.Raft.LeaderLeaseTimeout.D(), quiescence: p.Quiescence.D(),
	}
	for _, name := range n.names {
		n.nodes[name] = &Node{Name: name}
	}
	return n
}

// Names returns the names of the nodes, in the order of the plan.
func (n *Nodes) Names() []string { return n.names }

// Of returns the node of that name; one of its own for a name that the plan does not have.
func (n *Nodes) Of(name string) *Node {
	if node := n.nodes[name]; node != nil {
		return node
	}
	return &Node{Name: name}
}

// Leader returns the node that became leader last, "" if there was none.
func (n *Nodes) Leader() string {
	if len(n.leaders) == 0 {
		return ""
	}
	return n.leaders[len(n.leaders)-1]
}

// Elected reports whether an event that was just taken in makes a node leader after
// another one.
func (n *Nodes) Elected(e *trace.Event) bool {
	b, ok := e.Body.(*event.NodeState)
	return ok && b.State == event.Leader && len(n.leaders) > 1 && n.leaders[len(n.leaders)-2] != e.Node
}

// Up counts the nodes that run.
func (n *Nodes) Up() int {
	up := 0
	for _, name := range n.names {
		if n.nodes[name].Up {
			up++
		}
	}
	return up
}

// kinds are the events that nodes, faults and the goals of nodes are made of.
var kinds = []trace.Kind{
	trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.NodeState,
	trace.FaultBegan, trace.FaultActivated, trace.FaultEnded, trace.Applied, trace.Committed, trace.SnapshotTaken, trace.SnapshotStored,
	trace.SnapshotRestored, trace.LeaderSeen, trace.Called, trace.Returned, trace.Stalled, trace.ClockSet, trace.StableStored, trace.DiskEmptied, trace.Recovered,
}

// take folds an event in.
func (n *Nodes) take(e *trace.Event) {
	node := n.Of(e.Node)
	switch b := e.Body.(type) {
	case *event.NodeStarted:
		*node = Node{
			Name: node.Name, Incarnation: e.Incarnation, Started: e.At, Up: true, State: event.Follower, Applied: node.Applied, Left: node.Left,
			Drift: node.Drift, ahead: node.ahead, clockSet: node.clockSet, Member: node.Member, Emptied: node.Emptied,
		}
	case *event.NodeStopped:
		if n.recovering == e.Node {
			n.recovering = ""
		}
		node.CutSnapshot, node.StoppedAs, node.Stopped = node.Capturing, node.State, e.At
		node.Up, node.Paused, node.State, node.Capturing = false, false, "", false
	case *event.NodePaused:
		node.Paused, node.Led, node.Elections = true, n.Leader(), len(n.leaders)
	case *event.NodeResumed:
		node.Paused = false
	case *event.NodeLeft:
		node.Left = true
	case *event.NodeState:
		node.Was, node.State = node.State, b.State
		if node.State == event.Leader {
			n.leaders = append(n.leaders, node.Name)
		}
	case *event.LeaderSeen:
		node.Follows = node.Follows || b.Leader != ""
	case *event.Stalled:
		node.HeldUntil = max(node.HeldUntil, min(e.At+b.For, n.quiescence))
	case *event.ClockSet:
		moved := b.Ahead - node.Ahead(e.At)
		node.jumped = moved > time.Millisecond || moved < -time.Millisecond
		node.ahead, node.Drift, node.clockSet = b.Ahead, b.Drift, e.At
	case *event.StableStored:
		node.Wrote = b.Key
	case *event.SnapshotTaken:
		node.Capturing = true
	case *event.SnapshotStored:
		node.Capturing = false
	case *event.Applied:
		node.applied(b.Index)
	case *event.SnapshotRestored:
		node.applied(b.Index)
	case *event.DiskEmptied:
		node.Emptied = true
	case *event.Recovered:
		n.recovering = e.Node
	case *event.FaultActivated:
		if c := b.Change(); c.What != "" {
			if node.Member = c.What; c.What == event.Promoted || c.What == event.Added || c.What == event.RecoveredAlone || c.What == event.Restored {
				node.Member = ""
			}
		}
		if plan.FaultKind(b.What) == plan.SnapshotError {
			node.Capturing = false
		}
	}
}

func (n *Node) applied(index uint64) {
	n.AppliedBefore, n.Applied = n.Applied, max(n.Applied, index)
}

// Ahead returns by how much the node's clock is ahead of the time of the run at a time; negative if it
// is behind.
func (n *Node) Ahead(at time.Duration) time.Duration {
	return n.ahead + (at-n.clockSet)/1e6*time.Duration(n.Drift)
}
