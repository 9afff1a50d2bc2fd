package replica

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"dtsim/fsm/api"
)

// leader is what a node does while it leads: it proposes, and confirms read
// indexes.
type leader struct {
	raft       Raft
	replica    *Replica
	leadership *leadership
	clock      clockwork.Clock
	// timeout bounds how long an entry is waited for, by clock.
	timeout time.Duration

	// readClient and readSeq name this node's read entries.
	readClient string
	readSeq    atomic.Uint64
	reads      rounds
}

// propose makes one attempt to commit command, whose outcome p awaits. The error
// matches ErrNotCommitted if raft never got the command, else ErrAmbiguous.
func (l *leader) propose(ctx context.Context, p *pending, command []byte) (outcome, error) {
	if o, ok := p.answered(); ok {
		return o, nil
	}
	v := l.leadership.view()
	if !v.leading {
		return outcome{}, fmt.Errorf("this node does not lead: %w", ErrNotCommitted)
	}
	if ctx.Err() != nil {
		return outcome{}, fmt.Errorf("%w: %w", ErrNotCommitted, context.Cause(ctx))
	}
	// The future is dropped: see the package comment. It would report that the
	// command was accepted, which p reports, or that this node no longer leads.
	l.raft.Apply(command, l.timeout)

	timer := l.clock.NewTimer(l.timeout)
	defer timer.Stop()
	why := l.wait(ctx, p, v, timer.Chan())
	if o, ok := p.answered(); ok {
		return o, nil
	}
	return outcome{}, why
}

// wait ends when p has its outcome, or when waiting for it here is pointless;
// then the error is why.
func (l *leader) wait(ctx context.Context, p *pending, v view, timeout <-chan time.Time) error {
	for term := v.term; v.leading && v.term == term; v = l.leadership.view() {
		select {
		case o := <-p.done:
			p.done <- o
			return nil
		case <-v.changed:
		case <-timeout:
			return fmt.Errorf("no outcome within %s: %w", l.timeout, ErrAmbiguous)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrAmbiguous, context.Cause(ctx))
		}
	}
	return fmt.Errorf("leadership lost: %w", ErrAmbiguous)
}

// readIndex returns an index that was committed before the call, and that nothing
// was acknowledged beyond before the call.
func (l *leader) readIndex(ctx context.Context) (uint64, error) {
	return l.reads.join(ctx, func() (uint64, error) {
		id := api.RequestID{Client: l.readClient, Seq: l.readSeq.Add(1), Low: 1}
		p := l.replica.await(id)
		defer p.forget()
		o, err := l.propose(ctx, p, api.Encode(&api.ApplyRequest{Type: CommandReadBarrier, RequestID: id}))
		return o.Index, err
	})
}

// rounds lets callers share work whose result is valid for every call made before it
// began. At most one round is under way; calls made meanwhile share the next.
type rounds struct {
	slot chan struct{} // holds a token while a round is under way

	mu       sync.Mutex
	begun    uint64 // number of the newest round that has begun
	complete uint64 // number of the newest round that has a result
	result   uint64
}

func newRounds() rounds { return rounds{slot: make(chan struct{}, 1)} }

// join returns the result of a round that began after the call, or fails with ctx or
// with the error of its own round; the failure of a round is its caller's alone.
func (r *rounds) join(ctx context.Context, round func() (uint64, error)) (uint64, error) {
	asked := r.newest()
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	number, result, shared := r.begin(asked)
	if shared {
		return result, nil
	}
	result, err := round()
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete, r.result = number, result
	return result, nil
}

func (r *rounds) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// begin returns the result of a round that began after asked, or begins one.
func (r *rounds) begin(asked uint64) (number, result uint64, shared bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.complete > asked {
		return 0, r.result, true
	}
	r.begun++
	return r.begun, 0, false
}
