package tracecheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
	"dtsim/sched/reconcile"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Divergence is a step of a run that the model does not know.
type Divergence struct {
	At   time.Duration
	Node string
	// Task is namespace/id, "" when the step is about none.
	Task string
	// Message is what was done, and what the model would have allowed.
	Message string
	// Events are the places in the trace that led there, in order; the last one is that of
	// the step.
	Events []int
}

// String returns the divergence in one line.
func (g Divergence) String() string {
	return fmt.Sprintf("at %s on %s, %s: %s (events %v)", g.At, cmp.Or(g.Node, "no node"), cmp.Or(g.Task, "no task"), g.Message, g.Events)
}

// key is what a track is about: all versions of one task.
type key = taskevent.Key

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Task, b.Task))
}

// node is a node in its newest incarnation.
type node struct {
	name   string
	number int
	tracks map[key]*track
	// passes numbers the passes that are over.
	passes  reconcile.Passes
	paused  bool
	closing bool
	// resumed is when it went on after its last pause.
	resumed time.Duration
	// live are the runs of the handles whose workers have not exited.
	live map[uint64]taskevent.Run
	// stopped is when the last worker of a version, which no other task has, exited.
	stopped map[uint64]time.Duration
	// local is what any incarnation may have left on the disk, by ascending version.
	local map[key][]localState
	// clockSet: the node's clock was set at least once.
	clockSet bool
	// diskFaulty: its disk failed at least once.
	diskFaulty bool
	// room is reused for the hypotheses of one track at a time.
	room hypothesisSet
}

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch]
// calls it one event at a time.
type Observer struct {
	// now and seq are the time and the place of the event just taken in.
	now     time.Duration
	seq     int
	start   int64
	ttl     time.Duration
	caps    map[string]reconcile.Caps
	nodes   map[string]*node
	records *records
	calls   *calls
	looks   uint64
	found   []Divergence
	counts  map[string]int64
}

// New returns an observer for a run of p.
func New(p *taskplan.Plan) *Observer {
	o := &Observer{
		ttl: p.CompletedTaskTTL.D(), caps: make(map[string]reconcile.Caps), nodes: make(map[string]*node),
		records: newRecords(), calls: newCalls(), counts: make(map[string]int64),
	}
	for namespace, p := range provider.NewSet(provider.Env{}).Providers() {
		_, recovers := p.(sched.RecoveryAwareProvider)
		_, calls := p.(sched.UnitAwareProvider)
		_, fails := p.(sched.FallibleUnitAwareProvider)
		o.caps[namespace] = reconcile.Caps{UnitAware: calls || fails, RecoveryAware: recovers, Acks: true, Finalizer: true}
	}
	return o
}

// watched are the events that the observer looks at.
var watched = []trace.Kind{
	trace.RunStarted, trace.Inherited, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.ClockSet, trace.FaultActivated,
	trace.Committed, trace.Called, trace.Proposed, trace.Returned, trace.Listed, trace.ListFailed, trace.RecoveryAsked,
	trace.CallbackStarted, trace.CallbackEnded, trace.StartAsked, trace.HandleStarted, trace.HandleExited,
	trace.HandleTerminated, trace.WorkStarted, trace.SchedulerClosing, trace.LocalStateRemoved,
}

// diskFaults are the faults with which a removal can fail.
var diskFaults = []plan.FaultKind{plan.TornFiles, plan.DiskError, plan.DiskFull}

// Kinds returns the kinds of events that an [Observer] has to be given; it ignores
// others.
func Kinds() []trace.Kind { return slices.Clone(watched) }

// Divergences returns those found so far, in the order of the trace: at most one for each
// track, which is not followed any further.
func (o *Observer) Divergences() []Divergence { return slices.Clone(o.found) }

// Counters returns how many steps of schedulers and callbacks were matched
// ("tracecheck/steps"), how many commands were looked at ("tracecheck/commands"), and how
// many tracks were given up because too many hypotheses were possible
// ("tracecheck/too-many").
func (o *Observer) Counters() map[string]int64 { return maps.Clone(o.counts) }

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if o.seq = e.Seq; e.Seq == 0 {
		o.seq++
	}
	if !slices.Contains(watched, e.Kind) {
		return
	}
	o.now = e.At
	switch b := taskevent.Of(&e).(type) {
	case *event.RunStarted:
		o.start = b.Start
	case *event.Inherited:
		if err := o.records.inherit(b); err != nil {
			o.diverged("", key{}, nil, "the inherited snapshot cannot be read: %s", err)
		}
	case *event.NodeStarted:
		o.begin(&e)
	case *event.ClockSet:
		o.at(e.Node).clockSet = true
	case *event.Committed:
		o.committed(e.Node, b)
	default:
		o.observe(&e, b)
	}
}

