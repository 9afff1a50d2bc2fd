package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"dtsim/sim/engine/build"
	"dtsim/sim/engine/wire"
)

// NativeName is the name of the engine that Native returns.
const NativeName = "native"

// errClosed is what a closed engine answers.
var errClosed = errors.New("the engine is closed")

// native runs the guest in worker processes. Idle ones wait for the next job.
type native struct {
	options Options
	guest   build.Guest

	mu     sync.Mutex
	closed bool
	idle   []*worker
	all    map[*worker]struct{}
}

// Native returns the engine that runs the guest as processes of the host, with a
// seeded runtime. It builds the guest if there is no build of it yet. The error
// is an [*UnavailableError], or ctx.Err().
func Native(ctx context.Context, o Options) (Engine, error) {
	o = o.withDefaults()
	guest, err := build.Make(ctx, build.Request{
		Name: NativeName, Dir: o.Dir, Package: o.Guest, CacheDir: o.CacheDir, Log: o.Log,
		Target: build.Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH, Seeded: true, Race: o.Race},
	})
	if err != nil {
		return nil, unavailable(ctx, NativeName, err)
	}
	n := &native{options: o, guest: guest, all: make(map[*worker]struct{})}
	w, err := n.acquire(ctx) // to know that it starts
	if err != nil {
		return nil, unavailable(ctx, NativeName, err)
	}
	n.release(w)
	return n, nil
}

// unavailable is the error of a constructor.
func unavailable(ctx context.Context, engine string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &UnavailableError{Engine: engine, Err: err}
}

// Name returns NativeName.
func (n *native) Name() string { return NativeName }

// Run runs the job in an idle worker, or in a new one.
func (n *native) Run(ctx context.Context, job Job) (Result, error) {
	w, err := n.acquire(ctx)
	if err != nil {
		return Result{}, err
	}
	answer, trace, wall, err := w.run(ctx,
		wire.Job{Plan: job.Plan, Entropy: job.Entropy, Engine: NativeName, Build: n.guest.ID},
		limits{timeout: n.options.Timeout, memory: n.options.MemoryLimit})
	if err != nil {
		n.forget(w)
		if n.isClosed() {
			err = errClosed
		}
		return Result{}, err
	}
	n.release(w)
	if answer.Error != "" {
		return Result{}, &GuestError{Engine: NativeName, How: Refused, Err: errors.New(answer.Error)}
	}
	return Result{Trace: trace, Footer: answer.Footer, Wall: wall, CPU: answer.CPU}, nil
}

// acquire returns an idle worker, or a new one.
func (n *native) acquire(ctx context.Context) (*worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, errClosed
	}
	if last := len(n.idle) - 1; last >= 0 {
		w := n.idle[last]
		n.idle = n.idle[:last]
		n.mu.Unlock()
		return w, nil
	}
	n.mu.Unlock()

	w, err := startWorker(ctx, n.guest.Path)
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

// release takes a worker back, or ends it when it has done enough.
func (n *native) release(w *worker) {
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
func (n *native) forget(w *worker) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, w)
}

func (n *native) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// Close ends all workers.
func (n *native) Close() error {
	n.mu.Lock()
	n.closed, n.idle = true, nil
	all := n.all
	n.all = nil
	n.mu.Unlock()
	for w := range all {
		w.kill()
	}
	return nil
}
