package timeline

import (
	"strings"

	"dtsim/sim/trace/event"
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
		switch b := e.Body.(type) {
		case *event.NodeStarted:
			l.end(e.Seq, "")
			l.Incarnations = append(l.Incarnations, Incarnation{Number: e.Incarnation, Span: Span{From: e.Seq}})
		case *event.NodeStopped:
			l.end(e.Seq, b.How)
		case *event.NodePaused:
			l.Pauses = append(l.Pauses, Span{From: e.Seq})
		case *event.NodeResumed:
			l.resume(e.Seq)
		case *event.NodeState:
			l.leave(e.Seq)
			l.Roles = append(l.Roles, Role{Span: Span{From: e.Seq}, State: b.State, Term: b.Term})
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
		switch b := e.Body.(type) {
		case *event.FaultBegan:
			f := Fault{Span: Span{From: e.Seq}, Number: b.Index, What: b.What, Peer: b.Peer}
			if b.Nodes != "" {
				f.Nodes = strings.Split(b.Nodes, ",")
			}
			newest[f.Number] = len(tl.Faults)
			tl.Faults = append(tl.Faults, f)
		case *event.FaultActivated:
			if i, ok := newest[b.Index]; ok {
				tl.Faults[i].Activations = append(tl.Faults[i].Activations, e.Seq)
			}
		case *event.FaultEnded:
			if i, ok := newest[b.Index]; ok && tl.Faults[i].Until == 0 {
				tl.Faults[i].Until = e.Seq
			}
		case *event.Quiescence:
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
