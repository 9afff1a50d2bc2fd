package tracecheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
	"dtsim/sched/reconcile"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Gap is a step of a run that the model does not know.
type Gap struct {
	At   time.Duration
	Node string
	// Task is namespace/id, "" when the step is about none.
	Task string
	// Message says what was done, and what the model would have allowed.
	Message string
	// Events are the places in the trace that led there, in order; the last one is that of
	// the step.
	Events []int
}

// String returns the gap in one line.
func (g Gap) String() string {
	return fmt.Sprintf("at %s on %s, %s: %s (events %v)", g.At, cmp.Or(g.Node, "no node"), cmp.Or(g.Task, "no task"), g.Message, g.Events)
}

// key is what a line of actions is about: all versions of one task.
type key struct{ namespace, id string }

func (k key) String() string { return k.namespace + "/" + k.id }

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.id, b.id))
}

// node is a node in its newest incarnation.
type node struct {
	name   string
	number int
	lines  map[key]*line
	// passes counts the lists that are over, listed whether one of them succeeded.
	passes  uint64
	listed  bool
	paused  bool
	closing bool
	// resumed is when it went on after its last pause.
	resumed time.Duration
	// endedAtStart are the versions that were terminal in the first list.
	endedAtStart map[key]uint64
	// live are the runs of the handles whose workers are not gone.
	live map[int64]fsm.TaskDescriptor
	of   map[int64]key
	// stopped is when the last worker of a version, which no other task has, was gone.
	stopped map[uint64]time.Duration
	// left is what any incarnation may have left on the disk, by ascending version.
	left map[key][]left
	// wrong says that the node's clock was ever set.
	wrong bool
	// rotten says that its disk ever failed.
	rotten bool
	// crowd is room for the minds of one line at a time.
	crowd crowd
}

// Observer watches a run. It is not safe for concurrent use: [trace.Recorder.Watch]
// calls it one event at a time.
type Observer struct {
	seq     int
	start   int64
	ttl     time.Duration
	caps    map[string]reconcile.Caps
	nodes   map[string]*node
	records *records
	senders *senders
	looks   uint64
	gaps    []Gap
	counts  map[string]int64
}

// New returns an observer for a run of p.
func New(p *plan.Plan) *Observer {
	o := &Observer{
		ttl: p.Cluster.CompletedTaskTTL.D(), caps: make(map[string]reconcile.Caps), nodes: make(map[string]*node),
		records: newRecords(), senders: newSenders(), counts: make(map[string]int64),
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
	trace.RunStarted, trace.Inherited, trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.ClockSet, trace.FaultBit,
	trace.Committed, trace.Called, trace.Proposed, trace.Returned, trace.Listed, trace.ListFailed, trace.RecoveryAsked,
	trace.CallbackStarted, trace.CallbackEnded, trace.StartAsked, trace.HandleStarted, trace.HandleExited,
	trace.HandleTerminated, trace.WorkStarted, trace.SchedulerClosing, trace.LocalStateRemoved,
}

// ofDisks are the faults with which a removal can fail.
var ofDisks = []plan.FaultKind{plan.TornFiles, plan.DiskError, plan.DiskFull}

// Kinds returns the kinds of events that an [Observer] has to be given; it takes no
// notice of others.
func Kinds() []trace.Kind { return slices.Clone(watched) }

// Gaps are the gaps found so far, in the order of the trace: at most one for each line,
// of which nothing more is said.
func (o *Observer) Gaps() []Gap { return slices.Clone(o.gaps) }

// Counters say how many steps of schedulers and callbacks were matched ("bridge/steps"),
// how many commands were looked at ("bridge/commands"), and how many lines were given up
// because they could be of too many minds ("bridge/too-many").
func (o *Observer) Counters() map[string]int64 { return maps.Clone(o.counts) }

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if o.seq = e.Seq; e.Seq == 0 {
		o.seq++
	}
	if !slices.Contains(watched, e.Kind) {
		return
	}
	n := o.nodes[e.Node]
	switch e.Kind {
	case trace.RunStarted:
		o.start = e.Int("start")
		return
	case trace.Inherited:
		if err := o.records.inherit(&e); err != nil {
			o.gap(e.At, "", key{}, nil, "the inherited snapshot cannot be read: %s", err)
		}
		return
	case trace.NodeStarted:
		o.begin(&e)
		return
	case trace.ClockSet:
		o.at(e.Node).wrong = true
		return
	case trace.Committed:
		o.committed(&e)
		return
	}
	switch what := plan.FaultKind(e.Str("what")); {
	case e.Kind == trace.FaultBit && slices.Contains(ofDisks, what):
		o.at(e.Node).rotten = true
		return
	case e.Incarnation == 0: // the harness: what it does for an operator, or to a node
		if e.Kind == trace.Called {
			o.senders.called(&e, nil)
		}
		return
	case n == nil || e.Incarnation != n.number:
		o.gap(e.At, e.Node, keyOf(&e), nil, "%s of incarnation %d, an incarnation that is not there", e.Kind, e.Incarnation)
		return
	}
	switch e.Kind {
	case trace.NodeStopped:
		n.lines = make(map[key]*line)
		clear(n.live)
	case trace.NodePaused, trace.NodeResumed, trace.SchedulerClosing:
		o.turn(&e, n)
	case trace.Listed, trace.ListFailed:
		if _, operator := e.Get("op"); !operator {
			o.list(&e, n)
		}
	case trace.FaultBit:
		o.bit(&e, n)
	case trace.Called:
		o.called(&e, n)
	case trace.Proposed:
		o.senders.proposed(&e)
	case trace.Returned:
		o.returned(&e, n)
	default:
		o.acted(&e, n)
	}
}

