package tasks

import (
	"slices"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/sched/reconcile"
)

// step is one step of one node, or of the log, on copies: what goes in and what comes
// out. It drives package reconcile in the way that sched.Scheduler does: list is its
// pass, deliver and next are those of its runner, do is its perform.
type step struct {
	*world
	p *part
	// r is what is committed.
	r *record
	// ghosts are commands that are left in flight without a caller.
	ghosts []command
	// spoke: a command was committed, whether it changed anything or not.
	spoke  bool
	broken *Broken
	// manager holds r, if anything does.
	manager *fsm.Manager
	out     *journal
}

// version is that of what the runner looks at, of its disk when it looks at nothing.
func (s *step) version() uint64 {
	switch {
	case s.p.underWay != nil:
		return s.p.underWay.action.Version
	case s.p.current != nil:
		return s.p.current.record.version()
	}
	return s.r.version()
}

func (s *step) node() string { return s.nodeName(s.p.node) }

// caps are those of the provider.
func (w *world) caps() reconcile.Caps {
	return reconcile.Caps{UnitAware: !w.Compete, RecoveryAware: !w.Compete, Acks: true, Finalizer: true}
}

// list makes a list of the state at, and what it means to the key.
func (s *step) list(at *record) *look {
	p := s.p
	p.passes++
	l := &look{record: at.bare(), pass: p.passes, local: s.localState()}
	first := !p.booted
	p.booted = true
	if first {
		s.out.booted(s)
	}
	if at.task == nil {
		p.endedAtStart = 0
		return l
	}
	terminal := at.task.Status.IsTerminal()
	if first && terminal {
		p.endedAtStart = at.version()
	}
	l.present = true
	l.bootstrap = p.endedAtStart == at.version()
	l.expire = terminal && s.r.aged && s.r.shows(at.version())
	return l
}

// view is what a look shows, with the handles as they are now.
func (s *step) view(l *look) reconcile.View {
	v := reconcile.View{Caps: s.caps(), Pass: l.pass, LocalState: l.local}
	if l.present {
		v.Present, v.Bootstrap, v.Expired = true, l.bootstrap, l.expire
		v.Task = reconcile.Observe(l.record.task, s.node())
	}
	return v
}

// deliver gives the runner a newer look, and sets it going if that asks for something.
func (s *step) deliver(l *look) {
	p := s.p
	p.pending = l
	p.memory = p.memory.Saw(s.view(l))
	s.out.listed(s, l)
	s.seen(l)
	if p.underWay == nil {
		s.next()
	}
}

// seen remembers what a look shows, for the properties.
func (s *step) seen(l *look) {
	if !l.present {
		if s.Lag > 0 {
			s.p.gone = max(s.p.gone, l.record.last)
		}
		return
	}
	if seen := (known{l.record.version(), phase(l.record.task.Status)}); s.p.known.olderThan(seen) {
		if seen.version != s.p.known.version {
			s.p.calls = nil
		}
		s.p.known = seen
	}
}

// next decides on the newest look what to perform next. What no other node and no
// crash can tell from being done later is performed at once: see the package comment.
func (s *step) next() {
	p := s.p
	for {
		if p.pending != nil {
			p.current, p.pending = p.pending, nil
		}
		if p.current == nil {
			return
		}
		v := s.view(p.current)
		for _, h := range p.handles {
			v.Handles = append(v.Handles, reconcile.Handle{Version: h.version, State: h.state()})
		}
		a := reconcile.Next(v, p.memory)
		switch a.Kind {
		case reconcile.Wait, reconcile.Relist, reconcile.Forget:
			s.judgeRest(a)
			p.memory = p.memory.Settle(a, reconcile.Outcome{})
			p.current = nil
			if a.Kind == reconcile.Forget {
				p.handles, p.calls, p.known, p.replay = nil, nil, known{}, 0
			}
		case reconcile.Terminate, reconcile.Reap, reconcile.AskRecovered:
			s.judgeDecision(a)
			p.memory = p.memory.Settle(a, reconcile.Outcome{Answer: s.instant(a), Pass: p.passes})
		default:
			s.judgeDecision(a)
			p.underWay = &underWay{action: a}
			s.out.begun(s, a)
			return
		}
	}
}

