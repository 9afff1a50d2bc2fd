package timeline

import (
	"cmp"
	"slices"
	"time"

	"dtsim/models/explore/counterexample"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// delivery is an arrival of a message at its receiver.
type delivery struct {
	at      time.Duration
	message int
}

// projectClocks gives every event a vector clock. The order of events is that within a node; for
// a message that is not lost, that from its sending to the receiver's next event; that of what
// the harness does to a node; and, in a trace of the model checker, which has no messages, that
// of the log, from a command to each node that lists it.
func (tl *Timeline) projectClocks() {
	width := len(tl.Lanes) + 1
	harness := width - 1
	tl.clocks = make([]int32, len(tl.Trace.Events)*width)
	newest := make([]int32, width*width) // of each lane
	deliveries := tl.deliveries()
	began := make(map[int64]int)
	var log []int32
	if tl.Trace.Header.Engine == counterexample.Engine {
		log = make([]int32, width)
	}
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		lane, ok := tl.lanes[e.Node]
		if !ok {
			lane = harness
		}
		clock := newest[lane*width : (lane+1)*width]
		if ok {
			due := deliveries[lane]
			for len(due) > 0 && due[0].at <= e.At {
				m := &tl.Messages[due[0].message]
				if merge(clock, tl.Clock(m.Sent)); m.Received == 0 {
					m.Received = e.Seq
				}
				due = due[1:]
			}
			deliveries[lane] = due
		}
		switch b := e.Body.(type) {
		case *event.NodeStarted, *event.NodeStopped, *event.NodePaused, *event.NodeResumed, *event.NodeLeft, *event.ClockSet:
			merge(clock, newest[harness*width:])
		case *event.FaultBegan:
			began[b.Index] = e.Seq
		case *event.FaultActivated:
			if seq := began[b.Index]; seq != 0 {
				merge(clock, tl.Clock(seq))
			}
		case *event.Committed, *taskevent.Listed:
			if log != nil {
				merge(clock, log)
			}
		}
		clock[lane]++
		copy(tl.clocks[i*width:], clock)
		switch e.Kind {
		case trace.NodeStopped:
			merge(newest[harness*width:], clock) // the harness waits for the stop
		case trace.Committed:
			if log != nil {
				merge(log, clock)
			}
		}
	}
}

// deliveries returns the arrivals at each lane, in order.
func (tl *Timeline) deliveries() [][]delivery {
	all := make([][]delivery, len(tl.Lanes))
	for i := range tl.Messages {
		m := &tl.Messages[i]
		lane, ok := tl.lanes[m.To]
		if !ok {
			continue
		}
		soonest := tl.At(m.Sent) + 1 // also in a trace that contradicts itself
		if m.Lost == "" {
			all[lane] = append(all[lane], delivery{max(m.Arrives, soonest), i})
		}
		for _, at := range m.Duplicates {
			all[lane] = append(all[lane], delivery{max(at, soonest), i})
		}
	}
	for _, due := range all {
		slices.SortStableFunc(due, func(a, b delivery) int { return cmp.Compare(a.at, b.at) })
	}
	return all
}

func merge(into, from []int32) {
	for i, n := range from[:len(into)] {
		into[i] = max(into[i], n)
	}
}

// Clock returns the vector clock of the event seq: for each lane, and for the harness after
// them, how many of its events happened before this one. The caller must not modify it.
func (tl *Timeline) Clock(seq int) []int32 {
	width := len(tl.Lanes) + 1
	return tl.clocks[(seq-1)*width : seq*width : seq*width]
}

// process returns the lane of an event; the harness comes after the lanes.
func (tl *Timeline) process(seq int) int {
	if lane, ok := tl.lanes[tl.Event(seq).Node]; ok {
		return lane
	}
	return len(tl.Lanes)
}

// Before reports whether event a happened before event b, that is, whether a can have caused b.
func (tl *Timeline) Before(a, b int) bool {
	p := tl.process(a)
	return a < b && tl.Clock(a)[p] <= tl.Clock(b)[p]
}

// Past returns the events that happened before seq, in order.
func (tl *Timeline) Past(seq int) []int {
	var past []int
	for before := 1; before < seq; before++ {
		if tl.Before(before, seq) {
			past = append(past, before)
		}
	}
	return past
}
