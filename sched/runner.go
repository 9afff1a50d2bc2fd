package sched

import (
	"slices"

	"dtsim/sched/reconcile"
)

// look is what one pass saw of a key.
type look struct {
	view reconcile.View
	// task is the listed record, nil when there is none. It is only read.
	task *Task
}

// runner performs the actions of one key, one after another. It is a goroutine
// only while there is something to perform. All its fields are guarded by the
// scheduler's mutex.
type runner struct {
	s   *Scheduler
	key key
	// pending is the newest look that no action was decided on yet, current the one
	// that actions are decided on.
	pending, current *look
	// busy: an action is under way.
	busy    bool
	memory  reconcile.Memory
	handles []*handle // by ascending version
}

// handle is a worker that was launched.
type handle struct {
	TaskHandle
	key     key
	version uint64
	// done is nil when the handle cannot tell that it is done; it then counts as gone
	// once it was told to stop.
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
	r.pending = l
	r.memory = r.memory.Saw(l.view)
	if r.busy {
		return
	}
	if l, action, ok := r.next(); ok {
		r.busy = true
		s.work.Add(1)
		go r.run(l, action)
	}
}

// run performs actions until none is left.
func (r *runner) run(l *look, action reconcile.Action) {
	defer r.s.work.Done()
	for {
		outcome := r.s.perform(r, l, action)
		var ok bool
		if l, action, ok = r.settle(action, outcome); !ok {
			return
		}
	}
}

// settle remembers the outcome and returns the next action.
func (r *runner) settle(action reconcile.Action, outcome reconcile.Outcome) (*look, reconcile.Action, bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	outcome.Pass = r.s.passes
	r.memory = r.memory.Settle(action, outcome)
	l, next, ok := r.next()
	r.busy = ok
	return l, next, ok
}

// next decides on the newest look what to perform next; false: nothing, until
// another look is delivered. The caller holds the scheduler's mutex.
func (r *runner) next() (*look, reconcile.Action, bool) {
	for {
		if r.pending != nil {
			r.current, r.pending = r.pending, nil
		}
		if r.current == nil || r.s.closing {
			return nil, reconcile.Action{}, false
		}
		r.current.view.Handles = r.poll()
		action := reconcile.Next(r.current.view, r.memory)
		switch action.Kind {
		case reconcile.Wait, reconcile.Relist, reconcile.Forget:
		default:
			return r.current, action, true
		}
		r.memory = r.memory.Settle(action, reconcile.Outcome{})
		r.current = nil
		if action.Kind == reconcile.Relist {
			r.s.Wake()
		}
		if action.Kind == reconcile.Forget {
			delete(r.s.runners, r.key)
		}
	}
}

// poll says how the handles are.
func (r *runner) poll() []reconcile.Handle {
	states := make([]reconcile.Handle, 0, len(r.handles))
	for _, h := range r.handles {
		states = append(states, reconcile.Handle{Version: h.version, State: h.state()})
	}
	return states
}

func (h *handle) state() reconcile.HandleState {
	select {
	case <-h.done:
		return reconcile.Exited
	default:
	}
	switch {
	case !h.terminated:
		return reconcile.Running
	case h.done == nil:
		return reconcile.Exited
	default:
		return reconcile.Terminating
	}
}

// adopt takes a launched worker in; false when Close has begun, in which case the
// caller terminates it.
func (r *runner) adopt(h *handle) bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
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

// terminate tells a worker to stop, once.
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

// wakeWhenGone asks for a pass when a worker has exited that was told to stop: a newer
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
