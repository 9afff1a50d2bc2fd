package tasks

import (
	"context"
	"fmt"

	"dtsim/sched/reconcile"
)

// moveKind is a kind of step that a node takes.
type moveKind uint8

const (
	// list: the scheduler lists and decides; the first list of an incarnation is its
	// start. arg is by how many changes the list lags.
	list moveKind = iota
	// listBegins: a pass begins, whose list is made now and arrives later.
	listBegins
	// listArrives: it does.
	listArrives
	// perform: the action under way is carried out, or its command committed.
	perform
	// reply: what became of the command arrives.
	reply
	// performFails: a callback fails; arg 1 when it has done its work all the same.
	performFails
	// performInterrupted: a callback ends with context.Canceled.
	performInterrupted
	// performUnanswered: the call ends in an error, its command is still in flight.
	performUnanswered
	// performLost: the call ends in an error, its command is lost.
	performLost
	// claim: a worker's first report on a unit commits. The low bits of arg are the
	// handle, the others the unit.
	claim
	// complete and failUnit: its last one does. arg is the handle, as for those below.
	complete
	failUnit
	// workUnanswered and workLost: like those of an action; the worker gives up.
	workUnanswered
	workLost
	// exits: a terminated worker exits.
	exits
	// crash: the node's memory is gone, its calls stay in flight.
	crash
	moveKinds
)

var moveNames = [...]string{
	list: "lists", listBegins: "begins to list", listArrives: "gets its list", perform: "performs", reply: "hears of",
	performFails: "fails in", performInterrupted: "is interrupted in", performUnanswered: "gets no answer to", performLost: "loses",
	claim: "claims", complete: "completes", failUnit: "fails", workUnanswered: "gets no answer to the report on",
	workLost: "loses the report on", exits: "ends the worker of", crash: "crashes",
}

// move is one step of a node for one task.
type move struct {
	kind moveKind
	arg  uint8
}

// handleBits are those of a claim's arg that hold the handle.
const handleBits = 3

func (m move) cost() fault {
	switch m.kind {
	case performFails:
		return callbackErrors
	case performInterrupted:
		return interrupts
	case performUnanswered, workUnanswered:
		return lostReplies
	case performLost, workLost:
		return losses
	case failUnit:
		return unitFailures
	case crash:
		return crashes
	}
	return free
}

// moves appends what a node may do, whatever it costs, in an order that depends on the
// arguments alone. Lists that change nothing are among them.
func (w *world) moves(p *part, r *record, all []move) []move {
	s := step{world: w, p: p, r: r}
	if p.coming != nil {
		all = append(all, move{kind: listArrives})
	} else if p.decides.UnderWay == nil {
		all = append(all, move{kind: list})
		for lag, old := range r.past {
			if p.passes.Listed && p.believes(old) {
				all = append(all, move{list, uint8(lag + 1)})
			}
		}
	} else if w.Overlap && p.decides.Pending == nil {
		all = append(all, move{kind: listBegins})
	}
	if a := p.decides.UnderWay; a != nil {
		all = s.performs(a, all)
	}
	for i := range p.workers {
		all = s.works(i, all)
	}
	return all
}

// believes reports whether a list of that state is not older than what the node rests on:
// absence is believed, so a list is never so old that a version which this node has seen
// was not there yet, nor that one was still there which it has seen to be gone.
func (p *part) believes(old *record) bool {
	if old.task != nil {
		return old.version() > p.gone
	}
	newest := max(p.known.version, p.decides.Memory.Version)
	for _, versions := range [...][]uint64{p.disk.runs, p.disk.ended} {
		for _, version := range versions {
			newest = max(newest, version)
		}
	}
	return old.last >= newest
}

func (s *step) performs(a *reconcile.Action, all []move) []move {
	if s.p.committed {
		return append(all, move{kind: reply})
	}
	all = append(all, move{kind: perform})
	_, calls := s.proposal(*a)
	if a.Kind.IsGroupCallback() || a.Kind == reconcile.CompleteTask {
		_, calls = s.schemaChange(*a)
		all = append(all, move{kind: performFails}, move{kind: performInterrupted})
		if a.Kind == reconcile.Swap || a.Kind == reconcile.CompleteGroup {
			all = append(all, move{performFails, 1})
		}
	}
	if calls {
		all = append(all, move{kind: performUnanswered}, move{kind: performLost})
	}
	return all
}

// do takes a move that is among [world.moves], or crashes.
func (w *world) do(p *part, r *record, m move, out *journal) *step {
	s := &step{world: w, p: p.clone(), r: r, out: out}
	switch p := s.p; m.kind {
	case list:
		at := r
		if m.arg > 0 {
			at = r.past[m.arg-1]
		}
		s.deliver(s.list(at))
	case listBegins:
		p.coming = s.list(r)
		s.out.asks(s)
	case listArrives:
		l := p.coming
		p.coming = nil
		s.deliver(l)
	case perform:
		s.perform()
	case reply:
		if p.accepted {
			s.settle(reconcile.Outcome{})
		} else {
			s.settle(reconcile.Outcome{Result: reconcile.Failed, Err: "rejected"})
		}
	case performFails, performInterrupted:
		s.fail(m)
	case performUnanswered, performLost:
		s.unanswered(m.kind == performUnanswered)
	case crash:
		s.crash()
	default:
		s.work(m)
	}
	s.rebase()
	if s.broken == nil {
		s.broken = w.judgePart(s.p, s.r)
	}
	return s
}

// perform carries the action under way out.
func (s *step) perform() {
	p := s.p
	a := *p.decides.UnderWay
	if c, ok := s.proposal(a); ok {
		err := s.commit(c)
		if s.Overlap {
			p.committed, p.accepted = true, err == nil
			return
		}
		s.settle(outcome(err))
		return
	}
	switch a.Kind {
	case reconcile.Start:
		s.settle(outcome(s.start()))
	case reconcile.CleanLocal:
		s.settle(outcome(s.cleanLocal(a.Version)))
	default:
		if s.NeverCompletes && a.Kind == reconcile.CompleteTask {
			s.end(a, errInjected)
			return
		}
		if c, ok := s.schemaChange(a); ok {
			if err := s.commit(c); err != nil {
				s.end(a, err)
			}
			return
		}
		s.end(a, s.callback(a))
	}
}

// end is the end of a callback.
func (s *step) end(a reconcile.Action, err error) {
	s.out.callbackEnded(s, a, err)
	s.settle(outcome(err))
}

// fail is a callback that does not end well.
func (s *step) fail(m move) {
	a := *s.p.decides.UnderWay
	if m.arg == 1 {
		if c, ok := s.schemaChange(a); ok {
			_ = s.commit(c) // it fails anyway
		}
		_ = s.callback(a)
	}
	result, err := reconcile.Failed, errInjected
	if m.kind == performInterrupted {
		result, err = reconcile.Cancelled, errCanceled
	}
	s.out.callbackEnded(s, a, err)
	s.settle(reconcile.Outcome{Result: result, Err: err.Error()})
}

var (
	errInjected = fmt.Errorf("%s", failure)
	errCanceled = context.Canceled
	errNoAnswer = fmt.Errorf("no answer")
)

// unanswered is a call whose caller gives up; its command may still be in flight.
func (s *step) unanswered(inFlight bool) {
	a := *s.p.decides.UnderWay
	c, own := s.proposal(a)
	if !own {
		c, _ = s.schemaChange(a)
	}
	if inFlight {
		s.ghosts = append(s.ghosts, c)
	}
	if !own {
		s.end(a, errNoAnswer)
		return
	}
	s.settle(outcome(errNoAnswer))
}
