package property

import (
	"slices"

	"dtsim/models/history"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// linearizable is the part of P2 that clients see: the order of the log is one in which
// all their answers, lists included, are right, and that agrees with real time. The
// other checker of models/history needs goroutines; it is called afterwards, with the
// trace.
type linearizable struct {
	*findings
	collector *history.Collector
	rules     *spec.Rules
}

func newLinearizable(f *findings) *linearizable {
	guards := provider.NewSet(provider.Env{})
	return &linearizable{
		findings: f, collector: history.NewCollector(),
		rules: refinement.Rules(guards.ConflictDetectors(), guards.SchemaMutationDetectors(), guards.Extractors()),
	}
}

// historical are the events that a history is made of.
var historical = history.Kinds()

func (c *linearizable) observe(e *trace.Event, _ *ledger) {
	if slices.Contains(historical, e.Kind) {
		c.collector.Observe(*e)
	}
}

func (c *linearizable) finish(*ledger) {
	h, err := c.collector.History()
	if err != nil {
		c.report("P2", "", nil, "%s", err)
		return
	}
	for range h.Ops {
		c.exercise("P2")
	}
	_, found := history.CommitOrder(h, c.rules)
	for _, f := range found {
		o := h.Ops[f.Op]
		c.report("P2", "", []int{int(o.Call), int(o.AppliedAt), int(o.Return)}, "%s", f.Message)
	}
}
