package replica

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc/codes"

	"dtsim/fsm/api"
)

// Forwarder carries a request to the leader.
type Forwarder interface {
	// Forward sends request to the [Client.Serve] of the node to, and returns its
	// answer. It returns soon after ctx ends. An error leaves open whether the
	// request arrived, unless it matches [ErrNotSent].
	Forward(ctx context.Context, to string, request []byte) ([]byte, error)
}

// ErrNotSent is matched by a Forwarder's error when the request cannot have reached
// the other node.
var ErrNotSent = errors.New("request not sent")

// The defaults of [ClientConfig].
const (
	DefaultAttemptTimeout = 2 * time.Second
	DefaultMinBackoff     = 20 * time.Millisecond
	DefaultMaxBackoff     = time.Second
)

// ClientConfig configures a Client.
type ClientConfig struct {
	// ID names the client in the session table: one start of one node, never used
	// again, not even after a crash.
	ID string
	// NodeID is this node's raft server id.
	NodeID    string
	Replica   *Replica
	Raft      Raft
	Forwarder Forwarder
	// Clock stamps commands and times retries; nil is the real clock.
	Clock clockwork.Clock
	// CompletedTaskTTL is carried by clean-up commands.
	CompletedTaskTTL time.Duration
	// AttemptTimeout bounds one attempt at one leader, not a whole request, which is
	// bounded by its context. Zero is the default. It must be longer than a round trip to the leader
	// takes, with another to a majority and both disks in between: nothing that is shorter gets an answer.
	AttemptTimeout time.Duration
	// MinBackoff and MaxBackoff bound the pause between attempts. Zero is the default.
	MinBackoff, MaxBackoff time.Duration
	// Logger receives what is not an answer; nil discards it.
	Logger logrus.FieldLogger
	// OnRequest, for audit, is called with the id that a command gets and the context
	// of the call that it is of, before the command is proposed. A call whose session
	// has expired gets another id; only the last one's command can have an effect. It
	// must be safe for concurrent use.
	OnRequest func(ctx context.Context, id api.RequestID)
}

// Client changes and reads the replicated state from any node. It is safe for
// concurrent use, and also answers the requests that other nodes forward here.
type Client struct {
	config  ClientConfig
	leader  *leader
	session clientSession
}

