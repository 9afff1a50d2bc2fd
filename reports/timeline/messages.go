package timeline

import (
	"slices"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// identity identifies a message across its events.
type identity struct {
	from, to, kind string
	id             uint64
	n              int64
}

func identityOf(e *trace.Event) (m identity, ok bool) {
	m.from = e.Node
	for i := range e.Fields {
		switch f := &e.Fields[i]; f.Key {
		case "to":
			m.to = f.Text()
		case "msg":
			m.kind, ok = f.Text(), true
		case "id":
			m.id = f.Uint()
		case "n":
			m.n = f.Int()
		}
	}
	return m, ok
}

// projectMessages projects every message from its sending to its end.
func (tl *Timeline) projectMessages() {
	count := 0
	for i := range tl.Trace.Events {
		if tl.Trace.Events[i].Kind == trace.MessageSent {
			count++
		}
	}
	tl.Messages = make([]Message, 0, count)
	p := &messageProjector{
		tl: tl, known: make(map[identity]int, count), activations: make(map[identity][]int),
		heldBack: make(map[[2]string][]int),
	}
	for i := range tl.Trace.Events {
		switch e := &tl.Trace.Events[i]; e.Kind {
		case trace.FaultActivated:
			if m, ok := identityOf(e); ok {
				p.activations[m] = append(p.activations[m], e.Seq)
			}
		case trace.MessageSent:
			p.sent(e)
		case trace.MessageLost:
			p.lost(e)
		}
	}
	tl.delayByPauses()
}

// messageProjector follows messages.
type messageProjector struct {
	tl    *Timeline
	known map[identity]int
	// activations are the fault activations on a message that has not been sent yet.
	activations map[identity][]int
	// heldBack are the messages on a link that wait to be overtaken.
	heldBack map[[2]string][]int
}

func (p *messageProjector) sent(e *trace.Event) {
	id, _ := identityOf(e)
	m := Message{Sent: e.Seq, From: id.from, To: id.to, Kind: id.kind, ID: id.id, N: id.n, Arrives: time.Duration(e.Int("arrives"))}
	at, link := len(p.tl.Messages), [2]string{id.from, id.to}
	reordered := false
	m.Disturbed = p.activations[id]
	delete(p.activations, id)
	for _, seq := range m.Disturbed {
		switch activation := p.tl.Event(seq); plan.FaultKind(activation.Str("what")) {
		case plan.Duplicate, plan.LateDuplicate:
			m.Duplicates = append(m.Duplicates, m.Arrives+time.Duration(activation.Int("by")))
		case plan.Reorder:
			reordered = true
		}
	}
	if reordered {
		p.heldBack[link] = append(p.heldBack[link], at)
	} else if waiting := p.heldBack[link]; len(waiting) > 0 {
		for i, other := range waiting {
			// A message whose wait timed out has arrived before.
			if o := &p.tl.Messages[other]; o.Arrives > e.At && o.Lost == "" {
				o.Arrives = m.Arrives + time.Duration(i+1)
			}
		}
		delete(p.heldBack, link)
	}
	p.known[id] = at
	p.tl.Messages = append(p.tl.Messages, m)
}

func (p *messageProjector) lost(e *trace.Event) {
	id, _ := identityOf(e)
	why := e.Str("why")
	at, known := p.known[id]
	if !known {
		p.tl.Messages = append(p.tl.Messages, Message{
			Sent: e.Seq, From: id.from, To: id.to, Kind: id.kind, ID: id.id, N: id.n,
			Arrives: e.At, Lost: why, LostAt: e.Seq, Disturbed: p.activations[id],
		})
		delete(p.activations, id)
		return
	}
	m := &p.tl.Messages[at]
	if i := slices.Index(m.Duplicates, e.At); i >= 0 {
		m.Duplicates = slices.Delete(m.Duplicates, i, i+1) // the duplicate, not the message
		return
	}
	m.Arrives, m.Lost, m.LostAt = e.At, why, e.Seq
}

// delayByPauses moves arrivals at a paused node to the end of the pause.
func (tl *Timeline) delayByPauses() {
	until := func(node string, at time.Duration) time.Duration {
		lane, ok := tl.lanes[node]
		if !ok {
			return at
		}
		for _, pause := range tl.Lanes[lane].Pauses {
			if pause.Until != 0 && tl.At(pause.From) <= at && at < tl.At(pause.Until) && tl.Event(pause.Until).Kind == trace.NodeResumed {
				return tl.At(pause.Until) + 1
			}
		}
		return at
	}
	for i := range tl.Messages {
		m := &tl.Messages[i]
		if m.Lost == "" {
			m.Arrives = until(m.To, m.Arrives)
		}
		for i := range m.Duplicates {
			m.Duplicates[i] = until(m.To, m.Duplicates[i])
		}
	}
}
