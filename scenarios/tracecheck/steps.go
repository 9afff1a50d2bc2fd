package tracecheck

import (
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// step keeps the hypotheses under which an event about a key shows what was decided.
func (o *Observer) step(n *node, k key, seen string, f func(hypothesis) []hypothesis) bool {
	t := o.track(n, k)
	if t == nil {
		return false
	}
	t.noted(o.seq)
	before, ok := t.keep(f)
	if !ok {
		o.diverged(n.name, t.key, t.recent, "%s, and the model would have allowed: %s", seen, allowed(before))
		return false
	}
	if o.followed(t) == nil {
		return false
	}
	o.counts["tracecheck/steps"]++
	return true
}

// at reports whether an action of a kind on a version is under way, which has begun or not.
func (h *hypothesis) at(begun bool, version uint64, kinds ...reconcile.Kind) bool {
	a := h.action()
	return h.begun == begun && !h.ended && a.Version == version && slices.Contains(kinds, a.Kind)
}

// acted takes in the events of providers that show what schedulers do.
func (o *Observer) acted(n *node, b trace.Body) {
	run := taskevent.RunOf(b)
	version, k := run.Version, run.Key()
	if _, ok := o.caps[k.Namespace]; !ok {
		o.diverged(n.name, k, nil, "%s of a namespace without a provider", b.Kind())
		return
	}
	switch b := b.(type) {
	case *taskevent.StartAsked:
		n.touched(k, version)
		o.step(n, k, ofRun("Start", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.Start)
			h.begun = true
			return only(h, ok)
		})
	case *taskevent.HandleStarted:
		id := uint64(b.Number)
		n.live[id] = run
		o.step(n, k, ofRun("the end of Start", version), func(h hypothesis) []hypothesis {
			ok := h.at(true, version, reconcile.Start)
			h.ended, h.outcome = true, reconcile.Outcome{Handle: id}
			return only(h, ok)
		})
	case *taskevent.HandleExited:
		if t := o.track(n, k); t != nil {
			t.gone[uint64(b.Number)] = o.now
			t.noted(o.seq)
		}
		delete(n.live, uint64(b.Number))
		n.stopped[version] = o.now
	case *taskevent.HandleTerminated:
		o.terminated(n, b)
	case *taskevent.RecoveryAsked:
		o.step(n, k, ofRun("AskRecovered", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.AskRecovered)
			h.begun, h.ended, h.outcome = true, true, reconcile.Outcome{Answer: b.Done}
			return only(h, ok)
		})
	case *taskevent.WorkStarted:
		n.surely(k, version, o.now)
	case *taskevent.LocalStateRemoved:
		superseded := true
		o.step(n, k, ofRun("CleanLocal", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.CleanLocal)
			if v := h.decides.Current; ok && v.View.Present && v.View.Task.Version <= version {
				superseded = false // that OnTaskCompleted has ended stays noted
			}
			h.begun, h.ended, h.outcome = true, true, reconcile.Outcome{}
			return only(h, ok)
		})
		if superseded {
			n.removed(k, version, o.now)
		} else {
			n.doubtful(k, version)
		}
	case *taskevent.CallbackStarted:
		o.callback(n, &b.Callback, nil)
	case *taskevent.CallbackEnded:
		o.callback(n, &b.Callback, outcomes(b))
	}
}

// terminated takes in that a worker was terminated. A scheduler that is closing terminates
// all of them.
func (o *Observer) terminated(n *node, b *taskevent.HandleTerminated) {
	version, id := b.Version, uint64(b.Number)
	o.step(n, b.Key(), ofRun("Terminate", version), func(h hypothesis) []hypothesis {
		if h.handle(version).ID != id {
			return only(h, n.closing) // by the scheduler that closes, on a handle it has just got
		}
		var all []hypothesis
		if h.at(false, version, reconcile.Terminate) {
			d := h
			d.begun, d.ended, d.outcome = true, true, reconcile.Outcome{}
			all = append(all, d)
		}
		if n.closing {
			h.decides.Terminated(version)
			all = append(all, h)
		}
		return all
	})
}

// callbackKinds are the actions that make a callback.
var callbackKinds = map[string][]reconcile.Kind{
	taskevent.GroupCompleted: {reconcile.Prepare, reconcile.CompleteGroup},
	taskevent.SwapRequested:  {reconcile.Swap},
	taskevent.TaskCompleted:  {reconcile.CompleteTask},
}

