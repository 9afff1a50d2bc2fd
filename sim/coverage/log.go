package coverage

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// The names commands have in a trace.
var (
	addTask        = replica.CommandName(api.CommandAddTask)
	cancelTask     = replica.CommandName(api.CommandCancelTask)
	cleanUpTask    = replica.CommandName(api.CommandCleanUpTask)
	unitCompletion = replica.CommandName(api.CommandRecordUnitCompletion)
	unitProgress   = replica.CommandName(api.CommandUpdateUnitProgress)
	markFinalized  = replica.CommandName(api.CommandMarkTaskFinalized)
	markFailed     = replica.CommandName(api.CommandMarkTaskFailed)
	postAck        = replica.CommandName(api.CommandRecordPostAck)
	preparationAck = replica.CommandName(api.CommandRecordPreparationAck)
	dropCollection = replica.CommandName(replica.CommandDropCollection)
	updateProperty = replica.CommandName(replica.CommandUpdateProperty)
	deleteTenants  = replica.CommandName(replica.CommandDeleteTenants)
)

// The statuses of a task.
const (
	started   = string(fsm.TaskStatusStarted)
	preparing = string(fsm.TaskStatusPreparing)
	swapping  = string(fsm.TaskStatusSwapping)
	finished  = string(fsm.TaskStatusFinished)
	failed    = string(fsm.TaskStatusFailed)
	cancelled = string(fsm.TaskStatusCancelled)
)

// The callbacks.
const (
	groupCompleted = "OnGroupCompleted"
	swapRequested  = "OnSwapRequested"
	taskCompleted  = "OnTaskCompleted"
)

// command is a committed command with its outcome.
type command struct {
	index   uint64
	name    string
	outcome string
	// duplicate says that the log had the request before; accepted that it took effect
	// now: it is neither rejected nor a duplicate.
	duplicate, accepted bool
	run                 provider.Run
	// node and success are those of an ack.
	node    string
	success bool
	// flip says that a task changes the schema by it, and no user.
	flip bool
	// call is who made it, nil when nobody is known. lastAck says that it completed the
	// acks of its phase.
	call    *call
	lastAck bool
	// acked says that the log had an ack of the node before, and which.
	acked, ackedSuccess bool
}

// run is one run of a task.
type run struct {
	id      provider.Run
	barrier bool
	gone    bool
	status  string
	// reached is the index of the command that brought the status, since its time.
	reached uint64
	since   time.Duration
	// submitter is the call that added the run, if it is known; replaces says that the
	// run took the place of an older record.
	submitter *call
	replaces  bool
	// unreadable says that nobody can read the payload, foreign that a newer version has
	// left the run.
	unreadable, foreign bool
	owner               map[string]string
	open                map[string]bool
	// prepared and swapped hold the first ack of each node.
	prepared, swapped map[string]bool
	// calls of callbacks by node and name.
	callbacks map[callbackKey]*callback
	// leftIn are the statuses in which nodes that own units have left for good.
	leftIn map[string]bool
}

type callbackKey struct{ node, name, group string }

// callback is what is known of a callback on a node.
type callback struct {
	incarnation int // of the newest beginning
	running     bool
	done        bool // it has ended without an error
	failures    int  // errors in that incarnation
	begins      int  // in all incarnations
	again       bool // it had begun in an earlier incarnation
	// units is how many units the newest beginning is about, swaps how many replicas have
	// swapped since.
	units, swaps int
}

// change is a TaskChanged event against what the story knew.
type change struct {
	run           *run
	before, after string
	// claims says that a unit has its owner by it.
	claims bool
}

