package sched

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// DefaultThrottleInterval is how often at most the progress of one unit enters
// the Raft log when a [Scheduler] hands out the recorder.
const DefaultThrottleInterval = 3 * time.Second

// ThrottledRecorder keeps progress updates from flooding the Raft log: it
// forwards the progress of one unit at most once per interval and drops, without
// an error, what comes in between (P13). The interval runs from the end of a
// successful forward, so that two log entries are an interval apart however long
// a forward takes.
//
// What matters is never held back:
//   - a progress of exactly 0, the claim of a unit, neither waits nor counts;
//   - completions and failures pass; once recorded, nothing of the unit is kept,
//     not even what a progress still under way would leave;
//   - a failed forward starts no interval, so its retry passes.
//
// It is safe for concurrent use; while one progress of a unit is under way, others
// of that unit are dropped. It holds no lock while it forwards. Its memory is
// bounded by the units that reported within one interval.
type ThrottledRecorder struct {
	inner    TaskCompletionRecorder
	interval time.Duration
	clock    clockwork.Clock

	mu      sync.Mutex
	units   map[throttleKey]*throttleEntry
	pruneAt int // the size at which units is searched for expired entries
}

// throttleKey is one unit of one run. The node is no part of it: a recorder
// belongs to one node.
type throttleKey struct {
	namespace, taskID string
	version           uint64
	unitID            string
}

type throttleEntry struct {
	forwarding bool
	sent       bool
	sentAt     time.Time // end of the last successful forward, if sent
}

// minPruneSize keeps small maps from being searched.
const minPruneSize = 64

// NewThrottledRecorder wraps inner. A nil clock is the real one; an interval that
// is not positive throttles nothing.
func NewThrottledRecorder(inner TaskCompletionRecorder, interval time.Duration, clock clockwork.Clock) *ThrottledRecorder {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	return &ThrottledRecorder{
		inner:    inner,
		interval: interval,
		clock:    clock,
		units:    map[throttleKey]*throttleEntry{},
		pruneAt:  minPruneSize,
	}
}

// RecordDistributedTaskUnitCompletion forwards the completion of a unit at once
// and returns what the inner recorder returned.
func (r *ThrottledRecorder) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string,
	version uint64, nodeID, unitID string,
) error {
	err := r.inner.RecordDistributedTaskUnitCompletion(ctx, namespace, taskID, version, nodeID, unitID)
	if err == nil {
		r.forget(throttleKey{namespace, taskID, version, unitID})
	}
	return err
}

// RecordDistributedTaskUnitFailure forwards the failure of a unit at once and
// returns what the inner recorder returned.
func (r *ThrottledRecorder) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string,
	version uint64, nodeID, unitID, errMsg string,
) error {
	err := r.inner.RecordDistributedTaskUnitFailure(ctx, namespace, taskID, version, nodeID, unitID, errMsg)
	if err == nil {
		r.forget(throttleKey{namespace, taskID, version, unitID})
	}
	return err
}

// UpdateDistributedTaskUnitProgress forwards the progress of a unit and returns
// what the inner recorder returned, or drops it and returns nil.
func (r *ThrottledRecorder) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string,
	version uint64, nodeID, unitID string, progress float32,
) error {
	forward := func() error {
		return r.inner.UpdateDistributedTaskUnitProgress(ctx, namespace, taskID, version, nodeID, unitID, progress)
	}
	if progress == 0 || r.interval <= 0 {
		return forward()
	}
	key := throttleKey{namespace, taskID, version, unitID}
	entry := r.enter(key)
	if entry == nil {
		return nil
	}
	forwarded := false
	defer func() { r.leave(key, entry, forwarded) }() // also when the inner recorder panics
	err := forward()
	forwarded = err == nil
	return err
}

// enter claims the gate of a unit, or returns nil when the progress has to be
// dropped.
func (r *ThrottledRecorder) enter(key throttleKey) *throttleEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry, ok := r.units[key]
	if !ok {
		r.pruneLocked()
		entry = &throttleEntry{}
		r.units[key] = entry
	}
	if entry.forwarding || r.throttledLocked(entry) {
		return nil
	}
	entry.forwarding = true
	return entry
}

// leave opens the gate again. An entry that a terminal report has forgotten in the
// meantime stays forgotten.
func (r *ThrottledRecorder) leave(key throttleKey, entry *throttleEntry, forwarded bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry.forwarding = false
	if forwarded {
		entry.sent, entry.sentAt = true, r.clock.Now()
	}
	if !entry.sent && r.units[key] == entry {
		delete(r.units, key)
	}
}

// forget drops the entry of a unit that has become terminal. A report that failed
// changes nothing: the unit may go on reporting progress, at the usual rate.
func (r *ThrottledRecorder) forget(key throttleKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.units, key)
}

func (r *ThrottledRecorder) throttledLocked(entry *throttleEntry) bool {
	return entry.sent && r.clock.Since(entry.sentAt) < r.interval
}

// pruneLocked drops entries that no longer throttle anything, those of cancelled
// tasks for example. Searching only when the map has doubled makes it O(1) a call.
func (r *ThrottledRecorder) pruneLocked() {
	if len(r.units) < r.pruneAt {
		return
	}
	for key, entry := range r.units {
		if !entry.forwarding && !r.throttledLocked(entry) {
			delete(r.units, key)
		}
	}
	r.pruneAt = max(minPruneSize, 2*len(r.units))
}
