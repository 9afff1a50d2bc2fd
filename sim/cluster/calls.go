package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// operationTimeout bounds a call that has no other bound.
const operationTimeout = 20 * time.Second

// Call is a call of a client, a server or whatever else runs on a node. It can be made on
// any incarnation, any number of times.
type Call struct {
	// Do is its name, as in the trace; the op of faults of calls.
	Do string
	// About is what it is about, Details are that in the trace.
	About   About
	Details []trace.Field
	// Moment is reached when the call is about to be made; "" for none.
	Moment plan.Moment
	// Send makes the call on an incarnation.
	Send func(context.Context, *Incarnation) error
	// Errors interprets its errors.
	Errors Errors
}

// Errors interprets the errors of an application's calls, and makes those with which the
// faults of a plan let calls fail.
type Errors interface {
	// Outcome classifies, for the caller, a call that returned err: one of the outcomes
	// of event.Returned, and the verdict of a rejection as its caller recognises it.
	Outcome(err error) (outcome, verdict string)
	// NotSent wraps the reason why a call had no effect; Unknown, why its caller has
	// no evidence whether it had one.
	NotSent(reason error) error
	Unknown(reason error) error
}

// Resent is the key of the detail of a call that a fault makes again, or late: nothing waits
// for it.
const Resent = "resent"

// callNumber is the key under which a context holds the number of a call.
type callNumber struct{}

// CallNumber returns the number under which the call that ctx belongs to stands in the
// trace.
func CallNumber(ctx context.Context) (int64, bool) {
	n, ok := ctx.Value(callNumber{}).(int64)
	return n, ok
}

// NextCall returns a number that no call of the run has.
func (c *Cluster) NextCall() int64 { return c.calls.Add(1) - 1 }

// Call makes a call as the faults of the plan have it, and records it. What its caller
// learns may be little, and is true.
func (i *Incarnation) Call(ctx context.Context, call Call) error {
	if a, ok := i.activated(plan.CallDelay, call); ok {
		if err := i.sleep(ctx, a.Wait()); err != nil {
			return call.Errors.NotSent(fmt.Errorf("%s: %w", call.Do, err))
		}
	}
	err := i.Attempt(ctx, i.cluster.NextCall(), call)
	if a, ok := i.activated(plan.CallTwice, call); ok {
		i.cluster.faults.after(a.Wait(), func() {
			if i.halt.Err() == nil {
				i.resend(call)
			}
		})
	}
	return err
}

// Attempt makes a call once, under a number of its own, with the faults that decide what
// becomes of it.
func (i *Incarnation) Attempt(ctx context.Context, number int64, call Call) error {
	return i.numbered(ctx, number, call, func(ctx context.Context) error { return i.send(ctx, call) })
}

// numbered records a call between its two events.
func (i *Incarnation) numbered(ctx context.Context, number int64, call Call, f func(context.Context) error) error {
	i.Emit(&event.Called{Op: number, Do: call.Do, Details: call.Details})
	if call.Moment != "" && !i.Fenced() {
		i.Reach(call.Moment, call.About)
	}
	if i.Fenced() {
		return context.Canceled // it crashed on the way to the call
	}
	err := f(context.WithValue(ctx, callNumber{}, number))
	i.Emit(returned(number, call, err))
	return err
}

// NotCalled records a call that was not made since its node is down.
func (c *Cluster) NotCalled(number int64, call Call, err error) {
	c.emit(&event.Called{Op: number, Do: call.Do, Details: call.Details})
	c.emit(returned(number, call, err))
}

// returned is the event of the end of a call.
func returned(number int64, call Call, err error) *event.Returned {
	outcome, class := call.Errors.Outcome(err)
	r := &event.Returned{Op: number, Do: call.Do, Outcome: outcome, Class: class}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// send makes a call, or not, and returns what its caller learns of that.
func (i *Incarnation) send(ctx context.Context, call Call) error {
	if _, ok := i.activated(plan.CallError, call); ok {
		return call.Errors.NotSent(fmt.Errorf("%s fails as planned", call.Do))
	}
	if _, ok := i.activated(plan.CallLoss, call); ok {
		return call.Errors.Unknown(fmt.Errorf("%s is lost as planned", call.Do))
	}
	if a, ok := i.activated(plan.CallLate, call); ok {
		c, node := i.cluster, i.node
		c.faults.after(a.Wait(), func() {
			if other := c.anyone(node); other != nil {
				other.resend(call)
			}
		})
		return call.Errors.Unknown(fmt.Errorf("%s is late as planned", call.Do))
	}
	err := call.Send(ctx, i)
	if outcome, _ := call.Errors.Outcome(err); outcome == event.OK || outcome == event.Rejected {
		if _, ok := i.activated(plan.ReplyError, call); ok {
			return call.Errors.Unknown(fmt.Errorf("%s has no answer as planned", call.Do))
		}
	}
	return err
}

// resend makes a call that nothing waits for. Its outcome is in the trace.
func (i *Incarnation) resend(call Call) {
	call.Details = append(slices.Clone(call.Details), trace.Bool(Resent, true))
	ctx, cancel := context.WithTimeout(i.halt, operationTimeout)
	defer cancel()
	_ = i.numbered(ctx, i.cluster.NextCall(), call, func(ctx context.Context) error { return call.Send(ctx, i) })
}

// anyone returns the incarnation of a node that runs, or else that of the first node that
// does; nil if none does.
func (c *Cluster) anyone(node *Node) *Incarnation {
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

// activated evaluates the rules of a kind for a call.
func (i *Incarnation) activated(kind plan.FaultKind, call Call) (Activation, bool) {
	return i.Activated(kind, Decision{Op: call.Do, About: call.About}, append([]trace.Field{trace.Str("op", call.Do)}, call.Details...)...)
}

// sleep lets the node's time pass.
func (i *Incarnation) sleep(ctx context.Context, d time.Duration) error {
	timer := i.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
