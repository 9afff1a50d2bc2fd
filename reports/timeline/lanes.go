package timeline

import (
	"strings"

	"dtsim/sim/trace"
)

// projectLanes projects incarnations, pauses and roles of the nodes.
func (tl *Timeline) projectLanes() {
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		at, ok := tl.lanes[e.Node]
		if !ok {
			continue
		}
		l := &tl.Lanes[at]
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

// end ends every span of a node when it stops.
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

// projectFaults projects the spans of faults and their activations.
func (tl *Timeline) projectFaults() {
	newest := make(map[int64]int) // the newest span of a fault, by its number
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		switch e.Kind {
		case trace.FaultBegan:
			f := Fault{Span: Span{From: e.Seq}, Number: e.Int("fault"), What: e.Str("what"), Peer: e.Str("peer")}
			if nodes := e.Str("nodes"); nodes != "" {
				f.Nodes = strings.Split(nodes, ",")
			}
			newest[f.Number] = len(tl.Faults)
			tl.Faults = append(tl.Faults, f)
		case trace.FaultActivated, trace.FaultEnded:
			i, ok := newest[e.Int("fault")]
			if !ok {
				continue
			}
			if f := &tl.Faults[i]; e.Kind == trace.FaultActivated {
				f.Activations = append(f.Activations, e.Seq)
			} else if f.Until == 0 {
				f.Until = e.Seq
			}
		case trace.Quiescence:
			tl.Quiescence = e.Seq
		}
	}
	for i := range tl.Faults {
		// Every span ends at the latest when quiescence begins.
		if f := &tl.Faults[i]; f.Until == 0 && tl.Quiescence != 0 {
			f.Until = f.From
		}
	}
}
