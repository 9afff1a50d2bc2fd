// Package story puts the events of a run into the shapes that people look at: lanes,
// arrows, bars, and the state of everything at every event.
//
// It reads a trace and nothing else, so a page or a file made of it can be made again
// from the trace alone. Places in the trace are [trace.Event.Seq], from 1; 0 is no
// place. A trace of the model checker has steps instead of times, and is told the same
// way.
//
// The package decides nothing: what a property says is what sim/check says when it is
// shown the same events.
package story

import (
	"slices"
	"time"

	"dtsim/sim/trace"
)

// Story is a run, told. It is not changed after [New], so any number of goroutines may
// read it.
type Story struct {
	Trace *trace.Trace
	// Lanes are the nodes, in the order of their names' numbers.
	Lanes []Lane
	// Messages are in the order in which they left.
	Messages []Message
	// Calls are the client operations and what schedulers and providers call, in the
	// order in which they began.
	Calls []Call
	// Bars are what takes time on a node: callbacks, starts, handles and units at work; by
	// beginning.
	Bars []Bar
	// Faults are the spans of the plan's faults, by beginning.
	Faults []Fault
	// Commits is the log, in order.
	Commits []Commit
	// Calm is when all faults are over; 0 when it never came to that.
	Calm int
	// Changes are the parts of the state that changed, by place; see [Change].
	Changes []Change
}

// Lane is one node.
type Lane struct {
	Name         string
	Incarnations []Incarnation
	// Pauses are when it took no steps.
	Pauses []Span
	// Roles are what it was in Raft.
	Roles []Role
}

// Span is from one event to another one. Until is 0 when the end is not in the trace.
type Span struct{ From, Until int }

// Incarnation is one life of a node.
type Incarnation struct {
	Number int
	Span
	// How it ended: "shutdown" or "crash"; empty while it lives.
	How string
}

// Role is a state of Raft that a node was in.
type Role struct {
	Span
	State string // "Leader", "Candidate", "Follower"
	Term  uint64
}

// Message is one message, from its sending to its end.
type Message struct {
	Sent     int
	From, To string
	Kind     string
	ID       uint64
	N        int64
	// Arrives is the time of its delivery: of a lost one, when it was lost.
	Arrives time.Duration
	// Lost is why it reached nobody ("down", "lost", "cut", "full"); LostAt is the event
	// that says so.
	Lost   string
	LostAt int
	// Disturbed are the events of the faults that bit it.
	Disturbed []int
}

// Call is an operation from call to return.
type Call struct {
	Op         int64
	Do         string
	Node       string
	Namespace  string
	Task       string
	Called     int
	Proposed   int
	Committed  int
	Returned   int
	Outcome    string
	Class      string
	Error      string
	ByOperator bool
}

// Bar is something that takes time on a node.
type Bar struct {
	Span
	Node        string
	Incarnation int
	// Kind is "callback", "start", "handle" or "work"; Name what it is of its kind: the
	// callback's name, the unit.
	Kind, Name      string
	Namespace, Task string
	Version         int64
	// Outcome is empty for what went well, "cut off" for what its node did not live to
	// end.
	Outcome string
}

// Fault is a fault of the plan, from its beginning to its end.
type Fault struct {
	Span
	// Number is its place in the plan, What its kind.
	Number int64
	What   string
	Nodes  []string
	// Bites are the events in which it changed something.
	Bites []int
}

// Commit is a command of the log.
type Commit struct {
	Seq             int
	Index, Term     uint64
	Command         string
	Namespace, Task string
	Outcome         string
	Body            string
	// Applied are the events in which replicas applied it.
	Applied []int
}

// Change is a part of the state that an event changed. Parts are paths of a few fixed
// shapes:
//
//	log                                    the newest index
//	task/NAMESPACE/ID                      version and status
//	task/NAMESPACE/ID/unit/UNIT            status, owner, progress
//	task/NAMESPACE/ID/prepared/NODE        an ack that counts: ok or failed
//	task/NAMESPACE/ID/swapped/NODE
//	schema/COLLECTION/PROPERTY             what the schema says, by the log
//	node/NODE                              up, paused, down, left
//	node/NODE/raft                         state, term, leader
//	node/NODE/applied                      the index
//	node/NODE/memory/NAMESPACE/ID          what its scheduler remembers
//	node/NODE/handle/NAMESPACE/ID@VERSION  live, terminated
//	node/NODE/callback/NAMESPACE/ID        the callback that runs
//	node/NODE/schema/COLLECTION/PROPERTY   what the node has
//	node/NODE/shard/COLLECTION/SHARD       what the replica serves, and why
//	property/P5                            how often at stake, or violated
//	model/PART                             of a machine of the model checker
//
// Slashes inside of names are written %2F, percent signs %25.
type Change struct {
	Seq int
	// Part is the path; Value what it is from this event on, empty when it is gone.
	Part, Value string
}

// Event returns the event at a place.
func (s *Story) Event(seq int) *trace.Event { return &s.Trace.Events[seq-1] }

// At returns the time of the event at a place.
func (s *Story) At(seq int) time.Duration { return s.Event(seq).At }

// State returns every part of the state after the event at a place.
func (s *Story) State(seq int) map[string]string {
	state := make(map[string]string)
	end, _ := slices.BinarySearchFunc(s.Changes, seq+1, func(c Change, seq int) int { return c.Seq - seq })
	for _, c := range s.Changes[:end] {
		if c.Value == "" {
			delete(state, c.Part)
		} else {
			state[c.Part] = c.Value
		}
	}
	return state
}
