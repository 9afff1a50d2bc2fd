package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"dtsim/fsm/api"
)

// isOutcome reports whether the response holds the outcome of the request.
func (p forwardResponse) isOutcome() bool {
	switch p.Code {
	case codes.OK, codes.FailedPrecondition:
		return true
	case codes.Internal, codes.OutOfRange, codes.Aborted:
		return p.format >= classified
	}
	return false
}

// Serve answers a request that another node's client has forwarded here. Failures
// are part of the answer; it fails only when an answer cannot be encoded. It ends
// when there is an outcome, when leadership is lost, or with ctx.
func (c *Client) Serve(ctx context.Context, _ string, request []byte) ([]byte, error) {
	o, err := c.serve(ctx, request)
	response := forwardResponse{outcome: o, format: classified}
	if err != nil {
		response.outcome = outcome{Code: codeOf(err), Message: strings.ToValidUTF8(err.Error(), "\uFFFD")}
	}
	return response.encode()
}

// codeOf is how the failure of an attempt travels.
func codeOf(err error) codes.Code {
	switch {
	case errors.Is(err, errFinal):
		return codes.InvalidArgument
	case errors.Is(err, ErrNotCommitted):
		return codes.Unavailable
	}
	return codes.Unknown
}

func (c *Client) serve(ctx context.Context, request []byte) (outcome, error) {
	q, err := decodeRequest(request)
	if err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errFinal, err)
	}
	if q.kind == kindReadIndex {
		index, err := c.leader.readIndex(ctx)
		return outcome{Index: index}, err
	}
	command, err := api.Decode(q.command)
	if err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errFinal, err)
	}
	if command.RequestID.IsZero() {
		// Its proposer has no request ids: it gets one of this node's, to find the
		// outcome of this attempt by.
		command.RequestID = c.session.begin()
		defer c.session.end(command.RequestID)
		q.command = api.Encode(command)
	}
	p := c.config.Replica.await(command.RequestID)
	defer p.forget()
	return c.leader.propose(ctx, p, q.command)
}
