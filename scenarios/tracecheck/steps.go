package tracecheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
)

// interrupted stands in an error that wraps context.Canceled.
const interrupted = "context canceled"

// flippedMessage is the message of an ack whose outcome a fault has turned.
const flippedMessage = "another outcome as planned"

// step keeps the hypotheses under which an event shows what was decided.
func (o *Observer) step(e *trace.Event, n *node, seen string, f func(hypothesis) []hypothesis) bool {
	t := o.track(e, n, keyOf(e))
	if t == nil {
		return false
	}
	t.noted(o.seq)
	before, ok := t.keep(f)
	if !ok {
		o.diverged(e.At, n.name, t.key, t.recent, "%s, and the model would have allowed: %s", seen, allowed(before))
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
func (o *Observer) acted(e *trace.Event, n *node) {
	version, k := versionOf(e), keyOf(e)
	if _, ok := o.caps[k.namespace]; !ok {
		o.diverged(e.At, n.name, k, nil, "%s of a namespace without a provider", e.Kind)
		return
	}
	switch e.Kind {
	case trace.StartAsked:
		n.touched(k, version)
		o.step(e, n, ofRun("Start", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.Start)
			h.begun = true
			return only(h, ok)
		})
	case trace.HandleStarted:
		id := handleOf(e)
		n.live[id], n.of[id] = fsm.TaskDescriptor{ID: k.id, Version: version}, k
		o.step(e, n, ofRun("the end of Start", version), func(h hypothesis) []hypothesis {
			ok := h.at(true, version, reconcile.Start)
			h.ended, h.outcome = true, reconcile.Outcome{Handle: id}
			return only(h, ok)
		})
	case trace.HandleExited:
		if t := o.track(e, n, k); t != nil {
			t.gone[handleOf(e)] = e.At
			t.noted(o.seq)
		}
		delete(n.live, handleOf(e))
		n.stopped[version] = e.At
	case trace.HandleTerminated:
		o.terminated(e, n)
	case trace.RecoveryAsked:
		o.step(e, n, ofRun("AskRecovered", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.AskRecovered)
			h.begun, h.ended, h.outcome = true, true, reconcile.Outcome{Answer: e.Bool("done")}
			return only(h, ok)
		})
	case trace.WorkStarted:
		n.surely(k, version, e.At)
	case trace.LocalStateRemoved:
		superseded := true
		o.step(e, n, ofRun("CleanLocal", version), func(h hypothesis) []hypothesis {
			ok := h.at(false, version, reconcile.CleanLocal)
			if v := h.decides.Current; ok && v.View.Present && v.View.Task.Version <= version {
				superseded = false // that OnTaskCompleted has ended stays noted
			}
			h.begun, h.ended, h.outcome = true, true, reconcile.Outcome{}
			return only(h, ok)
		})
		if superseded {
			n.removed(k, version, e.At)
		} else {
			n.doubtful(k, version)
		}
	case trace.CallbackStarted, trace.CallbackEnded:
		if e.Str("callback") == "OnTaskCompleted" {
			n.touched(k, version)
		}
		o.callback(e, n)
	}
}

