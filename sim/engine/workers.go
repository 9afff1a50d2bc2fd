package engine

import (
	"context"
	"errors"
	"sync"

	"dtsim/sim/engine/wire"
)

// errClosed is what a closed engine answers.
var errClosed = errors.New("the engine is closed")

// workers is an engine: processes that run jobs. Idle ones wait for the next.
type workers struct {
	options Options
	command command
	// build identifies the guest.
	build string

	mu     sync.Mutex
	closed bool
	idle   []*worker
	all    map[*worker]struct{}
}

// newWorkers starts a first worker, to know that it starts.
func newWorkers(ctx context.Context, o Options, c command, build string) (*workers, error) {
	n := &workers{options: o, command: c, build: build, all: make(map[*worker]struct{})}
	w, err := n.acquire(ctx)
	if err != nil {
		return nil, err
	}
	n.release(w)
	return n, nil
}

// Name returns the name of the engine.
func (n *workers) Name() string { return n.command.engine }

// Run runs the job in an idle worker, or in a new one, and a second time if the system
// has ended it; see [Options.triaged].
func (n *workers) Run(ctx context.Context, job Job) (Result, error) {
	return n.options.triaged(ctx, job, n.once)
}

// once is the [runner] of the workers.
func (n *workers) once(ctx context.Context, job Job, spill bool) (Result, error) {
	w, err := n.acquire(ctx)
	if err != nil {
		return Result{}, err
	}
	order := wire.Job{Plan: job.Plan, Entropy: job.Entropy, Engine: n.Name(), Build: n.build, Profile: n.options.Profile}
	if spill {
		order.Spill = 1
	}
	answer, trace, wall, err := w.run(ctx, order, limits{
		cpu: n.options.CPULimit, stall: max(stallLimit, n.options.CPULimit), memory: n.options.MemoryLimit,
	})
	if err != nil {
		n.forget(w)
		if n.isClosed() {
			err = errClosed
		}
		return Result{}, err
	}
	n.release(w)
	if answer.Error != "" {
		return Result{}, &GuestError{Engine: n.Name(), How: Refused, Err: errors.New(answer.Error)}
	}
	return Result{Trace: trace, Footer: answer.Footer, Wall: wall, CPU: answer.CPU}, nil
}

// acquire returns an idle worker, or a new one.
func (n *workers) acquire(ctx context.Context) (*worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w, err := n.takeIdle(); w != nil || err != nil {
		return w, err
	}
	w, err := n.command.start(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		w.kill()
		return nil, errClosed
	}
	n.all[w] = struct{}{}
	return w, nil
}

// takeIdle returns an idle worker that is still alive, nil if there is none.
func (n *workers) takeIdle() (*worker, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errClosed
	}
	for len(n.idle) > 0 {
		last := len(n.idle) - 1
		w := n.idle[last]
		n.idle = n.idle[:last]
		if w.alive() {
			return w, nil
		}
		w.kill() // frees what is left of it
		delete(n.all, w)
	}
	return nil, nil
}

// release takes a worker back, or ends it when it has done enough.
func (n *workers) release(w *worker) {
	worn := w.jobs >= n.options.PlansPerWorker || residentBytes(w.cmd.Process.Pid) > n.options.MemoryLimit/2
	n.mu.Lock()
	if !worn && !n.closed {
		n.idle = append(n.idle, w)
		n.mu.Unlock()
		return
	}
	n.mu.Unlock()
	w.stop()
	n.forget(w)
}

// forget drops a worker that has ended.
func (n *workers) forget(w *worker) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, w)
}

func (n *workers) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// Close ends all workers. One that counts what it enters and has nothing to do is let end by itself.
func (n *workers) Close() error {
	n.mu.Lock()
	idle := n.idle
	n.closed, n.idle = true, nil
	all := n.all
	n.all = nil
	n.mu.Unlock()
	if len(n.options.Cover) > 0 {
		for _, w := range idle {
			w.stop()
		}
	}
	for w := range all {
		w.kill()
	}
	return nil
}
