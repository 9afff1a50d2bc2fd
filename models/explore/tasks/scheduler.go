package tasks

import (
	"slices"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/sched/reconcile"
)

// step is one step of one node, or of the log, on copies: what goes in and what comes
// out. It drives a reconcile.Runner in the way that sched.Scheduler does: list is its
// pass, deliver and next are those of its runner, do is its perform.
type step struct {
	*world
	p *part
	// r is what is committed.
	r *record
	// ghosts are commands that are left in flight without a caller.
	ghosts []command
	// logged: a command was committed, whether it changed anything or not.
	logged bool
	broken *Broken
	// manager holds r, if anything does.
	manager *fsm.Manager
	out     *journal
}

// listed is the record that the action under way was decided on.
func (s *step) listed() *fsm.Task { return s.p.decides.Current.Source.task }

// version is that of the action under way.
func (s *step) version() uint64 { return s.p.decides.UnderWay.Version }

func (s *step) node() string { return s.nodeName(s.p.node) }

// caps are those of the provider.
func (w *world) caps() reconcile.Caps {
	return reconcile.Caps{UnitAware: !w.Compete, RecoveryAware: !w.Compete, Acks: true, Finalizer: true}
}

// list makes a list of the state at, and what it shows of the key.
func (s *step) list(at *record) *look {
	p := s.p
	pass := reconcile.Pass{Node: s.node(), Caps: s.caps(), Number: p.passes.Begin(), First: p.passes.Succeed(), Now: epoch, TTL: ttl, Cleaner: true}
	if s.r.aged && s.r.shows(at.version()) {
		pass.Now = epoch.Add(ttl)
	}
	if pass.First {
		s.out.booted(s)
	}
	switch {
	case at.task == nil:
		p.ended = 0
	case pass.First && at.task.Status.IsTerminal():
		p.ended = at.version()
	}
	return &look{View: pass.View(at.task, s.localState()), Source: at.bare()}
}

// deliver gives the runner a newer look, and sets it going if that asks for something.
func (s *step) deliver(l *look) {
	s.p.decides.Deliver(l)
	s.out.listed(s, l)
	s.seen(l)
	s.next()
}

// seen remembers what a look shows, for the properties.
func (s *step) seen(l *look) {
	task := l.Source.task
	if task == nil {
		if s.Lag > 0 {
			s.p.gone = max(s.p.gone, l.Source.last)
		}
		return
	}
	if seen := (known{task.Version, phase(task.Status)}); s.p.known.olderThan(seen) {
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
		l, a := p.decides.Next(p.exited)
		switch {
		case l == nil:
			return
		case a.Kind.AtRest():
			s.judgeRest(l, a)
			if a.Kind == reconcile.Forget {
				p.workers, p.calls, p.known, p.replay = nil, nil, known{}, 0
			}
			return
		}
		s.judgeDecision(a)
		switch a.Kind {
		case reconcile.Terminate, reconcile.Reap, reconcile.AskRecovered:
			p.decides.Settle(reconcile.Outcome{Answer: s.instant(a), Pass: p.passes.Begun})
			if s.broken != nil {
				return
			}
		default:
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
		s.terminate(a.Version)
	case reconcile.Reap:
		p.workers = slices.DeleteFunc(slices.Clone(p.workers), func(w worker) bool { return w.version == a.Version })
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

// terminate asks the worker of a version to stop.
func (s *step) terminate(version uint64) {
	p := s.p
	i := slices.IndexFunc(p.workers, func(w worker) bool { return w.version == version && !w.terminated })
	if i < 0 {
		s.broke("P14", "the worker of v%d is terminated again", version)
		return
	}
	p.workers = slices.Clone(p.workers)
	p.workers[i].terminated = true
	s.out.handleTerminated(s, version)
}

// settle remembers the outcome of the action under way and decides what is next.
func (s *step) settle(o reconcile.Outcome) {
	p := s.p
	a := *p.decides.UnderWay
	if a.Kind.IsGroupCallback() && o.Result != reconcile.Cancelled || a.Kind == reconcile.CompleteTask && o.Result == reconcile.OK {
		s.called(call{kind: a.Kind, group: uint8(max(0, indexOf(groupNames, a.Group))), failed: o.Result != reconcile.OK}, a.Version)
	}
	o.Pass, o.Handle = p.passes.Begun, a.Version
	p.decides.Settle(o)
	p.committed, p.accepted = false, false
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
		c.kind, c.node, c.aged = api.CommandCleanUpTask, 0, s.p.decides.Current.View.Expired
	default:
		return command{}, false
	}
	return c, true
}

// commit puts a command into the log and returns why it was not accepted.
func (s *step) commit(c command) error {
	done := s.apply(s.r, c)
	s.logged = true
	if s.broken == nil {
		s.broken = done.broken
	}
	s.r, s.manager = done.record, done.manager
	s.out.committed(s.world, c, done)
	return done.err
}

// outcome is how a caller hears of a verdict.
func outcome(err error) reconcile.Outcome {
	if err != nil {
		return reconcile.Outcome{Result: reconcile.Failed, Err: err.Error()}
	}
	return reconcile.Outcome{}
}

// rebase lowers all passes so that the oldest one in use is 1, or 0 when none is: then
// a situation that comes back in a later pass is the same situation. A runner that
// waits for a list has no use for what was tried for earlier ones: Saw drops it.
func (s *step) rebase() {
	p := s.p
	oldest := p.decides.OldestPass(p.passes.Begun + 1)
	if p.coming != nil {
		oldest = min(oldest, p.coming.View.Pass)
	}
	if p.quiet() {
		p.decides.Memory = p.decides.Memory.Saw(reconcile.View{Pass: oldest})
	}
	if by := oldest - 1; by > 0 {
		p.passes.Begun -= by
		p.decides.Rebase(by)
		p.coming = p.coming.Rebased(by)
	}
}
