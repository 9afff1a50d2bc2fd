package network

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/pause"
)

// backlog is how many requests wait for a node; more are lost.
const backlog = 256

// Endpoint is what one incarnation of a node sends and receives through: Raft's
// transport, with pre-vote and without pipelining, and request forwarding. It is
// safe for concurrent use.
type Endpoint struct {
	net         *Network
	node        int
	name        string
	incarnation int
	consumer    chan raft.RPC
	// served is called by each goroutine that is about to serve a request; may be nil.
	served func()

	mu        sync.Mutex
	closed    bool
	paused    bool
	waiting   []pause.Step // what is to be done after a pause, in the order it came up
	heartbeat func(raft.RPC)
	handler   ForwardHandler
	calls     []pending  // that wait, in the order they began
	serving   []*leg     // that wait for this node's answer, in the order they came
	services  []*service // of forwarded requests, in the order they came
}

var (
	_ raft.Transport   = (*Endpoint)(nil)
	_ raft.WithPreVote = (*Endpoint)(nil)
	_ raft.WithClose   = (*Endpoint)(nil)
)

// Consumer returns where requests for this node arrive.
func (e *Endpoint) Consumer() <-chan raft.RPC { return e.consumer }

// LocalAddr returns the node's address, which is its name.
func (e *Endpoint) LocalAddr() raft.ServerAddress { return raft.ServerAddress(e.name) }

// EncodePeer returns the address as bytes, which are not to be changed.
func (e *Endpoint) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte {
	if i, ok := e.net.index[string(a)]; ok {
		return e.net.peers[i]
	}
	return []byte(a)
}

// DecodePeer returns the address that EncodePeer gave.
func (e *Endpoint) DecodePeer(b []byte) raft.ServerAddress {
	if i, ok := e.net.index[string(b)]; ok {
		return raft.ServerAddress(e.net.config.Nodes[i])
	}
	return raft.ServerAddress(b)
}

// SetHeartbeatHandler sets who gets heartbeats, past the consumer, unless the network is one that
// queues them.
func (e *Endpoint) SetHeartbeatHandler(f func(raft.RPC)) {
	if e.net.config.QueueHeartbeats {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heartbeat = f
}

// OnServe sets what every goroutine that serves a request does first. Call it before the
// endpoint is used.
func (e *Endpoint) OnServe(f func()) { e.served = f }

func (e *Endpoint) heartbeatHandler() func(raft.RPC) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heartbeat
}

// AppendEntriesPipeline refuses: one request at a time has one order of events.
func (e *Endpoint) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// AppendEntries sends the request and waits for the answer.
func (e *Endpoint) AppendEntries(_ raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	k := appendEntries
	if isHeartbeat(req) {
		k = heartbeat
	}
	return ask(e, k, to, req, nil, resp)
}

// RequestVote sends the request and waits for the answer.
func (e *Endpoint) RequestVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return ask(e, requestVote, to, req, nil, resp)
}

// RequestPreVote sends the request and waits for the answer.
func (e *Endpoint) RequestPreVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return ask(e, requestPreVote, to, req, nil, resp)
}

// InstallSnapshot sends the request with all that data holds and waits for the
// answer.
func (e *Endpoint) InstallSnapshot(_ raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	b, err := io.ReadAll(data)
	if err != nil {
		return fmt.Errorf("network: reading the snapshot to send: %w", err)
	}
	return ask(e, installSnapshot, to, req, b, resp)
}

// TimeoutNow sends the request and waits for the answer.
func (e *Endpoint) TimeoutNow(_ raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return ask(e, timeoutNow, to, req, nil, resp)
}

// ask makes a Raft call; the answer is copied to resp.
func ask[T any](e *Endpoint, k kind, to raft.ServerAddress, request any, data []byte, resp *T) error {
	timeout := e.net.config.CallTimeout
	if k == installSnapshot {
		timeout *= 10
	}
	l := e.net.takeLeg()
	l.kind, l.data = k, data
	l.request = clone(request, &l.space)
	c, err := e.begin(l, string(to), timeout)
	if err != nil {
		return err
	}
	if k == installSnapshot {
		e.reached(SnapshotSent)
	}
	a := e.end(c)
	if r, ok := a.response.(*T); ok {
		*resp = *r
	} else if a.err == nil {
		return fmt.Errorf("network: %s answered %s with %T", to, kinds[k].request, a.response)
	}
	return a.err
}

