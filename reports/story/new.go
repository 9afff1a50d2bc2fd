package story

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/sim/trace"
)

// New tells a run. The error says which event makes no sense; what a wrong build may
// write is no such thing, and is told as it stands.
func New(t *trace.Trace) (*Story, error) {
	s := &Story{Trace: t, lanes: make(map[string]int)}
	if err := s.number(); err != nil {
		return nil, err
	}
	s.tellLanes()
	s.tellFaults()
	s.tellMessages()
	s.tellCommits()
	s.tellCalls()
	s.tellBars()
	s.tellClocks()
	s.tellState()
	return s, nil
}

// number makes sure that events know their places, and finds the lanes.
func (s *Story) number() error {
	named := make(map[string]bool)
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		if e.Seq != i+1 {
			return fmt.Errorf("story: event %d says that it is event %d", i+1, e.Seq)
		}
		if i > 0 && e.At < s.Trace.Events[i-1].At {
			return fmt.Errorf("story: event %d is at %s, before the event before it", e.Seq, e.At)
		}
		if e.Node != "" {
			named[e.Node] = true
		}
	}
	for i, v := range s.Trace.Footer.Verdict.Violations {
		for _, seq := range v.Events {
			if seq < 1 || seq > len(s.Trace.Events) {
				return fmt.Errorf("story: violation %d is about event %d of %d", i+1, seq, len(s.Trace.Events))
			}
		}
	}
	if len(named) > 0 {
		for _, name := range s.Trace.Header.Plan.Cluster.NodeNames() {
			named[name] = true
		}
	}
	for i, name := range slices.SortedFunc(maps.Keys(named), compareNames) {
		s.Lanes = append(s.Lanes, Lane{Name: name})
		s.lanes[name] = i
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

// run is one run of a task on a node, or of all.
type run struct {
	namespace, task string
	version         int64
}

func runOf(e *trace.Event) run {
	var r run
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

// uintOf returns the number in a field, 0 when there is none.
func uintOf(e *trace.Event, key string) uint64 {
	f, _ := e.Get(key)
	return f.Uint()
}
