package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how many call timeouts a forwarded request has when its context sets
// no deadline.
const patience = 40

// ForwardHandler answers a forwarded request. It runs in a goroutine of its own. ctx
// ends with the caller's deadline or when the endpoint is closed, and carries
// nothing else of the caller. Of an error only the text reaches the caller.
type ForwardHandler func(ctx context.Context, from string, request []byte) ([]byte, error)

// RemoteError is what the handler of the other node returned.
type RemoteError struct {
	// Node is the node that answered.
	Node string
	// Message is the text of its error.
	Message string
}

// Error names the node and its message.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("network: error of %s: %s", e.Node, e.Message)
}

// service is a forwarded request that is being answered.
type service struct{ cancel context.CancelFunc }

// HandleForward sets who answers forwarded requests; without a handler they fail.
func (e *Endpoint) HandleForward(h ForwardHandler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handler = h
}

// Forward sends a request to another node and waits for the answer until ctx ends,
// whose deadline travels along. A [*RemoteError] is the answer of a handler; after
// [ErrTimeout], [ErrClosed] or the error of ctx it is not known whether the request
// arrived.
func (e *Endpoint) Forward(ctx context.Context, to string, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := e.net.takeLeg()
	l.kind, l.data = forward, bytes.Clone(request)
	l.patience = patience * e.net.config.CallTimeout
	if deadline, ok := ctx.Deadline(); ok {
		l.patience = time.Until(deadline)
	}
	p, err := e.begin(l, to, l.patience)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { e.finish(p, answer{err: ctx.Err()}) })
	a := e.end(p)
	stop()
	return a.data, a.err
}

// serveForward lets the handler answer.
func (e *Endpoint) serveForward(l *leg) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.patience)
	defer cancel()
	s := &service{cancel}
	e.mu.Lock()
	handler, closed := e.handler, e.closed
	if !closed {
		e.services = append(e.services, s)
	}
	e.mu.Unlock()
	if closed || handler == nil {
		return nil, errors.New("there is no handler for forwarded requests")
	}
	data, err := handler(ctx, l.caller.name, l.data)
	e.mu.Lock()
	e.services = remove(e.services, s)
	e.mu.Unlock()
	return bytes.Clone(data), err
}