// reached reports that the incarnation has reached a point of a message's way. e.mu is not held.
func (e *Endpoint) reached(p Point) {
	if f := e.net.config.Reached; f != nil {
		f(e.name, e.incarnation, p)
	}
}

// begin sends the request l and returns the call that waits for its answer.
func (e *Endpoint) begin(l *leg, to string, timeout time.Duration) (pending, error) {
	e.reached(Sending)
	node, ok := e.net.index[to]
	if !ok {
		l.done()
		return pending{}, fmt.Errorf("network: there is no node %q", to)
	}
	l.caller, l.to = e, node
	l.id = requestID(l)
	// Two calls that begin in one instant do not end in one.
	timeout += keyed.New(l.id, "network.timeout").Str(e.name).Str(to).Duration(0, time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		l.done()
		return pending{}, ErrClosed
	}
	l.waits = e.net.takeCall(e, timeout)
	e.calls = append(e.calls, l.waits)
	waits := l.waits
	e.depart(l, node)
	return waits, nil
}

// end waits for the answer of a call and gives the call back for another use.
func (e *Endpoint) end(p pending) answer {
	a := <-p.call.ch
	p.call.timer.Stop()
	e.mu.Lock()
	e.calls = remove(e.calls, p)
	e.mu.Unlock()
	e.net.mu.Lock()
	e.net.freeCall = append(e.net.freeCall, p.call)
	e.net.mu.Unlock()
	return a
}

// state is what an endpoint makes of what arrives.
type state uint8

const (
	awake  state = iota
	asleep       // it waits for the end of a pause, and arrives again
	gone
)

// admit lets a request in.
func (e *Endpoint) admit(l *leg) state {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.receive(l)
	if s == awake {
		e.serving = append(e.serving, l)
	}
	return s
}

// listen reports whether a reply may be taken.
func (e *Endpoint) listen(l *leg) state {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.receive(l)
}

// receive reports whether what arrives may come in, and puts it off if not yet. e.mu is
// held.
func (e *Endpoint) receive(l *leg) state {
	switch {
	case e.closed:
		return gone
	case e.paused:
		from := l.caller
		if l.reply {
			from = l.receiver
		}
		e.later(l.stream("from", from.name, from.incarnation), true, l.arrive)
		return asleep
	}
	return awake
}

// dismiss removes a request that was let in. It reports whether the endpoint is
// still open; if not, the request is not to be used again: its node died with it in
// hands, and Close may have answered it.
func (e *Endpoint) dismiss(l *leg) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dismissLocked(l)
}

func (e *Endpoint) dismissLocked(l *leg) bool {
	e.serving = remove(e.serving, l)
	return !e.closed
}

// reply sends the answer that l holds back to its caller, unless the endpoint is
// closed.
func (e *Endpoint) reply(l *leg) {
	if r, ok := l.response.(*raft.RequestVoteResponse); ok && r.Granted {
		e.reached(VoteGranted)
	}
	e.reached(Sending)
	if l.err != nil { // only its text travels
		l.err = errors.New(l.err.Error())
	}
	l.reply = true
	l.id = replyID(l, l.id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dismissLocked(l) {
		e.depart(l, l.caller.node)
	}
}

// depart sends a leg, or lets it wait for the end of a pause. e.mu is held, and the
// endpoint is open.
func (e *Endpoint) depart(l *leg, to int) {
	if !e.paused {
		e.net.send(l, e, e.node, to)
		return
	}
	e.later(l.stream("to", e.net.config.Nodes[to], 0), false, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.closed {
			l.done()
			return
		}
		e.depart(l, to)
	})
}

// Mute is the first half of Close: nothing is sent by the incarnation or delivered to
// it from here on, and nothing is recorded.
func (e *Endpoint) Mute() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}

// Close ends the incarnation's part in the network: nothing is sent by it or
// delivered to it from here on, its outstanding calls fail with [ErrClosed] and the
// contexts of the requests it serves end. It is idempotent and never fails.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	e.closed = true
	calls, serving, services, waiting := e.calls, e.serving, e.services, e.waiting
	e.calls, e.serving, e.services, e.waiting = nil, nil, nil, nil
	e.paused = false
	e.mu.Unlock()
	for _, c := range calls {
		c.finish(answer{err: ErrClosed})
	}
	for _, step := range waiting {
		step.Do() // finds the endpoint closed
	}
	for _, l := range serving {
		l.answers <- raft.RPCResponse{Error: errReleased}
	}
	for _, s := range services {
		s.cancel()
	}
	return nil
}
