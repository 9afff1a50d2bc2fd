package provider

import (
	"context"
	"sync"

	"dtsim/sim/trace"
)

// handle is the fsm.TaskHandle of one start of a run.
type handle struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	emit   func(trace.Kind)
}

// newHandle returns a handle that tells its life by emit.
func newHandle(halt context.Context, emit func(trace.Kind)) *handle {
	ctx, cancel := context.WithCancel(halt)
	emit(trace.HandleStarted)
	return &handle{ctx: ctx, cancel: cancel, done: make(chan struct{}), emit: emit}
}

// Terminate implements fsm.TaskHandle.
func (h *handle) Terminate() {
	select {
	case <-h.done:
		return
	default:
	}
	h.once.Do(func() { h.emit(trace.HandleTerminated) })
	h.cancel()
}

// stop ends the work without a word in the trace: the provider's own doing.
func (h *handle) stop() { h.cancel() }

// Done implements fsm.TaskHandle.
func (h *handle) Done() <-chan struct{} { return h.done }

// exited says that no worker is left.
func (h *handle) exited() {
	h.cancel()
	h.emit(trace.HandleExited)
	close(h.done)
}
