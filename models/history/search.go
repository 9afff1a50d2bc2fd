package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"dtsim/models/spec"
)

// The budget of a search, by task. It is counted, not timed, so that a verdict is the
// same on every machine. The memory of porcupine grows with the square of a task's
// operations: maxSearched of them are 200 MB.
const (
	stepsPerOp  = 50
	leastSteps  = 100_000
	maxSearched = 40_000
)

// Search judges a history by looking for an order, one task at a time.
func Search(h *History, rules *spec.Rules) Verdict {
	verdict := Legal
	for _, part := range partition(h, rules) {
		switch part.judge() {
		case Illegal:
			return Illegal
		case Unknown:
			verdict = Unknown
		}
	}
	return verdict
}

// part is what a history records of one task.
type part struct {
	name  name
	rules *spec.Rules
	// begins holds the task as it was before all operations, if it was.
	begins   spec.Machine
	commands []*Op
	// reads are the lists; they are read-only, and many of them are equal.
	reads []*read
	// unplaceable is set if the version of some run is unknown.
	unplaceable bool
}

// read is what a list shows of one task.
type read struct {
	call, end int64
	digest    uint64
}

// partition cuts a history into tasks. Operations that never took effect are left out:
// they cannot be observed. A drop is part of every task that was ever bound to its
// collection, a list of every task.
func partition(h *History, rules *spec.Rules) []*part {
	parts := make(map[name]*part)
	begins := h.Beginning.begin(rules)
	at := func(n name) *part {
		if parts[n] == nil {
			parts[n] = &part{name: n, rules: rules, begins: begins.Alone(n.namespace, n.id)}
		}
		return parts[n]
	}
	var drops, lists []*Op
	unbound := spec.New(rules)
	bound := make(map[name][]string)
	for _, namespace := range begins.Namespaces() {
		for _, t := range begins.Tasks(namespace) {
			p := at(name{namespace, t.ID})
			if c, ok := unbound.Collection(namespace, t.Payload); ok {
				bound[p.name] = append(bound[p.name], c)
			}
		}
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		switch {
		case o.Kind == List && o.Outcome == OK:
			lists = append(lists, o)
			for _, s := range o.Shows {
				at(name{s.Namespace, s.ID})
			}
		case o.Kind == DropCollection && o.mayCount() && o.verdict() != string(spec.Retryable):
			drops = append(drops, o)
		case commands[o.Kind] == 0 || !o.mayCount():
		default:
			q := o.subject()
			p := at(name{q.Namespace, q.ID})
			p.commands = append(p.commands, o)
			if o.Kind == Add {
				p.unplaceable = p.unplaceable || o.Index == 0
				if c, ok := unbound.Collection(q.Namespace, q.Payload); ok {
					bound[p.name] = append(bound[p.name], c)
				}
			}
		}
	}
	all := make([]*part, 0, len(parts))
	for _, n := range sortedNames(parts) {
		p := parts[n]
		for _, d := range drops {
			if slices.ContainsFunc(bound[n], func(c string) bool { return strings.EqualFold(c, d.Collection) }) {
				p.commands = append(p.commands, d)
			}
		}
		all = append(all, p)
	}
	spread(all, lists)
	return all
}

// mayCount reports whether a command may have had an effect or an answer from the log.
func (o *Op) mayCount() bool {
	return o.Outcome == OK || o.Outcome == Rejected || !o.Never && (o.Outcome != NoEffect || o.Index != 0)
}

