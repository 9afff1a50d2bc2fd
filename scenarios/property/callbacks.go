package property

import (
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// callbacks is the safety of P9: each callback runs once per node and task, unless the
// node crashed, was shut down in its middle, or its outcome could not be recorded; what
// it sees is not older than what the node's scheduler had seen; and none is replayed
// for a task that was terminal at start, unless its provider asks for it. That none is
// missed is checked by [progress].
type callbacks struct {
	*findings
	// ran are the callbacks of each incarnation, ended those that any incarnation of a
	// node brought to a good end.
	ran   map[calling]*attempt
	ended map[calling]int
}

// calling is what runs once. For ended, number is 0.
type calling struct {
	who  incarnation
	run  uint64 // its version, which no other has
	name string
	// group is "" for OnTaskCompleted.
	group string
}

// attempt is the newest run of a callback.
type attempt struct {
	started, ended int
	err            string
	// interrupted: the error is no outcome.
	interrupted bool
}

func newCallbacks(f *findings) *callbacks {
	return &callbacks{findings: f, ran: make(map[calling]*attempt), ended: make(map[calling]int)}
}

func (c *callbacks) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *taskevent.CallbackStarted:
		if r := l.Runs[b.Run]; r != nil {
			c.started(e, &b.Callback, l, r)
		}
	case *taskevent.CallbackEnded:
		if r := l.Runs[b.Run]; r != nil {
			c.end(e, b, r)
		}
	case *taskevent.RecoveryAsked:
		if r := l.Runs[b.Run]; r != nil {
			c.recovery(e, b.Done, r)
		}
	}
}

func callingOf(e *trace.Event, b *taskevent.Callback) calling {
	return calling{who: incarnation{e.Node, e.Incarnation}, run: b.Version, name: b.Name, group: b.Group}
}

// anywhere is the same for every incarnation of the node.
func (k calling) anywhere() calling {
	k.who.number = 0
	return k
}

func (c *callbacks) started(e *trace.Event, b *taskevent.Callback, l *ledger, r *projection.Run) {
	c.exercise("P9")
	key := callingOf(e, b)
	c.fresh(e, b, l, r)
	c.replayed(e, b, l, r)
	if before := c.ran[key]; before != nil && !c.mayRunAgain(key, before) {
		c.report("P9", e.Node, []int{before.started, before.ended}, "%s of %s, group %q, runs again on a node on which it %s",
			key.name, r.ID, key.group, before)
	}
	c.recorded(e, b, l, r)
	c.ran[key] = &attempt{started: e.Seq}
}

// mayRunAgain reports whether an incarnation may run a callback once more: what was
// cancelled has no outcome, and an OnTaskCompleted that fails is tried until it does
// not.
func (c *callbacks) mayRunAgain(key calling, before *attempt) bool {
	switch {
	case before.ended == 0:
		return false
	case key.name == taskevent.TaskCompleted && !c.profile.Has(CompletedOnce):
		return true
	case key.name == taskevent.TaskCompleted:
		return before.err != ""
	}
	return before.interrupted
}

// String returns the state of the attempt.
func (a *attempt) String() string {
	switch {
	case a.ended == 0:
		return "is under way"
	case a.err == "":
		return "has succeeded"
	}
	return "has failed: " + a.err
}

// fresh: the status that a callback sees is not older than one that the scheduler of
// the node had listed.
func (c *callbacks) fresh(e *trace.Event, b *taskevent.Callback, l *ledger, r *projection.Run) {
	index, list := l.at(e.Node).knew(e.At)
	if index == 0 {
		return
	}
	known, sees := r.As(index), b.Status
	if known.Index > 0 && phase(sees) < phase(known.Status) {
		c.report("P9", e.Node, []int{known.Seq, list}, "%s of %s sees it %s, this node has listed that it became %s at index %d",
			b.Name, r.ID, sees, name(known.Status), known.Index)
	}
}

