package tracecheck

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/fsm/api"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace/event"
)

// call is a call of the task API, or of the schema by a callback.
type call struct {
	identity
	op   int64
	node string
	// operator: it has no version, so it is that of an operator. resent: a fault makes it.
	operator, resent bool
	// messages are what an ack can carry.
	messages []string
	// explained: a part of the model has made it. undetermined: that is not known, because
	// of a divergence before.
	explained, undetermined bool
}

// identity is the same for a call and the one that repeats it.
type identity struct {
	do string
	taskevent.Call
}

func (i *identity) version() uint64 { return i.Version.Value }

// calls are all calls, and the requests that they have become.
type calls struct {
	byOp map[int64]*call
	// made are the calls that were made, by what they are.
	made     map[identity][]*call
	requests map[event.Request]*call
}

func newCalls() *calls {
	return &calls{byOp: make(map[int64]*call), made: make(map[identity][]*call), requests: make(map[event.Request]*call)}
}

// workerCalls are the calls of workers.
var workerCalls = map[string]bool{taskevent.UpdateProgress: true, taskevent.CompleteUnit: true, taskevent.FailUnit: true}

// callbackCalls are the calls of callbacks, and of which.
var callbackCalls = map[string][]reconcile.Kind{
	taskevent.FlipProperty: {reconcile.CompleteTask},
	taskevent.SwapTenants:  {reconcile.CompleteGroup, reconcile.CompleteTask},
}

// called takes in a call; n is nil when the node is down.
func (s *calls) called(e *event.Called, node string, n *node) *call {
	c := &call{identity: identity{e.Do, taskevent.CallOf(e)}, op: e.Op, node: node}
	c.resent, c.Resent = c.Resent, false
	c.operator = !c.Version.Set
	c.explained = c.operator && n != nil
	s.byOp[c.op] = c
	if !c.resent {
		s.made[c.identity] = append(s.made[c.identity], c)
	}
	return c
}

// repeats reports whether a call repeats one that was made.
func (s *calls) repeats(c *call) bool {
	return slices.ContainsFunc(s.made[c.identity], func(made *call) bool { return made.explained || made.undetermined })
}

func (s *calls) proposed(e *event.Proposed) {
	if c := s.byOp[e.Op]; c != nil {
		s.requests[e.Request] = c
	}
}

// callsOf are the calls that a command can be of.
var callsOf = map[api.CommandType][]string{
	api.CommandAddTask:              {string(taskplan.AddTask)},
	api.CommandCancelTask:           {string(taskplan.CancelTask)},
	api.CommandMarkTaskFailed:       {string(taskplan.FailTask)},
	api.CommandCleanUpTask:          {taskevent.CleanUpTask},
	api.CommandMarkTaskFinalized:    {taskevent.FinalizeTask},
	api.CommandRecordPostAck:        {taskevent.AckSwap},
	api.CommandRecordPreparationAck: {taskevent.AckPreparation},
	api.CommandUpdateUnitProgress:   {taskevent.UpdateProgress},
	api.CommandRecordUnitCompletion: {taskevent.CompleteUnit, taskevent.FailUnit},
}

// committed takes in a command, which must be that of a call in the trace.
func (o *Observer) committed(node string, b *event.Committed) {
	cmd := taskevent.ReadCommand(b)
	o.records.take(cmd)
	t, ok := refinement.TaskCommands[cmd.Name]
	if !ok {
		return
	}
	o.counts["tracecheck/commands"]++
	if why := o.calls.unexplained(cmd, t); why != "" {
		o.diverged(node, key{Namespace: cmd.Namespace, Task: cmd.ID}, nil, "%s of version %d is committed: %s", cmd.Name, cmd.Args.Version, why)
	}
}

// unexplained returns why a command is not that of a call; "" when it is.
func (s *calls) unexplained(cmd *taskevent.Command, t api.CommandType) string {
	c := s.requests[cmd.Request]
	switch {
	case c == nil:
		return "no call has sent it"
	case c.do == string(taskplan.SendStray):
		command, _ := taskplan.Stray(c.Flaw).Parts()
		if !slices.Contains(callsOf[t], strings.TrimPrefix(command, "force-")) {
			return fmt.Sprintf("it was sent as %s", c.Flaw)
		}
		return "" // what it is about is chosen when it is sent
	case !slices.Contains(callsOf[t], c.do):
		return fmt.Sprintf("it was sent as %s", c.do)
	case c.operator && t == api.CommandAddTask && c.Flaw != "":
		return "" // a submission with a flaw need not be about the task that it names
	case c.Namespace != cmd.Namespace || c.Task != cmd.ID:
		return fmt.Sprintf("it was sent for %s", c.Key())
	case c.operator:
		return ""
	case c.version() != cmd.Args.Version || c.Unit != cmd.UnitID:
		return fmt.Sprintf("it was sent for version %d and unit %q", c.version(), c.Unit)
	}
	of := []*call{c}
	if c.resent {
		of = s.made[c.identity]
	}
	for _, made := range of {
		if made.undetermined || made.explained && made.has(t, &cmd.Args) {
			return ""
		}
	}
	return fmt.Sprintf("no call was to have this content (node %s, success %t, message %q)", cmd.NodeID, cmd.Success, cmd.Error)
}

// has reports whether a command has the content that its call was to have.
func (c *call) has(t api.CommandType, b *taskevent.Args) bool {
	switch t {
	case api.CommandRecordPostAck, api.CommandRecordPreparationAck:
		return b.NodeID == c.node && b.Success == c.Success.Value && slices.Contains(c.messages, b.Error)
	case api.CommandUpdateUnitProgress:
		return b.NodeID == c.node
	case api.CommandRecordUnitCompletion:
		return b.NodeID == c.node && (b.Error != "") == (c.do == taskevent.FailUnit)
	}
	return true
}
