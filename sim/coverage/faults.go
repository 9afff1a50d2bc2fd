package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// faults counts what became of the faults of a plan.
//
// A fault is *applied* when it began. It is *activated* each time it changes a decision:
// the fate of a message, the success of a write, the life of a node. That alone does not
// mean much, for the protocols absorb most of it: another message has the same content a
// moment later. A fault was *effective* when, within reach of one of its activations, an
// event shows that something went another way: what an undisturbed run does not show
// (see [consequence]), at one of the nodes that the fault had touched. A fault that
// only made things later is not effective. So the figure is a lower bound as to what
// the trace does not show, and it is not proof of cause: two faults that touch one
// node at the same time share what follows. What really depends on a fault shows in a
// run of the plan without it; see [Without].
type faults struct {
	nodes *Nodes
	app   Application // nil for none
	all   []fault
	// reach is how long after an activation a consequence is looked for.
	reach  time.Duration
	states map[plan.FaultKind]map[string]int64
	// open are the positions of the faults that were activated and are not effective yet.
	open []int
}

// fault is one fault of the plan.
type fault struct {
	kind             plan.FaultKind
	began, effective bool
	activations      int64
	// last is when it was activated last, or ended.
	last time.Duration
	// touched are the nodes at which it was activated and, of messages, those they are for.
	touched []string
}

func newFaults(p *plan.Plan, nodes *Nodes, app Application) *faults {
	f := &faults{nodes: nodes, app: app, states: make(map[plan.FaultKind]map[string]int64)}
	for _, one := range p.Faults {
		f.all = append(f.all, fault{kind: one.Kind})
	}
	c := p.Cluster
	f.reach = 2 * max(c.Raft.ElectionTimeout.D(), c.Raft.HeartbeatTimeout.D(), c.Network.CallTimeout.D())
	if app != nil {
		f.reach += app.Reach()
	}
	return f
}

func (f *faults) observe(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.FaultBegan:
		f.lasts(b.Index, e)
		return
	case *event.FaultEnded:
		f.lasts(b.Index, e)
		return
	case *event.FaultActivated:
		if one := f.lasts(b.Index, e); one != nil {
			one.touch(e.Node)
			one.touch(b.Disturbance().To)
			f.activated(int(b.Index), e)
		}
		return
	case *event.Called:
		// What an operator does for a fault is its one activation.
		if i := f.operates(b.Op); i >= 0 && f.all[i].activations == 0 {
			f.activated(i, e)
		}
	case *event.Returned:
		if i := f.operates(b.Op); i >= 0 && b.Outcome == event.OK {
			f.all[i].effective = true
		}
	}
	if len(f.open) == 0 {
		return
	}
	if where, what := f.consequence(e); what != nothing {
		f.open = slices.DeleteFunc(f.open, func(i int) bool {
			one := &f.all[i]
			if (what == disturbance || f.repeats(one.kind)) &&
				e.At-one.last <= f.reach && (where == "" || slices.Contains(one.touched, where)) {
				one.effective = true
			}
			return one.effective
		})
	}
}

// operates returns the position of the fault that lets an operator make a call, -1 for
// other calls.
func (f *faults) operates(op int64) int {
	if f.app == nil {
		return -1
	}
	return f.app.Operates(op)
}

// lasts notes that a fault of the plan goes on, and returns it; nil if there is none.
func (f *faults) lasts(i int64, e *trace.Event) *fault {
	if i < 0 || i >= int64(len(f.all)) {
		return nil
	}
	f.all[i].began, f.all[i].last = true, e.At
	return &f.all[i]
}

// touch notes a node that the fault has touched.
func (one *fault) touch(name string) {
	if name != "" && !slices.Contains(one.touched, name) {
		one.touched = append(one.touched, name)
	}
}

// activated counts an activation, in the states of its moment.
func (f *faults) activated(i int, e *trace.Event) {
	one := &f.all[i]
	one.activations++
	if !one.effective && !slices.Contains(f.open, i) {
		f.open = append(f.open, i)
	}
	if f.states[one.kind] == nil {
		f.states[one.kind] = make(map[string]int64)
	}
	for _, state := range f.statesAt(e) {
		f.states[one.kind][state]++
	}
}

