// Package timeline projects the trace of a run, once, into what reports show: lanes, messages,
// calls, bars, faults, and the state of everything after every event.
//
// It reads a trace and nothing else, so every report can be made from a trace alone. Events are
// named by [trace.Event.Seq], from 1; 0 is none. A trace of the model checker has steps instead
// of times and is projected the same way.
//
// The package decides nothing: the state of properties comes from scenarios/property, the
// memories of schedulers from scenarios/tracecheck, both shown the same events. Where a trace
// contradicts itself, both facts are projected.
package timeline

import (
	"slices"
	"sort"
	"time"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// Timeline is a projected run. It is immutable after [New] and safe for concurrent use.
type Timeline struct {
	// Trace is the run; each of its events has its body.
	Trace *trace.Trace
	// Profile is by which the run was judged.
	Profile *property.Profile
	// Lanes are the nodes, in the order of their names' numbers; none for a model without a
	// cluster.
	Lanes []Lane
	// Messages are in the order of their sending.
	Messages []Message
	// Calls are the client operations and the calls of schedulers and providers, in the order of
	// their beginning.
	Calls []Call
	// Bars are what takes time on a node: callbacks, starts, handles and units at work; by
	// beginning.
	Bars []Bar
	// Faults are the spans of the plan's faults, by beginning.
	Faults []Fault
	// Commits is the log, in order.
	Commits []Commit
	// Quiescence is the event at which all faults are over; 0 when there is none.
	Quiescence int
	// Changes are the changes of the state, by event; see [Change].
	Changes []Change

	// lanes are the positions of nodes by name.
	lanes map[string]int
	// plan is that of the trace.
	plan *taskplan.Plan
	// turned are the indices of the commands that changed the status of a task.
	turned map[uint64]bool
	// clocks has a vector clock for each event; see [Timeline.Clock].
	clocks []int32
}

// Lane is one node.
type Lane struct {
	Name         string
	Incarnations []Incarnation
	// Pauses are the spans without steps.
	Pauses []Span
	// Roles are its states in Raft.
	Roles []Role
}

// Span reaches from one event to another. Until is 0 when the end is not in the trace.
type Span struct{ From, Until int }

// Incarnation is one incarnation of a node.
type Incarnation struct {
	Number int
	Span
	// How it ended: "shutdown" or "crash"; empty while it runs.
	How string
}

// Role is a state of a node in Raft.
type Role struct {
	Span
	State string // "Leader", "Candidate", "Follower"
	Term  uint64
}

// Message is one message, from its sending to its end.
type Message struct {
	// Sent is the event of its sending. A message that a fault lost at once has none; Sent is
	// LostAt then.
	Sent     int
	From, To string
	Kind     string
	ID, N    uint64
	// Arrives is the time of its delivery, after that of the message that overtakes it and after
	// the end of a pause of its receiver; of a lost message the time of its loss. It can be past
	// the end of the trace.
	Arrives time.Duration
	// Duplicates are the times at which duplicates of it arrive.
	Duplicates []time.Duration
	// Received is the receiver's first event at or after the delivery; 0 when there is none.
	Received int
	// Lost is the reason of its loss ("down", "lost", "cut", "full"), LostAt the event of it.
	Lost   string
	LostAt int
	// Disturbed are the activations of faults on it.
	Disturbed []int
}

// Call is an operation from call to return. Events that did not happen are 0.
type Call struct {
	Op   int64
	Do   string
	Node string
	// Run is the run it is about; its version is 0 for a call of an operator or a client.
	Run    taskevent.Run
	Unit   string
	Called int
	// Proposed is the event at which its command first got a request id, Committed that at which
	// one of its requests was first applied.
	Proposed  int
	Committed int
	Returned  int
	// Outcome is empty while it is under way, "cut off" when its node stopped before the answer.
	Outcome string
	Class   string
	Error   string
	// ByOperator marks calls of an operator or a client, not of a scheduler or a worker. Resent
	// marks calls that a fault makes a second time or late.
	ByOperator, Resent bool
}

// Bar is something that takes time on a node.
type Bar struct {
	Span
	Node        string
	Incarnation int
	// Kind is "callback", "start", "handle", "work" or "stall"; Name is the name of the callback, the
	// unit, or the point at which a goroutine is held up.
	Kind, Name string
	Run        taskevent.Run
	// Group is that of a callback of a group, Number that of a handle, or which time it was that
	// the point was reached.
	Group  string
	Number int64
	// Terminated is the event at which a handle was asked to stop.
	Terminated int
	// Outcome is empty for success, "cut off" when the node stopped first, else the error. A
	// failed start leaves no event: it is "failed" where the next one begins.
	Outcome string
}

// Fault is a fault of the plan, from beginning to end. A momentary one ends where it begins.
type Fault struct {
	Span
	// Number is its index in the plan, What its kind.
	Number int64
	What   string
	Nodes  []string
	Peer   string
	// Activations are the events in which it changed something.
	Activations []int
}

// Commit is a command of the log.
type Commit struct {
	Seq int
	*taskevent.Command
	// Applied are the events in which replicas applied it.
	Applied []int
}

// isAck reports whether a node acknowledges a step of a task.
func (c *Commit) isAck() bool {
	return c.Name == taskevent.CommandPreparationAck || c.Name == taskevent.CommandPostAck
}

// Change is a part of the state that an event changed. Parts are paths:
//
//	log                                    the newest index
//	task/NAMESPACE/ID                      version and status
//	task/NAMESPACE/ID/unit/UNIT            status, owner, progress
//	task/NAMESPACE/ID/prepared/NODE        an ack that counts: "ok", or "failed" and why
//	task/NAMESPACE/ID/swapped/NODE
//	schema/COLLECTION/PROPERTY             the schema, by the log
//	schema/COLLECTION/PROPERTY/TENANT      that of a tenant that has swapped alone
//	node/NODE                              up and which incarnation, paused, down, left
//	node/NODE/clock                        how far the clock is off
//	node/NODE/raft                         state and term
//	node/NODE/leader                       the leader it knows
//	node/NODE/applied                      the index
//	node/NODE/memory/NAMESPACE/ID          the memory of its scheduler
//	node/NODE/handle/NAMESPACE/ID@VERSION  the handles: live, asked to stop
//	node/NODE/callback/NAMESPACE/ID        the callback that runs
//	node/NODE/schema/COLLECTION/PROPERTY   the schema up to the applied index
//	node/NODE/shard/COLLECTION/SHARD       what the replica serves, and the reason of the last change
//	property/P5                            how often exercised, violated
//	model/PART                             of a machine of the model checker
//
// Slashes inside of names are written %2F, percent signs %25.
type Change struct {
	Seq int
	// Part is the path; Value is its value from this event on, empty when it is gone.
	Part, Value string
}

// Event returns the event seq.
func (tl *Timeline) Event(seq int) *trace.Event { return &tl.Trace.Events[seq-1] }

// At returns the time of the event seq.
func (tl *Timeline) At(seq int) time.Duration { return tl.Event(seq).At }

// Lane returns the position of a node among the lanes, and whether there is one.
func (tl *Timeline) Lane(node string) (int, bool) {
	i, ok := tl.lanes[node]
	return i, ok
}

// upTo returns the number of changes up to an event.
func (tl *Timeline) upTo(seq int) int {
	return sort.Search(len(tl.Changes), func(i int) bool { return tl.Changes[i].Seq > seq })
}

// State returns every part of the state after the event seq.
func (tl *Timeline) State(seq int) map[string]string {
	state := make(map[string]string)
	for _, c := range tl.Changes[:tl.upTo(seq)] {
		if c.Value == "" {
			delete(state, c.Part)
		} else {
			state[c.Part] = c.Value
		}
	}
	return state
}

// Changed returns the parts that the event seq changed.
func (tl *Timeline) Changed(seq int) []Change {
	return slices.Clip(tl.Changes[tl.upTo(seq-1):tl.upTo(seq)])
}
