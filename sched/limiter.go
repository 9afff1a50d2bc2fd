package sched

import "context"

// ConcurrencyLimiter bounds how many operations run at the same time. It is safe
// for concurrent use.
type ConcurrencyLimiter struct {
	slots chan struct{}
}

// NewConcurrencyLimiter returns a limiter of maxConcurrency slots, at least one.
func NewConcurrencyLimiter(maxConcurrency int) *ConcurrencyLimiter {
	return &ConcurrencyLimiter{slots: make(chan struct{}, max(1, maxConcurrency))}
}

// Acquire takes a slot and returns nil, waiting for one if need be. Once ctx is
// done it returns ctx.Err() and takes none: a done context always wins, even over
// a free slot. (In the reference that race goes either way.)
func (l *ConcurrencyLimiter) Acquire(ctx context.Context) error {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // both were ready, and select drew the slot
		l.Release()
		return err
	}
	return nil
}

// Release gives a slot back; once for each Acquire that returned nil. One call
// too many is a broken invariant of the caller, and panics. (In the reference it
// blocks for ever.)
func (l *ConcurrencyLimiter) Release() {
	select {
	case <-l.slots:
	default:
		panic("sched: ConcurrencyLimiter.Release without a matching Acquire")
	}
}
