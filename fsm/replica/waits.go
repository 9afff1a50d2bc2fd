package replica

import (
	"cmp"
	"maps"
	"slices"

	"dtsim/fsm/api"
)

// requestKey names a request; its low water mark may differ between attempts.
type requestKey struct {
	client string
	seq    uint64
}

func compareKeys(a, b requestKey) int {
	return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.seq, b.seq))
}

func keyOf(id api.RequestID) requestKey { return requestKey{client: id.Client, seq: id.Seq} }

// waits are the waits for outcomes and indexes. They are not part of the replicated
// state. The replica's lock guards them.
type waits struct {
	requests map[requestKey][]chan outcome
	indexes  []indexWait // in the order of the calls
}

type indexWait struct {
	index uint64
	done  chan struct{}
}

func newWaits() waits { return waits{requests: make(map[requestKey][]chan outcome)} }

// size returns how many wait.
func (w *waits) size() int {
	n := len(w.indexes)
	for _, waiting := range w.requests {
		n += len(waiting)
	}
	return n
}

// answer ends all waits for a request with its outcome.
func (w *waits) answer(id api.RequestID, o outcome) {
	key := keyOf(id)
	waiting, ok := w.requests[key]
	if !ok {
		return
	}
	delete(w.requests, key)
	for _, done := range waiting {
		done <- o
	}
}

// reached ends all waits for an index up to this one.
func (w *waits) reached(index uint64) {
	w.indexes = slices.DeleteFunc(w.indexes, func(i indexWait) bool {
		if i.index > index {
			return false
		}
		close(i.done)
		return true
	})
}

// pending is a request whose outcome is awaited.
type pending struct {
	replica *Replica
	id      api.RequestID
	// done gets the outcome, once.
	done chan outcome
}

// await waits for the outcome of a request to come out of the log, or finds that it
// has. The caller ends it with forget.
func (r *Replica) await(id api.RequestID) *pending {
	p := &pending{replica: r, id: id, done: make(chan outcome, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o, ok := r.sessions.lookup(id.Client, id.Seq); ok {
		p.done <- o
		return p
	}
	key := keyOf(id)
	r.waits.requests[key] = append(r.waits.requests[key], p.done)
	return p
}

// answered returns the outcome if it is there.
func (p *pending) answered() (outcome, bool) {
	select {
	case o := <-p.done:
		return o, true
	default:
		return outcome{}, false
	}
}

func (p *pending) forget() {
	r, key := p.replica, keyOf(p.id)
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := slices.DeleteFunc(r.waits.requests[key], func(done chan outcome) bool { return done == p.done })
	if len(rest) == 0 {
		delete(r.waits.requests, key)
		return
	}
	r.waits.requests[key] = rest
}

// restored ends, after a snapshot has replaced the state, the waits for requests that are
// part of it.
func (r *Replica) restored() {
	for _, key := range slices.SortedFunc(maps.Keys(r.waits.requests), compareKeys) {
		if o, ok := r.sessions.lookup(key.client, key.seq); ok {
			r.waits.answer(api.RequestID{Client: key.client, Seq: key.seq}, o)
		}
	}
	r.waits.reached(r.applied)
}

// awaitIndex returns a channel that is closed once the command at index has been
// applied here. The caller ends the wait with forget.
func (r *Replica) awaitIndex(index uint64) (done <-chan struct{}, forget func()) {
	ch := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.applied >= index {
		close(ch)
		return ch, func() {}
	}
	r.waits.indexes = append(r.waits.indexes, indexWait{index: index, done: ch})
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.waits.indexes = slices.DeleteFunc(r.waits.indexes, func(i indexWait) bool { return i.done == ch })
	}
}
