package story

import (
	"fmt"
	"slices"

	"dtsim/scenarios/tracecheck"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
)

// remember follows what schedulers remember.
type remember struct {
	changes
	bridge  *tracecheck.Observer
	watched map[trace.Kind]bool
	// nodes are the parts of nodes.
	nodes map[string]string
	// of are the tasks that calls are about.
	of map[int64][2]string
}

func newRemember(s *Story) *remember {
	r := &remember{
		changes: newChanges(), bridge: tracecheck.New(&s.Trace.Header.Plan), watched: make(map[trace.Kind]bool),
		nodes: make(map[string]string), of: make(map[int64][2]string),
	}
	for _, kind := range tracecheck.Kinds() {
		r.watched[kind] = true
	}
	for _, l := range s.Lanes {
		r.nodes[l.Name] = path("node", l.Name)
	}
	return r
}

// take tells what schedulers remember after an event.
func (r *remember) take(e *trace.Event, _ bool) {
	if r.e = e; !r.watched[e.Kind] || len(r.nodes) == 0 {
		return
	}
	r.bridge.Observe(*e)
	if r.nodes[e.Node] == "" {
		return
	}
	switch e.Kind {
	case trace.NodeStarted, trace.NodeStopped:
		r.clear(r.nodes[e.Node])
	case trace.Listed, trace.ListFailed:
		if _, operator := e.Get("op"); operator {
			return
		}
		for _, key := range r.bridge.Keys(e.Node) {
			r.memory(e.Node, key)
		}
	case trace.Called:
		r.of[e.Int("op")] = [2]string{e.Str("namespace"), e.Str("task")}
		r.memory(e.Node, r.of[e.Int("op")])
	case trace.Returned:
		r.memory(e.Node, r.of[e.Int("op")])
		delete(r.of, e.Int("op"))
	case trace.Proposed, trace.Committed, trace.WorkStarted, trace.ClockSet, trace.FaultBit:
	default:
		r.memory(e.Node, [2]string{e.Str("namespace"), e.Str("task")})
	}
}

// memory tells what the scheduler of a node remembers of a task. Where the trace leaves
// several memories open, it is what they agree on.
func (r *remember) memory(node string, key [2]string) {
	if key[1] == "" {
		return
	}
	part := r.nodes[node] + "/" + path("memory", key[0], key[1])
	all := r.bridge.Memories(node, key[0], key[1])
	switch m := agreed(all); {
	case len(all) == 0:
		r.set(part, "")
	case len(all) == 1:
		r.below(r.nodes[node], part, m.String())
	default:
		r.below(r.nodes[node], part, fmt.Sprintf("at least %s (one of %d)", m, len(all)))
	}
}

// agreed is what all memories have in common: what each of them knows at least.
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
