package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// faults counts what became of the faults of a plan.
//
// A fault is *applied* when it began. It *bit* each time it changed a decision: the
// fate of a message, the success of a write, the life of a node. That alone does not
// mean much, for the protocols shrug most of it off: another message says the same a
// moment later. A fault was *effective* when, within reach of one of its bites, an
// event shows that something went another way: what an undisturbed run does not show
// (see [consequence]), at one of the nodes that the fault had touched. A fault that
// only made things later is not effective. So the figure is a lower bound as to what
// the trace does not show, and it is not proof of cause: two faults that touch one
// node at the same time share what follows. What really depends on a fault shows in a
// run of the plan without it; see [Without].
type faults struct {
	story *story
	all   []fault
	// reach is how long after a bite a consequence is looked for.
	reach  time.Duration
	states map[plan.FaultKind]map[string]int64
	// open are the positions of the faults that have bitten and are not effective yet.
	open []int
}

// fault is one fault of the plan.
type fault struct {
	kind             plan.FaultKind
	began, effective bool
	bites            int64
	// last is when it bit last, or ended.
	last time.Duration
	// touched are the nodes it has bitten at and, of messages, those it did not reach.
	touched []string
}

func newFaults(p *taskplan.Plan, s *story) *faults {
	f := &faults{story: s, states: make(map[plan.FaultKind]map[string]int64)}
	for _, one := range p.Faults {
		f.all = append(f.all, fault{kind: one.Kind})
	}
	c := p.Cluster
	f.reach = 2*max(c.Raft.ElectionTimeout.D(), c.Raft.HeartbeatTimeout.D(), c.Network.CallTimeout.D()) + p.SchedulerTick.D()
	return f
}

func (f *faults) observe(e *trace.Event) {
	switch e.Kind {
	case trace.FaultBegan, trace.FaultEnded, trace.FaultBit:
		if i := int(e.Int("fault")); i >= 0 && i < len(f.all) {
			f.all[i].take(e)
			if e.Kind == trace.FaultBit {
				f.bit(i, e)
			}
		}
		return
	case trace.Called:
		// What an operator does for a fault is its one bite.
		if i := f.operates(e); i >= 0 && f.all[i].bites == 0 {
			f.all[i].bites++
			f.bit(i, e)
		}
	case trace.Returned:
		if i := f.operates(e); i >= 0 && e.Str("outcome") == "ok" {
			f.all[i].effective = true
		}
	}
	if len(f.open) == 0 {
		return
	}
	if where, what := f.story.consequence(e); what != nothing {
		f.open = slices.DeleteFunc(f.open, func(i int) bool {
			one := &f.all[i]
			if (what == disturbance || slices.Contains(repeating, one.kind)) &&
				e.At-one.last <= f.reach && (where == "" || slices.Contains(one.touched, where)) {
				one.effective = true
			}
			return one.effective
		})
	}
}

// operates returns the position of the fault that lets an operator make a call, -1 for
// other calls: such operations are numbered behind those of the workload.
func (f *faults) operates(e *trace.Event) int {
	i := int(e.Int("op")) - len(f.story.plan.Workload)
	if i < 0 || i >= len(f.all) || f.all[i].kind != plan.Operate {
		return -1
	}
	return i
}

func (one *fault) take(e *trace.Event) {
	one.began, one.last = true, e.At
	if e.Kind == trace.FaultBit {
		one.bites++
		for _, name := range []string{e.Node, e.Str("to"), e.Str("peer")} {
			if name != "" && !slices.Contains(one.touched, name) {
				one.touched = append(one.touched, name)
			}
		}
	}
}