// terminated takes in that a worker was terminated. A scheduler that is closing terminates
// all of them.
func (o *Observer) terminated(e *trace.Event, n *node) {
	version, id := versionOf(e), handleOf(e)
	o.step(e, n, ofRun("Terminate", version), func(h hypothesis) []hypothesis {
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

// callback takes in the beginning or the end of a callback.
func (o *Observer) callback(e *trace.Event, n *node) {
	version, group, status := versionOf(e), e.Str("group"), fsm.TaskStatus(e.Str("status"))
	kinds := map[string][]reconcile.Kind{
		"OnGroupCompleted": {reconcile.Prepare, reconcile.CompleteGroup},
		"OnSwapRequested":  {reconcile.Swap},
		"OnTaskCompleted":  {reconcile.CompleteTask},
	}[e.Str("callback")]
	var units []string
	if list := e.Str("units"); list != "" && json.Unmarshal([]byte(list), &units) != nil {
		units = nil
	}
	ends := e.Kind == trace.CallbackEnded
	seen := e.Str("callback")
	if ends {
		seen = "the end of " + seen
	}
	if group != "" {
		seen += " of group " + group
	}
	o.step(e, n, ofRun(seen, version)+" in "+string(status), func(h hypothesis) []hypothesis {
		a := h.action()
		if !h.at(ends, version, kinds...) || a.Group != group || !slices.Equal(a.Units, units) || h.decides.Current.View.Task.Status != status {
			return nil
		}
		if !ends {
			h.begun = true
			return []hypothesis{h}
		}
		h.ended = true
		var all []hypothesis
		for _, outcome := range outcomes(e.Str("error")) {
			h.outcome = outcome
			all = append(all, h)
		}
		return all
	})
}

// outcomes are what an error can mean.
func outcomes(err string) []reconcile.Outcome {
	switch {
	case err == "":
		return []reconcile.Outcome{{}}
	case strings.Contains(err, interrupted):
		return []reconcile.Outcome{{Result: reconcile.Cancelled, Err: err}, {Result: reconcile.Failed, Err: err}}
	}
	return []reconcile.Outcome{{Result: reconcile.Failed, Err: err}}
}

// schedulerCalls are the calls of schedulers.
var schedulerCalls = map[string]reconcile.Kind{
	"ack-preparation": reconcile.AckPreparation, "ack-swap": reconcile.AckPost,
	"finalize-task": reconcile.Finalize, "clean-up-task": reconcile.CleanRecord,
}

// called takes in a call: of a scheduler, which must have decided it, of a worker, of a
// callback, or of an operator.
func (o *Observer) called(e *trace.Event, n *node) {
	c := o.calls.called(e, n)
	kind, decides := schedulerCalls[c.do]
	switch {
	case c.operator: // is bound to nothing
	case c.resent:
		if !o.calls.repeats(c) {
			o.diverged(e.At, n.name, c.key, nil, "%s is made again, and never was made before", c.do)
		}
	case decides:
		o.decided(e, n, c, kind)
	case workerCalls[c.do]:
		c.explained = n.works(c)
		if !c.explained {
			o.diverged(e.At, n.name, c.key, nil, "%s of unit %s of version %d, and no worker of it is alive here", c.do, c.unit, c.version)
		}
	case callbackCalls[c.do] != nil:
		t := o.track(e, n, c.key)
		c.explained = o.step(e, n, ofRun(c.do, c.version), func(h hypothesis) []hypothesis {
			return only(h, h.at(true, c.version, callbackCalls[c.do]...))
		})
		c.undetermined = t == nil || t.overflowed
	default:
		o.diverged(e.At, n.name, c.key, nil, "%s is a call that no part of the model makes", c.do)
	}
}

// decided checks a call of a scheduler against what it can have decided.
func (o *Observer) decided(e *trace.Event, n *node, c *call, kind reconcile.Kind) {
	t := o.track(e, n, c.key)
	flipped := t != nil && t.ackFlipped
	seen := ofRun(kind.String(), c.version)
	if kind == reconcile.AckPreparation || kind == reconcile.AckPost {
		seen += " success=" + e.Str("success")
	}
	ok := o.step(e, n, seen, func(h hypothesis) []hypothesis {
		if !h.at(false, c.version, kind) {
			return nil
		}
		a := h.action()
		message := a.Message
		if a.Success != c.success {
			if !flipped || c.success {
				return nil
			}
			message = flippedMessage
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
func (o *Observer) returned(e *trace.Event, n *node) {
	c := o.calls.byOp[e.Int("op")]
	if c == nil || c.operator || c.resent || c.node != n.name {
		return
	}
	if _, decides := schedulerCalls[c.do]; !decides {
		return
	}
	about := *e
	about.Fields = c.fields
	outcome := reconcile.Outcome{Err: e.Str("error")}
	if e.Str("outcome") != "ok" {
		outcome.Result = reconcile.Failed
	}
	o.step(&about, n, ofRun("the end of "+c.do, c.version), func(h hypothesis) []hypothesis {
		ok := h.begun && !h.ended && h.op == c.op
		h.ended, h.outcome = true, outcome
		return only(h, ok)
	})
}

// works reports whether a worker of a call's run is alive on the node.
func (n *node) works(c *call) bool {
	for id, run := range n.live {
		if n.of[id] == c.key && run.Version == c.version {
			return true
		}
	}
	return false
}

// ofRun names something of a version.
func ofRun(what string, version uint64) string { return fmt.Sprintf("%s v%d", what, version) }

// handleOf returns the number of the handle that an event is about.
func handleOf(e *trace.Event) uint64 { return uint64(e.Int("handle")) }
