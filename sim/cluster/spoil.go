package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// request is a call of a scheduler or a provider. It can be sent through any client,
// any number of times.
type request struct {
	do     string
	fields []trace.Field
	send   func(context.Context, Client) error
}

// call makes a request as the faults of the plan have it. What its caller learns may
// be little, and is true.
func (k *caller) call(ctx context.Context, do string, fields []trace.Field, send func(context.Context, Client) error) error {
	r := request{do: do, fields: fields, send: send}
	if f, wait := k.bites(plan.CallDelay, r); f != nil {
		if err := k.pause(ctx, wait); err != nil {
			return fmt.Errorf("%s: %w: %w", r.do, replica.ErrNotCommitted, err)
		}
	}
	err := k.fresh(ctx, r, func(ctx context.Context) error { return k.spoiled(ctx, r) })
	if f, wait := k.bites(plan.CallTwice, r); f != nil {
		k.cluster.faults.after(wait, func() {
			if k.halt.Err() == nil {
				k.resend(r)
			}
		})
	}
	return err
}

// fresh gives a request a number of its own, and makes it.
func (k *caller) fresh(ctx context.Context, r request, f func(context.Context) error) error {
	return k.numbered(ctx, k.cluster.ops.Add(1)-1, r.do, r.fields, f)
}

// spoiled sends a request, or not, and says what its caller learns of that.
func (k *caller) spoiled(ctx context.Context, r request) error {
	if f, _ := k.bites(plan.CallError, r); f != nil {
		return fmt.Errorf("%s fails as planned: %w", r.do, replica.ErrNotCommitted)
	}
	if f, _ := k.bites(plan.CallLoss, r); f != nil {
		return fmt.Errorf("%s is lost as planned: %w", r.do, replica.ErrAmbiguous)
	}
	if f, wait := k.bites(plan.CallLate, r); f != nil {
		c, node := k.cluster, k.node
		c.faults.after(wait, func() {
			if i := c.anyone(node); i != nil {
				(*caller)(i).resend(r)
			}
		})
		return fmt.Errorf("%s is late as planned: %w", r.do, replica.ErrAmbiguous)
	}
	err := r.send(ctx, k.client)
	if err == nil || errors.Is(err, replica.ErrRejected) {
		if f, _ := k.bites(plan.ReplyError, r); f != nil {
			return fmt.Errorf("%s has no answer as planned: %w", r.do, replica.ErrAmbiguous)
		}
	}
	return err
}

// resend makes a request that nobody waits for. Its outcome is in the trace.
func (k *caller) resend(r request) {
	r.fields = append(slices.Clone(r.fields), trace.Bool("resent", true))
	ctx, cancel := context.WithTimeout(k.halt, operationTimeout)
	defer cancel()
	_ = k.fresh(ctx, r, func(ctx context.Context) error { return r.send(ctx, k.client) })
}

// anyone returns the incarnation of a node that runs, or else that of the first one
// that does; nil if none does.
func (c *Cluster) anyone(node *Node) *incarnation {
	if i := node.running(); i != nil {
		return i
	}
	for _, n := range c.nodes {
		if i := n.running(); i != nil {
			return i
		}
	}
	return nil
}

// bites asks the rules of a kind about a request, and returns the time that the one
// that bites lets pass.
func (k *caller) bites(kind plan.FaultKind, r request) (*fault, time.Duration) {
	e := trace.Event{Fields: r.fields}
	f, draw := (*incarnation)(k).bites(kind, decision{
		op: r.do, namespace: e.Str("namespace"), task: e.Str("task"), unit: e.Str("unit"),
	}, append([]trace.Field{trace.Str("op", r.do)}, r.fields...)...)
	if f == nil {
		return nil, 0
	}
	return f, f.wait(draw)
}

// pause lets the node's time pass.
func (k *caller) pause(ctx context.Context, d time.Duration) error {
	timer := k.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outcomeOf is the outcome that an ack tells: a node that has restarted may come to
// another one than it had before.
func (k *caller) outcomeOf(do string, fields []trace.Field, success bool, message string) (bool, string) {
	if (*incarnation)(k).number < 2 || !success {
		return success, message
	}
	if f, _ := k.bites(taskplan.AckFlip, request{do: do, fields: fields}); f != nil {
		return false, "another outcome as planned"
	}
	return success, message
}
