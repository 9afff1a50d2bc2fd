package coverage

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// The beginnings of the counters' names.
const (
	FaultPrefix     = "fault/"
	StatePrefix     = "state/"
	SometimesPrefix = "sometimes/"
	// AtStakePrefix is that of how often a property was at stake, and ExcusedPrefix that of
	// what was let pass for a reason; scenarios/property counts both.
	AtStakePrefix = "at-stake/"
	ExcusedPrefix = "excused/"
	// WithoutPrefix is that of what became of runs that were made again without one of
	// their faults; whoever makes them counts with [Without].
	WithoutPrefix = "without/"
)

// Observer counts what happens in a run. It is not safe for concurrent use:
// [trace.Recorder.Watch] calls it one event at a time.
type Observer struct {
	story  *story
	faults *faults
	goals  map[trace.Kind][]Goal
	counts map[string]int64
}

// New returns an observer for a run of p.
func New(p *taskplan.Plan) *Observer {
	o := &Observer{story: newStory(p), goals: make(map[trace.Kind][]Goal), counts: make(map[string]int64)}
	o.faults = newFaults(p, o.story)
	for _, g := range goals {
		o.goals[g.on] = append(o.goals[g.on], g)
	}
	return o
}

// Kinds returns the kinds of events that an [Observer] has to be given; it takes no
// notice of others.
func Kinds() []trace.Kind { return slices.Clone(kinds) }

// watched are the kinds as a set.
var watched = func() map[trace.Kind]bool {
	set := make(map[trace.Kind]bool, len(kinds))
	for _, k := range kinds {
		set[k] = true
	}
	return set
}()

// Observe takes in the next event.
func (o *Observer) Observe(e trace.Event) {
	if !watched[e.Kind] {
		return
	}
	// A fault strikes the state before its event, everything else is seen in the state
	// after it.
	o.faults.observe(&e)
	o.story.take(&e)
	for _, g := range o.goals[e.Kind] {
		if g.reached(o.story, &e) {
			o.counts[SometimesPrefix+g.Name]++
		}
	}
}

// Counters returns what was counted so far, by name. What is at zero is left out.
func (o *Observer) Counters() map[string]int64 {
	counts := maps.Clone(o.counts)
	o.faults.count(counts)
	return counts
}

// Record watches the run that rec records. The function it returns puts the counters
// into the footer; call it when the run is over, before the recorder is closed.
func Record(p *taskplan.Plan, rec *trace.Recorder) (finish func()) {
	o := New(p)
	rec.Watch(o.Observe, kinds...)
	return func() {
		for name, n := range o.Counters() {
			rec.Count(name, n)
		}
	}
}

// Trace reads a whole trace and returns the observer that has seen it. The error says
// why the trace cannot be read, or that its footer counts something else.
func Trace(r io.Reader) (*Observer, error) {
	reader, err := trace.NewReader(r)
	if err != nil {
		return nil, err
	}
	header := reader.Header()
	p, err := taskplan.Of(&header.Plan)
	if err != nil {
		return nil, err
	}
	o := New(p)
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
			return fmt.Errorf("coverage: %s: the footer says %d, the events %d", name, footer[name], counted[name])
		}
	}
	return nil
}
