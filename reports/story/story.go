// Package story puts the events of a run into the shapes that people look at: lanes,
// arrows, bars, and the state of everything at every event.
//
// It reads a trace and nothing else, so a page or a file made of it can be made again
// from the trace alone. Places in the trace are [trace.Event.Seq], from 1; 0 is no
// place. A trace of the model checker has steps instead of times, and is told the same
// way.
//
// The package decides nothing: what a property says is what scenarios/property says when it is
// shown the same events, and what a scheduler remembers is what scenarios/tracecheck makes of them.
// Where a trace contradicts itself, because the build that made it is wrong, both facts
// are shown.
package story

import (
	"slices"
	"sort"
	"time"

	"dtsim/sim/trace"
)

// Story is a run, told. It is not changed after [New], so any number of goroutines may
// read it.
type Story struct {
	Trace *trace.Trace
	// Lanes are the nodes, in the order of their names' numbers; none for a machine of the
	// model checker that tells no run.
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
	// Calm is where all faults are over; 0 when it never came to that.
	Calm int
	// Changes are the parts of the state that changed, by place; see [Change].
	Changes []Change

	// lanes are the positions of nodes by name.
	lanes map[string]int
	// clocks has a vector clock for each event; see [Story.Clock].
	clocks []int32
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
	// Sent is where it left its sender. One that a fault has lost at once has no such event;
	// Sent is LostAt then.
	Sent     int
	From, To string
	Kind     string
	ID       uint64
	N        int64
	// Arrives is the time of its delivery: not before a message has overtaken it that it
	// was held back for, not before its receiver goes on after a pause. Of a lost one it is
	// when it was lost. It can be past the end of the trace.
	Arrives time.Duration
	// Again are the times at which duplicates of it arrive.
	Again []time.Duration
	// Seen is the receiver's first event at or after the delivery; 0 when there is none.
	Seen int
	// Lost is why it reached nobody ("down", "lost", "cut", "full"); LostAt is the event
	// that says so.
	Lost   string
	LostAt int
	// Disturbed are the events of the faults that bit it.
	Disturbed []int
}

// Call is an operation from call to return. Places of what did not happen are 0.
type Call struct {
	Op              int64
	Do              string
	Node            string
	Namespace, Task string
	// Version is 0 for a call that names none: that of an operator or a client.
	Version int64
	Unit    string
	Called  int
	// Proposed is where its command first got a request id, Committed where one of its
	// requests was first applied.
	Proposed  int
	Committed int
	Returned  int
	// Outcome is empty while it is under way, "cut off" when its node did not live to see
	// the answer.
	Outcome string
	Class   string
	Error   string
	// ByOperator says that an operator or a client makes the call, no scheduler and no
	// worker. Resent says that a fault makes it, for a second time or late.
	ByOperator, Resent bool
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
	// Group is that of a group's callback, Number that of a handle.
	Group  string
	Number int64
	// Told is where a handle was told to stop.
	Told int
	// Outcome is empty for what went well, "cut off" for what its node did not live to
	// end, else the error. A start that fails is not seen to: it is "failed" where the next
	// one begins.
	Outcome string
}

// Fault is a fault of the plan, from its beginning to its end. One that is over at once
// ends where it begins.
type Fault struct {
	Span
	// Number is its place in the plan, What its kind.
	Number int64
	What   string
	Nodes  []string
	Peer   string
	// Bites are the events in which it changed something.
	Bites []int
}

// Commit is a command of the log.
type Commit struct {
	Seq             int
	Index, Term     uint64
	Command         string
	Namespace, Task string
	// Class is the collection of a command of the schema.
	Class string
	// Outcome is "ok" or the rejection; Duplicate says that it had taken effect before.
	Outcome   string
	Duplicate bool
	Body      string
	// Applied are the events in which replicas applied it.
	Applied []int
}

// Change is a part of the state that an event changed. Parts are paths of a few fixed
// shapes:
//
//	log                                    the newest index
//	task/NAMESPACE/ID                      version and status
//	task/NAMESPACE/ID/unit/UNIT            status, owner, progress
//	task/NAMESPACE/ID/prepared/NODE        an ack that counts: "ok", or "failed" and why
//	task/NAMESPACE/ID/swapped/NODE
//	schema/COLLECTION/PROPERTY             what the schema says, by the log
//	schema/COLLECTION/PROPERTY/TENANT      what a tenant keeps that has swapped alone
//	node/NODE                              up and which incarnation, paused, down, left
//	node/NODE/clock                        how far the clock is off
//	node/NODE/raft                         state and term
//	node/NODE/leader                       whom it takes for the leader
//	node/NODE/applied                      the index
//	node/NODE/memory/NAMESPACE/ID          what its scheduler remembers
//	node/NODE/handle/NAMESPACE/ID@VERSION  the handles: live, told to stop
//	node/NODE/callback/NAMESPACE/ID        the callback that runs
//	node/NODE/schema/COLLECTION/PROPERTY   what the schema says up to the applied index
//	node/NODE/shard/COLLECTION/SHARD       what the replica serves, and why
//	property/P5                            how often at stake, violated
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

// Lane returns the position of a node among the lanes; false for no node.
func (s *Story) Lane(node string) (int, bool) {
	i, ok := s.lanes[node]
	return i, ok
}

// upTo is how many changes there are up to a place.
func (s *Story) upTo(seq int) int {
	return sort.Search(len(s.Changes), func(i int) bool { return s.Changes[i].Seq > seq })
}

// State returns every part of the state after the event at a place.
func (s *Story) State(seq int) map[string]string {
	state := make(map[string]string)
	for _, c := range s.Changes[:s.upTo(seq)] {
		if c.Value == "" {
			delete(state, c.Part)
		} else {
			state[c.Part] = c.Value
		}
	}
	return state
}

// Changed returns the parts that the event at a place has changed.
func (s *Story) Changed(seq int) []Change {
	return slices.Clip(s.Changes[s.upTo(seq-1):s.upTo(seq)])
}
