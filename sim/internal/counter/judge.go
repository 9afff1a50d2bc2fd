package counter

import (
	"fmt"

	"dtsim/sim/plan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
)

// The application's own properties.
const (
	// Agreement: replicas that are at the same index have the same number.
	Agreement = "C1"
	// Total: at rest the number is the sum of what was accepted, and of some of what may
	// have been.
	Total = "C2"
)

// Judge is the [trace.Judge] of the counter: R1 to R8 and its own properties.
func Judge(p *plan.Plan, rec *trace.Recorder) (finish func() trace.Verdict) {
	raft := raftcheck.Judge(p, rec)
	o := &observer{states: make(map[uint64]said), open: make(map[int64]int64)}
	rec.Watch(o.observe, trace.Applied, trace.Replayed, trace.SnapshotTaken, trace.SnapshotReread, trace.SnapshotRestored,
		trace.AtRest, trace.Called, trace.Returned)
	return func() trace.Verdict {
		verdict := raft()
		verdict.Violations = append(verdict.Violations, o.violations...)
		verdict.Passed = len(verdict.Violations) == 0
		return verdict
	}
}

type observer struct {
	states map[uint64]said
	// open are the numbers of calls that have not been accepted.
	open       map[int64]int64
	accepted   int64
	violations []trace.Violation
}

// said is what the first replica showed at an index.
type said struct {
	node, state string
	seq         int
}

func (o *observer) observe(e trace.Event) {
	switch e.Kind {
	case trace.Called:
		o.open[e.Int("op")] = e.Int("n")
	case trace.Returned:
		switch e.Str("outcome") {
		case "ok":
			o.accepted += o.open[e.Int("op")]
			delete(o.open, e.Int("op"))
		case "error":
			delete(o.open, e.Int("op"))
		}
	case trace.AtRest:
		if e.Str("what") == "state" {
			o.agree(&e, e.Str("hash"))
			o.total(&e)
		}
	case trace.Applied, trace.Replayed:
		o.agree(&e, e.Str("state"))
	default:
		o.agree(&e, e.Str("hash"))
	}
}

func (o *observer) agree(e *trace.Event, state string) {
	index, _ := e.Get("index")
	first, ok := o.states[index.Uint()]
	switch {
	case !ok:
		o.states[index.Uint()] = said{e.Node, state, e.Seq}
	case first.state != state:
		o.report(e, Agreement, first.seq, "at index %d %s has %s, and %s has %s", index.Uint(), e.Node, state, first.node, first.state)
	}
}

// total compares the number at rest with what clients were told. Adds are positive.
func (o *observer) total(e *trace.Event) {
	var value, most int64
	if _, err := fmt.Sscanf(e.Str("hash"), "%x", &value); err != nil {
		o.report(e, Total, 0, "%q is no number: %v", e.Str("hash"), err)
		return
	}
	most = o.accepted
	for _, n := range o.open {
		most += n
	}
	if value < o.accepted || value > most {
		o.report(e, Total, 0, "the number is %d; adds of %d were accepted, and of %d at most took effect", value, o.accepted, most)
	}
}

func (o *observer) report(e *trace.Event, property string, seq int, format string, args ...any) {
	events := []int{e.Seq}
	if seq > 0 {
		events = []int{seq, e.Seq}
	}
	o.violations = append(o.violations, trace.Violation{
		Property: property, Message: fmt.Sprintf(format, args...), At: e.At, Node: e.Node, Events: events,
	})
}
