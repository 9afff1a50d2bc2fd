package network

import (
	"fmt"

	"dtsim/sim/pause"
)

// Pause keeps everything from the incarnation, and everything that it sends from the
// network: requests, answers, and that it has waited too long for one. What comes up
// meanwhile waits for [Endpoint.Resume].
func (e *Endpoint) Pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = !e.closed
}

// Resume ends a pause, and returns what has come up meanwhile, which the caller is to do.
func (e *Endpoint) Resume() []pause.Step {
	e.mu.Lock()
	defer e.mu.Unlock()
	waiting := e.waiting
	e.waiting, e.paused = nil, false
	return waiting
}

// later puts a step off to the end of a pause. e.mu is held.
func (e *Endpoint) later(stream string, message bool, step func()) {
	e.waiting = append(e.waiting, pause.Step{Stream: stream, Message: message, Do: step})
}

// stream names what keeps the order of messages between an endpoint and another node: a
// connection. As with hashicorp/raft's own transport, replication, heartbeats and elections have
// connections of their own, and each forwarded request is served by itself.
func (l *leg) stream(direction, other string, incarnation int) string {
	connection := ""
	switch l.kind {
	case appendEntries, installSnapshot:
		connection = "replication"
	case heartbeat:
		connection = "heartbeats"
	case requestVote, requestPreVote, timeoutNow:
		connection = "elections"
	case forward:
		connection = fmt.Sprintf("%x/%d", l.id, l.occurrence)
	}
	return fmt.Sprintf("%s/%s/%d/%s/%t", direction, other, incarnation, connection, l.reply)
}

// finish ends a call of this endpoint, after a pause.
func (e *Endpoint) finish(p pending, a answer) {
	e.mu.Lock()
	paused := e.paused
	if paused {
		e.later(fmt.Sprint("end/", len(e.waiting)), false, func() { e.finish(p, a) })
	}
	e.mu.Unlock()
	if !paused {
		p.finish(a)
	}
}
