package property

import (
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// ledger is the projection of the log, and what else the events contain: nodes, operations,
// and what is at rest.
type ledger struct {
	*projection.Log
	plan *taskplan.Plan
	// quiescence is when the faults ended.
	quiescence time.Duration
	// start is the true time at which the run began, in ms since 1970; 0 for none.
	start int64
	// end is when the nodes recorded what they have at the end.
	end   time.Duration
	nodes map[string]*node
	// voters returns the voters of the newest configuration.
	voters func() []string
	limits *bounds
	// givenUp are the runs that an operator has given up because they waited for a node
	// that has left, and when that was confirmed to the operator.
	givenUp map[*projection.Run]time.Duration

	outcomes map[int64]string
	atRest   []restItem
}

// restItem is something that a node had when the run ended.
type restItem struct {
	taskevent.Rest
	rest *event.AtRest
	node string
	life int // the incarnation
	seq  int
}

func newLedger(p *taskplan.Plan) *ledger {
	return &ledger{Log: projection.NewLog(), plan: p, outcomes: make(map[int64]string), nodes: make(map[string]*node)}
}

// take folds an event in.
func (l *ledger) take(e *trace.Event) {
	l.Take(e)
	l.takeNode(e)
	switch b := e.Body.(type) {
	case *event.RunStarted:
		l.start = b.Start
	case *event.Returned:
		l.outcomes[b.Op] = b.Outcome
	case *event.AtRest:
		l.atRest = append(l.atRest, restItem{Rest: taskevent.RestOf(b), rest: b, node: e.Node, life: e.Incarnation, seq: e.Seq})
	}
}

// timed reports whether the run goes by a clock. In the runs of the model checker nothing
// has a duration.
func (l *ledger) timed() bool { return l.start > 0 }

// tacit reports whether the workers of a run do not claim their units (taskplan.Task.Tacit).
func (l *ledger) tacit(id taskevent.Run) bool {
	r := l.Runs[id]
	return r != nil && r.Payload.Tacit
}
