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

	"dtsim/models/spec"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// kinds are the kinds of operations by the names that calls have in a trace, for those
// whose command never shows there.
var kinds = map[string]Kind{
	"add-task": Add, "cancel-task": Cancel, "fail-task": GiveUp, "clean-up-task": CleanUp,
	"complete-unit": CompleteUnit, "fail-unit": CompleteUnit, "update-progress": Progress,
	"finalize-task": Finalize, "ack-swap": AckSwap, "ack-preparation": AckPreparation,
	"create-collection": CreateCollection, "drop-collection": DropCollection,
}

// commandKinds are the kinds of operations by the names of commands in a trace.
var commandKinds = func() map[string]Kind {
	all := map[string]Kind{"CREATE_COLLECTION": CreateCollection, "DROP_COLLECTION": DropCollection}
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
	// by the names of their requests.
	calls    map[int64]*call
	requests map[string]*call
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
	return &Collector{calls: make(map[int64]*call), requests: make(map[string]*call)}
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
	switch e.Kind {
	case trace.Inherited:
		c.inherited(&e)
	case trace.Called:
		c.calls[e.Int("op")] = &call{order: len(c.calls), op: Op{
			Client: clientOf(&e), Kind: kinds[e.Str("do")], Collection: e.Str("collection"),
			Call: c.at, Outcome: Pending, Never: true,
		}}
	case trace.Proposed:
		if k := c.calls[e.Int("op")]; k != nil {
			k.proposed = true
			k.op.Request = request(&e)
			c.requests[k.op.Request] = k
		}
	case trace.Committed:
		c.committed(&e)
	case trace.Returned:
		if k := c.calls[e.Int("op")]; k != nil {
			k.returned(&e, c.at)
		}
	case trace.Listed:
		c.listed(&e)
	}
}

// inherited adds the snapshot with which the run begins.
func (c *Collector) inherited(e *trace.Event) {
	var snapshot struct {
		Tasks  json.RawMessage `json:"distributed_tasks"`
		Schema []struct {
			Name string `json:"name"`
		} `json:"schema"`
	}
	if err := json.Unmarshal([]byte(e.Str("snapshot")), &snapshot); err != nil {
		c.err = cmp.Or(c.err, fmt.Errorf("history: the inherited snapshot is no JSON: %w", err))
	}
	c.beginning.Tasks = snapshot.Tasks
	for _, collection := range snapshot.Schema {
		c.beginning.Collections = append(c.beginning.Collections, collection.Name)
	}
	_, err := c.beginning.machine(nil)
	c.err = cmp.Or(c.err, err)
}

// clientOf names the client that an event is about.
func clientOf(e *trace.Event) string { return e.Node + "#" + strconv.Itoa(e.Incarnation) }

// request names the request of an event.
func request(e *trace.Event) string {
	if e.Str("client") == "" {
		return ""
	}
	return e.Str("client") + "/" + e.Str("seq")
}

// committed adds a command of the log, unless it changes no task, repeats another,
// or was refused by the session table.
func (c *Collector) committed(e *trace.Event) {
	kind, ours := commandKinds[e.Str("command")]
	_, duplicate := e.Get("first")
	if !ours || duplicate || taskevent.OfSessions(taskevent.VerdictOf(e.Str("outcome"), e.Str("verdict"))) {
		return
	}
	index, _ := e.Get("index")
	k := c.requests[request(e)]
	if k == nil || k.op.Index != 0 {
		// No call is known, or a call took effect twice.
		k = &call{proposed: true, order: len(c.calls), op: Op{Call: 1, Outcome: Pending, Request: request(e)}}
		c.calls[int64(-1-len(c.calls))] = k
	}
	o := &k.op
	o.Kind, o.Collection, o.Never = kind, e.Str("class"), false
	o.Index, o.AppliedAt = index.Uint(), c.at
	if commands[kind] != 0 {
		o.Args = json.RawMessage(e.Str("body"))
		if !json.Valid(o.Args) {
			c.err = cmp.Or(c.err, fmt.Errorf("history: command at index %d is no JSON: %s", o.Index, o.Args))
		}
	}
	if o.Verdict == "" {
		o.Verdict = spec.ReadVerdict(e.Str("outcome")).String()
	}
}

// returned records the answer that the client received.
func (k *call) returned(e *trace.Event, at int64) {
	k.op.Return = at
	switch e.Str("outcome") {
	case "ok":
		k.op.Outcome, k.op.Verdict = OK, "ok"
	case "rejected":
		k.op.Outcome, k.op.Verdict = Rejected, spec.ReadVerdict(e.Str("error")).String()
	case "ambiguous":
		k.op.Outcome = Ambiguous
	default:
		k.op.Outcome = NoEffect
	}
}

// listed adds a list. It was asked for at an instant: what happened in the same
// instant may have come before.
func (c *Collector) listed(e *trace.Event) {
	o := Op{Client: clientOf(e), Kind: List, Return: c.at, Outcome: OK}
	called := time.Duration(e.Int("called"))
	i, _ := slices.BinarySearchFunc(c.instants, called, func(i instant, t time.Duration) int { return cmp.Compare(i.virtual, t) })
	o.Call = c.instants[min(i, len(c.instants)-1)].first
	if contents := e.Str("contents"); contents != c.contents || c.contents == "" {
		c.contents, c.shows = strings.Clone(contents), c.shown(e)
	}
	o.Shows = c.shows
	c.ops = append(c.ops, o)
}

// shown reads what a list shows.
func (c *Collector) shown(e *trace.Event) []Shown {
	tasks, err := e.ListedTasks()
	c.err = cmp.Or(c.err, err)
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
