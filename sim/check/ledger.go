package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/fsm"
	"dtsim/sim/plan"
	"dtsim/sim/provider"
	"dtsim/sim/trace"
)

// ledger is what stands in the log, as far as the events seen so far tell: every
// run of every task, the schema, and what callbacks, shards and operations made of
// them.
type ledger struct {
	plan *plan.Plan
	now  time.Duration

	runs map[provider.Run]*run
	// order are the runs in the order of their versions.
	order []*run
	// current is the run whose record is in place, by namespace and id.
	current map[[2]string]*run
	// collections by folded name.
	collections map[string]*collection

	// command is the newest committed command.
	command *command
	// change is what the event just taken in says about a task; nil for other events.
	change *change
	// flipped is set by an event that changed a property in the name of a run.
	flipped *run
	// swappedAlone is set by an event that says that tenants of a run have swapped alone.
	swappedAlone *run

	outcomes map[int64]string
	atRest   []trace.Event
}

// run is one run of a task.
type run struct {
	id      provider.Run
	payload provider.Payload
	barrier bool
	units   map[string]*unit
	status  fsm.TaskStatus
	// since is when the status was reached, leftAt the index at which STARTED was left.
	since  time.Duration
	leftAt uint64
	// gone says that the record is.
	gone bool
	// reached are all statuses the run was ever in.
	reached map[fsm.TaskStatus]bool
	// prepared and swapped hold the first ack of each node.
	prepared, swapped map[string]bool
	// flips counts the changes of the schema in the name of the run.
	flips     int
	callbacks []callback
	// swaps counts the swaps of replicas, by node and shard.
	swaps map[[2]string]int
}

// unit is one unit of a run.
type unit struct {
	group    string
	status   fsm.UnitStatus
	owner    string
	progress float64
	// completions counts the accepted completions.
	completions int
}

// callback is one callback that has ended.
type callback struct {
	node, name, group, status, err string
}

// change is a TaskChanged event against what the ledger knew.
type change struct {
	run           *run
	before, after fsm.TaskStatus
	unitID        string
	unit          *unit
	unitBefore    unit
}

// collection is a collection of the schema, and what its shards are to serve.
type collection struct {
	name       string
	born       uint64
	properties map[string]string
	flippedBy  map[string]uint64
	updatedAt  map[string]uint64
	// shards are the nodes of each shard.
	shards map[string][]string
	// serves is the tokenization of each property of each shard.
	serves map[string]map[string]string
}

func newLedger(p *plan.Plan) *ledger {
	return &ledger{
		plan:        p,
		runs:        make(map[provider.Run]*run),
		current:     make(map[[2]string]*run),
		collections: make(map[string]*collection),
		outcomes:    make(map[int64]string),
	}
}

// take folds an event in.
func (l *ledger) take(e *trace.Event) {
	l.now, l.change, l.flipped, l.swappedAlone = e.At, nil, nil, nil
	switch e.Kind {
	case trace.Committed:
		l.command = readCommand(e)
		if l.command.accepted {
			l.fold(l.command)
		}
	case trace.TaskChanged:
		l.taskChanged(e)
	case trace.CallbackEnded:
		if r := l.runs[runOf(e)]; r != nil {
			r.callbacks = append(r.callbacks, callback{
				node: e.Node, name: e.Str("callback"), group: e.Str("group"), status: e.Str("status"), err: e.Str("error"),
			})
		}
	case trace.ShardChanged:
		l.shardChanged(e)
	case trace.Returned:
		l.outcomes[e.Int("op")] = e.Str("outcome")
	case trace.AtRest:
		l.atRest = append(l.atRest, *e)
	}
}

// runOf reads the fields that name a run.
func runOf(e *trace.Event) provider.Run {
	version, _ := e.Get("version")
	return provider.Run{Namespace: e.Str("namespace"), Task: e.Str("task"), Version: version.Uint()}
}

func (l *ledger) fold(c *command) {
	b := &c.body
	key := [2]string{b.Namespace, b.ID}
	switch c.name {
	case addTask:
		r := newRun(c)
		l.runs[r.id] = r
		l.order = append(l.order, r)
	case preparationAck, postAck:
		r := l.runs[provider.Run{Namespace: b.Namespace, Task: b.ID, Version: b.Version}]
		if r != nil {
			r.ack(c)
		}
	case cleanUpTask:
		if r := l.current[key]; r != nil && r.id.Version == b.Version {
			delete(l.current, key)
		}
	default:
		l.foldSchema(c)
	}
}

// ack takes in an ack where it counts: before or in its phase, and the first one of
// its node.
func (r *run) ack(c *command) {
	acks, phase := r.swapped, fsm.TaskStatusSwapping
	if c.name == preparationAck {
		acks, phase = r.prepared, fsm.TaskStatusPreparing
	}
	if r.status != fsm.TaskStatusStarted && r.status != phase {
		return
	}
	if _, acked := acks[c.body.NodeID]; !acked {
		acks[c.body.NodeID] = c.body.Success
	}
}

