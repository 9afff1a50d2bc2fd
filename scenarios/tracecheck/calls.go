package tracecheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm/api"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
)

// call is a call of the task API, or of the schema by a callback.
type call struct {
	op      int64
	do      string
	node    string
	key     key
	version uint64
	unit    string
	success bool
	fields  []trace.Field
	// operator: it has no version, so it is that of an operator. resent: a fault makes it.
	operator, resent bool
	// messages are what an ack can carry.
	messages []string
	// explained: a part of the model has made it. undetermined: that is not known, because
	// of a divergence before.
	explained, undetermined bool
}

// calls are all calls, and the requests that they have become.
type calls struct {
	byOp map[int64]*call
	// made are the calls that were made, by what they are.
	made     map[string][]*call
	requests map[request]*call
}

// request names a command in the log.
type request struct {
	client string
	seq    uint64
}

func newCalls() *calls {
	return &calls{byOp: make(map[int64]*call), made: make(map[string][]*call), requests: make(map[request]*call)}
}

// workerCalls are the calls of workers.
var workerCalls = map[string]bool{"update-progress": true, "complete-unit": true, "fail-unit": true}

// callbackCalls are the calls of callbacks, and of which.
var callbackCalls = map[string][]reconcile.Kind{
	"flip-property": {reconcile.CompleteTask},
	"swap-tenants":  {reconcile.CompleteGroup, reconcile.CompleteTask},
}

// called takes in a call; n is nil when the node is down.
func (s *calls) called(e *trace.Event, n *node) *call {
	c := &call{
		op: e.Int("op"), do: e.Str("do"), node: e.Node, key: keyOf(e), version: versionOf(e), unit: e.Str("unit"),
		success: e.Bool("success"), resent: e.Bool("resent"), fields: slices.Clone(e.Fields),
	}
	_, run := e.Get("version")
	c.operator, c.explained = !run, !run && n != nil
	s.byOp[c.op] = c
	if !c.resent {
		s.made[c.identity()] = append(s.made[c.identity()], c)
	}
	return c
}

// identity is the same for a call and the one that repeats it.
func (c *call) identity() string {
	var b strings.Builder
	for _, f := range c.fields {
		if f.Key != "op" && f.Key != "resent" {
			fmt.Fprintf(&b, "%s=%q ", f.Key, f.Text())
		}
	}
	return b.String()
}

// repeats reports whether a call repeats one that was made.
func (s *calls) repeats(c *call) bool {
	return slices.ContainsFunc(s.made[c.identity()], func(made *call) bool { return made.explained || made.undetermined })
}

func (s *calls) proposed(e *trace.Event) {
	if c := s.byOp[e.Int("op")]; c != nil {
		s.requests[requestOf(e)] = c
	}
}

func requestOf(e *trace.Event) request {
	seq, _ := e.Get("seq")
	return request{e.Str("client"), seq.Uint()}
}

// body has the fields of commands that identify their sender.
type body struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Version   uint64 `json:"version"`
	NodeID    string `json:"node_id"`
	UnitID    string `json:"unit_id"`
	Success   bool   `json:"success"`
	Error     string `json:"error"`
}

// callsOf are the calls that a command can be of.
var callsOf = map[api.CommandType][]string{
	api.CommandAddTask:              {string(taskplan.AddTask)},
	api.CommandCancelTask:           {string(taskplan.CancelTask)},
	api.CommandMarkTaskFailed:       {string(taskplan.FailTask)},
	api.CommandCleanUpTask:          {string(taskplan.CleanUpTask)},
	api.CommandMarkTaskFinalized:    {"finalize-task"},
	api.CommandRecordPostAck:        {"ack-swap"},
	api.CommandRecordPreparationAck: {"ack-preparation"},
	api.CommandUpdateUnitProgress:   {"update-progress"},
	api.CommandRecordUnitCompletion: {"complete-unit", "fail-unit"},
}

// committed takes in a command, which must be that of a call in the trace.
func (o *Observer) committed(e *trace.Event) {
	t, ok := refinement.TaskCommands[e.Str("command")]
	var b body
	if ok && json.Unmarshal([]byte(e.Str("body")), &b) != nil {
		b = body{}
	}
	k := key{b.Namespace, b.ID}
	o.records.take(e, k)
	if !ok {
		return
	}
	o.counts["tracecheck/commands"]++
	if why := o.calls.unexplained(e, t, b); why != "" {
		o.diverged(e.At, e.Node, k, nil, "%s of version %d is committed: %s", e.Str("command"), b.Version, why)
	}
}

// unexplained returns why a command is not that of a call; "" when it is.
func (s *calls) unexplained(e *trace.Event, t api.CommandType, b body) string {
	c := s.requests[requestOf(e)]
	switch {
	case c == nil:
		return "no call has sent it"
	case !slices.Contains(callsOf[t], c.do):
		return fmt.Sprintf("it was sent as %s", c.do)
	case c.operator && (t == api.CommandAddTask && slices.ContainsFunc(c.fields, func(f trace.Field) bool { return f.Key == "flaw" })):
		return "" // a submission with a flaw need not be about the task that it names
	case c.key != key{b.Namespace, b.ID}:
		return fmt.Sprintf("it was sent for %s", c.key)
	case c.operator:
		return ""
	case c.version != b.Version || c.unit != b.UnitID:
		return fmt.Sprintf("it was sent for version %d and unit %q", c.version, c.unit)
	}
	of := []*call{c}
	if c.resent {
		of = s.made[c.identity()]
	}
	for _, made := range of {
		if made.undetermined || made.explained && made.has(t, b) {
			return ""
		}
	}
	return fmt.Sprintf("no call was to have this content (node %s, success %t, message %q)", b.NodeID, b.Success, b.Error)
}

// has reports whether a command has the content that its call was to have.
func (c *call) has(t api.CommandType, b body) bool {
	switch t {
	case api.CommandRecordPostAck, api.CommandRecordPreparationAck:
		return b.NodeID == c.node && b.Success == c.success && slices.Contains(c.messages, b.Error)
	case api.CommandUpdateUnitProgress:
		return b.NodeID == c.node
	case api.CommandRecordUnitCompletion:
		return b.NodeID == c.node && (b.Error != "") == (c.do == "fail-unit")
	}
	return true
}
