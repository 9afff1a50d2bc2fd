package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// kinds are the kinds of operations by the names that calls have in a trace, for those
// whose command never shows there.
var kinds = map[string]Kind{
	string(taskplan.AddTask): Add, string(taskplan.CancelTask): Cancel, string(taskplan.FailTask): GiveUp, taskevent.CleanUpTask: CleanUp,
	taskevent.CompleteUnit: CompleteUnit, taskevent.FailUnit: CompleteUnit, taskevent.UpdateProgress: Progress,
	taskevent.FinalizeTask: Finalize, taskevent.AckSwap: AckSwap, taskevent.AckPreparation: AckPreparation,
	string(taskplan.CreateCollection): CreateCollection, string(taskplan.DropCollection): DropCollection,
}

// commandKinds are the kinds of operations by the names of commands in a trace.
var commandKinds = func() map[string]Kind {
	all := map[string]Kind{taskevent.CommandCreateCollection: CreateCollection, taskevent.CommandDropCollection: DropCollection}
	for kind, command := range commands {
		all[command.String()] = kind
	}
	return all
}()

// FromTrace reads the history of a whole run from its trace. The error gives the
// reason why the trace cannot be read.
func FromTrace(r *trace.Reader) (*History, error) {
	c := NewCollector()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return c.History()
		}
		if err != nil {
			return nil, err
		}
		c.Observe(e)
	}
}

// Collector gathers the history of a run from its events, which must come in the order
// of the trace. It is for one goroutine.
type Collector struct {
	beginning Beginning
	ops       []Op
	// calls are the positions of operations that are no lists by their numbers, requests
	// by their requests.
	calls    map[int64]*call
	requests map[event.Request]*call
	// at is the time of an event, its place in the trace; instants are the first ones of each
	// instant of virtual time.
	at       int64
	instants []instant
	// contents are those of the newest list, and shows what they show: one list is mostly
	// like the one before.
	contents string
	shows    []Shown
	err      error
}

type call struct {
	op Op
	// proposed reports whether the operation had a command; order is its position in
	// the history.
	proposed bool
	order    int
}

type instant struct {
	virtual time.Duration
	first   int64
}

// NewCollector returns a collector that has seen nothing.
func NewCollector() *Collector {
	return &Collector{calls: make(map[int64]*call), requests: make(map[event.Request]*call)}
}

// Kinds are the events that a history is made of; a collector ignores
// others.
func Kinds() []trace.Kind {
	return []trace.Kind{trace.Inherited, trace.Called, trace.Proposed, trace.Committed, trace.Returned, trace.Listed}
}

// Observe adds the next event.
func (c *Collector) Observe(e trace.Event) {
	// Its place in the trace, if that is known.
	c.at = max(c.at+1, int64(e.Seq))
	if n := len(c.instants); n == 0 || c.instants[n-1].virtual < e.At {
		c.instants = append(c.instants, instant{e.At, c.at})
	}
	switch b := taskevent.Of(&e).(type) {
	case *event.Inherited:
		c.inherited(b)
	case *event.Called:
		c.calls[b.Op] = &call{order: len(c.calls), op: Op{
			Client: clientOf(&e), Kind: kinds[b.Do], Collection: taskevent.CallOf(b).Collection,
			Call: c.at, Outcome: Pending, Never: true,
		}}
	case *event.Proposed:
		if k := c.calls[b.Op]; k != nil {
			k.proposed = true
			k.op.Request = b.Request.String()
			c.requests[b.Request] = k
		}
	case *event.Committed:
		c.committed(b)
	case *event.Returned:
		if k := c.calls[b.Op]; k != nil {
			k.returned(b, c.at)
		}
	case *taskevent.Listed:
		c.listed(clientOf(&e), b)
	}
}

// inherited adds the snapshot with which the run begins.
func (c *Collector) inherited(b *event.Inherited) {
	snapshot, err := taskevent.ReadSnapshot(b)
	if err != nil {
		c.err = cmp.Or(c.err, fmt.Errorf("history: the inherited snapshot: %w", err))
	}
	c.beginning.Tasks = snapshot.Raw
	for _, collection := range snapshot.Collections {
		c.beginning.Collections = append(c.beginning.Collections, collection.Name)
	}
	_, err = c.beginning.machine(nil)
	c.err = cmp.Or(c.err, err)
}