func (s *story) takeLog(e *trace.Event, n *node) {
	switch e.Kind {
	case trace.Inherited:
		s.inherit(e)
	case trace.Called:
		c := &call{op: e.Int("op"), do: e.Str("do"), node: e.Node, incarnation: e.Incarnation, run: runOf(e), unit: e.Str("unit"), since: s.command.index}
		s.calls[c.op], s.called = c, c
	case trace.Proposed:
		if c := s.calls[e.Int("op")]; c != nil {
			s.requests[request{e.Str("client"), uint64(e.Int("seq"))}] = c
		}
	case trace.Returned:
		if c := s.calls[e.Int("op")]; c != nil {
			c.returned, s.called = e.Str("outcome"), c
		}
	case trace.Committed:
		s.commit(e)
	case trace.TaskChanged:
		s.taskChanged(e)
	case trace.CallbackStarted, trace.CallbackEnded:
		s.callback(e, n)
	case trace.ShardChanged:
		if r := s.runs[runOf(e)]; r != nil && e.Str("why") == "swapped" {
			for key, cb := range r.callbacks {
				if key.node == e.Node && cb.running {
					cb.swaps++
				}
			}
		}
	}
}

// commit takes in a command.
func (s *story) commit(e *trace.Event) {
	c := &command{index: uint64(e.Int("index")), name: e.Str("command"), outcome: e.Str("outcome")}
	_, c.duplicate = e.Get("first")
	c.accepted = c.outcome == "ok" && !c.duplicate
	if caller := s.requests[request{e.Str("client"), uint64(e.Int("seq"))}]; caller != nil {
		c.call = caller
		if caller.committed == nil {
			caller.committed = c
		}
	}
	s.command = c
	var body struct {
		Namespace string          `json:"namespace"`
		ID        string          `json:"id"`
		Version   uint64          `json:"version"`
		NodeID    string          `json:"node_id"`
		Success   bool            `json:"success"`
		Barrier   bool            `json:"needs_preparation_barrier"`
		UnitIDs   []string        `json:"unit_ids"`
		UnitSpecs []*api.UnitSpec `json:"unit_specs"`
		Migration json.RawMessage `json:"migration"`
		Payload   []byte          `json:"payload"`
	}
	// What cannot be read has an empty body; it is about no run.
	if err := json.NewDecoder(strings.NewReader(e.Str("body"))).Decode(&body); err != nil {
		return
	}
	c.run = provider.Run{Namespace: body.Namespace, Task: body.ID, Version: body.Version}
	c.node, c.success, c.flip = body.NodeID, body.Success, len(body.Migration) > 0
	switch c.name {
	case addTask:
		if !c.accepted {
			return
		}
		c.run.Version = c.index
		ids := body.UnitIDs
		if len(body.UnitSpecs) > 0 {
			ids = nil
			for _, spec := range body.UnitSpecs {
				if spec != nil {
					ids = append(ids, spec.Id)
				}
			}
		}
		_, err := provider.DecodePayload(body.Payload)
		s.add(c, body.Barrier, err != nil, ids)
	case preparationAck, postAck:
		s.ack(c)
	}
}

// newRun returns a run of which nothing is known but what it is.
func newRun(id provider.Run, barrier bool) *run {
	return &run{
		id: id, barrier: barrier, owner: make(map[string]string), open: make(map[string]bool),
		prepared: make(map[string]bool), swapped: make(map[string]bool), callbacks: make(map[callbackKey]*callback),
		leftIn: make(map[string]bool),
	}
}

func (s *story) add(c *command, barrier, unreadable bool, units []string) {
	r := newRun(c.run, barrier)
	r.unreadable, r.submitter = unreadable, c.call
	for _, unit := range units {
		r.open[unit] = true
	}
	s.runs[r.id] = r
	s.order = append(s.order, r)
}

// ack takes in the first ack of a node.
func (s *story) ack(c *command) {
	r := s.runs[c.run]
	if r == nil {
		return
	}
	acks := r.swapped
	if c.name == preparationAck {
		acks = r.prepared
	}
	c.ackedSuccess, c.acked = acks[c.node]
	if !c.accepted || c.acked || !r.isActive() {
		return
	}
	before := len(r.missing(acks))
	acks[c.node] = c.success
	c.lastAck = before > 0 && len(r.missing(acks)) == 0
}