// instant performs an action that is over at once, and returns the provider's answer.
func (s *step) instant(a reconcile.Action) bool {
	p := s.p
	switch a.Kind {
	case reconcile.Terminate:
		p.handles = slices.Clone(p.handles)
		for i := range p.handles {
			if h := &p.handles[i]; h.version == a.Version && !h.terminated {
				h.terminated = true
				s.out.handle(s, handleTerminated, h.version)
			}
		}
	case reconcile.Reap:
		p.handles = slices.DeleteFunc(slices.Clone(p.handles), func(h handle) bool { return h.version == a.Version })
	case reconcile.AskRecovered:
		done := slices.Contains(p.disk.ended, a.Version)
		if !done {
			p.replay = a.Version
		}
		s.out.recovery(s, done)
		return done
	}
	return false
}

// settle remembers the outcome of the action under way and decides what is next.
func (s *step) settle(result reconcile.Result, err string) {
	p := s.p
	a := p.underWay.action
	if a.Kind.IsGroupCallback() && result != reconcile.Cancelled || a.Kind == reconcile.CompleteTask && result == reconcile.OK {
		s.called(call{kind: a.Kind, group: uint8(max(0, indexOf(groupNames, a.Group))), failed: result != reconcile.OK}, a.Version)
	}
	p.memory = p.memory.Settle(a, reconcile.Outcome{Result: result, Err: err, Pass: p.passes})
	p.underWay = nil
	s.next()
}

// called remembers that a callback has ended.
func (s *step) called(c call, version uint64) {
	p := s.p
	if version != p.known.version {
		return
	}
	i, found := slices.BinarySearchFunc(p.calls, c, func(a, b call) int {
		return (int(a.kind)-int(b.kind))*MaxUnits + int(a.group) - int(b.group)
	})
	p.calls = slices.Clone(p.calls)
	if found {
		p.calls[i] = c
	} else {
		p.calls = slices.Insert(p.calls, i, c)
	}
}

// proposal is the command of an action that is one; false for all others.
func (s *step) proposal(a reconcile.Action) (command, bool) {
	c := command{key: uint8(s.p.key), node: uint8(s.p.node), version: a.Version, success: true}
	switch a.Kind {
	case reconcile.AckPreparation:
		c.kind, c.success = api.CommandRecordPreparationAck, a.Success
	case reconcile.AckPost:
		c.kind, c.success = api.CommandRecordPostAck, a.Success
	case reconcile.Finalize:
		c.kind, c.node = api.CommandMarkTaskFinalized, 0
	case reconcile.CleanRecord:
		c.kind, c.node, c.aged = api.CommandCleanUpTask, 0, s.p.current.expire
	default:
		return command{}, false
	}
	return c, true
}

// commit puts a command into the log and says whether it was accepted.
func (s *step) commit(c command) error {
	done := s.apply(s.r, c)
	s.spoke = true
	if s.broken == nil {
		s.broken = done.broken
	}
	s.r, s.manager = done.record, done.manager
	s.out.committed(s.world, c, done)
	return done.err
}

// outcome is how a caller hears of a verdict.
func outcome(err error) (reconcile.Result, string) {
	if err != nil {
		return reconcile.Failed, err.Error()
	}
	return reconcile.OK, ""
}

// rebase lowers all passes so that the oldest one in use is 1, or 0 when none is: then
// a situation that comes back in a later pass is the same situation. A runner that
// waits for a list has no use for what was tried for earlier ones: Saw drops it.
func (s *step) rebase() {
	p := s.p
	oldest := p.passes + 1
	for _, l := range [...]*look{p.current, p.pending, p.coming} {
		if l != nil {
			oldest = min(oldest, l.pass)
		}
	}
	if p.underWay != nil {
		oldest = min(oldest, p.underWay.action.Basis.Pass)
	}
	if p.quiet() {
		p.memory = p.memory.Saw(reconcile.View{Pass: oldest})
	}
	by := oldest - 1
	if by == 0 {
		return
	}
	p.passes -= by
	p.memory = p.memory.Rebase(by)
	lower := func(l *look) *look {
		if l == nil {
			return nil
		}
		c := *l
		c.pass -= by
		return &c
	}
	p.current, p.pending, p.coming = lower(p.current), lower(p.pending), lower(p.coming)
	if p.underWay != nil {
		u := *p.underWay
		u.action.Basis.Pass -= by
		p.underWay = &u
	}
}
