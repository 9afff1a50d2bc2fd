package timeline

import (
	"slices"

	"dtsim/sim/trace"
)

// bar identifies an open bar.
type bar struct {
	node        string
	kind        string
	run         taskRun
	name, group string
	number      int64
}

// opens and closes are the kinds of events that begin and end bars, with the kind of bar.
var (
	opens = map[trace.Kind]string{
		trace.CallbackStarted: "callback", trace.StartAsked: "start", trace.HandleStarted: "handle", trace.WorkStarted: "work",
	}
	closes = map[trace.Kind]string{
		trace.CallbackEnded: "callback", trace.HandleStarted: "start", trace.HandleExited: "handle", trace.WorkEnded: "work",
	}
)

// projectBars projects what takes time on nodes.
func (tl *Timeline) projectBars() {
	open := make(map[bar]int)
	var order []bar // the open ones, by beginning
	end := func(b bar, seq int, outcome string) {
		i, ok := open[b]
		if !ok {
			return
		}
		tl.Bars[i].Until, tl.Bars[i].Outcome = seq, outcome
		delete(open, b)
		order = slices.DeleteFunc(order, func(o bar) bool { return o == b })
	}
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		if e.Kind == trace.NodeStopped {
			for _, b := range slices.Clone(order) {
				if b.node == e.Node {
					end(b, e.Seq, "cut off")
				}
			}
			continue
		}
		if kind, ok := closes[e.Kind]; ok {
			outcome := e.Str("error")
			if e.Kind == trace.WorkEnded && e.Str("outcome") != "ok" {
				outcome = e.Str("outcome")
			}
			end(barOf(e, kind), e.Seq, outcome)
		}
		if e.Kind == trace.HandleTerminated {
			if i, ok := open[barOf(e, "handle")]; ok && tl.Bars[i].Terminated == 0 {
				tl.Bars[i].Terminated = e.Seq
			}
		}
		kind, ok := opens[e.Kind]
		if !ok {
			continue
		}
		b := barOf(e, kind)
		end(b, e.Seq, "failed")
		open[b] = len(tl.Bars)
		order = append(order, b)
		tl.Bars = append(tl.Bars, Bar{
			Span: Span{From: e.Seq}, Node: e.Node, Incarnation: e.Incarnation, Kind: kind, Name: b.name, Group: b.group, Number: b.number,
			Namespace: b.run.namespace, Task: b.run.task, Version: b.run.version,
		})
	}
}

func barOf(e *trace.Event, kind string) bar {
	b := bar{node: e.Node, kind: kind, run: taskRunOf(e)}
	switch kind {
	case "callback":
		b.name, b.group = e.Str("callback"), e.Str("group")
	case "work":
		b.name = e.Str("unit")
	case "handle":
		b.number = e.Int("handle")
	}
	return b
}
