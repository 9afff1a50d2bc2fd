package provider

import (
	"context"
	"sync"
	"sync/atomic"

	"dtsim/sim/trace"
)

// handle is the fsm.TaskHandle of one start of a run.
type handle struct {
	env    Env
	run    Run
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	told   sync.Once
	once   sync.Once
	// lingers says that the work ends some time after it was told to.
	lingers atomic.Bool
	emit    func(trace.Kind)
}

// newHandle returns a handle that tells its life by emit.
func newHandle(env Env, run Run, emit func(trace.Kind)) *handle {
	ctx, cancel := context.WithCancel(env.Halt)
	emit(trace.HandleStarted)
	return &handle{env: env, run: run, ctx: ctx, cancel: cancel, done: make(chan struct{}), emit: emit}
}

// Terminate implements fsm.TaskHandle.
func (h *handle) Terminate() {
	select {
	case <-h.done:
		return
	default:
	}
	h.told.Do(func() { h.emit(trace.HandleTerminated) })
	h.stop()
}

// stop ends the work, now or when the worker has lingered. It says nothing in the
// trace: the provider stops workers itself, too.
func (h *handle) stop() {
	h.once.Do(func() {
		if d := h.env.Trouble.Linger(h.run); d > 0 {
			h.lingers.Store(true)
			h.env.Clock.AfterFunc(d, h.cancel)
			return
		}
		h.cancel()
	})
}

// Done implements fsm.TaskHandle.
func (h *handle) Done() <-chan struct{} { return h.done }

// outlive returns when a worker that was told to stop, and has nothing left to do, has
// lingered.
func (h *handle) outlive() {
	if h.lingers.Load() {
		<-h.ctx.Done()
	}
}

// exited says that no worker is left.
func (h *handle) exited() {
	h.cancel()
	h.emit(trace.HandleExited)
	close(h.done)
}
