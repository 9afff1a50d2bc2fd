package timeline

import (
	"fmt"
	"slices"

	"dtsim/scenarios/tracecheck"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
)

// memoryProjector projects what schedulers remember.
type memoryProjector struct {
	changes
	check   *tracecheck.Observer
	watched map[trace.Kind]bool
	// nodes are the state parts of nodes.
	nodes map[string]string
	// of maps operations to their tasks.
	of map[int64][2]string
}

func newMemoryProjector(tl *Timeline) *memoryProjector {
	p := &memoryProjector{
		changes: newChanges(), check: tracecheck.New(tl.plan), watched: make(map[trace.Kind]bool),
		nodes: make(map[string]string), of: make(map[int64][2]string),
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
	switch e.Kind {
	case trace.NodeStarted, trace.NodeStopped:
		p.clear(p.nodes[e.Node])
	case trace.Listed, trace.ListFailed:
		if _, operator := e.Get("op"); operator {
			return
		}
		for _, key := range p.check.Keys(e.Node) {
			p.memory(e.Node, key)
		}
	case trace.Called:
		p.of[e.Int("op")] = [2]string{e.Str("namespace"), e.Str("task")}
		p.memory(e.Node, p.of[e.Int("op")])
	case trace.Returned:
		p.memory(e.Node, p.of[e.Int("op")])
		delete(p.of, e.Int("op"))
	case trace.Proposed, trace.Committed, trace.WorkStarted, trace.ClockSet, trace.FaultActivated:
	default:
		p.memory(e.Node, [2]string{e.Str("namespace"), e.Str("task")})
	}
}

// memory records what the scheduler of a node remembers of a task. If the trace admits several
// memories, it records what they agree on.
func (p *memoryProjector) memory(node string, key [2]string) {
	if key[1] == "" {
		return
	}
	part := p.nodes[node] + "/" + path("memory", key[0], key[1])
	all := p.check.Memories(node, key[0], key[1])
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