// taskChanged takes in what a command left of a task.
func (s *story) taskChanged(e *trace.Event) {
	r := s.runs[runOf(e)]
	if r == nil {
		return
	}
	s.changed = &change{run: r, before: r.status, after: e.Str("status")}
	key := [2]string{r.id.Namespace, r.id.Task}
	if s.changed.after == "" {
		r.gone = true
		if s.current[key] == r {
			delete(s.current, key)
		}
		return
	}
	if s.changed.before != s.changed.after {
		r.status, r.reached, r.since = s.changed.after, s.command.index, e.At
	}
	if s.changed.before == "" {
		if old := s.current[key]; old != nil {
			old.gone, r.replaces = true, true
		}
		s.current[key] = r
	}
	if unit := e.Str("unit"); unit != "" {
		if owner := e.Str("owner"); owner != "" {
			s.changed.claims = r.owner[unit] == ""
			r.owner[unit] = owner
		}
		if fsm.UnitStatus(e.Str("unit_status")).IsTerminal() {
			delete(r.open, unit)
		}
	}
}

func (s *story) callback(e *trace.Event, n *node) {
	r := s.runs[runOf(e)]
	if r == nil {
		return
	}
	key := callbackKey{e.Node, e.Str("callback"), e.Str("group")}
	cb := r.callbacks[key]
	if cb == nil {
		cb = &callback{}
		r.callbacks[key] = cb
	}
	if e.Kind == trace.CallbackStarted {
		if cb.incarnation != e.Incarnation {
			cb.failures = 0
		}
		var units []string
		if err := json.Unmarshal([]byte(e.Str("units")), &units); err != nil {
			units = nil // OnTaskCompleted is about none
		}
		cb.again = cb.begins > 0 && cb.incarnation != e.Incarnation
		cb.incarnation, cb.running, cb.units, cb.swaps = e.Incarnation, true, len(units), 0
		cb.begins++
		n.interrupted, n.spoilt = false, false
		return
	}
	cb.running = false
	if text := e.Str("error"); text == "" {
		cb.done = true
	} else {
		cb.failures++
		n.interrupted = strings.Contains(text, "context canceled") && !n.spoilt
	}
}

// isActive says that the record is in place and not terminal.
func (r *run) isActive() bool {
	return !r.gone && (r.status == started || r.status == preparing || r.status == swapping)
}

// owners returns the nodes that own units, sorted.
func (r *run) owners() []string {
	var owners []string
	for _, node := range r.owner {
		owners = append(owners, node)
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

func (r *run) owns(node string) bool { return slices.Contains(r.owners(), node) }

// missing returns the owners without a successful ack.
func (r *run) missing(acks map[string]bool) []string {
	return slices.DeleteFunc(r.owners(), func(node string) bool { return acks[node] })
}

// running says whether a callback of the name is under way on a node.
func (r *run) running(node, name string) bool {
	return r.has(node, name, func(cb *callback) bool { return cb.running })
}

// has says whether a callback of the name on a node is as a predicate says.
func (r *run) has(node, name string, is func(*callback) bool) bool {
	for key, cb := range r.callbacks {
		if key.node == node && key.name == name && is(cb) {
			return true
		}
	}
	return false
}

// swapCallback is the name of the callback in which the run swaps.
func (r *run) swapCallback() string {
	if r.barrier {
		return swapRequested
	}
	return groupCompleted
}

// callbackOf is the name of the callback that the run's owners owe in a status, "" for
// none.
func (r *run) callbackOf(status string) string {
	switch status {
	case preparing:
		return groupCompleted
	case swapping:
		return r.swapCallback()
	}
	return ""
}

// phaseCallback is the name of the callback that they owe now.
func (r *run) phaseCallback() string { return r.callbackOf(r.status) }

// phaseAcks are the acks that the run's owners owe in its status.
func (r *run) phaseAcks() map[string]bool {
	if r.status == preparing {
		return r.prepared
	}
	return r.swapped
}