func newRun(c *command) *run {
	b := &c.body
	r := &run{
		id:       provider.Run{Namespace: b.Namespace, Task: b.ID, Version: c.index},
		barrier:  b.NeedsPreparationBarrier,
		units:    make(map[string]*unit),
		reached:  make(map[fsm.TaskStatus]bool),
		prepared: make(map[string]bool),
		swapped:  make(map[string]bool),
		swaps:    make(map[[2]string]int),
	}
	if p, err := provider.DecodePayload(b.Payload); err == nil {
		r.payload = p
	}
	for _, spec := range b.UnitSpecs {
		r.units[spec.Id] = &unit{group: spec.GroupId, status: fsm.UnitStatusPending}
	}
	if len(b.UnitSpecs) == 0 {
		for _, id := range b.UnitIDs {
			r.units[id] = &unit{status: fsm.UnitStatusPending}
		}
	}
	return r
}

// taskChanged takes in what a command left of a task.
func (l *ledger) taskChanged(e *trace.Event) {
	r := l.runs[runOf(e)]
	if r == nil || l.command == nil {
		return
	}
	ch := &change{run: r, before: r.status, after: fsm.TaskStatus(e.Str("status"))}
	if r.gone {
		ch.before = absent
	}
	l.change = ch
	key := [2]string{r.id.Namespace, r.id.Task}
	if ch.after == "" {
		r.gone = true
		if l.current[key] == r {
			delete(l.current, key)
		}
		return
	}
	if ch.before != ch.after {
		r.since = e.At
		if ch.before == fsm.TaskStatusStarted {
			r.leftAt = l.command.index
		}
	}
	r.status = ch.after
	r.reached[ch.after] = true
	if l.command.name == addTask && l.command.accepted && l.command.index == r.id.Version {
		if old := l.current[key]; old != nil && old != r {
			old.gone = true
		}
		l.current[key] = r
	}
	if id := e.Str("unit"); id != "" {
		l.unitChanged(e, ch, id)
	}
}

func (l *ledger) unitChanged(e *trace.Event, ch *change, id string) {
	u := ch.run.units[id]
	if u == nil {
		return
	}
	ch.unitID, ch.unit, ch.unitBefore = id, u, *u
	u.status, u.owner = fsm.UnitStatus(e.Str("unit_status")), e.Str("owner")
	// What is no number is zero, and a regression is reported.
	u.progress, _ = strconv.ParseFloat(e.Str("progress"), 64)
	if l.command.name == unitCompletion && l.command.accepted && l.command.body.Error == "" {
		u.completions++
	}
}

// shardChanged takes in what happened to a replica of a shard.
func (l *ledger) shardChanged(e *trace.Event) {
	r := l.runs[runOf(e)]
	if r == nil {
		return
	}
	switch e.Str("why") {
	case "swapped", "rebuilt":
		r.swaps[[2]string{e.Node, e.Str("shard")}]++
	}
}

// owners returns the nodes that own units of the run, sorted.
func (r *run) owners() []string {
	owners := make(map[string]bool)
	for _, u := range r.units {
		if u.owner != "" {
			owners[u.owner] = true
		}
	}
	return slices.Sorted(maps.Keys(owners))
}

// missing returns the owners without a successful ack in acks.
func (r *run) missing(acks map[string]bool) []string {
	return slices.DeleteFunc(r.owners(), func(node string) bool { return acks[node] })
}

// unitIDs returns the units in order.
func (r *run) unitIDs() []string { return slices.Sorted(maps.Keys(r.units)) }

// groups returns the groups in order.
func (r *run) groups() []string {
	groups := make(map[string]bool)
	for _, u := range r.units {
		groups[u.group] = true
	}
	return slices.Sorted(maps.Keys(groups))
}

// local returns the units of a group that a node owns, sorted.
func (r *run) local(group, node string) []string {
	var local []string
	for _, id := range r.unitIDs() {
		if u := r.units[id]; u.group == group && u.owner == node {
			local = append(local, id)
		}
	}
	return local
}

// open returns the units of a group that are not terminal, sorted.
func (r *run) open(group string) []string {
	var open []string
	for _, id := range r.unitIDs() {
		if u := r.units[id]; u.group == group && !u.status.IsTerminal() {
			open = append(open, id)
		}
	}
	return open
}

// completed says that every unit of a group is COMPLETED.
func (r *run) completed(group string) bool {
	for _, u := range r.units {
		if u.group == group && u.status != fsm.UnitStatusCompleted {
			return false
		}
	}
	return true
}

// active says that the record is in place and not terminal.
func (r *run) active() bool { return !r.gone && r.status.IsActive() }

// touches says whether the run works on the property of the collection; an empty
// property stands for all.
func (r *run) touches(collection, property string) bool {
	p := r.payload
	return p.Collection != "" && strings.EqualFold(p.Collection, collection) &&
		(p.Property == "" || property == "" || p.Property == property)
}
