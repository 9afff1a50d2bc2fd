package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// New projects a run. It returns an error that names the event if sequence numbers or times are
// inconsistent; every other contradiction in a trace is projected as it is.
func New(t *trace.Trace) (*Timeline, error) {
	p, err := taskplan.Of(&t.Header.Plan)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	tl := &Timeline{Trace: t, plan: p, lanes: make(map[string]int)}
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

// taskRun identifies one version of a task.
type taskRun struct {
	namespace, task string
	version         int64
}

func taskRunOf(e *trace.Event) taskRun {
	var r taskRun
	for i := range e.Fields {
		switch f := &e.Fields[i]; f.Key {
		case "namespace":
			r.namespace = f.Text()
		case "task":
			r.task = f.Text()
		case "version":
			r.version = int64(f.Uint())
		}
	}
	return r
}

// uintOf returns the number in a field, 0 when the field is missing.
func uintOf(e *trace.Event, key string) uint64 {
	f, _ := e.Get(key)
	return f.Uint()
}