func (o *Observer) at(name string) *node {
	n := o.nodes[name]
	if n == nil {
		n = &node{name: name, left: make(map[key][]left)}
		o.nodes[name] = n
	}
	return n
}

func (o *Observer) begin(e *trace.Event) {
	n := o.at(e.Node)
	*n = node{
		name: n.name, number: e.Incarnation, left: n.left, wrong: n.wrong, rotten: n.rotten, lines: make(map[key]*line),
		endedAtStart: make(map[key]uint64), live: make(map[int64]fsm.TaskDescriptor), of: make(map[int64]key),
		stopped: make(map[uint64]time.Duration),
	}
}

// gap reports a step that the model does not know.
func (o *Observer) gap(at time.Duration, node string, k key, led []int, format string, args ...any) {
	task := ""
	if k != (key{}) {
		task = k.String()
	}
	events := append(slices.Clone(led), o.seq)
	slices.Sort(events)
	o.gaps = append(o.gaps, Gap{At: at, Node: node, Task: task, Message: fmt.Sprintf(format, args...), Events: slices.Compact(events)})
}

// line returns the line of a key, in the instant of an event; nil when nothing more is
// said of it.
func (o *Observer) line(e *trace.Event, n *node, k key) *line {
	l := n.lines[k]
	if l == nil {
		l = newLine(k, n, e.At)
		n.lines[k] = l
	}
	if l.lost {
		return nil
	}
	if before, ok := l.advance(e.At); !ok {
		o.gap(l.at, n.name, k, l.recent, "nothing has happened, and the model would have allowed: %s", allowed(before))
	}
	return o.alive(l)
}

// alive returns the line, or nil when nothing more is said of it.
func (o *Observer) alive(l *line) *line {
	if !l.lost {
		return l
	}
	if l.crowded && !l.counted {
		l.counted = true
		o.counts["bridge/too-many"]++
	}
	return nil
}

// alive says that a worker of a version is.
func (n *node) alive(version uint64) bool {
	for _, run := range n.live {
		if run.Version == version {
			return true
		}
	}
	return false
}

// sorted are the keys of all lines.
func (n *node) sorted() []key { return slices.SortedFunc(maps.Keys(n.lines), compareKeys) }

// turn is when what binds a node changes.
func (o *Observer) turn(e *trace.Event, n *node) {
	for _, k := range n.sorted() {
		o.line(e, n, k)
	}
	switch e.Kind {
	case trace.NodePaused:
		n.paused = true
	case trace.NodeResumed:
		n.paused, n.resumed = false, e.At
	default:
		n.closing = true
	}
}