// clientOf names the client that an event is about.
func clientOf(e *trace.Event) string { return e.Node + "#" + strconv.Itoa(e.Incarnation) }

// committed adds a command of the log, unless it changes no task, repeats another,
// or was refused by the session table.
func (c *Collector) committed(b *event.Committed) {
	kind, ours := commandKinds[b.Command]
	verdict := taskevent.VerdictOf(b.Outcome, b.Verdict)
	if !ours || b.First != 0 || taskevent.OfSessions(verdict) {
		return
	}
	k := c.requests[b.Request]
	if k == nil || k.op.Index != 0 {
		// No call is known, or a call took effect twice.
		k = &call{proposed: true, order: len(c.calls), op: Op{Call: 1, Outcome: Pending}}
		if !b.Request.IsZero() {
			k.op.Request = b.Request.String()
		}
		c.calls[int64(-1-len(c.calls))] = k
	}
	o := &k.op
	o.Kind, o.Collection, o.Never = kind, b.Class, false
	o.Index, o.AppliedAt = b.Index, c.at
	if commands[kind] != 0 {
		o.Args = json.RawMessage(b.Body)
		if !json.Valid(o.Args) {
			c.err = cmp.Or(c.err, fmt.Errorf("history: command at index %d is no JSON: %s", o.Index, o.Args))
		}
	}
	if o.Verdict == "" {
		o.Verdict = verdict.AtCaller().String()
	}
}

// returned records the answer that the client received.
func (k *call) returned(b *event.Returned, at int64) {
	k.op.Return = at
	switch b.Outcome {
	case event.OK:
		k.op.Outcome, k.op.Verdict = OK, taskevent.AnswerOf(b).String()
	case event.Rejected:
		k.op.Outcome, k.op.Verdict = Rejected, taskevent.AnswerOf(b).String()
	case event.Ambiguous:
		k.op.Outcome = Ambiguous
	default:
		k.op.Outcome = NoEffect
	}
}

// listed adds a list. It was asked for at an instant: what happened in the same
// instant may have come before.
func (c *Collector) listed(client string, b *taskevent.Listed) {
	o := Op{Client: client, Kind: List, Return: c.at, Outcome: OK}
	i, _ := slices.BinarySearchFunc(c.instants, b.Called, func(i instant, t time.Duration) int { return cmp.Compare(i.virtual, t) })
	o.Call = c.instants[min(i, len(c.instants)-1)].first
	if b.Contents != c.contents || c.contents == "" {
		c.contents, c.shows = strings.Clone(b.Contents), c.shown(b)
	}
	o.Shows = c.shows
	c.ops = append(c.ops, o)
}

// shown reads what a list shows.
func (c *Collector) shown(b *taskevent.Listed) []Shown {
	tasks, err := b.Tasks()
	if err != nil {
		c.err = cmp.Or(c.err, fmt.Errorf("history: event %d: %w", c.at, err))
	}
	var shows []Shown
	for _, t := range tasks {
		if t.Digest == "" {
			c.err = cmp.Or(c.err, fmt.Errorf("history: the list at event %d has neither the record nor the digest of task %s/%s", c.at, t.Namespace, t.ID))
		}
		shows = append(shows, Shown{t.Namespace, t.ID, t.Digest})
	}
	return shows
}

// History returns what was gathered. Call it once, when the run is over: what has not
// been in the log by then never will.
func (c *Collector) History() (*History, error) {
	if c.err != nil {
		return nil, c.err
	}
	calls := make([]*call, 0, len(c.calls))
	for _, k := range c.calls {
		if k.proposed && k.op.Kind != "" {
			calls = append(calls, k)
		}
	}
	slices.SortFunc(calls, func(a, b *call) int { return cmp.Compare(a.order, b.order) })
	h := &History{Beginning: c.beginning, Ops: make([]Op, 0, len(calls)+len(c.ops))}
	for _, k := range calls {
		h.Ops = append(h.Ops, k.op)
	}
	h.Ops = append(h.Ops, c.ops...)
	slices.SortStableFunc(h.Ops, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	return h, nil
}
