// Package network connects the nodes of a simulated cluster.
package network

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/trace"
)

// Config says what the network is like.
type Config struct {
	// Seed feeds the latencies.
	Seed uint64
	// Nodes are the names of all nodes.
	Nodes []string
	// MinLatency and MaxLatency bound the one-way delay of a message.
	MinLatency, MaxLatency time.Duration
	// CallTimeout is after how long a Raft call gives up on its answer.
	CallTimeout time.Duration
	// Recorder gets the message events; nil for none.
	Recorder *trace.Recorder
}

// Network carries messages between endpoints. Make it inside the bubble; the
// times of its events count from that moment.
type Network struct{}

// New returns a network without endpoints.
func New(c Config) *Network { return nil }

// Open gives an incarnation of a node its endpoint and closes the one before.
func (n *Network) Open(node string, incarnation int) *Endpoint { return nil }

// Endpoint is what one incarnation of a node sends and receives through: a
// raft.Transport with pre-vote and Close, and request forwarding.
type Endpoint struct {
	raft.Transport
	raft.WithPreVote
}

// ForwardHandler answers a forwarded request. ctx ends when the caller's time is up
// or the endpoint is closed.
type ForwardHandler func(ctx context.Context, from string, request []byte) ([]byte, error)

// HandleForward sets who answers forwarded requests.
func (e *Endpoint) HandleForward(h ForwardHandler) {}

// Forward sends a request to another node and waits for its answer until ctx ends.
func (e *Endpoint) Forward(ctx context.Context, to string, request []byte) ([]byte, error) {
	return nil, nil
}

// Close ends the incarnation's part in the network: nothing is sent by it or
// delivered to it from here on, and its outstanding calls fail. It is idempotent.
func (e *Endpoint) Close() error { return nil }
