package goals

import (
	"maps"
	"slices"
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// kinds are the events that goals are made of.
var kinds = []trace.Kind{
	trace.Inherited, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.NodeState,
	trace.FaultActivated, trace.Applied, trace.Committed, trace.TaskChanged, trace.SnapshotTaken, trace.SnapshotStored, trace.SnapshotRestored,
	trace.LeaderSeen, trace.Called, trace.Proposed, trace.Returned, trace.Listed, trace.ListFailed, trace.RecoveryAsked,
	trace.CallbackStarted, trace.CallbackEnded, trace.HandleStarted, trace.WorkStarted, trace.WorkEnded, trace.ShardChanged,
	trace.FileRemoved, trace.RunEnded,
}

// state is what the events so far show: the nodes, the projection of the log, and the calls that
// are under way. It takes the events as true; the checks decide whether they are.
type state struct {
	*projection.Log
	plan  *taskplan.Plan
	now   time.Duration
	nodes *coverage.Nodes
	lives map[string]*life
	runs  map[*projection.Run]*run
	// calls by operation, until they have returned and what became of them is known.
	calls    map[int64]*call
	requests map[event.Request]*call

	// command is the newest committed command; the others are about the event just taken
	// in and nil for events of other kinds.
	command *command
	changed *change
	called  *call
	// stopping is a node whose calls end, and listing one whose scheduler has got a list,
	// with the next event.
	stopping *coverage.Node
	listing  *life
}

// life is what is known of the newest incarnation of a node besides what is known of any
// application's.
type life struct {
	// listed: the scheduler has got a list; listFailed: not at the first try.
	listed, listFailed bool
	// interrupted: the last callback of the incarnation was cancelled, and not by a fault of
	// the provider; spoilt: such a fault was activated for the one under way.
	interrupted, spoilt bool
	// resumed: the unit taken up last had been taken up in an earlier incarnation.
	resumed bool
	// working are the units that a worker has taken up and not put down, and in which
	// incarnation.
	working map[work]int
}

type work struct {
	run  taskevent.Run
	unit string
}

// call is an operation of a client.
type call struct {
	op          int64
	do          string
	node        string
	incarnation int
	run         taskevent.Run
	unit        string
	// since is the index of the newest command in the log when the call was made.
	since uint64
	// returned is the outcome, "" while it is awaited. orphaned: the caller is gone.
	returned string
	orphaned bool
	// committed is its command, once it is in the log.
	committed *command
}

func newState(p *taskplan.Plan, nodes *coverage.Nodes, log *projection.Log) *state {
	return &state{
		Log: log, plan: p, nodes: nodes, lives: make(map[string]*life), runs: make(map[*projection.Run]*run),
		calls: make(map[int64]*call), requests: make(map[event.Request]*call),
		command: &command{Command: &taskevent.Command{Committed: &event.Committed{}}},
	}
}

// node returns the node of an event.
func (s *state) node(e *trace.Event) *coverage.Node { return s.nodes.Of(e.Node) }

// life returns what is known of the newest incarnation of a node.
func (s *state) life(node string) *life {
	l := s.lives[node]
	if l == nil {
		l = &life{working: make(map[work]int)}
		s.lives[node] = l
	}
	return l
}

// take folds an event in.
func (s *state) take(e *trace.Event) {
	s.settle()
	s.Take(e)
	s.now, s.changed, s.called = e.At, nil, nil
	l := s.life(e.Node)
	switch b := e.Body.(type) {
	case *event.NodeStarted:
		*l = life{working: l.working}
	case *event.NodeStopped:
		s.stopping = s.node(e)
	case *event.NodeLeft:
		s.abandon(e.Node)
	case *taskevent.Listed:
		if !b.Op.Set {
			s.listing = l
		}
	case *taskevent.ListFailed:
		if !b.Op.Set && !l.listed {
			l.listFailed = true
		}
	case *event.FaultActivated:
		if plan.FaultKind(b.What) == taskplan.CallbackCancelled {
			l.spoilt = true
		}
	case *taskevent.WorkStarted:
		w := work{b.Run, b.Unit}
		before, there := l.working[w]
		l.resumed = there && before != e.Incarnation
		l.working[w] = e.Incarnation
	case *taskevent.WorkEnded:
		delete(l.working, work{b.Run, b.Unit})
	default:
		s.takeLog(e, l)
	}
}

// settle finishes what the goals had to see unfinished.
func (s *state) settle() {
	if n := s.stopping; n != nil {
		s.stopping = nil
		for _, op := range slices.Sorted(maps.Keys(s.calls)) {
			if c := s.calls[op]; c.node == n.Name && c.returned == "" {
				c.orphaned = true
				if c.committed != nil {
					delete(s.calls, c.op)
				}
			}
		}
	}
	if l := s.listing; l != nil {
		s.listing, l.listed = nil, true
	}
	if c := s.called; c != nil && c.returned != "" && (c.committed != nil || c.returned == event.OK || c.returned == event.Rejected) {
		delete(s.calls, c.op)
	}
}

// abandon notes which runs wait for a node that has left.
func (s *state) abandon(name string) {
	for _, known := range s.Order {
		r := s.of(known)
		if _, acked := r.phaseAcks()[name]; r.working() && r.owns(name) && !acked {
			r.leftIn[r.Status] = true
		}
	}
}

// any returns the first run on record of this version of which a predicate is true; nil
// if there is none.
func (s *state) any(is func(*run) bool) *run {
	for _, r := range s.Order {
		if known := s.of(r); !r.Gone && !r.Inherited && is(known) {
			return known
		}
	}
	return nil
}

// active reports whether a run on record is in a status.
func (s *state) active(status taskevent.TaskStatus) bool {
	return s.any(func(r *run) bool { return r.Status == status }) != nil
}

// busy reports whether any task is active.
func (s *state) busy() bool { return s.any((*run).working) != nil }

// unanswered reports whether there is a call of which a predicate is true, whose command
// was accepted and whose caller does not know: a crash of the caller, or of the leader
// that owes the answer, comes between apply and reply.
func (s *state) unanswered(n *coverage.Node, is func(*call) bool) bool {
	for _, c := range s.calls {
		if c.returned == "" && !c.orphaned && c.committed != nil && c.committed.Accepted &&
			(c.node == n.Name || s.nodes.Leader() == n.Name) && is(c) {
			return true
		}
	}
	return false
}
