package raftcheck

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// maxViolations is how many violations of one property are kept: the first ones
// tell the most.
const maxViolations = 10

// ExercisedPrefix begins the names of the counters of how often a property was
// exercised, that is how often something was looked at that could have violated it.
const ExercisedPrefix = "at-stake/"

// Properties returns the identifiers of the properties that are checked, in order.
func Properties() []string { return []string{"R1", "R4", "R6", "R7", "R8"} }

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch] calls
// it one event at a time.
type Observer struct {
	run    run
	checks []check
}

// check is one property.
type check interface {
	// observe looks at an event that the run has just taken in.
	observe(e *trace.Event)
	// finish looks at the end of the run.
	finish()
}

// New returns an observer for a run of p.
func New(p *plan.Plan) *Observer {
	o := &Observer{run: run{plan: p, nodes: make(map[string]*node), counts: make(map[string]int), exercised: make(map[string]int64)}}
	r := &o.run
	o.checks = []check{
		&election{run: r, leaders: make(map[uint64]witness)},
		&safety{run: r, entries: make(map[uint64]entry), applied: make(map[incarnation]witness)},
		&catchUp{run: r}, &availability{run: r, open: make(map[int64]called)}, &leftovers{run: r},
	}
	return o
}

var watched = []trace.Kind{
	trace.NodeStarted, trace.NodeStopped, trace.NodeLeft, trace.NodePaused, trace.NodeResumed, trace.NodeState, trace.Quiescence,
	trace.Applied, trace.SnapshotRestored, trace.Called, trace.Returned, trace.AtRest, trace.Panicked, trace.LeftBehind, trace.RunEnded,
}

// Kinds returns the kinds of events that an [Observer] has to be given, sorted; it ignores
// others.
func Kinds() []trace.Kind { return slices.Sorted(slices.Values(watched)) }

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if !slices.Contains(watched, e.Kind) {
		return
	}
	e.Body = event.Of(&e)
	o.run.take(&e)
	for _, c := range o.checks {
		c.observe(&e)
	}
}

// Verdict ends the run and returns what was found. Call it once. Of a run that the system
// has broken off nothing is checked that it could not do any more.
func (o *Observer) Verdict() trace.Verdict {
	for _, c := range o.checks {
		if !o.run.broken {
			c.finish()
		}
	}
	return trace.Verdict{Passed: len(o.run.violations) == 0, Violations: o.run.violations}
}

// Counters returns how often each property was exercised, by [ExercisedPrefix] and its
// identifier. Call it after [Observer.Verdict].
func (o *Observer) Counters() map[string]int64 {
	counters := make(map[string]int64)
	for _, property := range Properties() {
		counters[ExercisedPrefix+property] = o.run.exercised[property]
	}
	return counters
}

// Judge is the [trace.Judge] of R1 to R8 alone.
func Judge(p *plan.Plan, rec *trace.Recorder) (finish func() trace.Verdict) {
	o := New(p)
	rec.Watch(o.Observe, Kinds()...)
	return func() trace.Verdict {
		verdict := o.Verdict()
		for name, n := range o.Counters() {
			rec.Count(name, n)
		}
		return verdict
	}
}

// run is what the checks share: the lives of nodes, and what was found.
type run struct {
	plan *plan.Plan
	// now and seq are the time and the place of the event just taken in.
	now time.Duration
	seq int
	// quiet is when the faults ended, rest when the nodes recorded what they hold.
	quiet, rest time.Duration
	nodes       map[string]*node
	// broken is set when the system has broken the run off.
	broken, ended bool

	violations []trace.Violation
	counts     map[string]int
	exercised  map[string]int64
}

// node is what is known of a node.
type node struct {
	name string
	// up since when, with the place of its start, and left for good.
	up, left bool
	since    time.Duration
	born     int
	// At the end of the run: whether it was up, and the index it had applied.
	rested bool
	index  uint64
}

// incarnation is one start of a node.
type incarnation struct {
	node   string
	number int
}

// witness is the event that first showed something.
type witness struct {
	node  string
	index uint64
	seq   int
}

func (r *run) node(name string) *node {
	n := r.nodes[name]
	if n == nil {
		n = &node{name: name}
		r.nodes[name] = n
	}
	return n
}

// take takes an event in.
func (r *run) take(e *trace.Event) {
	r.now, r.seq = e.At, e.Seq
	switch e.Kind {
	case trace.Quiescence:
		r.quiet = e.At
	case trace.NodeStarted:
		n := r.node(e.Node)
		n.up, n.since, n.born = true, e.At, e.Seq
	case trace.NodeResumed:
		r.node(e.Node).since = e.At
	case trace.NodeStopped:
		r.node(e.Node).up = false
	case trace.NodeLeft:
		n := r.node(e.Node)
		n.up, n.left = false, true
	case trace.AtRest:
		if b := event.Of(e).(*event.AtRest); b.What == event.RestState {
			n := r.node(e.Node)
			n.rested, n.index = true, b.Index
			r.rest = e.At
		}
	case trace.RunEnded:
		r.ended = true
	case trace.Panicked, trace.LeftBehind:
		r.broken = !r.ended
	}
}

// sorted returns the nodes by name.
func (r *run) sorted() []*node {
	var all []*node
	for _, name := range slices.Sorted(maps.Keys(r.nodes)) {
		all = append(all, r.nodes[name])
	}
	return all
}

// exercise notes that something was looked at that could have violated a property.
func (r *run) exercise(property string) { r.exercised[property]++ }

// report records a violation at the time of the event just taken in; led are the places of
// the events that led there.
func (r *run) report(property, node string, led []int, format string, args ...any) {
	if r.counts[property]++; r.counts[property] > maxViolations {
		return
	}
	events := append(slices.Clone(led), r.seq)
	slices.Sort(events)
	events = slices.Compact(slices.DeleteFunc(events, func(seq int) bool { return seq == 0 }))
	r.violations = append(r.violations, trace.Violation{
		Property: property, Message: fmt.Sprintf(format, args...), At: r.now, Node: node, Events: events,
	})
}