// bit: what faults do to acks.
func (o *Observer) bit(e *trace.Event, n *node) {
	what := plan.FaultKind(e.Str("what"))
	if what != plan.AckDelay && what != plan.AckFlip {
		return
	}
	if l := o.line(e, n, keyOf(e)); l != nil {
		l.held = l.held || what == plan.AckDelay
		l.turned = l.turned || what == plan.AckFlip
	}
}

// list takes in what the scheduler has listed, or that it has not.
func (o *Observer) list(e *trace.Event, n *node) {
	shown := make(map[key]trace.ListedTask)
	if e.Kind == trace.Listed {
		tasks, err := e.ListedTasks()
		if err != nil {
			o.gap(e.At, n.name, key{}, nil, "a list cannot be read: %s", err)
			return
		}
		for _, t := range tasks {
			if _, ok := o.caps[t.Namespace]; ok {
				shown[key{t.Namespace, t.ID}] = t
			}
		}
	}
	keys := slices.Collect(maps.Keys(n.lines))
	keys = slices.AppendSeq(slices.AppendSeq(keys, maps.Keys(shown)), maps.Keys(n.left))
	slices.SortFunc(keys, compareKeys)
	for _, k := range slices.Compact(keys) {
		if t, present := shown[k]; e.Kind == trace.Listed {
			o.deliver(e, n, k, t, present)
		} else if l := o.line(e, n, k); l != nil {
			before, ok := l.deliver([]*look{nil}, never)
			o.passed(e, l, before, ok)
		}
	}
	n.passes++
	n.listed = n.listed || e.Kind == trace.Listed
}

// passed reports a list that cannot have come.
func (o *Observer) passed(e *trace.Event, l *line, before []mind, ok bool) {
	if !ok {
		o.gap(e.At, l.node.name, l.key, l.recent, "a list comes, and the model would have allowed: %s", allowed(before))
	}
	o.alive(l)
}

// deliver shows a key to its line in every form that the trace leaves open.
func (o *Observer) deliver(e *trace.Event, n *node, k key, t trace.ListedTask, present bool) {
	l := o.line(e, n, k)
	if l == nil {
		return
	}
	v := reconcile.View{Caps: o.caps[k.namespace], Pass: n.passes + 1, Present: present}
	expired := []bool{false}
	if present {
		task, ended, ok := o.records.observe(n.name, t)
		if !ok {
			l.lost = true
			o.gap(e.At, n.name, k, nil, "a list shows a state that the log never had (%s, version %d, digest %s)", t.Status, t.Version, t.Digest)
			return
		}
		v.Task = task
		if !n.listed && task.Status.IsTerminal() {
			n.endedAtStart[k] = t.Version
		}
		started, ok := n.endedAtStart[k]
		v.Bootstrap = ok && started == t.Version
		switch {
		case !task.Status.IsTerminal():
		case n.wrong:
			expired = []bool{false, true}
		default:
			since := time.Duration(o.start-ended)*time.Millisecond + e.At
			expired[0] = since >= o.ttl
			if near := since - o.ttl; near > -time.Millisecond && near < time.Millisecond {
				expired = []bool{false, true} // times in the log are whole milliseconds
			}
		}
	} else {
		delete(n.endedAtStart, k)
	}
	called := never
	if f, ok := e.Get("called"); ok {
		called = time.Duration(f.Int())
	}
	var looks []*look
	for _, local := range held(n.left[k], called) {
		for _, v.Expired = range expired {
			o.looks++
			v.LocalState = local
			looks = append(looks, &look{id: o.looks, view: v})
		}
	}
	l.noted(o.seq)
	before, ok := l.deliver(looks, called)
	o.passed(e, l, before, ok)
}

func keyOf(e *trace.Event) key { return key{e.Str("namespace"), e.Str("task")} }

func versionOf(e *trace.Event) uint64 {
	f, _ := e.Get("version")
	return f.Uint()
}
