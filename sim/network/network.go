// Package network connects the nodes of a simulated cluster: Raft's messages and
// forwarded requests travel over links that take their time.
//
// What becomes of a message is decided in one place, Network.fate, by the identity
// of the message and never by the order of the calls. The invariant: nothing is sent
// by, or delivered to, an incarnation whose [Endpoint] is closed.
//
// The path of a call holds no select, and costs no allocation beyond the copies of
// what Raft may change: timers, channels and messages in flight are used again. The
// package is independent of any application.
package network

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
)

var (
	// ErrTimeout: no answer came in time. The request may or may not have arrived.
	ErrTimeout = errors.New("network: no answer in time")
	// ErrClosed: the caller's own endpoint is closed.
	ErrClosed = errors.New("network: the endpoint is closed")
)

// Config describes the network.
type Config struct {
	// Seed feeds the latencies.
	Seed uint64
	// Nodes are the names of all nodes; a node's address is its name.
	Nodes []string
	// MinLatency and MaxLatency bound the one-way delay of a message.
	MinLatency, MaxLatency time.Duration
	// CallTimeout is after how long a Raft call gives up on its answer; one that
	// carries a snapshot waits ten times as long.
	CallTimeout time.Duration
	// QueueHeartbeats lets heartbeats go through the queue of requests like others.
	QueueHeartbeats bool
	// Start is the start of the run, from which the times of events count.
	Start time.Time
	// Recorder gets the message events; nil for none.
	Recorder *trace.Recorder
	// Reached is called by the goroutine of an incarnation that has reached a point of a message's
	// way, before it goes on; nil for nobody.
	Reached func(node string, incarnation int, p Point)
}

// Point is a point of the way of a message.
type Point uint8

const (
	// Sending: a message is about to leave. It comes after VoteGranted.
	Sending Point = iota
	// VoteGranted: an answer that grants a vote is about to leave.
	VoteGranted
	// SnapshotSent: a snapshot has left.
	SnapshotSent
	// SnapshotReceived: a snapshot has arrived, and its receiver does not know yet.
	SnapshotReceived
)

// Network carries messages between endpoints. Make it inside the bubble. It is safe
// for concurrent use.
type Network struct {
	config Config
	index  map[string]int // position of a node in config.Nodes
	peers  [][]byte       // the addresses as bytes

	mu       sync.Mutex
	current  []*Endpoint // the last one of each node; nil before the first
	links    [][]link    // by sender and receiver
	rules    []*rule     // in the order they came
	freeLegs []*leg
	freeCall []*call
}

// link is one direction between two nodes.
type link struct {
	latency keyed.Draw
	sent    map[uint64]uint32 // how often each identity was sent
	held    []*leg            // that wait to be overtaken
}

// New returns a network without endpoints.
func New(c Config) *Network {
	n := &Network{
		config:  c,
		index:   make(map[string]int, len(c.Nodes)),
		current: make([]*Endpoint, len(c.Nodes)),
		links:   make([][]link, len(c.Nodes)),
	}
	for i, from := range c.Nodes {
		n.index[from] = i
		n.peers = append(n.peers, []byte(from))
		n.links[i] = make([]link, len(c.Nodes))
		for j, to := range c.Nodes {
			n.links[i][j] = link{
				latency: keyed.New(c.Seed, "network.latency").Str(from).Str(to),
				sent:    make(map[uint64]uint32),
			}
		}
	}
	return n
}

// Open gives an incarnation of a node its endpoint and closes the one before. It
// panics on a node that the network does not have.
func (n *Network) Open(node string, incarnation int) *Endpoint {
	i, ok := n.index[node]
	if !ok {
		panic(fmt.Sprintf("network: there is no node %q", node))
	}
	e := &Endpoint{
		net: n, node: i, name: node, incarnation: incarnation,
		consumer: make(chan raft.RPC, backlog),
	}
	n.mu.Lock()
	before := n.current[i]
	n.mu.Unlock()
	if before != nil {
		before.Close()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current[i] = e
	return e
}

// fate is what the network decides about one message.
type fate struct {
	// latency is how long the message travels.
	latency time.Duration
	// disturbed is what rules have decided beyond that; nil on the path of messages
	// that none is about.
	disturbed *disturbance
}

// fate decides about a message that leaves now. occurrence distinguishes messages of one
// identity on one link apart, counted from 1. mu is held.
func (n *Network) fate(l *leg, link *link, from, to int, occurrence uint32) fate {
	d := link.latency.Int(l.id).Int(uint64(occurrence))
	// At least a nanosecond: the handler of the message has gone on by then, so that
	// the leg may be used again.
	f := fate{latency: max(d.Duration(n.config.MinLatency, n.config.MaxLatency), 1)}
	if len(n.rules) > 0 {
		n.disturb(&f, l, from, to, occurrence)
	}
	if len(link.held) > 0 {
		link.release(&f)
	}
	return f
}

// send lets the leg travel from one node to the other. The sending endpoint's lock
// is held, so that closing it cannot fall in between.
func (n *Network) send(l *leg, sender *Endpoint, from, to int) {
	n.mu.Lock()
	link := &n.links[from][to]
	occurrence := link.sent[l.id] + 1
	link.sent[l.id] = occurrence
	l.occurrence = occurrence
	f := n.fate(l, link, from, to, occurrence)
	n.mu.Unlock()
	if f.disturbed != nil && !n.carryOut(l, sender, to, &f) {
		return
	}
	now := time.Since(n.config.Start)
	if n.config.Recorder != nil {
		n.recordSent(l, sender, to, now, now+f.latency)
	}
	if f.disturbed != nil && f.disturbed.held {
		n.hold(l, link, f.latency)
		return
	}
	l.timer.Reset(f.latency)
}

// receiver returns the last endpoint of a node, or nil.
func (n *Network) receiver(node int) *Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current[node]
}
