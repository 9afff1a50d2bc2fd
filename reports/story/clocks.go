package story

import (
	"cmp"
	"slices"
	"time"

	"dtsim/models/explore/counterexample"
	"dtsim/sim/trace"
)

// delivery is a message as its receiver gets it.
type delivery struct {
	at      time.Duration
	message int
}

// tellClocks gives every event a vector clock. What happened before what is: the order
// within a node; a message that is not lost, from its sending to the receiver's next
// event; what the harness does to a node; and, in a trace of the model checker, which has
// no messages, the log, from a command to whoever is shown it.
func (s *Story) tellClocks() {
	width := len(s.Lanes) + 1
	harness := width - 1
	s.clocks = make([]int32, len(s.Trace.Events)*width)
	newest := make([]int32, width*width) // of each lane
	deliveries := s.deliveries()
	began := make(map[int64]int)
	var log []int32
	if s.Trace.Header.Engine == counterexample.Engine {
		log = make([]int32, width)
	}
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		lane, ok := s.lanes[e.Node]
		if !ok {
			lane = harness
		}
		clock := newest[lane*width : (lane+1)*width]
		if ok {
			due := deliveries[lane]
			for len(due) > 0 && due[0].at <= e.At {
				m := &s.Messages[due[0].message]
				if merge(clock, s.Clock(m.Sent)); m.Seen == 0 {
					m.Seen = e.Seq
				}
				due = due[1:]
			}
			deliveries[lane] = due
		}
		switch e.Kind {
		case trace.NodeStarted, trace.NodeStopped, trace.NodePaused, trace.NodeResumed, trace.NodeLeft, trace.ClockSet:
			merge(clock, newest[harness*width:])
		case trace.FaultBegan:
			began[e.Int("fault")] = e.Seq
		case trace.FaultBit:
			if seq := began[e.Int("fault")]; seq != 0 {
				merge(clock, s.Clock(seq))
			}
		case trace.Committed, trace.Listed:
			if log != nil {
				merge(clock, log)
			}
		}
		clock[lane]++
		copy(s.clocks[i*width:], clock)
		switch e.Kind {
		case trace.NodeStopped:
			merge(newest[harness*width:], clock) // the harness waits for that
		case trace.Committed:
			if log != nil {
				merge(log, clock)
			}
		}
	}
}

// deliveries are what each lane gets, in order.
func (s *Story) deliveries() [][]delivery {
	all := make([][]delivery, len(s.Lanes))
	for i := range s.Messages {
		m := &s.Messages[i]
		lane, ok := s.lanes[m.To]
		if !ok {
			continue
		}
		soonest := s.At(m.Sent) + 1 // whatever a trace says that makes no sense
		if m.Lost == "" {
			all[lane] = append(all[lane], delivery{max(m.Arrives, soonest), i})
		}
		for _, at := range m.Again {
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

// Clock returns the vector clock of the event at a place: for each lane, and the harness
// behind them, how many of its events have happened by then, as far as the event can
// tell. It is not to be changed.
func (s *Story) Clock(seq int) []int32 {
	width := len(s.Lanes) + 1
	return s.clocks[(seq-1)*width : seq*width : seq*width]
}

// process is the lane of an event, the harness being behind them.
func (s *Story) process(seq int) int {
	if lane, ok := s.lanes[s.Event(seq).Node]; ok {
		return lane
	}
	return len(s.Lanes)
}

// Before says that the event at one place happened before the other one: that it can
// have led to it.
func (s *Story) Before(a, b int) bool {
	p := s.process(a)
	return a < b && s.Clock(a)[p] <= s.Clock(b)[p]
}

// Past returns the places of all events that happened before one, in order.
func (s *Story) Past(seq int) []int {
	var past []int
	for before := 1; before < seq; before++ {
		if s.Before(before, seq) {
			past = append(past, before)
		}
	}
	return past
}