// callback takes in the beginning of a callback, or its end with what that can mean.
func (o *Observer) callback(n *node, b *taskevent.Callback, ended []reconcile.Outcome) {
	if b.Name == taskevent.TaskCompleted {
		n.touched(b.Key(), b.Version)
	}
	units, err := b.UnitIDs()
	if err != nil {
		units = nil
	}
	seen := b.Name
	if ended != nil {
		seen = "the end of " + seen
	}
	if b.Group != "" {
		seen += " of group " + b.Group
	}
	o.step(n, b.Key(), ofRun(seen, b.Version)+" in "+string(b.Status), func(h hypothesis) []hypothesis {
		a := h.action()
		if !h.at(ended != nil, b.Version, callbackKinds[b.Name]...) || a.Group != b.Group || !slices.Equal(a.Units, units) ||
			h.decides.Current.View.Task.Status != fsm.TaskStatus(b.Status) {
			return nil
		}
		if ended == nil {
			h.begun = true
			return []hypothesis{h}
		}
		h.ended = true
		var all []hypothesis
		for _, h.outcome = range ended {
			all = append(all, h)
		}
		return all
	})
}

// outcomes are what the end of a callback can mean. A trace of old has no result, and its
// words may be those of a failure, too.
func outcomes(b *taskevent.CallbackEnded) []reconcile.Outcome {
	failed := reconcile.Outcome{Result: reconcile.Failed, Err: b.Error}
	interrupted := reconcile.Outcome{Result: reconcile.Cancelled, Err: b.Error}
	switch {
	case b.Error == "":
		return []reconcile.Outcome{{}}
	case !b.Interrupted():
		return []reconcile.Outcome{failed}
	case b.Result == "":
		return []reconcile.Outcome{interrupted, failed}
	}
	return []reconcile.Outcome{interrupted}
}

// schedulerCalls are the calls of schedulers.
var schedulerCalls = map[string]reconcile.Kind{
	taskevent.AckPreparation: reconcile.AckPreparation, taskevent.AckSwap: reconcile.AckPost,
	taskevent.FinalizeTask: reconcile.Finalize, taskevent.CleanUpTask: reconcile.CleanRecord,
}

// called takes in a call: of a scheduler, which must have decided it, of a worker, of a
// callback, or of an operator.
func (o *Observer) called(n *node, e *event.Called) {
	c := o.calls.called(e, n.name, n)
	k := c.Key()
	kind, decides := schedulerCalls[c.do]
	switch {
	case c.operator: // is bound to nothing
	case c.resent:
		if !o.calls.repeats(c) {
			o.diverged(n.name, k, nil, "%s is made again, and never was made before", c.do)
		}
	case decides:
		o.decided(n, c, kind)
	case workerCalls[c.do]:
		c.explained = n.works(c)
		if !c.explained {
			o.diverged(n.name, k, nil, "%s of unit %s of version %d, and no worker of it is alive here", c.do, c.Unit, c.version())
		}
	case callbackCalls[c.do] != nil:
		t := o.track(n, k)
		c.explained = o.step(n, k, ofRun(c.do, c.version()), func(h hypothesis) []hypothesis {
			return only(h, h.at(true, c.version(), callbackCalls[c.do]...))
		})
		c.undetermined = t == nil || t.overflowed
	default:
		o.diverged(n.name, k, nil, "%s is a call that no part of the model makes", c.do)
	}
}

// decided checks a call of a scheduler against what it can have decided.
func (o *Observer) decided(n *node, c *call, kind reconcile.Kind) {
	t := o.track(n, c.Key())
	flipped := t != nil && t.ackFlipped
	seen := ofRun(kind.String(), c.version())
	if kind == reconcile.AckPreparation || kind == reconcile.AckPost {
		seen += fmt.Sprintf(" success=%t", c.Success.Value)
	}
	ok := o.step(n, c.Key(), seen, func(h hypothesis) []hypothesis {
		if !h.at(false, c.version(), kind) {
			return nil
		}
		a := h.action()
		message := a.Message
		if a.Success != c.Success.Value {
			if !flipped || c.Success.Value {
				return nil
			}
			message = taskevent.FlippedAck
		}
		if !slices.Contains(c.messages, message) {
			c.messages = append(c.messages, message)
		}
		h.begun, h.op = true, c.op
		return []hypothesis{h}
	})
	c.explained, c.undetermined = ok, t == nil || t.overflowed
	if t != nil {
		t.ackDelayed, t.ackFlipped = false, false
	}
}

// returned takes in the outcome of a call.
func (o *Observer) returned(n *node, e *event.Returned) {
	c := o.calls.byOp[e.Op]
	if c == nil || c.operator || c.resent || c.node != n.name {
		return
	}
	if _, decides := schedulerCalls[c.do]; !decides {
		return
	}
	outcome := reconcile.Outcome{Err: e.Error}
	if e.Outcome != event.OK {
		outcome.Result = reconcile.Failed
	}
	o.step(n, c.Key(), ofRun("the end of "+c.do, c.version()), func(h hypothesis) []hypothesis {
		ok := h.begun && !h.ended && h.op == c.op
		h.ended, h.outcome = true, outcome
		return only(h, ok)
	})
}

// works reports whether a worker of a call's run is alive on the node.
func (n *node) works(c *call) bool {
	for _, run := range n.live {
		if run == c.Run() {
			return true
		}
	}
	return false
}

// ofRun names something of a version.
func ofRun(what string, version uint64) string { return fmt.Sprintf("%s v%d", what, version) }
