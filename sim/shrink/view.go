package shrink

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/sim/trace"
)

// maxView is how many events a view has at most: the last ones tell the most.
const maxView = 1000

// View returns the numbers, from 1, of the events that led to a violation: what was
// seen where and when it was found, and backwards from there whatever happened before
// it: a command and who called for it, what a node had learned of the task before it
// acted, the starts and ends of its life, the faults. Progress of units is left out
// unless the violation is about it. The trace itself stays whole.
func View(t *trace.Trace, v trace.Violation) []int {
	s := slicer{events: t.Events, before: make([][]int, len(t.Events)), last: map[string]int{}}
	end := len(t.Events)
	for i := range t.Events {
		if t.Events[i].At > v.At {
			end = i
			break
		}
		s.link(i)
	}
	seen := make([]bool, len(t.Events))
	todo := s.seeds(v, end)
	for _, i := range todo {
		seen[i] = true
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, j := range s.before[i] {
			if !seen[j] {
				seen[j] = true
				todo = append(todo, j)
			}
		}
	}
	var numbers []int
	for i := range seen {
		if seen[i] {
			numbers = append(numbers, i+1)
		}
	}
	return numbers[max(0, len(numbers)-maxView):]
}

// slicer holds for each event those that came right before it.
type slicer struct {
	events []trace.Event
	before [][]int
	// last is where something was seen last, by what it is.
	last map[string]int
}

// noise are the kinds that are no step of the protocol.
var noise = []trace.Kind{trace.MessageSent, trace.MessageLost, trace.Listed, trace.FileWritten, trace.FileRenamed, trace.FileRemoved, trace.Replayed}

// isProgress reports whether an event is about progress alone.
func isProgress(e *trace.Event) bool {
	return strings.Contains(e.Str("command"), "UNIT_PROGRESS") || e.Str("do") == "update-progress"
}

// seeds are the events in which a violation was seen: those of its instant and node,
// or the last ones before it.
func (s *slicer) seeds(v trace.Violation, end int) (all []int) {
	for i := end - 1; i >= 0; i-- {
		e := &s.events[i]
		switch {
		case slices.Contains(noise, e.Kind) || v.Node != "" && e.Node != v.Node:
			continue
		case len(all) > 0 && e.At < v.At:
			return all
		}
		all = append(all, i)
		if e.At < v.At {
			return all
		}
	}
	return all
}

// link notes what event i follows from.
func (s *slicer) link(i int) {
	e := &s.events[i]
	if slices.Contains(noise, e.Kind) {
		return
	}
	after := func(format string, args ...any) {
		if j, ok := s.last[fmt.Sprintf(format, args...)]; ok {
			s.before[i] = append(s.before[i], j)
		}
	}
	is := func(format string, args ...any) { s.last[fmt.Sprintf(format, args...)] = i }

	task := ""
	if id := e.Str("task"); id != "" {
		task = e.Str("namespace") + "/" + id
	}
	here := fmt.Sprintf("%s#%d", e.Node, e.Incarnation)
	if e.Incarnation > 0 && e.Kind != trace.NodeStarted {
		after("start of %s", here)
	}
	switch e.Kind {
	case trace.NodeStarted:
		after("end of %s", e.Node)
		is("start of %s", here)
	case trace.NodeStopped, trace.NodeLeft:
		after("fault on %s", e.Node)
		is("end of %s", e.Node)
	case trace.FaultBegan:
		is("fault %d", e.Int("fault"))
	case trace.FaultActivated, trace.FaultEnded:
		after("fault %d", e.Int("fault"))
		is("fault on %s", e.Node)
	case trace.NodeState:
		is("state of %s", here)
	case trace.Called:
		after("%s on %s", task, here)
		is("call %d", e.Int("op"))
	case trace.Proposed:
		after("call %d", e.Int("op"))
		is("request %s %d", e.Str("client"), e.Int("seq"))
	case trace.Returned:
		after("call %d", e.Int("op"))
		after("fault on %s", e.Node)
	case trace.Committed:
		after("request %s %d", e.Str("client"), e.Int("seq"))
		after("state of %s", here)
		is("commit %d", e.Int("index"))
		is("commit")
	case trace.TaskChanged:
		after("commit")
		after("change of %s", task)
		if e.Str("unit_status") != "IN_PROGRESS" {
			is("change of %s", task)
		}
	case trace.Applied:
		after("commit %d", e.Int("index"))
		after("change of %s", task)
		is("apply on %s", here)
	case trace.SnapshotTaken, trace.SnapshotReread, trace.SnapshotRestored:
		after("apply on %s", here)
		is("apply on %s", here)
	case trace.SchemaChanged:
		after("apply on %s", here)
	default:
		if task != "" {
			after("%s on %s", task, here)
			after("fault on %s", e.Node)
		} else {
			after("apply on %s", here)
		}
	}
	if task != "" && !isProgress(e) && e.Kind != trace.TaskChanged {
		is("%s on %s", task, here)
	}
}
