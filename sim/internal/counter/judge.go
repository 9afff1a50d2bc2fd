package counter

import (
	"fmt"

	"dtsim/sim/plan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
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
	o := &observer{states: make(map[uint64]shown), open: make(map[int64]int64)}
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
	states map[uint64]shown
	// open are the numbers of calls that have not been accepted.
	open       map[int64]int64
	accepted   int64
	violations []trace.Violation
}

// shown is what the first replica had at an index.
type shown struct {
	node, state string
	seq         int
}

func (o *observer) observe(e trace.Event) {
	switch b := event.Of(&e).(type) {
	case *event.Called:
		var n number
		trace.ReadFields(b.Details, &n)
		o.open[b.Op] = n.N
	case *event.Returned:
		switch b.Outcome {
		case event.OK:
			o.accepted += o.open[b.Op]
			delete(o.open, b.Op)
		case event.NoEffect:
			delete(o.open, b.Op)
		}
	case *event.AtRest:
		if b.What == event.RestState {
			o.agree(&e, b.Index, b.Hash)
			o.total(&e, b.Hash)
		}
	case *event.Applied:
		o.agree(&e, b.Index, b.State)
	case *event.Replayed:
		o.agree(&e, b.Index, b.State)
	case *event.SnapshotTaken:
		o.agree(&e, b.Index, b.Hash)
	case *event.SnapshotReread:
		o.agree(&e, b.Index, b.Hash)
	case *event.SnapshotRestored:
		o.agree(&e, b.Index, b.Hash)
	}
}

func (o *observer) agree(e *trace.Event, index uint64, state string) {
	first, ok := o.states[index]
	switch {
	case !ok:
		o.states[index] = shown{e.Node, state, e.Seq}
	case first.state != state:
		o.report(e, Agreement, first.seq, "at index %d %s has %s, and %s has %s", index, e.Node, state, first.node, first.state)
	}
}

// total compares the number at rest with the answers of clients. Adds are positive.
func (o *observer) total(e *trace.Event, state string) {
	var value, most int64
	if _, err := fmt.Sscanf(state, "%x", &value); err != nil {
		o.report(e, Total, 0, "%q is no number: %v", state, err)
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