// observe takes in an event of an incarnation, or what the harness does in its place.
func (o *Observer) observe(e *trace.Event, b trace.Body) {
	n := o.nodes[e.Node]
	fault, activated := b.(*event.FaultActivated)
	switch {
	case activated && slices.Contains(diskFaults, plan.FaultKind(fault.What)):
		o.at(e.Node).diskFaulty = true
		return
	case e.Incarnation == 0: // the harness: what it does for an operator, or to a node
		if called, ok := b.(*event.Called); ok {
			o.calls.called(called, e.Node, nil)
		}
		return
	case n == nil || e.Incarnation != n.number:
		o.diverged(e.Node, taskevent.RunOf(b).Key(), nil, "%s of incarnation %d, an incarnation that is not there", e.Kind, e.Incarnation)
		return
	}
	switch b := b.(type) {
	case *event.NodeStopped:
		n.tracks = make(map[key]*track)
		clear(n.live)
	case *event.NodePaused:
		o.advance(n)
		n.paused = true
	case *event.NodeResumed:
		o.advance(n)
		n.paused, n.resumed = false, o.now
	case *taskevent.SchedulerClosing:
		o.advance(n)
		n.closing = true
	case *taskevent.Listed:
		if !b.Op.Set {
			o.listed(n, b)
		}
	case *taskevent.ListFailed:
		if !b.Op.Set {
			o.listFailed(n)
		}
	case *event.FaultActivated:
		o.activated(n, b)
	case *event.Called:
		o.called(n, b)
	case *event.Proposed:
		o.calls.proposed(b)
	case *event.Returned:
		o.returned(n, b)
	default:
		o.acted(n, b)
	}
}

func (o *Observer) at(name string) *node {
	n := o.nodes[name]
	if n == nil {
		n = &node{name: name, local: make(map[key][]localState)}
		o.nodes[name] = n
	}
	return n
}

func (o *Observer) begin(e *trace.Event) {
	n := o.at(e.Node)
	*n = node{
		name: n.name, number: e.Incarnation, local: n.local, clockSet: n.clockSet, diskFaulty: n.diskFaulty, tracks: make(map[key]*track),
		live: make(map[uint64]taskevent.Run), stopped: make(map[uint64]time.Duration),
	}
}

// diverged reports a step that the model does not know.
func (o *Observer) diverged(node string, k key, led []int, format string, args ...any) {
	o.divergedAt(o.now, node, k, led, format, args...)
}

func (o *Observer) divergedAt(at time.Duration, node string, k key, led []int, format string, args ...any) {
	task := ""
	if k != (key{}) {
		task = k.String()
	}
	events := append(slices.Clone(led), o.seq)
	slices.Sort(events)
	o.found = append(o.found, Divergence{At: at, Node: node, Task: task, Message: fmt.Sprintf(format, args...), Events: slices.Compact(events)})
}

// track returns the track of a key, in the instant of an event; nil when it is not
// followed any more.
func (o *Observer) track(n *node, k key) *track {
	t := n.tracks[k]
	if t == nil {
		t = newTrack(k, n, o.now)
		n.tracks[k] = t
	}
	if t.lost {
		return nil
	}
	if before, ok := t.advance(o.now); !ok {
		o.divergedAt(t.at, n.name, k, t.recent, "nothing has happened, and the model would have allowed: %s", allowed(before))
	}
	return o.followed(t)
}

// followed returns the track, or nil when it is not followed any more.
func (o *Observer) followed(t *track) *track {
	if !t.lost {
		return t
	}
	if t.overflowed && !t.counted {
		t.counted = true
		o.counts["tracecheck/too-many"]++
	}
	return nil
}

// alive reports whether a worker of a version has not exited.
func (n *node) alive(version uint64) bool {
	for _, run := range n.live {
		if run.Version == version {
			return true
		}
	}
	return false
}