// replayed: a task that was terminal in the first list of the incarnation gets no
// callback, unless its provider reports that its part is not done.
func (c *callbacks) replayed(e *trace.Event, b *taskevent.Callback, l *ledger, r *projection.Run) {
	n := l.at(e.Node)
	list, terminal := n.terminal[r.ID]
	if !terminal {
		return
	}
	if answer, asked := n.recovered[r.ID]; !asked || answer.done {
		c.report("P9", e.Node, []int{list, answer.seq}, "%s of %s, which was terminal when the node began; its provider was %s",
			b.Name, r.ID, map[bool]string{true: "asked and had done its part", false: "not asked"}[asked])
	}
}

// recorded: what has its outcome in the log, as far as the node had seen, does not run
// again.
func (c *callbacks) recorded(e *trace.Event, b *taskevent.Callback, l *ledger, r *projection.Run) {
	n := l.at(e.Node)
	acks, shown := r.Swapped, n.swapped[r.ID]
	switch {
	case b.Name == taskevent.TaskCompleted, !c.profile.Has(RecordedOutcome):
		return
	case b.Status == preparing:
		acks, shown = r.Prepared, n.prepared[r.ID]
	}
	a, acked := acks[e.Node]
	if !acked {
		return
	}
	_, terminal := n.terminal[r.ID]
	if answer, asked := n.recovered[r.ID]; terminal && asked && !answer.done {
		return
	}
	if index, list := n.knew(e.At); index >= a.Index || shown > 0 {
		c.report("P9", e.Node, []int{a.Seq, list}, "%s of %s, group %q, runs although its outcome is in the log at index %d, which this node has listed",
			b.Name, r.ID, b.Group, a.Index)
	}
}

func (c *callbacks) end(e *trace.Event, b *taskevent.CallbackEnded, r *projection.Run) {
	key := callingOf(e, &b.Callback)
	a := c.ran[key]
	if a == nil || a.ended > 0 {
		c.report("P9", e.Node, r.Events(), "%s of %s, group %q, ends and was not under way", key.name, r.ID, key.group)
		a = &attempt{}
	}
	a.ended, a.err, a.interrupted = e.Seq, b.Error, b.Interrupted()
	if a.err == "" {
		c.ended[key.anywhere()] = e.Seq
	}
}

// recovery: what a provider reports of its part of a task is true.
func (c *callbacks) recovery(e *trace.Event, done bool, r *projection.Run) {
	c.exercise("P9")
	key := calling{who: incarnation{node: e.Node}, run: r.ID.Version, name: taskevent.TaskCompleted}
	ended := c.ended[key]
	switch {
	case done && ended == 0 && !c.tried(e.Node, r):
		c.report("P9", e.Node, r.Events(), "the provider reports that its part of %s is done, its OnTaskCompleted never ran here", r.ID)
	case !done && ended > 0:
		c.report("P9", e.Node, []int{ended}, "the provider reports that its part of %s is not done, its OnTaskCompleted succeeded here", r.ID)
	}
}

// tried reports whether an OnTaskCompleted began on the node; whether it came to its end
// before a crash or an error is unknown.
func (c *callbacks) tried(node string, r *projection.Run) bool {
	for key := range c.ran {
		if key.who.node == node && key.run == r.ID.Version && key.name == taskevent.TaskCompleted {
			return true
		}
	}
	return false
}

// succeeded reports whether a callback has succeeded on a node, and returns the place.
func (c *callbacks) succeeded(node string, r *projection.Run, callback, group string) (int, bool) {
	seq, ok := c.ended[calling{who: incarnation{node: node}, run: r.ID.Version, name: callback, group: group}]
	return seq, ok
}

// phases are the statuses in their order.
var phases = []taskevent.TaskStatus{started, preparing, swapping}

// phase is how far a status is: terminal ones are one phase, and no record is the last.
func phase(s taskevent.TaskStatus) int {
	if i := slices.Index(phases, s); i >= 0 {
		return i
	}
	if s == absent {
		return len(phases) + 1
	}
	return len(phases)
}

// name is a status in words.
func name(s taskevent.TaskStatus) string {
	if s == absent {
		return "absent"
	}
	return string(s)
}

func (c *callbacks) finish(*ledger) {}
