package raftcheck

import (
	"cmp"
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

// names are the properties in order, with their names in the design.
var names = [...]struct{ id, name string }{
	{"R1", "election safety"}, {"R2", "log matching"}, {"R3", "leader completeness"}, {"R4", "state machine safety"},
	{"R5", "durable promises"}, {"R6", "catching up"}, {"R7", "availability"}, {"R8", "no leftovers"},
}

// Properties returns the identifiers of the properties, in order.
func Properties() []string {
	all := make([]string, len(names))
	for i := range names {
		all[i] = names[i].id
	}
	return all
}

// Name returns the name of a property, "" for an identifier of none.
func Name(property string) string {
	for i := range names {
		if names[i].id == property {
			return names[i].name
		}
	}
	return ""
}

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch] calls
// it one event at a time. It keeps no event.
type Observer struct {
	// event is the one just taken in: as a local variable it would be allocated.
	event  trace.Event
	run    run
	checks []check
	// of are the checks that look at a kind of events.
	of map[trace.Kind][]check
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
	o := &Observer{
		run: run{
			plan: p, nodes: make(map[string]*node), committed: make(map[uint64]int),
			counts: make(map[string]int), exercised: make(map[string]int64),
			configurations: []configuration{{voters: p.Cluster.NodeNames()}},
		},
		of: make(map[trace.Kind][]check),
	}
	for _, k := range taken {
		o.of[k] = nil
	}
	r := &o.run
	add := func(c check, kinds ...trace.Kind) {
		o.checks = append(o.checks, c)
		for _, k := range kinds {
			o.of[k] = append(o.of[k], c)
		}
	}
	add(&election{run: r, leaders: make(map[uint64]witness)}, trace.NodeState, trace.Recovered)
	add(&matching{run: r, stored: make(map[place]stored)}, trace.LogStored, trace.Recovered)
	add(&completeness{r}, trace.NodeState, trace.Applied)
	add(&safety{run: r, applied: make(map[incarnation]witness)}, trace.Applied, trace.SnapshotRestored)
	add(&promises{run: r, nodes: make(map[string]*promised)}, trace.StableStored, trace.MessageSent, trace.LogDeleted, trace.StoresOpened, trace.DiskEmptied)
	add(&catchUp{run: r, sent: make(map[string]*sent)}, trace.MessageSent, trace.NodeStarted)
	add(&availability{run: r, open: make(map[int64]called)}, trace.Called, trace.Returned)
	add(&leftovers{run: r}, trace.NodeStopped, trace.LeftBehind, trace.Panicked)
	return o
}

// taken are the kinds of events that a run takes in.
var taken = []trace.Kind{
	trace.NodeStarted, trace.NodeStopped, trace.NodeLeft, trace.NodeResumed, trace.Quiescence, trace.Applied,
	trace.Configured, trace.DiskEmptied, trace.Recovered,
	trace.LogStored, trace.LogDeleted, trace.StableStored, trace.SnapshotStored, trace.AtRest, trace.Panicked, trace.LeftBehind, trace.RunEnded,
}

// Kinds returns the kinds of events that an [Observer] has to be given, sorted; it ignores
// others.
func Kinds() []trace.Kind { return slices.Sorted(maps.Keys(New(&plan.Plan{}).of)) }

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	checks, ok := o.of[e.Kind]
	if !ok {
		return
	}
	o.event = e
	now := &o.event
	now.Body = event.Of(now)
	o.run.take(now)
	for _, c := range checks {
		c.observe(now)
	}
}

// Exercised returns how often a property was exercised so far; it may be called while the run
// Voters returns the voters of the newest configuration so far. The caller must not change them.
func (o *Observer) Voters() []string { return o.run.voters() }

// goes on.
func (o *Observer) Exercised(property string) int64 { return o.run.exercised[property] }

// Found are the violations found so far, the first ones of each property; it may be
// called while the run goes on.
func (o *Observer) Found() []trace.Violation { return slices.Clip(o.run.violations) }

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
	// commits are the entries that were applied, in the order in which they first were, and
	// committed are their positions by index.
	commits   []commit
	committed map[uint64]int
	// committedAt is when one was applied first.
	committedAt time.Duration
	// configurations are those that nodes have stored, by their places, in the order of those; the first is
	// the one with which the run began.
	configurations []configuration
	// recovering is the node that is made the beginning of a cluster, while that goes on; what it applies is
	// committed by that.
	recovering string
	// broken is set when the system has broken the run off.
	broken, ended bool

	violations []trace.Violation
	counts     map[string]int
	exercised  map[string]int64
}

// configuration is a configuration of the cluster, as the entry of an index and a term.
type configuration struct {
	index, term uint64
	voters      []string
}

// commit is an entry that was applied, by its index, its term and the hash of its data.
type commit struct {
	index, term, sum uint64
	// by is the node that applied it first, at is when.
	by witness
	at time.Duration
	// epoch is the lowest term that a node had when it applied the entry, 0 if none is known:
	// the entry was committed in that term at the latest.
	epoch uint64
}