// NewClient returns a client of a running raft instance whose state machine is
// c.Replica.
func NewClient(c ClientConfig) (*Client, error) {
	if c.ID == "" || c.NodeID == "" || c.Replica == nil || c.Raft == nil || c.Forwarder == nil {
		return nil, errors.New("replica client: ID, NodeID, Replica, Raft and Forwarder are required")
	}
	if !utf8.ValidString(c.ID) {
		return nil, fmt.Errorf("replica client: ID %q is not UTF-8", c.ID)
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.AttemptTimeout <= 0 {
		c.AttemptTimeout = DefaultAttemptTimeout
	}
	if c.MinBackoff <= 0 {
		c.MinBackoff = DefaultMinBackoff
	}
	if c.MaxBackoff < c.MinBackoff {
		c.MaxBackoff = max(DefaultMaxBackoff, c.MinBackoff)
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Logger = silent
	}
	return &Client{
		config: c,
		leader: &leader{
			raft: c.Raft, replica: c.Replica, leadership: watchLeadership(c.Raft),
			clock: c.Clock, timeout: c.AttemptTimeout,
			readClient: c.ID + "/reads", reads: newRounds(),
		},
		session: newClientSession(c.ID, c.Replica.AppliedIndex()),
	}, nil
}

// Close stops watching raft. Calls that are under way end with their contexts.
func (c *Client) Close() { c.leader.leadership.stop() }

// Execute commits a command and returns its result; the error is nil, or matches
// ErrRejected, ErrNotCommitted or ErrAmbiguous. It gives the command its request id
// and retries until ctx ends, unless the outcome is known before.
func (c *Client) Execute(ctx context.Context, command api.ApplyRequest) (Result, error) {
	if !utf8.ValidString(command.Class) {
		return Result{}, unencodable(fmt.Errorf("%s: collection name %q is not UTF-8", CommandName(command.Type), command.Class))
	}
	doubt := false
	for {
		command.RequestID = c.session.begin()
		if c.config.OnRequest != nil {
			c.config.OnRequest(ctx, command.RequestID)
		}
		o, err := c.request(ctx, command, &doubt)
		c.session.end(command.RequestID)
		switch {
		case err != nil:
			return Result{}, fmt.Errorf("%s: %w", CommandName(command.Type), err)
		case o.Code == codes.Aborted:
			// The session table has dropped this client. Under a new name the command may be tried
			// again, if no attempt under the old one can have had an effect.
			c.session.renew(command.RequestID.Client, o.Index)
			if doubt {
				return Result{}, fmt.Errorf("%s: %s: %w", CommandName(command.Type), o.Message, ErrAmbiguous)
			}
		case o.Code != codes.OK:
			return o.result(), fmt.Errorf("executing command: %w", o.err())
		default:
			return o.result(), nil
		}
	}
}

// request commits one command under one id. It sets doubt once an attempt may have
// been committed without an answer.
func (c *Client) request(ctx context.Context, command api.ApplyRequest, doubt *bool) (outcome, error) {
	encoded := api.Encode(&command)
	p := c.config.Replica.await(command.RequestID)
	defer p.forget()
	for attempt := 0; ; attempt++ {
		v := c.leader.leadership.view()
		o, err := c.attempt(ctx, v, p, encoded)
		if err == nil {
			return o, nil
		}
		*doubt = *doubt || !errors.Is(err, ErrNotCommitted)
		final := errors.Is(err, errFinal)
		if !final {
			c.pause(ctx, v, c.backoff(command.RequestID, attempt), p.done)
		}
		if o, ok := p.answered(); ok {
			return o, nil
		}
		if final || ctx.Err() != nil {
			return outcome{}, giveUp(ctx, *doubt, err)
		}
	}
}

// errFinal is matched by the failure of an attempt that no other should follow.
var errFinal = errors.New("not to be tried again")

// giveUp returns the error of a request that ends without an outcome. It holds the text of
// the last attempt's error and does not wrap it: what the attempt's error matches need not
// hold for the request.
func giveUp(ctx context.Context, doubt bool, last error) error {
	kind := ErrNotCommitted
	if doubt {
		kind = ErrAmbiguous
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %w (last attempt: %s)", kind, cause, last)
	}
	return fmt.Errorf("%w: %s", kind, last)
}

// attempt tries once, here or at the leader. Its error matches ErrNotCommitted when
// this attempt cannot have had an effect.
func (c *Client) attempt(ctx context.Context, v view, p *pending, encoded []byte) (outcome, error) {
	switch {
	case ctx.Err() != nil:
		return outcome{}, fmt.Errorf("%w: %w", ErrNotCommitted, context.Cause(ctx))
	case v.shutdown:
		return outcome{}, fmt.Errorf("raft is shut down: %w: %w", ErrNotCommitted, errFinal)
	case v.leading:
		return c.leader.propose(ctx, p, encoded)
	}
	return c.forward(ctx, v, forwardRequest{kind: kindPropose, command: encoded})
}

// forward sends a request to the leader. It fails as attempt does.
func (c *Client) forward(ctx context.Context, v view, q forwardRequest) (outcome, error) {
	if v.leader == "" || v.leader == c.config.NodeID {
		return outcome{}, fmt.Errorf("no leader is known: %w", ErrNotCommitted)
	}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.config.Clock.AfterFunc(c.config.AttemptTimeout, cancel).Stop()

	b, err := c.config.Forwarder.Forward(bounded, v.leader, q.encode())
	switch {
	case errors.Is(err, ErrNotSent):
		return outcome{}, fmt.Errorf("forward to %s: %w: %w", v.leader, ErrNotCommitted, err)
	case err != nil:
		return outcome{}, fmt.Errorf("forward to %s: %w: %w", v.leader, ErrAmbiguous, err)
	}
	p, err := decodeResponse(b)
	if err != nil {
		return outcome{}, fmt.Errorf("forward to %s: %w: %w", v.leader, ErrAmbiguous, err)
	}
	return c.classify(v.leader, p)
}

// classify reads the leader's answer.
func (c *Client) classify(from string, p forwardResponse) (outcome, error) {
	if o, ok := p.legacyRejection(); ok {
		c.config.Logger.WithField("leader", from).WithField("message", p.Message).
			Warn("leader does not classify its rejections, read this one by its words")
		return o, nil
	}
	switch {
	case p.Code == codes.Unavailable:
		return outcome{}, fmt.Errorf("%s: %s: %w", from, p.Message, ErrNotCommitted)
	case p.Code == codes.InvalidArgument:
		return outcome{}, fmt.Errorf("%s: %s: %w: %w", from, p.Message, ErrNotCommitted, errFinal)
	case p.isOutcome():
		return p.outcome, nil
	case p.format < classified:
		// It may be a rejection or a failure, and its sender has no request ids: another
		// attempt might take effect a second time.
		return outcome{}, fmt.Errorf("%s: %s: %w: %w", from, p.Message, ErrAmbiguous, errFinal)
	}
	return outcome{}, fmt.Errorf("%s: %s: %w", from, p.Message, ErrAmbiguous)
}

// pause waits between two attempts: until the backoff is over, the leader changes,
// the outcome comes out of the log, or ctx ends.
func (c *Client) pause(ctx context.Context, v view, backoff time.Duration, done chan outcome) {
	timer := c.config.Clock.NewTimer(backoff)
	defer timer.Stop()
	select {
	case o := <-done:
		done <- o
	case <-v.changed:
	case <-timer.Chan():
	case <-ctx.Done():
	}
}

// backoff doubles with every attempt up to the maximum. Half of it depends on the
// request, so that requests that fail together are not retried together.
func (c *Client) backoff(id api.RequestID, attempt int) time.Duration {
	d := c.config.MaxBackoff
	if attempt < 32 {
		d = min(d, c.config.MinBackoff<<attempt)
	}
	h := fnv.New64a()
	io.WriteString(h, id.Client+"/"+strconv.FormatUint(id.Seq, 10)+"/"+strconv.Itoa(attempt))
	return d/2 + time.Duration(h.Sum64()%uint64(d/2+1))
}
