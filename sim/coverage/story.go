package coverage

import (
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// kinds are the events that the story and the goals look at.
var kinds = []trace.Kind{
	trace.Inherited, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.NodeState,
	trace.FaultBegan, trace.FaultBit, trace.FaultEnded,
	trace.Applied, trace.Committed, trace.TaskChanged, trace.SnapshotTaken, trace.SnapshotStored, trace.SnapshotRestored,
	trace.LeaderSeen, trace.Called, trace.Proposed, trace.Returned, trace.Listed, trace.ListFailed, trace.RecoveryAsked,
	trace.CallbackStarted, trace.CallbackEnded, trace.HandleStarted, trace.WorkStarted, trace.WorkEnded, trace.ShardChanged,
	trace.FileRemoved, trace.RunEnded,
}

// story is what the events so far tell: the nodes, the runs of tasks, and the calls
// that are under way. It believes the events; whether they are right is for the
// checks to say.
type story struct {
	plan  *taskplan.Plan
	now   time.Duration
	names []string
	nodes map[string]*node
	runs  map[provider.Run]*run
	// order are the runs by version, current those on record by namespace and id.
	order   []*run
	current map[[2]string]*run
	// calls by operation, until they have returned and what became of them is known.
	calls    map[int64]*call
	requests map[request]*call
	// leaders are the nodes that have become leader, in that order.
	leaders []string

	// command is the newest committed command; the others are about the event just taken
	// in and nil for events of other kinds.
	command *command
	changed *change
	called  *call
	// stopping is a node whose calls end, and listing one whose scheduler has got a list,
	// with the next event.
	stopping, listing *node
}

type request struct {
	client string
	seq    uint64
}

// node is a node and its newest incarnation.
type node struct {
	name        string
	incarnation int
	up, paused  bool
	left        bool
	// started is when the incarnation began.
	started time.Duration
	// state is the Raft state, "" while the node is down.
	state string
	// stoppedAs is the Raft state in which the node stopped, and stopped when.
	stoppedAs string
	stopped   time.Duration
	// led is who led when the node was paused.
	led string
	// follows says that the incarnation has seen a leader, listed that its scheduler has
	// got a list, listFailed that it has not at the first try.
	follows, listed, listFailed bool
	// capturing says that a snapshot was taken and is not on the disk.
	capturing bool
	// cutSnapshot says that a capture was cut short by the end of the incarnation.
	cutSnapshot bool
	// applied is the highest index the node has applied in any incarnation, and
	// appliedBefore what it was before the newest snapshot was restored.
	applied, appliedBefore uint64
	// interrupted says that the last callback of the incarnation was cancelled, and not
	// by a fault of the provider; spoilt that such a fault struck the one under way.
	interrupted, spoilt bool
	// resumed says that the unit taken up last had been taken up in an earlier incarnation.
	resumed bool
	// working are the units that a worker has taken up and not put down, and in which
	// incarnation.
	working map[work]int
}

type work struct {
	run  provider.Run
	unit string
}

// call is an operation of a client.
type call struct {
	op          int64
	do          string
	node        string
	incarnation int
	run         provider.Run
	unit        string
	// since is the index of the newest command in the log when the call was made.
	since uint64
	// returned is the outcome, "" while it is awaited. orphaned says that the caller is
	// gone.
	returned string
	orphaned bool
	// committed is its command, once it is in the log.
	committed *command
}

func newStory(p *taskplan.Plan) *story {
	s := &story{
		plan: p, names: p.Cluster.NodeNames(), nodes: make(map[string]*node), runs: make(map[provider.Run]*run),
		current: make(map[[2]string]*run), calls: make(map[int64]*call), requests: make(map[request]*call),
		command: &command{},
	}
	for _, name := range s.names {
		s.nodes[name] = &node{name: name, working: make(map[work]int)}
	}
	return s
}

// node returns the node of an event; one that the plan does not have for the harness.
func (s *story) node(e *trace.Event) *node {
	if n := s.nodes[e.Node]; n != nil {
		return n
	}
	return &node{name: e.Node, working: make(map[work]int)}
}

// take folds an event in.
func (s *story) take(e *trace.Event) {
	s.settle()
	s.now, s.changed, s.called = e.At, nil, nil
	n := s.node(e)
	switch e.Kind {
	case trace.NodeStarted:
		*n = node{name: n.name, incarnation: e.Incarnation, started: e.At, up: true, state: "Follower", applied: n.applied, left: n.left, working: n.working}
	case trace.NodeStopped:
		n.cutSnapshot, n.stoppedAs, n.stopped = n.capturing, n.state, e.At
		n.up, n.paused, n.state, n.capturing, s.stopping = false, false, "", false, n
	case trace.NodePaused:
		n.paused, n.led = true, s.leader()
	case trace.NodeResumed:
		n.paused = false
	case trace.NodeLeft:
		n.left = true
		s.abandon(n.name)
	case trace.NodeState:
		n.state = e.Str("state")
		if n.state == leading {
			s.leaders = append(s.leaders, n.name)
		}
	case trace.LeaderSeen:
		n.follows = n.follows || e.Str("leader") != ""
	case trace.SnapshotTaken:
		n.capturing = true
	case trace.SnapshotStored:
		n.capturing = false
	case trace.Applied, trace.SnapshotRestored:
		n.appliedBefore, n.applied = n.applied, max(n.applied, uint64(e.Int("index")))
	case trace.Listed:
		if _, asked := e.Get("op"); !asked {
			s.listing = n
		}
	case trace.ListFailed:
		if _, asked := e.Get("op"); !asked && !n.listed {
			n.listFailed = true
		}
	case trace.FaultBit:
		switch plan.FaultKind(e.Str("what")) {
		case plan.SnapshotError:
			n.capturing = false
		case taskplan.CallbackCancelled:
			n.spoilt = true
		}
	case trace.WorkStarted:
		w := work{runOf(e), e.Str("unit")}
		before, there := n.working[w]
		n.resumed = there && before != e.Incarnation
		n.working[w] = e.Incarnation
	case trace.WorkEnded:
		delete(n.working, work{runOf(e), e.Str("unit")})
	default:
		s.takeLog(e, n)
	}
}

// settle finishes what the goals had to see unfinished.
func (s *story) settle() {
	if n := s.stopping; n != nil {
		s.stopping = nil
		for _, c := range s.calls {
			if c.node == n.name && c.returned == "" {
				c.orphaned = true
				if c.committed != nil {
					delete(s.calls, c.op)
				}
			}
		}
	}
	if n := s.listing; n != nil {
		s.listing, n.listed = nil, true
	}
	if c := s.called; c != nil && c.returned != "" && (c.committed != nil || c.returned == "ok" || c.returned == "rejected") {
		delete(s.calls, c.op)
	}
}

const leading = "Leader"

// abandon notes which runs wait for a node that has left.
func (s *story) abandon(name string) {
	for _, r := range s.order {
		if _, acked := r.phaseAcks()[name]; r.isActive() && r.owns(name) && !acked {
			r.leftIn[r.status] = true
		}
	}
}

// leader returns the node that became leader last, "" when there was none.
func (s *story) leader() string {
	if len(s.leaders) == 0 {
		return ""
	}
	return s.leaders[len(s.leaders)-1]
}

// ups counts the nodes that run.
func (s *story) ups() int {
	n := 0
	for _, name := range s.names {
		if s.nodes[name].up {
			n++
		}
	}
	return n
}

// any returns the first run on record of which a predicate is true; nil when there
// is none.
func (s *story) any(is func(*run) bool) *run {
	if i := slices.IndexFunc(s.order, func(r *run) bool { return !r.gone && is(r) }); i >= 0 {
		return s.order[i]
	}
	return nil
}

// active says whether a run on record is in a status.
func (s *story) active(status string) bool {
	return s.any(func(r *run) bool { return r.status == status }) != nil
}

// busy says whether any task is active.
func (s *story) busy() bool { return s.any((*run).isActive) != nil }

// unanswered says whether there is a call of which a predicate is true, whose command
// was accepted and whose caller does not know: a crash of the caller, or of the leader
// that owes the answer, comes between apply and reply.
func (s *story) unanswered(n *node, is func(*call) bool) bool {
	for _, c := range s.calls {
		if c.returned == "" && !c.orphaned && c.committed != nil && c.committed.accepted &&
			(c.node == n.name || s.leader() == n.name) && is(c) {
			return true
		}
	}
	return false
}

// runOf reads the fields that name a run.
func runOf(e *trace.Event) provider.Run {
	version, _ := e.Get("version")
	return provider.Run{Namespace: e.Str("namespace"), Task: e.Str("task"), Version: version.Uint()}
}

// ours says whether a counter is one of this package's.
func ours(name string) bool {
	return slices.ContainsFunc([]string{FaultPrefix, StatePrefix, SometimesPrefix}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}
