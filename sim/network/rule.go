package network

import (
	"bytes"
	"slices"
	"time"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Effect is what a [Rule] does to a message.
type Effect uint8

const (
	// Lose loses the message.
	Lose Effect = iota
	// Cut loses it, too, because its link is cut.
	Cut
	// Delay lets it travel Min to Max longer.
	Delay
	// Duplicate lets it arrive again, Min to Max after the first time.
	Duplicate
	// Hold holds it back until the next message on its link has overtaken it, at most
	// for Max.
	Hold
)

// Rule disturbs the messages on some links.
type Rule struct {
	// Fault names the rule in the trace.
	Fault event.Fault
	// Draw is what the rule's draws are narrowed from, by the identity of the message.
	Draw   keyed.Draw
	Effect Effect
	// From and To are the ends of the links; none means any.
	From, To []string
	// Messages are their names as in the trace; none means all.
	Messages []string
	// Rate is how many in a million are disturbed; zero means all of them.
	Rate uint64
	// Count is how many are disturbed at most; zero means without bound.
	Count int
	// Min and Max bound the times that the effects are about.
	Min, Max time.Duration
}

// rule is a Rule in force.
type rule struct {
	Rule
	from, to    uint64 // bits by position of the node
	messages    uint64 // bits by nameOf
	activations int
}

// AddRule puts a rule in force for the messages sent from now on, and returns what
// ends it.
func (n *Network) AddRule(r Rule) (end func()) {
	added := &rule{Rule: r, from: n.bits(r.From), to: n.bits(r.To), messages: ^uint64(0)}
	if len(r.Messages) > 0 {
		added.messages = 0
		for k := range kinds {
			for _, reply := range []bool{false, true} {
				if slices.Contains(r.Messages, nameOf(kind(k), reply)) {
					added.messages |= bitOf(kind(k), reply)
				}
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules = append(n.rules, added)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.rules = remove(n.rules, added)
	}
}

// bits returns the set of positions of nodes; all of them for none. A name that is no
// node's is in no position.
func (n *Network) bits(names []string) (set uint64) {
	if len(names) == 0 {
		return ^uint64(0)
	}
	for _, name := range names {
		if i, ok := n.index[name]; ok {
			set |= 1 << i
		}
	}
	return set
}

// nameOf is the name of a message in the trace.
func nameOf(k kind, reply bool) string {
	if reply {
		return kinds[k].reply
	}
	return kinds[k].request
}

func bitOf(k kind, reply bool) uint64 { return 1 << (2*uint64(k) + truth(reply)) }

// disturbance is what rules decide about one message.
type disturbance struct {
	activations []activation
	lost        string          // why; "" if it is not
	again       []time.Duration // when it arrives again, after the first time
	held        bool
	most        time.Duration // for how long it is held
}

// activation is one effect, for the trace.
type activation struct {
	rule *rule
	by   time.Duration
}

// disturb lets the rules decide about a message. mu is held.
func (n *Network) disturb(f *fate, l *leg, from, to int, occurrence uint32) {
	for _, r := range n.rules {
		if r.from&(1<<from) == 0 || r.to&(1<<to) == 0 || r.messages&bitOf(l.kind, l.reply) == 0 || r.Count > 0 && r.activations >= r.Count {
			continue
		}
		draw := r.Draw.Str(n.config.Nodes[from]).Str(n.config.Nodes[to]).Int(l.id).Int(uint64(occurrence))
		if r.Rate > 0 && !draw.Str("rate").Chance(r.Rate) {
			continue
		}
		r.activations++
		if f.disturbed == nil {
			f.disturbed = new(disturbance)
		}
		d := f.disturbed
		by := draw.Str("wait").Duration(r.Min, r.Max)
		switch r.Effect {
		case Lose:
			d.lost, by = "lost", 0
		case Cut:
			d.lost, by = "cut", 0
		case Delay:
			f.latency += by
		case Duplicate:
			by = max(by, 1)
			d.again = append(d.again, by)
		case Hold:
			d.held, d.most, by = true, max(d.most, r.Max), 0
		}
		d.activations = append(d.activations, activation{r, by})
		if d.lost != "" {
			return
		}
	}
}

// carryOut applies what rules have decided, up to the sending of the message; false
// if it is not sent. The sending endpoint's lock is held.
func (n *Network) carryOut(l *leg, sender *Endpoint, to int, f *fate) bool {
	d := f.disturbed
	for _, a := range d.activations {
		n.recordActivation(l, sender, to, a)
	}
	if d.lost != "" {
		n.recordLost(l, sender, to, d.lost)
		l.done()
		return false
	}
	for _, by := range d.again {
		n.twin(l).timer.Reset(f.latency + by)
	}
	if d.held {
		f.latency += d.most
	}
	return true
}

// recordActivation records that a rule has disturbed a message.
func (n *Network) recordActivation(l *leg, sender *Endpoint, to int, a activation) {
	disturbance := event.Disturbance{Message: n.identify(l, to), By: a.by}
	n.config.Recorder.Record(time.Since(n.config.Start), sender.name, sender.incarnation,
		&event.FaultActivated{Fault: a.rule.Fault, Details: trace.FieldsOf(&disturbance)})
}

// twin returns a copy of a message that shares nothing that anybody may change.
func (n *Network) twin(l *leg) *leg {
	t := n.takeLeg()
	t.kind, t.reply, t.id, t.occurrence = l.kind, l.reply, l.id, l.occurrence
	t.caller, t.to, t.receiver, t.waits = l.caller, l.to, l.receiver, l.waits
	t.data, t.patience, t.response, t.err = bytes.Clone(l.data), l.patience, l.response, l.err
	if l.request != nil && !l.reply {
		t.request = clone(l.request, &t.space)
	}
	return t
}

// hold lets a message wait until it is overtaken; at the end of latency it arrives in
// any case.
func (n *Network) hold(l *leg, link *link, latency time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.held = true
	link.held = append(link.held, l)
	l.timer.Reset(latency)
}

// release lets the held messages arrive behind one that leaves now, unless that one is
// lost or held itself. The network's lock is held.
func (link *link) release(f *fate) {
	if d := f.disturbed; d != nil && (d.lost != "" || d.held) {
		return
	}
	for i, l := range link.held {
		if l.timer.Stop() { // else it is arriving, and takes itself off the list
			l.held = false
			l.timer.Reset(f.latency + time.Duration(i+1))
		}
	}
	link.held = slices.DeleteFunc(link.held, func(l *leg) bool { return !l.held })
}

// drop takes a message off the list of its link: it arrives without being overtaken.
func (n *Network) drop(l *leg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	from, to := l.caller.node, l.to
	if l.reply {
		from, to = to, from
	}
	link := &n.links[from][to]
	link.held = remove(link.held, l)
	l.held = false
}
