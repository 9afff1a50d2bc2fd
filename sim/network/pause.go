package network

import "time"

// Pause keeps everything from the incarnation, and everything that it sends from the
// network: requests, answers, and that it has waited too long for one. What comes up
// meanwhile waits for [Endpoint.Resume].
func (e *Endpoint) Pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = !e.closed
}

// Resume lets what has waited happen, in the order in which it came up, a nanosecond
// apart.
func (e *Endpoint) Resume() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting, e.paused = nil, false
	e.mu.Unlock()
	for n, step := range waiting {
		time.AfterFunc(time.Duration(n+1), step)
	}
}

// later puts a step off to the end of a pause; false if there is none.
func (e *Endpoint) later(step func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused {
		e.waiting = append(e.waiting, step)
	}
	return e.paused
}

// finish ends a call of this endpoint, after a pause.
func (e *Endpoint) finish(p pending, a answer) {
	if !e.later(func() { e.finish(p, a) }) {
		p.finish(a)
	}
}
