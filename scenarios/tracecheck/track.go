package tracecheck

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"dtsim/sched/reconcile"
)

// most is how many hypotheses of one track are followed.
const most = 2048

// track is the sequence of actions of one key on one incarnation of a node, and the
// hypotheses that the trace leaves open.
type track struct {
	key        key
	node       *node
	hypotheses []hypothesis
	// at is the instant that the track is in.
	at   time.Duration
	gone exits
	// lost: the track is not followed any more, after a divergence; or, overflowed, because
	// too many hypotheses were possible. counted: the overflow is in the counters.
	lost, overflowed, counted bool
	// ackDelayed and ackFlipped: a fault holds an ack back, or turns its outcome.
	ackDelayed, ackFlipped bool
	// recent are the places of the events that have moved the track on.
	recent []int
}

func newTrack(k key, n *node, at time.Duration) *track {
	return &track{key: k, node: n, at: at, gone: make(exits), hypotheses: []hypothesis{{early: never, late: never}}}
}

// closure returns all hypotheses that those of the track can have become by now. False:
// too many.
func (t *track) closure() ([]hypothesis, bool) {
	all, ok := t.reach(func(h *hypothesis) {
		if a := h.action(); a.Kind == reconcile.CleanLocal {
			t.node.doubtful(t.key, a.Version)
		}
	})
	if !ok {
		t.lost, t.overflowed = true, true
	}
	return all, ok
}

// reach finds all hypotheses that those of the track can have become by now, and changes
// nothing; visit is called with each. The result is valid until reach is called again on
// the node. False: too many.
func (t *track) reach(visit func(*hypothesis)) ([]hypothesis, bool) {
	c := &t.node.room
	c.clear()
	for i := range t.hypotheses {
		c.add(&t.hypotheses[i])
	}
	for i := 0; i < len(c.all); i++ {
		if len(c.all) > most {
			return nil, false
		}
		visit(&c.all[i])
		next := c.all[i].silent(t.at, t.gone, t.node)
		for j := range next {
			c.add(&next[j])
		}
	}
	return c.all, true
}

// hypothesisSet is a set of hypotheses, whose memory is used again. The zero value is
// empty.
type hypothesisSet struct {
	all []hypothesis
	// encodings are those of the hypotheses, one behind the other, each up to one of ends;
	// known has them as soon as they are many.
	encodings []byte
	ends      []int
	known     map[string]bool
}

// few is how many encodings are compared one by one.
const few = 32

func (c *hypothesisSet) clear() {
	clear(c.all) // release what they refer to
	c.all, c.encodings, c.ends, c.known = c.all[:0], c.encodings[:0], c.ends[:0], nil
}

// add adds a hypothesis that is not in the set yet.
func (c *hypothesisSet) add(h *hypothesis) {
	begin := len(c.encodings)
	c.encodings = h.append(c.encodings)
	if is := c.encodings[begin:]; c.has(is) {
		c.encodings = c.encodings[:begin]
		return
	} else if c.known != nil {
		c.known[string(is)] = true
	}
	c.ends = append(c.ends, len(c.encodings))
	c.all = append(c.all, *h)
}

func (c *hypothesisSet) has(is []byte) bool {
	if c.known == nil && len(c.ends) < few {
		begin := 0
		for _, end := range c.ends {
			if bytes.Equal(c.encodings[begin:end], is) {
				return true
			}
			begin = end
		}
		return false
	}
	if c.known == nil {
		c.known = make(map[string]bool)
		begin := 0
		for _, end := range c.ends {
			c.known[string(c.encodings[begin:end])] = true
			begin = end
		}
	}
	return c.known[string(is)]
}

// bound reports whether what the scheduler has decided must begin in the instant.
func (t *track) bound() bool { return !t.node.paused && !t.node.closing && !t.ackDelayed }

// keep makes the hypotheses those that f returns for the ones that are possible by now. If
// there are none the track is lost, and keep returns those that there were, and false.
func (t *track) keep(f func(hypothesis) []hypothesis) (before []hypothesis, ok bool) {
	all, ok := t.closure()
	if !ok {
		return nil, true
	}
	var kept []hypothesis
	for _, h := range all {
		kept = append(kept, f(h)...)
	}
	if len(kept) == 0 {
		t.lost = true
		return all, false
	}
	t.hypotheses = kept
	return nil, true
}

// advance lets time pass until an instant; false: the scheduler was bound to do something
// in the last one, under each of the hypotheses that are returned.
func (t *track) advance(at time.Duration) (before []hypothesis, ok bool) {
	if t.lost || at <= t.at {
		return nil, true
	}
	if t.idle() {
		t.at = at
		return nil, true
	}
	bound := t.bound()
	before, ok = t.keep(func(h hypothesis) []hypothesis { return only(h, !h.due(bound) && !h.overdue(t.at, t.node)) })
	t.at = at
	return before, ok
}

// idle reports whether nothing can have happened without an event.
func (t *track) idle() bool {
	return !slices.ContainsFunc(t.hypotheses, func(h hypothesis) bool {
		return h.coming != nil || h.decides.UnderWay != nil && (h.ended || !h.begun)
	})
}

// deliver puts a list on its way, in every form that it may have; called is when it
// was asked for.
func (t *track) deliver(looks []*look, called time.Duration) (before []hypothesis, ok bool) {
	return t.keep(func(h hypothesis) []hypothesis {
		// The pass before is over, and this one began when its list was asked for (which is
		// not known of one that failed).
		if h.coming != nil || called != never && (h.early != never && h.early < called || h.late > called) {
			return nil
		}
		h.early, h.late = never, never
		var kept []hypothesis
		for _, look := range looks {
			h.coming = look
			kept = append(kept, h)
		}
		return kept
	})
}

// noted remembers an event as one that led to where the track is.
func (t *track) noted(seq int) {
	const enough = 12
	if len(t.recent) == enough {
		t.recent = append(t.recent[:0], t.recent[1:]...)
	}
	t.recent = append(t.recent, seq)
}

// allowed describes what the scheduler would have done under the hypotheses.
func allowed(hypotheses []hypothesis) string {
	var all []string
	for _, h := range hypotheses {
		next := "to rest"
		switch {
		case h.decides.UnderWay != nil && h.begun:
			next = "to end " + h.action().String()
		case h.decides.UnderWay != nil:
			next = h.action().String()
		}
		if !slices.Contains(all, next) {
			all = append(all, next)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", or ")
}

// only returns the hypothesis if ok.
func only(h hypothesis, ok bool) []hypothesis {
	if ok {
		return []hypothesis{h}
	}
	return nil
}
