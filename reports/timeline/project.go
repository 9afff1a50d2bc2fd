package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// New projects a run. It returns an error that names the event if sequence numbers or times are
// inconsistent; every other contradiction in a trace is projected as it is.
func New(t *trace.Trace) (*Timeline, error) {
	p, err := taskplan.Of(&t.Header.Plan)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	profile, err := property.ProfileNamed(t.Header.Profile)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	whole := *t
	whole.Events = slices.Clone(t.Events)
	for i := range whole.Events {
		e := &whole.Events[i]
		e.Body = taskevent.Of(e)
	}
	tl := &Timeline{Trace: &whole, Profile: profile, plan: p, lanes: make(map[string]int)}
	if err := tl.index(); err != nil {
		return nil, err
	}
	tl.projectLanes()
	tl.projectFaults()
	tl.projectMessages()
	tl.projectCommits()
	tl.projectCalls()
	tl.projectBars()
	tl.projectClocks()
	tl.projectState()
	return tl, nil
}

// index checks the sequence numbers and finds the lanes.
func (tl *Timeline) index() error {
	named := make(map[string]bool)
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		if e.Seq != i+1 {
			return fmt.Errorf("timeline: event %d has the number %d", i+1, e.Seq)
		}
		if i > 0 && e.At < tl.Trace.Events[i-1].At {
			return fmt.Errorf("timeline: event %d is at %s, before the event before it", e.Seq, e.At)
		}
		if e.Node != "" {
			named[e.Node] = true
		}
	}
	for i, v := range tl.Trace.Footer.Verdict.Violations {
		for _, seq := range v.Events {
			if seq < 1 || seq > len(tl.Trace.Events) {
				return fmt.Errorf("timeline: violation %d is about event %d of %d", i+1, seq, len(tl.Trace.Events))
			}
		}
	}
	if len(named) > 0 {
		for _, name := range tl.Trace.Header.Plan.Cluster.NodeNames() {
			named[name] = true
		}
	}
	for i, name := range slices.SortedFunc(maps.Keys(named), compareNames) {
		tl.Lanes = append(tl.Lanes, Lane{Name: name})
		tl.lanes[name] = i
	}
	return nil
}

// compareNames orders n2 before n10.
func compareNames(a, b string) int {
	split := func(name string) (string, int) {
		stem := strings.TrimRight(name, "0123456789")
		n, err := strconv.Atoi(name[len(stem):])
		if err != nil {
			return name, -1
		}
		return stem, n
	}
	stemA, a1 := split(a)
	stemB, b1 := split(b)
	return cmp.Or(cmp.Compare(stemA, stemB), cmp.Compare(a1, b1), cmp.Compare(a, b))
}

// taskOf returns the task that an event names, a zero key if it names none.
func taskOf(b trace.Body) taskevent.Key {
	var r taskevent.Run
	switch b := b.(type) {
	case interface{ Key() taskevent.Key }:
		return b.Key()
	case *event.Called:
		trace.ReadFields(b.Details, &r)
	case *event.Applied:
		trace.ReadFields(b.Details, &r)
	case *event.FaultActivated:
		trace.ReadFields(b.Details, &r)
	case *event.AtRest:
		trace.ReadFields(b.Details, &r)
	case *event.Other:
		trace.ReadFields(b.Fields, &r)
	}
	return r.Key()
}
