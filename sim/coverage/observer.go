package coverage

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// The beginnings of the counters' names.
const (
	FaultPrefix     = "fault/"
	StatePrefix     = "state/"
	SometimesPrefix = "sometimes/"
	// ExercisedPrefix is that of how often a property was exercised, and WaivedPrefix that of
	// what was waived for a reason; the checks of the application count both.
	ExercisedPrefix = "at-stake/"
	WaivedPrefix    = "excused/"
	// TriedPrefix is that of what was tried, see [Possibility].
	TriedPrefix = "tried/"
	// AblationPrefix is that of runs that were made again without one of their faults; see
	// [Ablation].
	AblationPrefix = "without/"
)

// Application is what coverage needs of what is simulated. It is queried for an event
// before it observes it.
type Application interface {
	// Kinds are the kinds of events that it observes.
	Kinds() []trace.Kind
	// Read returns the body of an event: the framework's or its own.
	Read(e *trace.Event) trace.Body
	// Take observes an event, which the nodes have observed before.
	Take(e *trace.Event)
	// Counters returns what it has counted by itself: the goals that were reached, and what was
	// tried.
	Counters() map[string]int64
	// Reach is how long it may take to show what a fault has changed, beside what Raft
	// takes.
	Reach() time.Duration
	// Operates returns the position of the fault that lets an operator make a call, -1 for
	// other calls.
	Operates(op int64) int
	// Repeats reports whether faults of a kind make commands again, or late.
	Repeats(kind plan.FaultKind) bool
	// StatesAt returns the states in which an activation finds the application.
	StatesAt(e *trace.Event) []string
	// Consequence reports whether an event of its own shows what a run without faults does
	// not show, and at which node; "" stands for the whole cluster.
	Consequence(e *trace.Event) (node string, is bool)
}

// Observer counts what happens in a run. It is not safe for concurrent use:
// [trace.Recorder.Watch] calls it one event at a time.
type Observer struct {
	nodes  *Nodes
	faults *faults
	app    Application
	kinds  []trace.Kind
	// watched has the kinds that are observed.
	watched map[trace.Kind]*ofKind
	counts  map[string]int64
	// event is the one just taken in: as a local variable it would be allocated.
	event trace.Event
}

// ofKind is what is done with the events of a kind.
type ofKind struct {
	// taken: the application observes them.
	taken bool
	goals []nodeGoal
}

// New returns an observer for a run of p. The application is made for its nodes; nil for
// none.
func New(p *plan.Plan, app func(*Nodes) Application) *Observer {
	o := &Observer{
		nodes: NewNodes(p), watched: make(map[trace.Kind]*ofKind), counts: make(map[string]int64),
	}
	for _, k := range kinds {
		o.watched[k] = new(ofKind)
	}
	if app != nil {
		o.app = app(o.nodes)
		for _, k := range o.app.Kinds() {
			o.watched[k] = &ofKind{taken: true}
		}
	}
	o.kinds = slices.Sorted(maps.Keys(o.watched))
	o.faults = newFaults(p, o.nodes, o.app)
	for _, g := range nodeGoals {
		if of := o.watched[g.on]; of != nil {
			of.goals = append(of.goals, g)
		}
	}
	return o
}

// Observe adds the next event.
func (o *Observer) Observe(e trace.Event) {
	of := o.watched[e.Kind]
	if of == nil {
		return
	}
	o.event = e
	now := &o.event
	if o.app != nil {
		now.Body = o.app.Read(now)
	} else {
		now.Body = event.Of(now)
	}
	// A fault meets the state before its event, everything else is seen in the state
	// after it.
	o.faults.observe(now)
	o.nodes.take(now)
	if of.taken {
		o.app.Take(now)
	}
	for _, g := range of.goals {
		if g.reached(o.nodes, now) {
			o.counts[SometimesPrefix+g.Name]++
		}
	}
}

// Counters returns what was counted so far, by name. What is at zero is left out.
func (o *Observer) Counters() map[string]int64 {
	counts := maps.Clone(o.counts)
	if o.app != nil {
		maps.Copy(counts, o.app.Counters())
	}
	o.faults.count(counts)
	return counts
}

// Record watches the run that rec records. The function it returns puts the counters
// into the footer; call it when the run is over, before the recorder is closed.
func Record(p *plan.Plan, rec *trace.Recorder, app func(*Nodes) Application) (finish func()) {
	o := New(p, app)
	rec.Watch(o.Observe, o.kinds...)
	return func() {
		for name, n := range o.Counters() {
			rec.Count(name, n)
		}
	}
}

// Trace reads a whole trace and returns the observer that has seen it. The error is
// the reason why the trace cannot be read, or a difference to the counters of its footer.
func Trace(r io.Reader, of func(*plan.Plan) (func(*Nodes) Application, error)) (*Observer, error) {
	reader, err := trace.NewReader(r)
	if err != nil {
		return nil, err
	}
	header := reader.Header()
	app, err := of(&header.Plan)
	if err != nil {
		return nil, err
	}
	o := New(&header.Plan, app)
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return o, agree(o.Counters(), reader.Footer().Counters)
		}
		if err != nil {
			return nil, err
		}
		o.Observe(e)
	}
}

// agree complains about a counter of this package that differs in the footer.
func agree(counted, footer map[string]int64) error {
	names := slices.Concat(slices.Collect(maps.Keys(counted)), slices.Collect(maps.Keys(footer)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if ours(name) && counted[name] != footer[name] {
			return fmt.Errorf("coverage: %s: the footer has %d, the events %d", name, footer[name], counted[name])
		}
	}
	return nil
}

// ours reports whether a counter is one of this package's.
func ours(name string) bool {
	return slices.ContainsFunc([]string{FaultPrefix, StatePrefix, SometimesPrefix, TriedPrefix}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}