// count adds the counters.
func (f *faults) count(counts map[string]int64) {
	for _, one := range f.all {
		add := func(what string, n int64) {
			if n > 0 {
				counts[fmt.Sprintf("%s%s/%s", FaultPrefix, one.kind, what)] += n
			}
		}
		add("asked", 1)
		add("bites", one.activations)
		if one.began {
			add("applied", 1)
		}
		if one.effective {
			add("effective", 1)
		}
	}
	for kind, states := range f.states {
		for state, n := range states {
			counts[fmt.Sprintf("%s%s/%s", StatePrefix, kind, state)] += n
		}
	}
}

// The states of the node where a fault is activated.
const (
	stateLeader    = "leader"
	stateCandidate = "candidate"
	stateFollower  = "follower"
	stateDown      = "down"
	stateSnapshot  = "mid-snapshot"
)

// NodeStates returns the states of nodes. An activation counts in one of the first four, if
// it is at a node at all, in "mid-snapshot" if the node has captured its state and not
// stored it, and in the states of the application.
func NodeStates() []string {
	return []string{stateLeader, stateCandidate, stateFollower, stateDown, stateSnapshot}
}

// statesAt returns the states in which an event finds its node and the application. A node
// that a fault has ended in the same instant counts as what it was.
func (f *faults) statesAt(e *trace.Event) []string {
	var states []string
	if n := f.nodes.nodes[e.Node]; n != nil {
		role, capturing := n.State, n.Capturing
		if !n.Up && n.Stopped == e.At {
			role, capturing = n.StoppedAs, n.CutSnapshot
		}
		states = append(states, roleOf(role))
		if capturing {
			states = append(states, stateSnapshot)
		}
	}
	if f.app != nil {
		states = append(states, f.app.StatesAt(e)...)
	}
	return states
}

// roleOf returns the column of a Raft state. A raft that has shut down is one of a node
// that is going down.
func roleOf(state string) string {
	switch role := strings.ToLower(state); role {
	case stateLeader, stateCandidate, stateFollower:
		return role
	}
	return stateDown
}

// consequence is what an event shows of whether something went another way.
type consequence int

const (
	nothing consequence = iota
	// disturbance: a run without faults does not show it.
	disturbance
	// rejection: a command was refused. That happens without faults, too, but it is also
	// all that ever comes of a command that is made again.
	rejection
)

// repeating are the faults that make commands again, or late.
var repeating = []plan.FaultKind{plan.Duplicate, plan.LateDuplicate, plan.CallTwice, plan.CallLate, plan.CallDelay}

func (f *faults) repeats(kind plan.FaultKind) bool {
	return slices.Contains(repeating, kind) || f.app != nil && f.app.Repeats(kind)
}

// consequence returns what an event shows, and at which node; "" stands for the whole
// cluster. It is asked before the nodes and the application take the event in.
func (f *faults) consequence(e *trace.Event) (node string, what consequence) {
	when := func(node string, is bool) (string, consequence) {
		if is {
			return node, disturbance
		}
		return "", nothing
	}
	switch b := e.Body.(type) {
	case *event.NodeState:
		// The first election needs candidates; any other one needs a reason.
		return when("", b.State == event.Candidate && f.nodes.Leader() != "")
	case *event.NodeStarted:
		return when(e.Node, e.Incarnation > 1)
	case *event.SnapshotRestored:
		return when(e.Node, f.nodes.Of(e.Node).Follows)
	case *event.Returned:
		return when(e.Node, b.Outcome == event.Ambiguous || b.Outcome == event.NoEffect)
	case *event.Committed:
		caller, _, _ := strings.Cut(b.Request.Client, "#")
		switch {
		case b.First != 0:
			return caller, disturbance
		case b.Outcome != event.Accepted:
			return caller, rejection
		}
		return "", nothing
	}
	if f.app != nil {
		return when(f.app.Consequence(e))
	}
	return "", nothing
}
