package property

import (
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// node is what is known of a node: its life, and what its scheduler has seen.
type node struct {
	name string
	// number is the newest incarnation, up since when; born is the place of its start.
	number int
	up     bool
	since  time.Duration
	born   int
	paused bool
	// resumed is when the node went on after its last pause, stalled until when a goroutine of
	// it is held up at the longest.
	resumed, stalled time.Duration
	// left is the place at which the node left for good, 0 if it has not.
	left   int
	leftAt time.Duration
	// rested reports whether the node was up when the run ended, restIndex which index it had
	// applied then.
	rested    bool
	restIndex uint64

	// Of the newest incarnation: the index that its lists show at least, now, and
	// before the current instant. Within an instant, while the node is paused, and while a
	// goroutine of it is held up, what was decided before may still be on its way.
	listed, listedBefore uint64
	listedAt             time.Duration
	seen                 time.Duration // when the last list was seen; 0 for none
	list, listBefore     int           // where these lists are
	// first is true when a list was seen, terminal which runs the first one showed as terminal;
	// prepared and swapped, of which it showed an ack of the node.
	first                       bool
	terminal, prepared, swapped map[taskevent.Run]int
	// recovered is what the provider reported of its part of a run, and where.
	recovered map[taskevent.Run]recovery
}

// recovery is a provider's word on whether its part of a run is done.
type recovery struct {
	done bool
	seq  int
}

// incarnation is one life of a node.
type incarnation struct {
	node   string
	number int
}

// at returns what is known of a node.
func (l *ledger) at(name string) *node {
	n := l.nodes[name]
	if n == nil {
		n = &node{name: name}
		l.nodes[name] = n
	}
	return n
}

// takeNode takes in what an event shows of its node.
func (l *ledger) takeNode(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.Quiescence:
		l.quiescence = e.At
		for _, n := range l.nodes {
			n.stalled = min(n.stalled, e.At)
		}
	case *event.NodeStarted:
		n := l.at(e.Node)
		*n = node{name: e.Node, number: e.Incarnation, up: true, since: e.At, born: e.Seq, left: n.left, leftAt: n.leftAt}
	case *event.NodeStopped:
		l.at(e.Node).up = false
	case *event.NodeLeft:
		n := l.at(e.Node)
		n.up, n.left, n.leftAt = false, e.Seq, e.At
	case *event.NodePaused:
		l.at(e.Node).paused = true
	case *event.NodeResumed:
		n := l.at(e.Node)
		n.paused, n.resumed, n.listedAt = false, e.At, e.At
		if b.Takes > 0 {
			n.stalled = max(n.stalled, e.At+b.Takes)
		}
	case *event.Stalled:
		n := l.at(e.Node)
		n.stalled = max(n.stalled, e.At+b.For)
	case *event.AtRest:
		if b.What == event.RestState {
			n := l.at(e.Node)
			n.rested, n.restIndex = true, b.Index
			l.end = e.At
		}
	case *taskevent.Listed:
		l.at(e.Node).takeList(e, b)
	case *taskevent.RecoveryAsked:
		n := l.at(e.Node)
		if n.recovered == nil {
			n.recovered = make(map[taskevent.Run]recovery)
		}
		n.recovered[b.Run] = recovery{b.Done, e.Seq}
	}
}

// takeList takes in what the scheduler of the node has seen. Lists of operators show
// nothing to the node.
func (n *node) takeList(e *trace.Event, b *taskevent.Listed) {
	if b.Op.Set {
		return
	}
	if e.At > n.listedAt && !n.held(e.At) {
		n.listedBefore, n.listBefore = n.listed, n.list
	}
	n.listedAt, n.seen = e.At, e.At
	if b.Index >= n.listed {
		n.listed, n.list = b.Index, e.Seq
	}
	if n.first {
		return
	}
	n.first = true
	n.terminal, n.prepared, n.swapped = make(map[taskevent.Run]int), make(map[taskevent.Run]int), make(map[taskevent.Run]int)
	n.listedBefore, n.listBefore = n.listed, n.list // nothing was decided on less
	// An unreadable list shows nothing.
	tasks, _ := b.Tasks()
	for _, t := range tasks {
		run := t.Run()
		if t.Status.IsTerminal() {
			n.terminal[run] = e.Seq
		}
		if _, acked := t.Prepared[n.name]; acked {
			n.prepared[run] = e.Seq
		}
		if _, acked := t.Swapped[n.name]; acked {
			n.swapped[run] = e.Seq
		}
	}
}

// held reports whether the node, or a goroutine of it, is held up.
func (n *node) held(now time.Duration) bool { return n.paused || n.stalled > 0 && now <= n.stalled }

// wentOn returns since when all goroutines of the node go on; now if one of them does not yet.
func (n *node) wentOn(now time.Duration) time.Duration {
	if n.held(now) {
		return now
	}
	return max(n.resumed, n.stalled)
}

// knew returns the index that the scheduler of the node had seen before now, and the
// place of the list that showed it.
func (n *node) knew(now time.Duration) (index uint64, list int) {
	if n.held(now) || n.listedAt == now {
		return n.listedBefore, n.listBefore
	}
	return n.listed, n.list
}

// gone are the nodes that have left for good, sorted, and the places where they did.
func (l *ledger) gone() (names []string, seqs []int) {
	for _, name := range l.plan.Cluster.NodeNames() {
		if n := l.nodes[name]; n != nil && n.left > 0 {
			names, seqs = append(names, name), append(seqs, n.left)
		}
	}
	return names, seqs
}

// resting are the nodes that were up when the run ended, sorted.
func (l *ledger) resting() []*node {
	var all []*node
	for _, name := range l.plan.Cluster.NodeNames() {
		if n := l.nodes[name]; n != nil && n.rested {
			all = append(all, n)
		}
	}
	return all
}
