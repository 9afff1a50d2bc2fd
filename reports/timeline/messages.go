package timeline

import (
	"slices"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// identity identifies a message across its events.
type identity struct {
	from string
	event.Message
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
		tl: tl, known: make(map[identity]int, count), activations: make(map[identity][]activation),
		heldBack: make(map[[2]string][]int),
	}
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		switch b := e.Body.(type) {
		case *event.FaultActivated:
			if d := b.Disturbance(); d.Msg != "" {
				id := identity{e.Node, d.Message}
				p.activations[id] = append(p.activations[id], activation{e.Seq, plan.FaultKind(b.What), d.By})
			}
		case *event.MessageSent:
			p.sent(e, b)
		case *event.MessageLost:
			p.lost(e, b)
		}
	}
	tl.delayByPauses()
}

// messageProjector follows messages.
type messageProjector struct {
	tl    *Timeline
	known map[identity]int
	// activations are the fault activations on a message that has not been sent yet.
	activations map[identity][]activation
	// heldBack are the messages on a link that wait to be overtaken.
	heldBack map[[2]string][]int
}

// activation is the activation of a fault on a message; by is how much later it or its
// duplicate arrives.
type activation struct {
	seq  int
	kind plan.FaultKind
	by   time.Duration
}

// message returns a message without its end. What has disturbed it is taken from the activations.
func (p *messageProjector) message(seq int, id identity) Message {
	m := Message{Sent: seq, From: id.from, To: id.To, Kind: id.Msg, ID: id.ID, N: id.N}
	for _, a := range p.activations[id] {
		m.Disturbed = append(m.Disturbed, a.seq)
	}
	return m
}

func (p *messageProjector) sent(e *trace.Event, b *event.MessageSent) {
	id := identity{e.Node, b.Message}
	m := p.message(e.Seq, id)
	m.Arrives = b.Arrives
	at, link := len(p.tl.Messages), [2]string{id.from, id.To}
	reordered := false
	for _, a := range p.activations[id] {
		switch a.kind {
		case plan.Duplicate, plan.LateDuplicate:
			m.Duplicates = append(m.Duplicates, m.Arrives+a.by)
		case plan.Reorder:
			reordered = true
		}
	}
	delete(p.activations, id)
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

func (p *messageProjector) lost(e *trace.Event, b *event.MessageLost) {
	id := identity{e.Node, b.Message}
	at, known := p.known[id]
	if !known {
		m := p.message(e.Seq, id)
		m.Arrives, m.Lost, m.LostAt = e.At, b.Why, e.Seq
		p.tl.Messages = append(p.tl.Messages, m)
		delete(p.activations, id)
		return
	}
	m := &p.tl.Messages[at]
	if i := slices.Index(m.Duplicates, e.At); i >= 0 {
		m.Duplicates = slices.Delete(m.Duplicates, i, i+1) // the duplicate, not the message
		return
	}
	m.Arrives, m.Lost, m.LostAt = e.At, b.Why, e.Seq
}

// delayByPauses moves arrivals at a paused node to the end of the pause. What arrives at the very
// instant at which a pause begins has arrived: a pause that strikes at a message comes after it.
func (tl *Timeline) delayByPauses() {
	until := func(node string, at time.Duration) time.Duration {
		lane, ok := tl.lanes[node]
		if !ok {
			return at
		}
		for _, pause := range tl.Lanes[lane].Pauses {
			if pause.Until != 0 && tl.At(pause.From) < at && at < tl.At(pause.Until) && tl.Event(pause.Until).Kind == trace.NodeResumed {
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
