package goals

import (
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// command is a committed command, and what is known of it besides its fields.
type command struct {
	*taskevent.Command
	// call is the one that made it, nil if that is not known. lastAck: it completed the acks of
	// its phase.
	call    *call
	lastAck bool
	// acked reports whether the log had an ack of the node before, ackedSuccess which.
	acked, ackedSuccess bool
}

// run is one run of a task, and what is known of it besides the log.
type run struct {
	*projection.Run
	// submitter is the call that added the run, if it is known; replaces: the run took the
	// place of an older record.
	submitter *call
	replaces  bool
	// callbacks are those of nodes.
	callbacks map[callbackKey]*callback
	// leftIn are the statuses in which nodes that own units have left for good.
	leftIn map[taskevent.TaskStatus]bool
}

type callbackKey struct{ node, name, group string }

// callback is what is known of a callback on a node.
type callback struct {
	incarnation int // of the newest beginning
	running     bool
	done        bool // it has ended without an error
	failures    int  // errors in that incarnation
	begins      int  // in all incarnations
	again       bool // it had begun in an earlier incarnation
	// units is how many units the newest beginning is about, swaps how many replicas have
	// swapped since.
	units, swaps int
}

// change is what an event changes of a task.
type change struct {
	*run
	before, after taskevent.TaskStatus
	// claims: a unit has its owner by it.
	claims bool
}

// of returns what is known of a run besides the log; nil for nil.
func (s *state) of(r *projection.Run) *run {
	if r == nil {
		return nil
	}
	known := s.runs[r]
	if known == nil {
		known = &run{Run: r, callbacks: make(map[callbackKey]*callback), leftIn: make(map[taskevent.TaskStatus]bool)}
		s.runs[r] = known
	}
	return known
}

// run returns the run of that name, nil if it was never added.
func (s *state) run(id taskevent.Run) *run { return s.of(s.Runs[id]) }

// takeLog folds in an event of the log, of a call or of a provider.
func (s *state) takeLog(e *trace.Event, l *life) {
	switch b := e.Body.(type) {
	case *event.Called:
		about := taskevent.CallOf(b)
		c := &call{op: b.Op, do: b.Do, node: e.Node, incarnation: e.Incarnation, run: about.Run(), unit: about.Unit, since: s.Newest}
		s.calls[c.op], s.called = c, c
	case *event.Proposed:
		if c := s.calls[b.Op]; c != nil {
			s.requests[b.Request] = c
		}
	case *event.Returned:
		if c := s.calls[b.Op]; c != nil {
			c.returned, s.called = b.Outcome, c
		}
	case *event.Committed:
		s.commit()
	case *taskevent.TaskChanged:
		s.taskChanged()
	case *taskevent.CallbackStarted:
		if r := s.run(b.Run); r != nil {
			s.callbackBegins(e, b, r, l)
		}
	case *taskevent.CallbackEnded:
		if r := s.run(b.Run); r != nil {
			s.callbackEnds(e, b, r, l)
		}
	case *taskevent.ShardChanged:
		if r := s.run(b.Run); r != nil && b.Why == taskevent.ShardSwapped {
			for key, cb := range r.callbacks {
				if key.node == e.Node && cb.running {
					cb.swaps++
				}
			}
		}
	}
}

// commit takes in the command that the log has just got.
func (s *state) commit() {
	c := &command{Command: s.Log.Command}
	if caller := s.requests[c.Request]; caller != nil && !c.Request.IsZero() {
		c.call = caller
		if caller.committed == nil {
			caller.committed = c
		}
	}
	s.command = c
	r := s.run(c.Run())
	if r == nil {
		return
	}
	switch c.Name {
	case taskevent.CommandAddTask:
		if c.Accepted {
			r.submitter = c.call
		}
	case taskevent.CommandPreparationAck, taskevent.CommandPostAck:
		acks := r.Swapped
		if c.Name == taskevent.CommandPreparationAck {
			acks = r.Prepared
		}
		first, known := acks[c.NodeID]
		counts := known && first.Index == c.Index
		c.acked, c.ackedSuccess = known && !counts, known && !counts && first.Success
		c.lastAck = counts && first.Success && r.owns(c.NodeID) && len(r.Missing(acks)) == 0
	}
}

// taskChanged takes in what a command has left of a task.
func (s *state) taskChanged() {
	ch := s.Log.Change
	if ch == nil {
		return
	}
	r := s.of(ch.Run)
	s.changed = &change{run: r, before: ch.Before, after: ch.After}
	s.changed.claims = ch.Unit != nil && ch.UnitBefore.Owner == "" && ch.Unit.Owner != ""
	r.replaces = r.replaces || ch.Replaced != nil
}

func (s *state) callbackBegins(e *trace.Event, b *taskevent.CallbackStarted, r *run, l *life) {
	key := callbackKey{e.Node, b.Name, b.Group}
	cb := r.callbacks[key]
	if cb == nil {
		cb = &callback{}
		r.callbacks[key] = cb
	}
	if cb.incarnation != e.Incarnation {
		cb.failures = 0
	}
	units, _ := b.UnitIDs() // what is no list names none
	cb.again = cb.begins > 0 && cb.incarnation != e.Incarnation
	cb.incarnation, cb.running, cb.units, cb.swaps = e.Incarnation, true, len(units), 0
	cb.begins++
	l.interrupted, l.spoilt = false, false
}

func (s *state) callbackEnds(e *trace.Event, b *taskevent.CallbackEnded, r *run, l *life) {
	key := callbackKey{e.Node, b.Name, b.Group}
	cb := r.callbacks[key]
	if cb == nil {
		cb = &callback{}
		r.callbacks[key] = cb
	}
	cb.running = false
	if b.Error == "" {
		cb.done = true
		return
	}
	cb.failures++
	l.interrupted = b.Interrupted() && !l.spoilt
}

// working reports whether the record is in place, in a status that this version knows, and
// not terminal.
func (r *run) working() bool {
	return r.Active() && !r.Status.IsForeign() && r.Status != taskevent.Absent
}

func (r *run) owns(node string) bool { return slices.Contains(r.Owners(), node) }

// running reports whether a callback of the name is under way on a node.
func (r *run) running(node, name string) bool {
	return r.has(node, name, func(cb *callback) bool { return cb.running })
}

// has reports whether a callback of the name on a node satisfies a predicate.
func (r *run) has(node, name string, is func(*callback) bool) bool {
	for key, cb := range r.callbacks {
		if key.node == node && key.name == name && is(cb) {
			return true
		}
	}
	return false
}

// swapCallback is the name of the callback in which the run swaps.
func (r *run) swapCallback() string {
	if r.Barrier {
		return taskevent.SwapRequested
	}
	return taskevent.GroupCompleted
}

// callbackOf is the name of the callback that the run's owners owe in a status, "" for
// none.
func (r *run) callbackOf(status taskevent.TaskStatus) string {
	switch status {
	case taskevent.Preparing:
		return taskevent.GroupCompleted
	case taskevent.Swapping:
		return r.swapCallback()
	}
	return ""
}

// phaseCallback is the name of the callback that they owe now.
func (r *run) phaseCallback() string { return r.callbackOf(r.Status) }

// phaseAcks are the acks that the run's owners owe in its status.
func (r *run) phaseAcks() map[string]projection.Ack {
	if r.Status == taskevent.Preparing {
		return r.Prepared
	}
	return r.Swapped
}
