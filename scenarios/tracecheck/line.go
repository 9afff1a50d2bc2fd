package tracecheck

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"dtsim/sched/reconcile"
)

// most is how many minds of one line are followed.
const most = 2048

// line is the line of actions of one key on one incarnation of a node.
type line struct {
	key   key
	node  *node
	minds []mind
	// at is the instant that the line is in.
	at   time.Duration
	gone exits
	// lost: nothing more is said of it, for there was a gap; or, crowded, because it could
	// be of too many minds.
	lost, crowded, counted bool
	// held and turned: a fault holds an ack back, or turns it.
	held, turned bool
	// recent are the places of the events that have moved the line on.
	recent []int
}

func newLine(k key, n *node, at time.Duration) *line {
	return &line{key: k, node: n, at: at, gone: make(exits), minds: []mind{{early: never, late: never}}}
}

// closure are all minds that those of the line can be by now. False: too many.
func (l *line) closure() ([]mind, bool) {
	all, ok := l.reach(func(m *mind) {
		if m.busy && m.action.Kind == reconcile.CleanLocal {
			l.node.doubtful(l.key, m.action.Version)
		}
	})
	if !ok {
		l.lost, l.crowded = true, true
	}
	return all, ok
}

// reach finds all minds that those of the line can be by now, and changes nothing; visit
// is shown each. The minds are good until reach is called again on the node. False: too
// many.
func (l *line) reach(visit func(*mind)) ([]mind, bool) {
	c := &l.node.crowd
	c.clear()
	for i := range l.minds {
		c.add(&l.minds[i])
	}
	for i := 0; i < len(c.all); i++ {
		if len(c.all) > most {
			return nil, false
		}
		visit(&c.all[i])
		next := c.all[i].silent(l.at, l.gone, l.node)
		for j := range next {
			c.add(&next[j])
		}
	}
	return c.all, true
}

// crowd is a set of minds, kept for its room. The zero value is empty.
type crowd struct {
	all []mind
	// encodings are those of the minds, one behind the other, each up to one of ends; known
	// has them as soon as they are many.
	encodings []byte
	ends      []int
	known     map[string]bool
}

// few is how many encodings are compared one by one.
const few = 32

func (c *crowd) clear() {
	clear(c.all) // what they hold is not to be kept by it
	c.all, c.encodings, c.ends, c.known = c.all[:0], c.encodings[:0], c.ends[:0], nil
}

// add adds a mind that is not in the set yet.
func (c *crowd) add(m *mind) {
	begin := len(c.encodings)
	c.encodings = m.append(c.encodings)
	if is := c.encodings[begin:]; c.has(is) {
		c.encodings = c.encodings[:begin]
		return
	} else if c.known != nil {
		c.known[string(is)] = true
	}
	c.ends = append(c.ends, len(c.encodings))
	c.all = append(c.all, *m)
}

func (c *crowd) has(is []byte) bool {
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

// bound says that what the line has decided has to begin in the instant.
func (l *line) bound() bool { return !l.node.paused && !l.node.closing && !l.held }

// narrow keeps the minds that f makes something of. It returns those that there were
// when f makes nothing of any.
func (l *line) narrow(f func(mind) (mind, bool)) (before []mind, ok bool) {
	all, ok := l.closure()
	if !ok {
		return nil, true
	}
	var kept []mind
	for _, m := range all {
		if m, ok := f(m); ok {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		l.lost = true
		return all, false
	}
	l.minds = kept
	return nil, true
}

// advance lets time pass until an instant; false: the line was bound to do something
// in the last one, one of the actions of the minds.
func (l *line) advance(at time.Duration) (before []mind, ok bool) {
	if l.lost || at <= l.at {
		return nil, true
	}
	if l.idle() {
		l.at = at
		return nil, true
	}
	bound := l.bound()
	before, ok = l.narrow(func(m mind) (mind, bool) { return m, !m.due(bound) && !m.endless(l.at, l.node) })
	l.at = at
	return before, ok
}

// idle says that nothing can have happened in the line.
func (l *line) idle() bool {
	return !slices.ContainsFunc(l.minds, func(m mind) bool { return m.coming != nil || m.busy && (m.ended || !m.begun) })
}

// deliver puts a list on its way, in every form that it may have; called is when it
// was asked for.
func (l *line) deliver(looks []*look, called time.Duration) (before []mind, ok bool) {
	all, ok := l.closure()
	if !ok {
		return nil, true
	}
	var kept []mind
	for _, m := range all {
		// The pass before is over, and this one began when its list was asked for (which is
		// not known of one that failed).
		if m.coming != nil || called != never && (m.early != never && m.early < called || m.late > called) {
			continue
		}
		m.early, m.late = never, never
		for _, look := range looks {
			m.coming = look
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		l.lost = true
		return all, false
	}
	l.minds = kept
	return nil, true
}

// noted remembers an event as one that led to where the line is.
func (l *line) noted(seq int) {
	const enough = 12
	if len(l.recent) == enough {
		l.recent = append(l.recent[:0], l.recent[1:]...)
	}
	l.recent = append(l.recent, seq)
}

// allowed says what the minds would have done.
func allowed(minds []mind) string {
	var words []string
	for _, m := range minds {
		word := "to rest"
		switch {
		case m.busy && m.begun:
			word = "to end " + m.action.String()
		case m.busy:
			word = m.action.String()
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", or ")
}
