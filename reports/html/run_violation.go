package html

import (
	"fmt"

	"dtsim/reports/timeline"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// violationPanel is a violation with the facts that contradict each other.
type violationPanel struct {
	Property, Message string
	Where             string
	Facts             []evidence
}

// evidence is one side of a contradiction: an event that happened, or one that had not.
type evidence struct {
	Seq    int
	Absent bool
	When   string
	Node   string
	Words  string
	After  string // what followed it
}

// panel returns the panel of a violation. The last of its events shows it. The other side is
// what had not happened or, if there is no such thing, the events before.
func (r *runPage) panel(v trace.Violation, absences []timeline.Absence) violationPanel {
	p := violationPanel{Property: v.Property, Message: v.Message}
	if !r.steps {
		p.Where = formatDuration(v.At)
		if v.Node != "" {
			p.Where += " on " + v.Node
		}
	}
	happened := v.Events
	if len(absences) > 0 && len(happened) > 1 {
		happened = happened[len(happened)-1:]
	}
	if len(happened) > 3 {
		happened = happened[len(happened)-3:]
	}
	for _, seq := range happened {
		e := r.tl.Event(seq)
		f := evidence{Seq: seq, Node: e.Node, Words: r.Event(e)}
		if !r.steps {
			f.When = timeOf(e)
		}
		if e.Kind == trace.Committed {
			f.After = r.effect(seq)
		}
		p.Facts = append(p.Facts, f)
	}
	last := 0
	if len(v.Events) > 0 {
		last = v.Events[len(v.Events)-1]
	}
	for _, a := range absences {
		f := evidence{Absent: true, Node: a.Node, Words: "no " + a.What + " of " + a.Node, After: "it never happened"}
		if a.Came != 0 {
			f.Seq = a.Came
			f.After = "it happened at " + timeOf(r.tl.Event(a.Came))
			if !r.steps && last != 0 {
				f.After = fmt.Sprintf("it happened %s later, at %s", formatDuration(r.tl.At(a.Came)-r.tl.At(last)), timeOf(r.tl.Event(a.Came)))
			}
		}
		p.Facts = append(p.Facts, f)
	}
	return p
}

// effect describes the status of its task after the command seq.
func (r *runPage) effect(seq int) string {
	for next := seq + 1; next <= len(r.tl.Trace.Events); next++ {
		e := r.tl.Event(next)
		b, ok := e.Body.(*taskevent.TaskChanged)
		if !ok {
			return ""
		}
		if b.Unit == "" {
			return "so " + r.Event(e)
		}
	}
	return ""
}
