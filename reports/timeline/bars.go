package timeline

import (
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// barProjector follows what takes time on nodes.
type barProjector struct {
	tl *Timeline
	e  *trace.Event
	// open are the positions of open bars, by what they are: a bar without its span, its
	// incarnation and its outcome. order are the same by beginning.
	open  map[Bar]int
	order []Bar
	// stalls are the bars of goroutines that are held up, with the time at which they go on.
	stalls []stall
}

type stall struct {
	bar   Bar
	until time.Duration
}

// projectBars projects what takes time on nodes.
func (tl *Timeline) projectBars() {
	p := &barProjector{tl: tl, open: make(map[Bar]int)}
	for i := range tl.Trace.Events {
		p.e = &tl.Trace.Events[i]
		p.observe()
	}
}

func (p *barProjector) observe() {
	handle := func(h *taskevent.Handle) Bar { return Bar{Kind: "handle", Run: h.Run, Number: h.Number} }
	callback := func(c *taskevent.Callback) Bar {
		return Bar{Kind: "callback", Name: c.Name, Run: c.Run, Group: c.Group}
	}
	p.stalls = slices.DeleteFunc(p.stalls, func(s stall) bool {
		if s.until <= p.e.At {
			p.endOf(s.bar, "")
		}
		return s.until <= p.e.At
	})
	switch b := p.e.Body.(type) {
	case *event.Quiescence:
		for _, s := range p.stalls {
			p.endOf(s.bar, "")
		}
		p.stalls = nil
	case *event.Stalled:
		of := Bar{Kind: "stall", Name: b.At, Number: b.Nth}
		p.begin(of)
		of.Node = p.e.Node
		p.stalls = append(p.stalls, stall{of, p.e.At + b.For})
	case *event.NodeStopped:
		for _, of := range slices.Clone(p.order) {
			if of.Node == p.e.Node {
				p.end(of, "cut off")
			}
		}
	case *taskevent.CallbackStarted:
		p.begin(callback(&b.Callback))
	case *taskevent.CallbackEnded:
		p.end(callback(&b.Callback), b.Error)
	case *taskevent.StartAsked:
		p.begin(Bar{Kind: "start", Run: b.Run})
	case *taskevent.HandleStarted:
		p.end(Bar{Kind: "start", Run: b.Run}, "")
		p.begin(handle(&b.Handle))
	case *taskevent.HandleTerminated:
		of := handle(&b.Handle)
		of.Node = p.e.Node
		if i, ok := p.open[of]; ok && p.tl.Bars[i].Terminated == 0 {
			p.tl.Bars[i].Terminated = p.e.Seq
		}
	case *taskevent.HandleExited:
		p.end(handle(&b.Handle), "")
	case *taskevent.WorkStarted:
		p.begin(Bar{Kind: "work", Name: b.Unit, Run: b.Run})
	case *taskevent.WorkEnded:
		outcome := b.Outcome
		if outcome == event.OK {
			outcome = ""
		}
		p.end(Bar{Kind: "work", Name: b.Unit, Run: b.Run}, outcome)
	}
}

// begin opens a bar on the node of the event. One of the same that is open has failed.
func (p *barProjector) begin(b Bar) {
	p.end(b, "failed")
	b.Node = p.e.Node
	p.open[b] = len(p.tl.Bars)
	p.order = append(p.order, b)
	b.Span, b.Incarnation = Span{From: p.e.Seq}, p.e.Incarnation
	p.tl.Bars = append(p.tl.Bars, b)
}

// end closes a bar on the node of the event if it is open.
func (p *barProjector) end(b Bar, outcome string) {
	b.Node = p.e.Node
	p.endOf(b, outcome)
}

// endOf closes a bar if it is open.
func (p *barProjector) endOf(b Bar, outcome string) {
	i, ok := p.open[b]
	if !ok {
		return
	}
	p.tl.Bars[i].Until, p.tl.Bars[i].Outcome = p.e.Seq, outcome
	delete(p.open, b)
	p.order = slices.DeleteFunc(p.order, func(o Bar) bool { return o == b })
}
