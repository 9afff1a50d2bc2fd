package shrink

import (
	"fmt"
	"slices"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// maxView is how many events a view has at most: the last ones tell the most.
const maxView = 1000

// About describes an event as the application understands it.
type About struct {
	// Subject is what the event is about, such as a task; empty for nothing.
	Subject string
	// Effect: the event is what the command just committed left of the subject.
	Effect bool
	// Minor: no other event is in a view because of this one.
	Minor bool
}

// View returns a function that returns the numbers, from 1, of the events that led to a
// violation: what was seen where and when it was found, and backwards from there whatever
// happened before it: a command and its call, what a node had learned of the subject before
// it acted, the starts and ends of its life, the faults. Minor events are left out unless
// the violation was seen in them. The trace itself stays whole.
func View(about func(*trace.Event) About) func(*trace.Trace, trace.Violation) []int {
	return func(t *trace.Trace, v trace.Violation) []int { return view(t, v, about) }
}

func view(t *trace.Trace, v trace.Violation, about func(*trace.Event) About) []int {
	s := slicer{about: about, events: t.Events, before: make([][]int, len(t.Events)), last: map[string]int{}}
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
	about  func(*trace.Event) About
	events []trace.Event
	before [][]int
	// last is where something was seen last, by what it is.
	last map[string]int
}

// noise are the kinds that are no step of the protocol.
var noise = []trace.Kind{
	trace.MessageSent, trace.MessageLost, trace.Listed, trace.FileWritten, trace.FileRenamed, trace.FileRemoved, trace.Replayed,
	trace.StoresOpened, trace.LogStored, trace.LogDeleted, trace.StableStored,
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

	about := s.about(e)
	subject := about.Subject
	here := fmt.Sprintf("%s#%d", e.Node, e.Incarnation)
	if e.Incarnation > 0 && e.Kind != trace.NodeStarted {
		after("start of %s", here)
	}
	switch b := event.Of(e).(type) {
	case *event.NodeStarted:
		after("end of %s", e.Node)
		is("start of %s", here)
	case *event.NodeStopped, *event.NodeLeft:
		after("fault on %s", e.Node)
		is("end of %s", e.Node)
	case *event.FaultBegan:
		is("fault %d", b.Index)
	case *event.FaultActivated:
		after("fault %d", b.Index)
		is("fault on %s", e.Node)
	case *event.FaultEnded:
		after("fault %d", b.Index)
		is("fault on %s", e.Node)
	case *event.NodeState:
		is("state of %s", here)
	case *event.Called:
		after("%s on %s", subject, here)
		is("call %d", b.Op)
	case *event.Proposed:
		after("call %d", b.Op)
		is("request %s", b.Request)
	case *event.Returned:
		after("call %d", b.Op)
		after("fault on %s", e.Node)
	case *event.Committed:
		after("request %s", b.Request)
		after("state of %s", here)
		is("commit %d", b.Index)
		is("commit")
	case *event.Applied:
		after("commit %d", b.Index)
		after("change of %s", subject)
		is("apply on %s", here)
	case *event.SnapshotTaken, *event.SnapshotReread, *event.SnapshotRestored:
		after("apply on %s", here)
		is("apply on %s", here)
	default:
		switch {
		case about.Effect:
			after("commit")
			after("change of %s", subject)
			if !about.Minor {
				is("change of %s", subject)
			}
		case subject != "":
			after("%s on %s", subject, here)
			after("fault on %s", e.Node)
		default:
			after("apply on %s", here)
		}
	}
	if subject != "" && !about.Minor && !about.Effect {
		is("%s on %s", subject, here)
	}
}
