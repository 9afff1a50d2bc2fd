package property

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// ledger is what stands in the log, as far as the events seen so far tell: every
// run of every task, the schema, and what callbacks, shards and operations made of
// them.
type ledger struct {
	plan *taskplan.Plan
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

	runs map[taskevent.Run]*run
	// order are the runs in the order of their versions.
	order []*run
	// current is the run whose record is in place.
	current map[taskevent.Key]*run
	// collections by folded name.
	collections map[string]*collection
	// dropped are the last drops of collections, by folded name.
	dropped map[string]act

	// command is the newest committed command.
	command *taskevent.Command
	// sessionRefused are the requests that the table of sessions has refused.
	sessionRefused map[request]bool
	// change is what the event just taken in says about a task; nil for other events.
	change *change
	// flipped is set by an event that changed a property in the name of a run.
	flipped *run
	// swappedAlone is set by an event that says that tenants of a run have swapped alone.
	swappedAlone *run

	outcomes map[int64]string
	atRest   []held
}

// held is something that a node held when the run ended.
type held struct {
	taskevent.Rest
	rest *event.AtRest
	node string
	seq  int
}

// act is a fact of the log: what, and where it stands in log and trace.
type act struct {
	index uint64
	seq   int
	at    time.Duration
}

// run is one run of a task.
type run struct {
	id      taskevent.Run
	payload provider.Payload
	barrier bool
	units   map[string]*unit
	// unfinished is how many units are not terminal.
	unfinished int
	status     taskevent.TaskStatus
	// inherited says that a newer version has left the run as it is.
	inherited bool
	// history are the statuses that the run had, one after the other; absent is the end.
	history []stage
	// ended is the time in the command that made the run terminal, in ms.
	ended int64
	// gone says that the record is.
	gone bool
	// reached are all statuses the run was ever in.
	reached map[taskevent.TaskStatus]bool
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
	status taskevent.TaskStatus
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
	status   taskevent.UnitStatus
	owner    string
	progress float64
	// completions counts the accepted completions.
	completions int
}

// callback is one callback that has ended.
type callback struct {
	node, name, group string
	status            taskevent.TaskStatus
	err               string
	seq               int
}

