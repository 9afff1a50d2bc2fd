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

// turnedMessage is what an ack says that a fault has turned.
const turnedMessage = "another outcome as planned"

// step keeps the minds that have decided what an event shows.
func (o *Observer) step(e *trace.Event, n *node, seen string, f func(mind) []mind) bool {
	l := o.line(e, n, keyOf(e))
	if l == nil {
		return false
	}
	l.noted(o.seq)
	all, ok := l.closure()
	if !ok {
		o.alive(l)
		return false
	}
	var kept []mind
	for _, m := range all {
		kept = append(kept, f(m)...)
	}
	if len(kept) == 0 {
		l.lost = true
		o.gap(e.At, n.name, l.key, l.recent, "%s, and the model would have allowed: %s", seen, allowed(all))
		return false
	}
	l.minds = kept
	o.counts["bridge/steps"]++
	return true
}

// about says whether a mind has an action of a kind on a version under way, which has
// begun or not.
func (m *mind) about(begun bool, version uint64, kinds ...reconcile.Kind) bool {
	return m.busy && m.begun == begun && !m.ended && m.action.Version == version && slices.Contains(kinds, m.action.Kind)
}

// acted takes in what providers tell of what schedulers do.
func (o *Observer) acted(e *trace.Event, n *node) {
	version, k := versionOf(e), keyOf(e)
	if _, ok := o.caps[k.namespace]; !ok {
		o.gap(e.At, n.name, k, nil, "%s of a namespace without a provider", e.Kind)
		return
	}
	switch e.Kind {
	case trace.StartAsked:
		n.touched(k, version)
		o.step(e, n, word("Start", version), func(m mind) []mind {
			ok := m.about(false, version, reconcile.Start)
			m.begun = true
			return only(m, ok)
		})
	case trace.HandleStarted:
		id := e.Int("handle")
		n.live[id], n.of[id] = fsm.TaskDescriptor{ID: k.id, Version: version}, k
		o.step(e, n, word("the end of Start", version), func(m mind) []mind {
			ok := m.about(true, version, reconcile.Start)
			m.ended, m.outcome, m.handle = true, reconcile.Outcome{}, id
			return only(m, ok)
		})
	case trace.HandleExited:
		if l := o.line(e, n, k); l != nil {
			l.gone[e.Int("handle")] = e.At
			l.noted(o.seq)
		}
		delete(n.live, e.Int("handle"))
		n.stopped[version] = e.At
	case trace.HandleTerminated:
		o.terminated(e, n)
	case trace.RecoveryAsked:
		o.step(e, n, word("AskRecovered", version), func(m mind) []mind {
			ok := m.about(false, version, reconcile.AskRecovered)
			m.begun, m.ended, m.outcome = true, true, reconcile.Outcome{Answer: e.Bool("done")}
			return only(m, ok)
		})
	case trace.WorkStarted:
		n.surely(k, version, e.At)
	case trace.LocalStateRemoved:
		superseded := true
		o.step(e, n, word("CleanLocal", version), func(m mind) []mind {
			ok := m.about(false, version, reconcile.CleanLocal)
			if ok && m.current.view.Present && m.current.view.Task.Version <= version {
				superseded = false // that OnTaskCompleted has ended stays noted
			}
			m.begun, m.ended, m.outcome = true, true, reconcile.Outcome{}
			return only(m, ok)
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

// terminated takes in that a worker was told to stop. Whoever is closing tells all.
func (o *Observer) terminated(e *trace.Event, n *node) {
	version, id := versionOf(e), e.Int("handle")
	o.step(e, n, word("Terminate", version), func(m mind) []mind {
		i := slices.IndexFunc(m.handles, func(h hand) bool { return h.version == version })
		if i < 0 || m.handles[i].id != id {
			return only(m, n.closing) // by the scheduler that closes, on a handle it has just got
		}
		var all []mind
		if m.about(false, version, reconcile.Terminate) {
			d := m
			d.begun, d.ended, d.outcome = true, true, reconcile.Outcome{}
			all = append(all, d)
		}
		if n.closing {
			m.handles = slices.Clone(m.handles)
			m.handles[i].terminated = true
			all = append(all, m)
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
	o.step(e, n, word(seen, version)+" in "+string(status), func(m mind) []mind {
		a := m.action
		if !m.about(ends, version, kinds...) || a.Group != group || !slices.Equal(a.Units, units) || m.current.view.Task.Status != status {
			return nil
		}
		if !ends {
			m.begun = true
			return []mind{m}
		}
		m.ended = true
		var all []mind
		for _, outcome := range outcomes(e.Str("error")) {
			m.outcome = outcome
			all = append(all, m)
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

// deeds are the calls of schedulers.
var deeds = map[string]reconcile.Kind{
	"ack-preparation": reconcile.AckPreparation, "ack-swap": reconcile.AckPost,
	"finalize-task": reconcile.Finalize, "clean-up-task": reconcile.CleanRecord,
}

// called takes in a call: of a scheduler, which must have decided it, of a worker, of a
// callback, or of somebody else.
func (o *Observer) called(e *trace.Event, n *node) {
	c := o.senders.called(e, n)
	kind, deed := deeds[c.do]
	switch {
	case c.operator: // may do as it likes
	case c.resent:
		if !o.senders.repeats(c) {
			o.gap(e.At, n.name, c.key, nil, "%s is made again, and never was made before", c.do)
		}
	case deed:
		o.decided(e, n, c, kind)
	case reports[c.do]:
		c.known = n.works(c)
		if !c.known {
			o.gap(e.At, n.name, c.key, nil, "%s of unit %s of version %d, and no worker of it is alive here", c.do, c.unit, c.version)
		}
	case tells[c.do] != nil:
		l := o.line(e, n, c.key)
		c.known = o.step(e, n, word(c.do, c.version), func(m mind) []mind {
			return only(m, m.about(true, c.version, tells[c.do]...))
		})
		c.unsaid = l == nil || l.crowded
	default:
		o.gap(e.At, n.name, c.key, nil, "%s is a call of nobody", c.do)
	}
}

// decided holds a call of a scheduler against what it can have decided.
func (o *Observer) decided(e *trace.Event, n *node, c *call, kind reconcile.Kind) {
	l := o.line(e, n, c.key)
	turned := l != nil && l.turned
	seen := word(kind.String(), c.version)
	if kind == reconcile.AckPreparation || kind == reconcile.AckPost {
		seen += " success=" + e.Str("success")
	}
	ok := o.step(e, n, seen, func(m mind) []mind {
		if !m.about(false, c.version, kind) {
			return nil
		}
		message := m.action.Message
		if m.action.Success != c.success {
			if !turned || c.success {
				return nil
			}
			message = turnedMessage
		}
		if !slices.Contains(c.messages, message) {
			c.messages = append(c.messages, message)
		}
		m.begun, m.op = true, c.op
		return []mind{m}
	})
	c.known, c.unsaid = ok, l == nil || l.crowded
	if l != nil {
		l.held, l.turned = false, false
	}
}

// returned takes in the outcome of a call.
func (o *Observer) returned(e *trace.Event, n *node) {
	c := o.senders.calls[e.Int("op")]
	if c == nil || c.operator || c.resent || c.node != n.name {
		return
	}
	if _, deed := deeds[c.do]; !deed {
		return
	}
	about := *e
	about.Fields = c.fields
	outcome := reconcile.Outcome{Err: e.Str("error")}
	if e.Str("outcome") != "ok" {
		outcome.Result = reconcile.Failed
	}
	o.step(&about, n, word("the end of "+c.do, c.version), func(m mind) []mind {
		ok := m.busy && m.begun && !m.ended && m.op == c.op
		m.ended, m.outcome = true, outcome
		return only(m, ok)
	})
}

// works says that a worker of a call's run is alive on the node.
func (n *node) works(c *call) bool {
	for id, run := range n.live {
		if n.of[id] == c.key && run.Version == c.version {
			return true
		}
	}
	return false
}

func only(m mind, ok bool) []mind {
	if ok {
		return []mind{m}
	}
	return nil
}

func word(what string, version uint64) string { return fmt.Sprintf("%s v%d", what, version) }
