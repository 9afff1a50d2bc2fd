package provider

import (
	"context"
	"sync"
	"sync/atomic"

	"dtsim/scenarios/tasks/taskevent"
)

// handle is the fsm.TaskHandle of one start of a run.
type handle struct {
	env    Env
	name   taskevent.Handle
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	// terminated guards the event of Terminate.
	terminated sync.Once
	once       sync.Once
	// lingers is set when the work ends some time after it was stopped.
	lingers atomic.Bool
}

// newHandle returns a handle, whose life is in the trace.
func newHandle(env Env, name taskevent.Handle) *handle {
	ctx, cancel := context.WithCancel(env.Halt)
	env.Emit(&taskevent.HandleStarted{Handle: name})
	return &handle{env: env, name: name, ctx: ctx, cancel: cancel, done: make(chan struct{})}
}

// Terminate implements fsm.TaskHandle.
func (h *handle) Terminate() {
	select {
	case <-h.done:
		return
	default:
	}
	h.terminated.Do(func() { h.env.Emit(&taskevent.HandleTerminated{Handle: h.name}) })
	h.stop()
}

// stop ends the work, now or when the worker has lingered. It is not in the trace: the
// provider stops workers itself, too.
func (h *handle) stop() {
	h.once.Do(func() {
		if d := h.env.Trouble.Linger(h.name.Run); d > 0 {
			h.lingers.Store(true)
			h.env.Clock.AfterFunc(d, h.cancel)
			return
		}
		h.cancel()
	})
}

// Done implements fsm.TaskHandle.
func (h *handle) Done() <-chan struct{} { return h.done }

// outlive returns when a worker that was stopped, and has nothing left to do, has
// lingered.
func (h *handle) outlive() {
	if h.lingers.Load() {
		<-h.ctx.Done()
	}
}

// exited ends the handle: no worker is left.
func (h *handle) exited() {
	h.cancel()
	h.env.Emit(&taskevent.HandleExited{Handle: h.name})
	close(h.done)
}