// bit counts a bite in the states of its moment.
func (f *faults) bit(i int, e *trace.Event) {
	one := &f.all[i]
	if !one.effective && !slices.Contains(f.open, i) {
		f.open = append(f.open, i)
	}
	if f.states[one.kind] == nil {
		f.states[one.kind] = make(map[string]int64)
	}
	for _, state := range f.story.statesAt(e) {
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
		add("bites", one.bites)
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

// The states of the table of faults and states: those of the node where a fault bit,
// and those of tasks.
const (
	stateLeader    = "leader"
	stateCandidate = "candidate"
	stateFollower  = "follower"
	stateDown      = "down"
	stateSnapshot  = "mid-snapshot"
	stateNone      = "no task"
)

// States returns the columns of the table. A bite counts in one of the first four, if
// it is at a node at all, in "mid-snapshot" when the node has captured its state and
// not stored it, and either in "no task" or under each status that an active task has;
// if the fault is about one task, under that one's.
func States() []string {
	return []string{stateLeader, stateCandidate, stateFollower, stateDown, stateSnapshot, started, preparing, swapping, stateNone}
}

// statesAt returns the states in which an event finds its node and the tasks. A node
// that a fault has ended in the same instant counts as what it was.
func (s *story) statesAt(e *trace.Event) []string {
	var states []string
	if n := s.nodes[e.Node]; n != nil {
		role, capturing := n.state, n.capturing
		if !n.up && n.stopped == e.At {
			role, capturing = n.stoppedAs, n.cutSnapshot
		}
		states = append(states, roleOf(role))
		if capturing {
			states = append(states, stateSnapshot)
		}
	}
	namespace, task := e.Str("namespace"), e.Str("task")
	tasks := len(states)
	for _, status := range []string{started, preparing, swapping} {
		if s.any(func(r *run) bool {
			return r.status == status && (task == "" || r.id.Task == task && r.id.Namespace == namespace)
		}) != nil {
			states = append(states, status)
		}
	}
	if len(states) == tasks {
		states = append(states, stateNone)
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

// consequence is what an event says about whether something went another way.
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
var repeating = []plan.FaultKind{plan.Duplicate, plan.LateDuplicate, plan.CallTwice, plan.CallLate, plan.CallDelay, taskplan.AckFlip}

// consequence says what an event shows, and at which node; "" stands for the whole
// cluster. It is asked before the story takes the event in.
func (s *story) consequence(e *trace.Event) (node string, what consequence) {
	when := func(node string, is bool) (string, consequence) {
		if is {
			return node, disturbance
		}
		return "", nothing
	}
	switch e.Kind {
	case trace.NodeState:
		// The first election needs candidates; any other one needs a reason.
		return when("", e.Str("state") == "Candidate" && len(s.leaders) > 0)
	case trace.NodeStarted:
		return when(e.Node, e.Incarnation > 1)
	case trace.SnapshotRestored:
		return when(e.Node, s.node(e).follows)
	case trace.ListFailed:
		return when(e.Node, true)
	case trace.Returned:
		outcome := e.Str("outcome")
		return when(e.Node, outcome == ambiguous || outcome == "error")
	case trace.Committed:
		caller, _, _ := strings.Cut(e.Str("client"), "#")
		if _, duplicate := e.Get("first"); !duplicate && e.Str("outcome") != "ok" {
			return caller, rejection
		} else if duplicate {
			return caller, disturbance
		}
	case trace.TaskChanged:
		r := s.runs[runOf(e)]
		by := s.command.name
		return when("", r != nil && r.status != failed && e.Str("status") == failed && (by == preparationAck || by == postAck || by == markFailed))
	case trace.CallbackEnded:
		return when(e.Node, e.Str("error") != "")
	case trace.CallbackStarted:
		r := s.runs[runOf(e)]
		return when(e.Node, r != nil && r.callbacks[callbackKey{e.Node, e.Str("callback"), e.Str("group")}] != nil)
	case trace.WorkEnded:
		return when(e.Node, e.Str("outcome") != "ok")
	case trace.RecoveryAsked:
		return when(e.Node, !e.Bool("done"))
	}
	return "", nothing
}
