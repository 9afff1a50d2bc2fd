package story

import (
	"strings"

	"dtsim/sim/trace"
)

// tellLanes tells lives, pauses and roles of the nodes.
func (s *Story) tellLanes() {
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		at, ok := s.lanes[e.Node]
		if !ok {
			continue
		}
		l := &s.Lanes[at]
		switch e.Kind {
		case trace.NodeStarted:
			l.end(e.Seq, "")
			l.Incarnations = append(l.Incarnations, Incarnation{Number: e.Incarnation, Span: Span{From: e.Seq}})
		case trace.NodeStopped:
			l.end(e.Seq, e.Str("how"))
		case trace.NodePaused:
			l.Pauses = append(l.Pauses, Span{From: e.Seq})
		case trace.NodeResumed:
			l.resume(e.Seq)
		case trace.NodeState:
			l.leave(e.Seq)
			l.Roles = append(l.Roles, Role{Span: Span{From: e.Seq}, State: e.Str("state"), Term: uintOf(e, "term")})
		}
	}
}

// end ends whatever lasts on a node when it stops.
func (l *Lane) end(seq int, how string) {
	if n := len(l.Incarnations); n > 0 && l.Incarnations[n-1].Until == 0 {
		l.Incarnations[n-1].Until, l.Incarnations[n-1].How = seq, how
	}
	l.resume(seq)
	l.leave(seq)
}

func (l *Lane) resume(seq int) {
	if n := len(l.Pauses); n > 0 && l.Pauses[n-1].Until == 0 {
		l.Pauses[n-1].Until = seq
	}
}

func (l *Lane) leave(seq int) {
	if n := len(l.Roles); n > 0 && l.Roles[n-1].Until == 0 {
		l.Roles[n-1].Until = seq
	}
}

// tellFaults tells the spans of faults and what they bit.
func (s *Story) tellFaults() {
	newest := make(map[int64]int) // the newest span of a fault, by its number
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		switch e.Kind {
		case trace.FaultBegan:
			f := Fault{Span: Span{From: e.Seq}, Number: e.Int("fault"), What: e.Str("what"), Peer: e.Str("peer")}
			if nodes := e.Str("nodes"); nodes != "" {
				f.Nodes = strings.Split(nodes, ",")
			}
			newest[f.Number] = len(s.Faults)
			s.Faults = append(s.Faults, f)
		case trace.FaultBit, trace.FaultEnded:
			i, ok := newest[e.Int("fault")]
			if !ok {
				continue
			}
			if f := &s.Faults[i]; e.Kind == trace.FaultBit {
				f.Bites = append(f.Bites, e.Seq)
			} else if f.Until == 0 {
				f.Until = e.Seq
			}
		case trace.Calm:
			s.Calm = e.Seq
		}
	}
	for i := range s.Faults {
		// Whatever lasts ends at the latest when the calm begins.
		if f := &s.Faults[i]; f.Until == 0 && s.Calm != 0 {
			f.Until = f.From
		}
	}
}
