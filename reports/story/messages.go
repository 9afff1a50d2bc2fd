package story

import (
	"slices"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// identity names a message: what sent, lost and fault-bit say of it alike.
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

// tellMessages tells every message from its sending to its end.
func (s *Story) tellMessages() {
	count := 0
	for i := range s.Trace.Events {
		if s.Trace.Events[i].Kind == trace.MessageSent {
			count++
		}
	}
	s.Messages = make([]Message, 0, count)
	p := &post{
		story: s, known: make(map[identity]int, count), bites: make(map[identity][]int),
		held: make(map[[2]string][]int),
	}
	for i := range s.Trace.Events {
		switch e := &s.Trace.Events[i]; e.Kind {
		case trace.FaultBit:
			if m, ok := identityOf(e); ok {
				p.bites[m] = append(p.bites[m], e.Seq)
			}
		case trace.MessageSent:
			p.sent(e)
		case trace.MessageLost:
			p.lost(e)
		}
	}
	s.wait()
}

// post follows messages.
type post struct {
	story *Story
	known map[identity]int
	// bites are what faults have done to a message that is about to leave.
	bites map[identity][]int
	// held are the messages on a link that wait to be overtaken.
	held map[[2]string][]int
}

func (p *post) sent(e *trace.Event) {
	id, _ := identityOf(e)
	m := Message{Sent: e.Seq, From: id.from, To: id.to, Kind: id.kind, ID: id.id, N: id.n, Arrives: time.Duration(e.Int("arrives"))}
	at, link := len(p.story.Messages), [2]string{id.from, id.to}
	held := false
	m.Disturbed = p.bites[id]
	delete(p.bites, id)
	for _, seq := range m.Disturbed {
		switch bit := p.story.Event(seq); plan.FaultKind(bit.Str("what")) {
		case plan.Duplicate, plan.LateDuplicate:
			m.Again = append(m.Again, m.Arrives+time.Duration(bit.Int("by")))
		case plan.Reorder:
			held = true
		}
	}
	if held {
		p.held[link] = append(p.held[link], at)
	} else if waiting := p.held[link]; len(waiting) > 0 {
		for i, other := range waiting {
			// One that has given up waiting has arrived before.
			if o := &p.story.Messages[other]; o.Arrives > e.At && o.Lost == "" {
				o.Arrives = m.Arrives + time.Duration(i+1)
			}
		}
		delete(p.held, link)
	}
	p.known[id] = at
	p.story.Messages = append(p.story.Messages, m)
}

func (p *post) lost(e *trace.Event) {
	id, _ := identityOf(e)
	why := e.Str("why")
	at, known := p.known[id]
	if !known {
		p.story.Messages = append(p.story.Messages, Message{
			Sent: e.Seq, From: id.from, To: id.to, Kind: id.kind, ID: id.id, N: id.n,
			Arrives: e.At, Lost: why, LostAt: e.Seq, Disturbed: p.bites[id],
		})
		delete(p.bites, id)
		return
	}
	m := &p.story.Messages[at]
	if i := slices.Index(m.Again, e.At); i >= 0 {
		m.Again = slices.Delete(m.Again, i, i+1) // the duplicate, not the message
		return
	}
	m.Arrives, m.Lost, m.LostAt = e.At, why, e.Seq
}

// wait lets what arrives at a node that takes no step wait until it does.
func (s *Story) wait() {
	until := func(node string, at time.Duration) time.Duration {
		lane, ok := s.lanes[node]
		if !ok {
			return at
		}
		for _, pause := range s.Lanes[lane].Pauses {
			if pause.Until != 0 && s.At(pause.From) <= at && at < s.At(pause.Until) && s.Event(pause.Until).Kind == trace.NodeResumed {
				return s.At(pause.Until) + 1
			}
		}
		return at
	}
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.Lost == "" {
			m.Arrives = until(m.To, m.Arrives)
		}
		for i := range m.Again {
			m.Again[i] = until(m.To, m.Again[i])
		}
	}
}
