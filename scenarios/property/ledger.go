package property

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// ledger is what stands in the log, as far as the events seen so far tell: every
// run of every task, the schema, and what callbacks, shards and operations made of
// them.
type ledger struct {
	plan *plan.Plan
	now  time.Duration
	// seq is the place of the event just taken in, calm when the faults ended.
	seq  int
	calm time.Duration
	// start is the true time at which the run began, in ms since 1970; 0 for none.
	start int64
	// end is when the nodes said what they hold at the end.
	end time.Duration
	// newest is the index of the last command, committed when it was.
	newest    uint64
	committed time.Duration
	nodes     map[string]*node
	limits    *bounds
	// inherited is what the run begins with, nil for nothing.
	inherited *inherited
	// givenUp are the runs that an operator has given up because they waited for a node
	// that has left, and when he was told so.
	givenUp map[*run]time.Duration

	runs map[provider.Run]*run
	// order are the runs in the order of their versions.
	order []*run
	// current is the run whose record is in place, by namespace and id.
	current map[[2]string]*run
	// collections by folded name.
	collections map[string]*collection
	// dropped are the last drops of collections, by folded name.
	dropped map[string]act

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

// act is a fact of the log: what, and where it stands in log and trace.
type act struct {
	index uint64
	seq   int
	at    time.Duration
}

// run is one run of a task.
type run struct {
	id      provider.Run
	payload provider.Payload
	barrier bool
	units   map[string]*unit
	// unfinished is how many units are not terminal.
	unfinished int
	status     fsm.TaskStatus
	// inherited says that a newer version has left the run as it is.
	inherited bool
	// history are the statuses that the run had, one after the other; absent is the end.
	history []stage
	// ended is the time in the command that made the run terminal, in ms.
	ended int64
	// gone says that the record is.
	gone bool
	// reached are all statuses the run was ever in.
	reached map[fsm.TaskStatus]bool
	// prepared and swapped hold the first ack of each node.
	prepared, swapped map[string]ack
	// flips counts the changes of the schema in the name of the run; flipRefused is the place
	// of the last one that was refused, 0 for none.
	flips       int
	flipRefused int
	callbacks   []callback
	// swaps counts the swaps of replicas, by node and shard.
	swaps map[[2]string]int
}

// stage is a status of a run, and how it came to be.
type stage struct {
	act
	status fsm.TaskStatus
	cause  string // the command
}

// ack is what a node has said of a step.
type ack struct {
	act
	success bool
}

// unit is one unit of a run.
type unit struct {
	group    string
	seq      int // of the last change
	status   fsm.UnitStatus
	owner    string
	progress float64
	// completions counts the accepted completions.
	completions int
}

// callback is one callback that has ended.
type callback struct {
	node, name, group, status, err string
	seq                            int
}

// change is a TaskChanged event against what the ledger knew.
type change struct {
	run           *run
	before, after fsm.TaskStatus
	unitID        string
	unit          *unit
	unitBefore    unit
	// seqBefore is the place of the unit's change before.
	seqBefore int
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
	// alone holds the version of the run that has swapped a property of a tenant alone, if
	// nothing has changed the property since; by tenant and property.
	alone map[[2]string]uint64
	// changed is the last command that was about it.
	changed act
}

func newLedger(p *plan.Plan) *ledger {
	return &ledger{
		plan:        p,
		runs:        make(map[provider.Run]*run),
		current:     make(map[[2]string]*run),
		collections: make(map[string]*collection),
		dropped:     make(map[string]act),
		outcomes:    make(map[int64]string),
		nodes:       make(map[string]*node),
	}
}

// take folds an event in.
func (l *ledger) take(e *trace.Event) {
	l.now, l.seq, l.change, l.flipped, l.swappedAlone = e.At, e.Seq, nil, nil, nil
	l.takeNode(e)
	switch e.Kind {
	case trace.RunStarted:
		l.start = e.Int("start")
	case trace.Inherited:
		l.inheritSnapshot(e)
	case trace.Committed:
		l.command = readCommand(e)
		l.newest, l.committed = l.command.index, e.At
		if l.command.accepted {
			l.fold(l.command)
		} else if m := l.command.body.Migration; m != nil && !l.command.duplicate {
			if r := l.runs[provider.Run{Namespace: m.Namespace, Task: m.ID, Version: m.Version}]; r != nil {
				r.flipRefused = l.seq
			}
		}
	case trace.TaskChanged:
		l.taskChanged(e)
	case trace.CallbackEnded:
		if r := l.runs[runOf(e)]; r != nil {
			r.callbacks = append(r.callbacks, callback{
				node: e.Node, name: e.Str("callback"), group: e.Str("group"), status: e.Str("status"), err: e.Str("error"), seq: e.Seq,
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

// timed says that the run goes by a clock. In what the model checker tells everything takes
// as long as it likes.
func (l *ledger) timed() bool { return l.start > 0 }

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
			r.ack(c, l.here())
		}
	case cleanUpTask:
		if r := l.current[key]; r != nil && r.id.Version == b.Version {
			delete(l.current, key)
		}
	default:
		l.foldSchema(c)
	}
}

// here is the place of the command just taken in.
func (l *ledger) here() act { return act{index: l.command.index, seq: l.seq, at: l.now} }

// ack takes in an ack where it counts: before or in its phase, and the first one of
// its node.
func (r *run) ack(c *command, at act) {
	acks, phase := r.swapped, fsm.TaskStatusSwapping
	if c.name == preparationAck {
		acks, phase = r.prepared, fsm.TaskStatusPreparing
	}
	if r.status != fsm.TaskStatusStarted && r.status != phase {
		return
	}
	if _, acked := acks[c.body.NodeID]; !acked {
		acks[c.body.NodeID] = ack{at, c.body.Success}
	}
}

// tacit says that the workers of a run do not claim their units (plan.Task.Tacit).
func (l *ledger) tacit(id provider.Run) bool {
	r := l.runs[id]
	return r != nil && r.payload.Tacit
}

func newRun(c *command) *run {
	b := &c.body
	r := emptyRun(provider.Run{Namespace: b.Namespace, Task: b.ID, Version: c.index}, b.NeedsPreparationBarrier, b.Payload)
	for _, spec := range b.UnitSpecs {
		if spec == nil {
			continue // no such command may be accepted, which is for P2 and P18 to say
		}
		r.units[spec.Id] = &unit{group: spec.GroupId, status: fsm.UnitStatusPending}
	}
	if len(b.UnitSpecs) == 0 {
		for _, id := range b.UnitIDs {
			r.units[id] = &unit{status: fsm.UnitStatusPending}
		}
	}
	r.unfinished = len(r.units)
	return r
}

// emptyRun is a run of which nothing has been seen, without its units.
func emptyRun(id provider.Run, barrier bool, payload []byte) *run {
	r := &run{
		id:       id,
		barrier:  barrier,
		units:    make(map[string]*unit),
		reached:  make(map[fsm.TaskStatus]bool),
		prepared: make(map[string]ack),
		swapped:  make(map[string]ack),
		swaps:    make(map[[2]string]int),
	}
	if p, err := provider.DecodePayload(payload); err == nil {
		r.payload = p
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
		l.remove(r)
		if l.current[key] == r {
			delete(l.current, key)
		}
		return
	}
	if ch.before != ch.after {
		r.history = append(r.history, stage{l.here(), ch.after, l.command.name})
		if ch.after.IsTerminal() {
			r.ended = l.command.stamp()
		}
	}
	r.status = ch.after
	r.reached[ch.after] = true
	if l.command.name == addTask && l.command.accepted && l.command.index == r.id.Version {
		if old := l.current[key]; old != nil && old != r {
			l.remove(old)
		}
		l.current[key] = r
	}
	if id := e.Str("unit"); id != "" {
		l.unitChanged(e, ch, id)
	}
}

// remove notes that the record of a run is gone.
func (l *ledger) remove(r *run) {
	if !r.gone {
		r.gone = true
		r.history = append(r.history, stage{l.here(), absent, l.command.name})
	}
}

func (l *ledger) unitChanged(e *trace.Event, ch *change, id string) {
	u := ch.run.units[id]
	if u == nil {
		return
	}
	ch.unitID, ch.unit, ch.unitBefore, ch.seqBefore = id, u, *u, u.seq
	u.seq = e.Seq
	if u.status.IsTerminal() {
		ch.run.unfinished++
	}
	u.status, u.owner = fsm.UnitStatus(e.Str("unit_status")), e.Str("owner")
	if u.status.IsTerminal() {
		ch.run.unfinished--
	}
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
func (r *run) missing(acks map[string]ack) []string {
	return slices.DeleteFunc(r.owners(), func(node string) bool { return acks[node].success })
}

// last is the newest stage; the zero stage of a run that was never seen.
func (r *run) last() stage {
	if len(r.history) == 0 {
		return stage{}
	}
	return r.history[len(r.history)-1]
}

// leftStarted is the stage that came after STARTED, false when there is none yet.
func (r *run) leftStarted() (stage, bool) {
	i := slices.IndexFunc(r.history, func(s stage) bool { return s.status != started })
	if i < 0 {
		return stage{}, false
	}
	return r.history[i], true
}

// terminal is the stage in which the run ended, false while it has not.
func (r *run) terminal() (stage, bool) {
	i := slices.IndexFunc(r.history, func(s stage) bool { return s.status.IsTerminal() })
	if i < 0 {
		return stage{}, false
	}
	return r.history[i], true
}

// as is the newest stage of the run at an index of the log.
func (r *run) as(index uint64) stage {
	var s stage
	for _, next := range r.history {
		if next.index <= index {
			s = next
		}
	}
	return s
}

// at is the newest stage of the run at a time.
func (r *run) at(now time.Duration) stage {
	var s stage
	for _, next := range r.history {
		if next.at <= now {
			s = next
		}
	}
	return s
}

// events are the places of the run's stages: what led to where it is.
func (r *run) events() []int {
	var seqs []int
	for _, s := range r.history {
		seqs = append(seqs, s.seq)
	}
	return seqs
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

// seqs are the places of the last changes of units.
func (r *run) seqs(units []string) []int {
	var seqs []int
	for _, id := range units {
		seqs = append(seqs, r.units[id].seq)
	}
	return seqs
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

// active says that the record is in place and not terminal. What fsm takes for active is
// a part of what is checked, and not asked.
func (r *run) active() bool { return !r.gone && !isTerminal(string(r.status)) }

// foreign says that only a newer version knows what the run's status means.
func (r *run) foreign() bool {
	return r.active() && r.status != absent && r.status != started && r.status != preparing && r.status != swapping
}

// touches says whether the run works on the property of the collection; an empty
// property stands for all.
func (r *run) touches(collection, property string) bool {
	p := r.payload
	return p.Collection != "" && strings.EqualFold(p.Collection, collection) &&
		(p.Property == "" || property == "" || p.Property == property)
}
