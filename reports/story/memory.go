package story

import (
	"fmt"
	"slices"

	"dtsim/sched/reconcile"
	"dtsim/sim/bridge"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// remember follows what schedulers remember.
type remember struct {
	bridge  *bridge.Observer
	watched map[trace.Kind]bool
	// of are the tasks that calls are about.
	of map[int64][2]string
}

func newRemember(p *plan.Plan) remember {
	r := remember{bridge: bridge.New(p), watched: make(map[trace.Kind]bool), of: make(map[int64][2]string)}
	for _, kind := range bridge.Kinds() {
		r.watched[kind] = true
	}
	return r
}

// recall tells what schedulers remember after the event.
func (t *teller) recall() {
	e := t.e
	if !t.remember.watched[e.Kind] {
		return
	}
	t.bridge.Observe(*e)
	if t.nodes[e.Node] == nil {
		return
	}
	switch e.Kind {
	case trace.Listed, trace.ListFailed:
		if _, operator := e.Get("op"); operator {
			return
		}
		for _, key := range t.bridge.Keys(e.Node) {
			t.memory(e.Node, key)
		}
	case trace.Called:
		t.of[e.Int("op")] = [2]string{e.Str("namespace"), e.Str("task")}
		t.memory(e.Node, t.of[e.Int("op")])
	case trace.Returned:
		t.memory(e.Node, t.of[e.Int("op")])
		delete(t.of, e.Int("op"))
	case trace.Proposed, trace.Committed, trace.WorkStarted, trace.NodeStopped, trace.NodeStarted, trace.ClockSet, trace.FaultBit:
	default:
		t.memory(e.Node, [2]string{e.Str("namespace"), e.Str("task")})
	}
}

// memory tells what the scheduler of a node remembers of a task. Where the trace leaves
// several memories open, it is what they agree on.
func (t *teller) memory(node string, key [2]string) {
	if key[1] == "" {
		return
	}
	h := t.nodes[node]
	part := h.part + "/" + path("memory", key[0], key[1])
	all := t.bridge.Memories(node, key[0], key[1])
	switch m := agreed(all); {
	case len(all) == 0:
		t.set(part, "")
	case len(all) == 1:
		t.below(h.part, part, m.String())
	default:
		t.below(h.part, part, fmt.Sprintf("at least %s (one of %d)", m, len(all)))
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
