package timeline

import (
	"fmt"
	"slices"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tracecheck"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// memoryProjector projects what schedulers remember.
type memoryProjector struct {
	changes
	check   *tracecheck.Observer
	watched map[trace.Kind]bool
	// nodes are the state parts of nodes.
	nodes map[string]string
	// of maps operations to their tasks.
	of map[int64]taskevent.Key
}

func newMemoryProjector(tl *Timeline) *memoryProjector {
	p := &memoryProjector{
		changes: newChanges(), check: tracecheck.New(tl.plan), watched: make(map[trace.Kind]bool),
		nodes: make(map[string]string), of: make(map[int64]taskevent.Key),
	}
	for _, kind := range tracecheck.Kinds() {
		p.watched[kind] = true
	}
	for _, l := range tl.Lanes {
		p.nodes[l.Name] = path("node", l.Name)
	}
	return p
}

// observe projects the memories that an event changes.
func (p *memoryProjector) observe(e *trace.Event, _ bool) {
	if p.e = e; !p.watched[e.Kind] || len(p.nodes) == 0 {
		return
	}
	p.check.Observe(*e)
	if p.nodes[e.Node] == "" {
		return
	}
	switch b := e.Body.(type) {
	case *event.NodeStarted, *event.NodeStopped:
		p.clear(p.nodes[e.Node])
	case *taskevent.Listed:
		p.listed(e.Node, b.Op)
	case *taskevent.ListFailed:
		p.listed(e.Node, b.Op)
	case *event.Called:
		p.of[b.Op] = taskOf(b)
		p.memory(e.Node, p.of[b.Op])
	case *event.Returned:
		p.memory(e.Node, p.of[b.Op])
		delete(p.of, b.Op)
	case *event.Proposed, *event.Committed, *taskevent.WorkStarted, *event.ClockSet, *event.FaultActivated:
	default:
		p.memory(e.Node, taskOf(b))
	}
}

// listed records what the scheduler of a node remembers of all tasks after its list; an
// operation's list is none of a scheduler.
func (p *memoryProjector) listed(node string, op trace.Opt[int64]) {
	if op.Set {
		return
	}
	for _, key := range p.check.Keys(node) {
		p.memory(node, taskevent.Key{Namespace: key[0], Task: key[1]})
	}
}

// memory records what the scheduler of a node remembers of a task. If the trace admits several
// memories, it records what they agree on.
func (p *memoryProjector) memory(node string, key taskevent.Key) {
	if key.Task == "" {
		return
	}
	part := p.nodes[node] + "/" + path("memory", key.Namespace, key.Task)
	all := p.check.Memories(node, key.Namespace, key.Task)
	switch m := agreed(all); {
	case len(all) == 0:
		p.set(part, "")
	case len(all) == 1:
		p.below(p.nodes[node], part, m.String())
	default:
		p.below(p.nodes[node], part, fmt.Sprintf("at least %s (one of %d)", m, len(all)))
	}
}

// agreed returns what all memories have in common: the least that each of them knows.
func agreed(all []reconcile.Memory) reconcile.Memory {
	if len(all) == 0 {
		return reconcile.Memory{}
	}
	m := all[0].Clone()
	for _, o := range all[1:] {
		if m.Version != o.Version {
			m = reconcile.Memory{Tried: m.Tried}
		} else {
			m.Seen = reconcile.Progress{
				Phase: min(m.Seen.Phase, o.Seen.Phase), TerminalUnits: min(m.Seen.TerminalUnits, o.Seen.TerminalUnits),
				ClaimedUnits:    min(m.Seen.ClaimedUnits, o.Seen.ClaimedUnits),
				PreparationAcks: min(m.Seen.PreparationAcks, o.Seen.PreparationAcks), PostAcks: min(m.Seen.PostAcks, o.Seen.PostAcks),
			}
			m.EffectPass = min(m.EffectPass, o.EffectPass)
			if m.Recovery != o.Recovery {
				m.Recovery = reconcile.RecoveryUnknown
			}
			m.Done &= o.Done
			m.Prepared, m.Completed = common(m.Prepared, o.Prepared), common(m.Completed, o.Completed)
		}
		m.Tried = common(m.Tried, o.Tried)
	}
	return m
}

func common[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(v T) bool { return !slices.Contains(b, v) })
}
