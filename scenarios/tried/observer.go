package tried

import (
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Observer counts what a run tries. It is not safe for concurrent use.
type Observer struct {
	counts map[key]int64
	// open are the calls that have not returned, by operation.
	open map[int64]string
}

type key struct{ part, of, what string }

// New returns an observer of a run of p, whose options are counted.
func New(p *taskplan.Plan) *Observer {
	o := &Observer{counts: make(map[key]int64), open: make(map[int64]string)}
	for _, one := range options {
		for _, class := range one.classesOf(p) {
			o.counts[key{partOption, one.name, class}]++
		}
	}
	return o
}

// Kinds are the kinds of events that an observer counts.
func Kinds() []trace.Kind {
	return []trace.Kind{
		trace.Committed, trace.Called, trace.Returned, trace.CallbackEnded, trace.RecoveryAsked, trace.WorkEnded, trace.RunEnded,
	}
}

// Take counts an event, whose body must be there. The log has folded it.
func (o *Observer) Take(e *trace.Event, log *projection.Log) {
	switch b := e.Body.(type) {
	case *event.Committed:
		o.command(log)
	case *event.Called:
		o.open[b.Op] = b.Do
	case *event.Returned:
		delete(o.open, b.Op)
		o.counts[key{partCall, b.Do, answerOf(b)}]++
	case *event.RunEnded:
		for _, do := range o.open {
			o.counts[key{partCall, do, unanswered}]++
		}
		clear(o.open)
	case *taskevent.CallbackEnded:
		o.counts[key{partCallback, b.Name, callbackCase(b)}]++
	case *taskevent.RecoveryAsked:
		o.counts[key{partCallback, recovery, recoveryCase(b)}]++
	case *taskevent.WorkEnded:
		o.counts[key{partCallback, work, workCase(b)}]++
	}
}

// AddTo adds what was counted to the counters of a run.
func (o *Observer) AddTo(counters map[string]int64) {
	for k, n := range o.counts {
		counters[coverage.Possibility{Part: k.part, Of: k.of, Case: k.what}.Counter()] += n
	}
}