// change is a TaskChanged event against what the ledger knew.
type change struct {
	run           *run
	before, after taskevent.TaskStatus
	unitID        string
	unit          *unit
	unitBefore    unit
	// progress is the unit's as it stands in the trace.
	progress string
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

func newLedger(p *taskplan.Plan) *ledger {
	return &ledger{
		plan:           p,
		runs:           make(map[taskevent.Run]*run),
		current:        make(map[taskevent.Key]*run),
		sessionRefused: make(map[request]bool),
		collections:    make(map[string]*collection),
		dropped:        make(map[string]act),
		outcomes:       make(map[int64]string),
		nodes:          make(map[string]*node),
	}
}

// take folds an event in.
func (l *ledger) take(e *trace.Event) {
	l.now, l.seq, l.change, l.flipped, l.swappedAlone = e.At, e.Seq, nil, nil, nil
	l.takeNode(e)
	switch b := e.Body.(type) {
	case *event.RunStarted:
		l.start = b.Start
	case *event.Inherited:
		l.inheritSnapshot(b)
	case *event.Committed:
		l.committedNow(b)
	case *taskevent.TaskChanged:
		l.taskChanged(b)
	case *taskevent.CallbackEnded:
		if r := l.runs[b.Run]; r != nil {
			r.callbacks = append(r.callbacks, callback{
				node: e.Node, name: b.Name, group: b.Group, status: b.Status, err: b.Error, seq: e.Seq,
			})
		}
	case *taskevent.ShardChanged:
		l.shardChanged(e.Node, b)
	case *event.Returned:
		l.outcomes[b.Op] = b.Outcome
	case *event.AtRest:
		l.atRest = append(l.atRest, held{Rest: taskevent.RestOf(b), rest: b, node: e.Node, seq: e.Seq})
	}
}

// timed says that the run goes by a clock. In what the model checker tells everything takes
// as long as it likes.
func (l *ledger) timed() bool { return l.start > 0 }

func (l *ledger) committedNow(b *event.Committed) {
	c := taskevent.ReadCommand(b)
	l.command = c
	l.newest, l.committed = c.Index, l.now
	switch {
	case c.Accepted:
		l.fold(c)
	case taskevent.OfSessions(c.Verdict):
		l.sessionRefused[c.Request] = true
	}
	if m := c.Migration; m != nil && !c.Accepted && !c.Duplicate {
		if r := l.runs[m.Run()]; r != nil {
			r.flipRefused = l.seq
		}
	}
}

func (l *ledger) fold(c *taskevent.Command) {
	key := taskevent.Key{Namespace: c.Namespace, Task: c.ID}
	switch c.Name {
	case addTask:
		r := newRun(c)
		l.runs[r.id] = r
		l.order = append(l.order, r)
	case preparationAck, postAck:
		if r := l.runs[c.Run()]; r != nil {
			r.ack(c, l.here())
		}
	case cleanUpTask:
		if r := l.current[key]; r != nil && r.id.Version == c.Args.Version {
			delete(l.current, key)
		}
	default:
		l.foldSchema(c)
	}
}

// here is the place of the command just taken in.
func (l *ledger) here() act { return act{index: l.command.Index, seq: l.seq, at: l.now} }

// ack takes in an ack where it counts: before or in its phase, and the first one of
// its node.
func (r *run) ack(c *taskevent.Command, at act) {
	acks, phase := r.swapped, swapping
	if c.Name == preparationAck {
		acks, phase = r.prepared, preparing
	}
	if r.status != started && r.status != phase {
		return
	}
	if _, acked := acks[c.NodeID]; !acked {
		acks[c.NodeID] = ack{at, c.Success}
	}
}

// tacit says that the workers of a run do not claim their units (taskplan.Task.Tacit).
func (l *ledger) tacit(id taskevent.Run) bool {
	r := l.runs[id]
	return r != nil && r.payload.Tacit
}

func newRun(c *taskevent.Command) *run {
	r := emptyRun(c.Run(), c.NeedsPreparationBarrier, c.Payload)
	for _, u := range c.Units() {
		r.units[u.ID] = &unit{group: u.Group, status: taskevent.UnitPending}
	}
	r.unfinished = len(r.units)
	return r
}

// emptyRun is a run of which nothing has been seen, without its units.
func emptyRun(id taskevent.Run, barrier bool, payload []byte) *run {
	r := &run{
		id:       id,
		barrier:  barrier,
		units:    make(map[string]*unit),
		reached:  make(map[taskevent.TaskStatus]bool),
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
func (l *ledger) taskChanged(b *taskevent.TaskChanged) {
	r := l.runs[b.Run]
	if r == nil || l.command == nil {
		return
	}
	ch := &change{run: r, before: r.status, after: b.Status}
	if r.gone {
		ch.before = absent
	}
	l.change = ch
	key := r.id.Key()
	if ch.after == "" {
		l.remove(r)
		if l.current[key] == r {
			delete(l.current, key)
		}
		return
	}
	if ch.before != ch.after {
		r.history = append(r.history, stage{l.here(), ch.after, l.command.Name})
		if ch.after.IsTerminal() {
			r.ended = l.command.At()
		}
	}
	r.status = ch.after
	r.reached[ch.after] = true
	if l.command.Name == addTask && l.command.Accepted && l.command.Index == r.id.Version {
		if old := l.current[key]; old != nil && old != r {
			l.remove(old)
		}
		l.current[key] = r
	}
	if b.Unit != "" {
		l.unitChanged(b, ch)
	}
}

// remove notes that the record of a run is gone.
func (l *ledger) remove(r *run) {
	if !r.gone {
		r.gone = true
		r.history = append(r.history, stage{l.here(), absent, l.command.Name})
	}
}

func (l *ledger) unitChanged(b *taskevent.TaskChanged, ch *change) {
	u := ch.run.units[b.Unit]
	if u == nil {
		return
	}
	ch.unitID, ch.unit, ch.unitBefore, ch.seqBefore, ch.progress = b.Unit, u, *u, u.seq, b.Progress
	u.seq = l.seq
	if u.status.IsTerminal() {
		ch.run.unfinished++
	}
	u.status, u.owner = b.UnitStatus, b.Owner
	if u.status.IsTerminal() {
		ch.run.unfinished--
	}
	// What is no number is zero, and a regression is reported.
	u.progress, _ = strconv.ParseFloat(b.Progress, 64)
	if l.command.Name == unitCompletion && l.command.Accepted && l.command.Error == "" {
		u.completions++
	}
}

// shardChanged takes in what happened to a replica of a shard.
func (l *ledger) shardChanged(node string, b *taskevent.ShardChanged) {
	if r := l.runs[b.Run]; r != nil && (b.Why == taskevent.ShardSwapped || b.Why == taskevent.ShardRebuilt) {
		r.swaps[[2]string{node, b.Shard}]++
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
		if u.group == group && u.status != taskevent.UnitCompleted {
			return false
		}
	}
	return true
}

// active says that the record is in place and not terminal. What fsm takes for active is
// a part of what is checked, and not asked.
func (r *run) active() bool { return !r.gone && !r.status.IsTerminal() }

// foreign says that only a newer version knows what the run's status means.
func (r *run) foreign() bool {
	return !r.gone && r.status.IsForeign()
}

// touches says whether the run works on the property of the collection; an empty
// property stands for all.
func (r *run) touches(collection, property string) bool {
	p := r.payload
	return p.Collection != "" && strings.EqualFold(p.Collection, collection) &&
		(p.Property == "" || property == "" || p.Property == property)
}
