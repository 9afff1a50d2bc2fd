package sched

import (
	"slices"

	"dtsim/sched/reconcile"
)

// look is what one pass shows of a key, with the listed record, which is only read.
type look = reconcile.Look[*Task]

// runner performs the actions of one key, one after another. It is a goroutine
// only while there is something to perform. All its fields are guarded by the
// scheduler's mutex.
type runner struct {
	s   *Scheduler
	key key
	// decides is what all decisions are made by.
	decides reconcile.Runner[*Task]
	// handles are the workers that decides knows, and one that is just being launched.
	handles  []*handle
	launched uint64
}

// handle is a worker that was launched.
type handle struct {
	TaskHandle
	key     key
	version uint64
	// id is what the runner decides about it by.
	id uint64
	// done is nil when the handle cannot report that its worker has exited.
	done       <-chan struct{}
	terminated bool // guarded by the scheduler's mutex
}

// deliver gives the key's runner a newer look, and sets it going if that asks for
// something.
func (s *Scheduler) deliver(k key, l *look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runners[k]
	if r == nil {
		r = &runner{s: s, key: k}
		s.runners[k] = r
	}
	r.decides.Deliver(l)
	if l, action, ok := r.next(); ok {
		s.work.Add(1)
		go r.run(l, action)
	}
}

// run performs actions until none is left.
func (r *runner) run(l *look, action reconcile.Action) {
	defer r.s.work.Done()
	for ok := true; ok; {
		l, action, ok = r.settle(r.s.perform(r, l, action))
	}
}

// settle notes the outcome of the action under way and returns the next one.
func (r *runner) settle(outcome reconcile.Outcome) (*look, reconcile.Action, bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	outcome.Pass = r.s.passes.Begun
	r.decides.Settle(outcome)
	return r.next()
}

// next returns what to perform next; false: nothing, until another look is delivered.
// The caller holds the scheduler's mutex.
func (r *runner) next() (*look, reconcile.Action, bool) {
	if r.s.closing {
		return nil, reconcile.Action{}, false
	}
	l, action := r.decides.Next(r.exited)
	switch action.Kind {
	case reconcile.Relist:
		r.s.Wake()
	case reconcile.Forget:
		delete(r.s.runners, r.key)
	}
	return l, action, !action.Kind.AtRest()
}

// exited reports whether a worker has exited.
func (r *runner) exited(h reconcile.Handle) bool {
	i := slices.IndexFunc(r.handles, func(launched *handle) bool { return launched.id == h.ID })
	select {
	case <-r.handles[i].done:
		return true
	default:
		return false
	}
}

// adopt takes a launched worker in; false when Close has begun, in which case the
// caller terminates it.
func (r *runner) adopt(h *handle) bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.launched++
	h.id = r.launched
	r.handles = append(r.handles, h)
	return !r.s.closing
}

// reap drops the handle of a version.
func (r *runner) reap(version uint64) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.handles = slices.DeleteFunc(r.handles, func(h *handle) bool { return h.version == version })
}

// handle returns the handle of a version.
func (r *runner) handle(version uint64) *handle {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, h := range r.handles {
		if h.version == version {
			return h
		}
	}
	return nil
}

// terminate asks a worker to stop, once.
func (s *Scheduler) terminate(h *handle) {
	s.mu.Lock()
	again := h.terminated
	h.terminated = true
	s.mu.Unlock()
	if again {
		return
	}
	err := guard(func() error {
		h.Terminate()
		return nil
	})
	if err != nil {
		s.log.general.Error(s.log.task(h.key, h.version).WithError(err), "failed to terminate task")
		return
	}
	s.log.task(h.key, h.version).Info("terminated task")
}

// wakeWhenGone asks for a pass when a terminated worker has exited: a newer
// version may wait for that.
func (s *Scheduler) wakeWhenGone(h *handle) {
	s.work.Go(func() {
		select {
		case <-h.done:
			s.Wake()
		case <-s.ctx.Done():
		}
	})
}
