package network

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/trace/event"
)

// leg is a message on its way: first a request, then turned round, its reply. Its
// own timer moves it; only one goroutine at a time has it in hands.
type leg struct {
	net   *Network
	timer *time.Timer

	kind       kind
	reply      bool
	id         uint64
	occurrence uint32
	held       bool // is in its link's list
	// sent is the event of its sending.
	sent event.MessageSent

	caller   *Endpoint // sent the request and gets the reply
	to       int       // the node the request goes to
	receiver *Endpoint // took the request
	waits    pending   // for the reply

	request  any // nil for a forwarded one
	space    raft.AppendEntriesRequest
	data     []byte        // of a snapshot, of a forwarded request, of its reply
	patience time.Duration // of a forwarded request

	answers  chan raft.RPCResponse // holds two: the answer, and the end of the receiver
	response any
	err      error
}

// errReleased stands in for the answer of an endpoint that was closed.
var errReleased = errors.New("network: the receiver is gone")

// takeLeg returns a leg for use.
func (n *Network) takeLeg() *leg {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := len(n.freeLegs) - 1; i >= 0 {
		l := n.freeLegs[i]
		n.freeLegs = n.freeLegs[:i]
		return l
	}
	l := &leg{net: n, answers: make(chan raft.RPCResponse, 2)}
	l.timer = stopped(l.arrive)
	return l
}

// done gives the leg back for another use.
func (l *leg) done() {
	timer, answers := l.timer, l.answers
	*l = leg{net: l.net, timer: timer, answers: answers}
	l.net.mu.Lock()
	l.net.freeLegs = append(l.net.freeLegs, l)
	l.net.mu.Unlock()
}

// stopped returns a timer that runs f once it is set.
func stopped(f func()) *time.Timer {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return t
}

// arrive runs when the timer is due.
func (l *leg) arrive() {
	if l.held {
		l.net.drop(l)
	}
	if l.reply {
		l.deliverReply()
	} else {
		l.deliverRequest()
	}
}

// deliverRequest hands the request to the node's incarnation of that time, waits for the answer
// and sends the reply.
func (l *leg) deliverRequest() {
	r := l.net.receiver(l.to)
	state := gone
	if r != nil {
		state = r.admit(l)
	}
	switch state {
	case asleep:
		return
	case gone:
		l.net.recordLost(l, l.caller, l.to, "down")
		l.done()
		return
	}
	l.receiver = r
	if r.served != nil {
		r.served()
	}
	if l.kind == installSnapshot {
		r.reached(SnapshotReceived)
	}
	if l.kind == forward {
		l.data, l.err = r.serveForward(l)
	} else if !l.serve(r) {
		return
	}
	r.reply(l)
}

// serve hands a Raft request to the node and waits for the answer. It reports
// whether there is one.
func (l *leg) serve(r *Endpoint) bool {
	rpc := raft.RPC{Command: l.request, RespChan: l.answers}
	if l.kind == installSnapshot {
		rpc.Reader = bytes.NewReader(l.data)
	}
	if handler := r.heartbeatHandler(); l.kind == heartbeat && handler != nil {
		handler(rpc)
	} else {
		select {
		case r.consumer <- rpc:
		default:
			l.net.recordLost(l, l.caller, l.to, "full")
			if r.dismiss(l) {
				l.done()
			}
			return false
		}
	}
	a := <-l.answers
	if a.Error == errReleased {
		return false
	}
	l.response, l.data, l.err = a.Response, nil, a.Error
	return true
}

// deliverReply hands the reply to the call that waits for it, if it still does.
func (l *leg) deliverReply() {
	switch l.caller.listen(l) {
	case asleep:
		return
	case gone:
		l.net.recordLost(l, l.receiver, l.caller.node, "down")
	default:
		a := answer{l.response, l.data, l.err}
		if l.kind == forward && l.err != nil {
			a.err = &RemoteError{Node: l.receiver.name, Message: l.err.Error()}
		}
		l.waits.finish(a)
	}
	l.done()
}

// answer is what a call ends with.
type answer struct {
	response any
	data     []byte
	err      error
}

// call is a caller that waits. The first answer wins, be it a reply, the end of
// its patience or the end of its endpoint.
type call struct {
	ch chan answer // holds one

	mu       sync.Mutex
	endpoint *Endpoint
	turn     uint64 // counts the uses
	done     bool
	timer    *time.Timer
	deadline time.Time
}

// takeCall returns a call for use that gives up after the timeout.
func (n *Network) takeCall(e *Endpoint, timeout time.Duration) pending {
	n.mu.Lock()
	var c *call
	if i := len(n.freeCall) - 1; i >= 0 {
		c = n.freeCall[i]
		n.freeCall = n.freeCall[:i]
	} else {
		c = &call{ch: make(chan answer, 1)}
		c.timer = stopped(c.expire)
	}
	n.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	c.endpoint, c.done = e, false
	c.deadline = time.Now().Add(timeout)
	c.timer.Reset(timeout)
	return pending{c, c.turn}
}

// expire runs when the timer is due; one that was overtaken by the call's next use
// comes too early for that.
func (c *call) expire() {
	c.mu.Lock()
	p, e := pending{c, c.turn}, c.endpoint
	early := c.done || time.Now().Before(c.deadline)
	c.mu.Unlock()
	if !early {
		e.finish(p, answer{err: ErrTimeout})
	}
}

// finish ends the call with a, unless that use of it has ended.
func (p pending) finish(a answer) {
	c := p.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done || c.turn != p.turn {
		return
	}
	c.done = true
	c.ch <- a
}

// pending is one use of a call.
type pending struct {
	call *call
	turn uint64
}

// remove returns list without v, order kept.
func remove[T comparable](list []T, v T) []T {
	if i := slices.Index(list, v); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