// spread gives every task its share of every list.
func spread(parts []*part, lists []*Op) {
	slices.SortStableFunc(lists, func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	type entry struct {
		list   int
		digest uint64
	}
	shown := make(map[name][]entry, len(parts))
	for i, o := range lists {
		for n, d := range o.contents() {
			shown[n] = append(shown[n], entry{i, d})
		}
	}
	for _, p := range parts {
		busy, entries := p.busy(), shown[p.name]
		var last *read       // the one that was kept last
		gap, lastGap := 0, 0 // how many busy times are over
		for i, o := range lists {
			r := read{call: o.Call, end: o.Return}
			if len(entries) > 0 && entries[0].list == i {
				r.digest, entries = entries[0].digest, entries[1:]
			}
			// Of lists at the same time of rest that show the same, one is enough.
			for gap < len(busy) && busy[gap].to < o.Call {
				gap++
			}
			resting := gap == len(busy) || busy[gap].from > o.Return
			if resting && last != nil && gap == lastGap && last.digest == r.digest {
				continue
			}
			kept := r
			p.reads = append(p.reads, &kept)
			if resting {
				last, lastGap = &kept, gap
			}
		}
	}
}

// span is a time without rest, both ends included.
type span struct{ from, to int64 }

// busy are the times at which some command of the task is under way, in order and
// apart.
func (p *part) busy() []span {
	slices.SortStableFunc(p.commands, func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	var all []span
	for _, o := range p.commands {
		if n := len(all); n > 0 && o.Call <= all[n-1].to {
			all[n-1].to = max(all[n-1].to, o.ended())
			continue
		}
		all = append(all, o.span())
	}
	return all
}

// judge looks for an order of what is known of a task: first for one in which every
// command takes effect when a replica first applied it, which is found at once if there
// is one, because commands can then trade places with lists alone. An order found so is
// an order; where there is none, it looks for any.
func (p *part) judge() Verdict {
	if p.unplaceable || len(p.commands)+len(p.reads) > maxSearched {
		return Unknown
	}
	if p.search((*Op).applied) == Legal {
		return Legal
	}
	return p.search((*Op).span)
}

// span is the time within which the operation took effect, by the answers of clients.
func (o *Op) span() span { return span{o.Call, o.ended()} }

// applied is the moment at which the operation took effect, if that is known and
// within its span.
func (o *Op) applied() span {
	if s := o.span(); o.AppliedAt < s.from || o.AppliedAt > s.to {
		return s
	}
	return span{o.AppliedAt, o.AppliedAt}
}

// search looks for an order in which every command takes effect within a time.
func (p *part) search(within func(*Op) span) Verdict {
	n := len(p.commands) + len(p.reads)
	operations := make([]porcupine.Operation, 0, n)
	for _, o := range p.commands {
		s := within(o)
		operations = append(operations, porcupine.Operation{Input: o, Call: s.from, Return: s.to})
	}
	for _, r := range p.reads {
		operations = append(operations, porcupine.Operation{Input: r, Call: r.call, Return: r.end})
	}
	steps, budget := 0, leastSteps+n*stepsPerOp
	model := porcupine.Model{
		Init: func() any { return p.begins },
		StepContext: func(_ context.Context, state, input, _ any) (bool, any) {
			if steps++; steps > budget {
				return false, state
			}
			return p.step(state.(spec.Machine), input)
		},
		// Digests stand for states.
		Equal: func(a, b any) bool { return a.(spec.Machine).Digest() == b.(spec.Machine).Digest() },
		Hash:  func(s any) uint64 { return s.(spec.Machine).Digest() },
	}
	switch {
	case porcupine.CheckOperations(model, operations):
		return Legal
	case steps > budget:
		return Unknown
	}
	return Illegal
}

// forEver is the verdict on a command that is bad in itself.
var forEver = spec.Verdict{Class: spec.Permanent, Reason: spec.InvalidCommand}

// unreadable reports whether the guards of its namespace cannot decode the payload of a
// new task; no other question is put to them here.
func (p *part) unreadable(o *Op) bool {
	q := o.subject()
	return spec.New(p.rules).Unreadable(q.Namespace, q.Payload)
}

// step applies an operation to a machine that holds this task alone. An unknown
// answer may be any. Whether a task may be added depends on other tasks and the schema
// too, so a refusal that is not for ever is always in order.
func (p *part) step(m spec.Machine, input any) (bool, spec.Machine) {
	switch o := input.(type) {
	case *read:
		return o.digest == digestOf(m, p.name), m
	case *Op:
		switch {
		case o.Kind == DropCollection:
			if o.verdict() == "" || o.accepted() {
				next, _ := m.WithRules(p.rules).DeleteTasksForCollection(o.Collection)
				return true, next.WithRules(nil)
			}
			return true, m
		case o.Kind == Add && o.verdict() == string(spec.Retryable):
			return true, m
		case o.Kind == Add && p.unreadable(o):
			return o.verdict() == "" || o.verdict() == forEver.String(), m
		}
		next, v := m.Step(o.Index, o.command())
		return o.verdict() == "" || o.verdict() == v.String(), next
	}
	return false, m
}