// node is what is known of a node.
type node struct {
	name string
	disk disk
	// configurations are where the log of the node has had configurations that it has not removed again but
	// for a snapshot of its own.
	configurations []place
	// term is the node's current term, 0 if it is not known.
	term uint64
	// up since when, with the place of its start, and left for good.
	up, left bool
	since    time.Duration
	born     int
	// At the end of the run: whether it was up, and the index it had applied.
	rested bool
	index  uint64
}

// forget takes in that the log has no configuration any more at an index.
func (n *node) forget(index uint64) {
	n.configurations = slices.DeleteFunc(n.configurations, func(p place) bool { return p.index == index })
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
	case trace.Applied:
		r.apply(e, e.Body.(*event.Applied))
	case trace.LogStored:
		r.node(e.Node).disk.store(e.Body.(*event.LogStored))
	case trace.LogDeleted:
		n := r.node(e.Node)
		d := &n.disk
		d.removed = d.removed[:0]
		d.remove(e.Body.(*event.LogDeleted))
		for _, l := range d.removed {
			if l.Index > d.snapshot.Index {
				n.forget(l.Index)
			}
		}
	case trace.SnapshotStored:
		n, b := r.node(e.Node), e.Body.(*event.SnapshotStored)
		if l := n.disk.log; len(l) == 0 || l[len(l)-1].Index < b.Index {
			// It was sent: what the log has held below it, it need not stand for.
			n.configurations = nil
		}
		n.disk.keep(b)
	case trace.StableStored:
		n := r.node(e.Node)
		n.disk.known = true
		if b := e.Body.(*event.StableStored); b.Key == event.CurrentTerm {
			n.term = b.N.Value
		}
	case trace.NodeStarted:
		n := r.node(e.Node)
		n.up, n.since, n.born = true, e.At, e.Seq
	case trace.NodeResumed:
		r.node(e.Node).since = e.At
	case trace.NodeStopped:
		r.node(e.Node).up = false
		if r.recovering == e.Node {
			r.recovering = ""
		}
	case trace.NodeLeft:
		n := r.node(e.Node)
		n.up, n.left = false, true
	case trace.AtRest:
		if b := e.Body.(*event.AtRest); b.What == event.RestState {
			n := r.node(e.Node)
			n.rested, n.index = true, b.Index
			r.rest = e.At
		}
	case trace.Configured:
		b := e.Body.(*event.Configured)
		r.configure(configuration{b.Index, b.Term, b.VoterNames()})
		n := r.node(e.Node)
		n.forget(b.Index)
		n.configurations = append(n.configurations, place{b.Index, b.Term})
	case trace.DiskEmptied:
		n := r.node(e.Node)
		n.disk, n.term, n.configurations = disk{known: true}, 0, nil
	case trace.Recovered:
		r.configurations, r.recovering = []configuration{{voters: []string{e.Node}}}, e.Node
		for _, n := range r.nodes {
			n.configurations = nil
		}
	case trace.RunEnded:
		r.ended = true
	case trace.Panicked, trace.LeftBehind:
		r.broken = !r.ended
	}
}

// apply takes in that a node applies an entry.
func (r *run) apply(e *trace.Event, b *event.Applied) {
	epoch := r.node(e.Node).term
	i, ok := r.committed[b.Index]
	if !ok {
		r.committed[b.Index], r.committedAt = len(r.commits), e.At
		r.commits = append(r.commits, commit{b.Index, b.Term, b.Sum, witness{node: e.Node, index: b.Index, seq: e.Seq}, e.At, epoch})
	} else if c := &r.commits[i]; epoch > 0 && epoch < c.epoch {
		c.epoch = epoch
	}
}

// configure takes in a configuration.
func (r *run) configure(c configuration) {
	i, ok := slices.BinarySearchFunc(r.configurations, c, func(a, b configuration) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.term, b.term))
	})
	if !ok {
		r.configurations = slices.Insert(r.configurations, i, c)
	}
}

// voters returns the voters of the newest configuration that a node has in its log: one that was
// overwritten counts no more.
func (r *run) voters() []string {
	for _, c := range slices.Backward(r.configurations) {
		for _, n := range r.nodes {
			if slices.Contains(n.configurations, place{c.index, c.term}) {
				return c.voters
			}
		}
	}
	return r.configurations[0].voters
}

// committing returns the configurations of which one must have a majority with the entry of an index that
// a node applies. A leader counts by the newest configuration in its log: the one that is in force at
// the index, as the node itself has stored it, or one behind it.
func (r *run) committing(index uint64, n *node) []configuration {
	from := 0
	for i, c := range r.configurations {
		if c.index <= index && slices.Contains(n.configurations, place{c.index, c.term}) {
			from = i
		}
	}
	return r.configurations[from:]
}

// calm reports whether nothing is made to go wrong any more.
func (r *run) calm() bool {
	return r.quiet > 0 || len(r.plan.Faults) == 0 && r.plan.Stalls == nil
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