// sorted returns the keys of all tracks.
func (n *node) sorted() []key { return slices.SortedFunc(maps.Keys(n.tracks), compareKeys) }

// advance lets time pass on all tracks, before what binds the node changes.
func (o *Observer) advance(n *node) {
	for _, k := range n.sorted() {
		o.track(n, k)
	}
}

// activated takes in what a fault does to an ack.
func (o *Observer) activated(n *node, b *event.FaultActivated) {
	what := taskplan.Renamed(plan.FaultKind(b.What))
	if what != plan.CallDelay && what != taskplan.AckFlip {
		return
	}
	if t := o.track(n, taskevent.RunOf(b).Key()); t != nil {
		t.ackDelayed = t.ackDelayed || what == plan.CallDelay
		t.ackFlipped = t.ackFlipped || what == taskplan.AckFlip
	}
}

// listed takes in what the scheduler has listed.
func (o *Observer) listed(n *node, b *taskevent.Listed) {
	tasks, err := b.Tasks()
	if err != nil {
		o.diverged(n.name, key{}, nil, "a list cannot be read: %s", err)
		return
	}
	shown := make(map[key]*taskevent.ListedTask)
	for i := range tasks {
		if _, ok := o.caps[tasks[i].Namespace]; ok {
			shown[tasks[i].Run().Key()] = &tasks[i]
		}
	}
	passes := n.passes // until the list is delivered, the pass is under way
	view := reconcile.View{Pass: passes.Begin(), First: passes.Succeed()}
	for _, k := range n.concerned(shown) {
		view.Caps = o.caps[k.Namespace]
		o.deliver(n, k, view, shown[k], b.Called)
	}
	n.passes = passes
}

// listFailed takes in that the scheduler has asked for a list and got none.
func (o *Observer) listFailed(n *node) {
	passes := n.passes
	passes.Begin()
	for _, k := range n.concerned(nil) {
		if t := o.track(n, k); t != nil {
			before, ok := t.deliver([]*look{nil}, never)
			o.passed(t, before, ok)
		}
	}
	n.passes = passes
}

// concerned returns the keys that a list is about, sorted: those that it shows, and those
// that it might have shown.
func (n *node) concerned(shown map[key]*taskevent.ListedTask) []key {
	keys := slices.Collect(maps.Keys(n.tracks))
	keys = slices.AppendSeq(slices.AppendSeq(keys, maps.Keys(shown)), maps.Keys(n.local))
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys)
}

// passed reports a list that cannot have come.
func (o *Observer) passed(t *track, before []hypothesis, ok bool) {
	if !ok {
		o.diverged(t.node.name, t.key, t.recent, "a list comes, and the model would have allowed: %s", allowed(before))
	}
	o.followed(t)
}

// deliver puts what a list shows of a key, nil for nothing, on its way to its track, in
// every form that the trace leaves open. called is when the list was asked for.
func (o *Observer) deliver(n *node, k key, v reconcile.View, listed *taskevent.ListedTask, called time.Duration) {
	t := o.track(n, k)
	if t == nil {
		return
	}
	expired := []bool{false}
	if listed != nil {
		state, ok := o.records.observe(n.name, listed)
		if !ok {
			t.lost = true
			o.diverged(n.name, k, nil, "a list shows a state that the log never had (%s, version %d, digest %s)", listed.Status, listed.Version, listed.Digest)
			return
		}
		v.Present, v.Task = true, state.task
		expired = o.expired(state.record, n)
	}
	var looks []*look
	for _, local := range possible(n.local[k], called) {
		for _, v.Expired = range expired {
			o.looks++
			v.LocalState = local
			looks = append(looks, &look{View: v, Source: o.looks})
		}
	}
	t.noted(o.seq)
	before, ok := t.deliver(looks, called)
	o.passed(t, before, ok)
}

// expired returns whether a node can take a record to be past its time to live: both, when
// the node's clock was set, and in the millisecond to which times in the log are exact.
func (o *Observer) expired(record *fsm.Task, n *node) []bool {
	now := time.UnixMilli(o.start).Add(o.now)
	const exact = time.Millisecond - 1
	before, after := reconcile.Expired(record, now.Add(-exact), o.ttl), reconcile.Expired(record, now.Add(exact), o.ttl)
	if before != after || n.clockSet && record.Status.IsTerminal() {
		return []bool{false, true}
	}
	return []bool{after}
}
