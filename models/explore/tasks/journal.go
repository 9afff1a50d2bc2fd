package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// journal writes what happens in a model to a trace, like that of a simulated run. A
// nil journal, that of a search, writes nothing. One step of the model is one second.
type journal struct {
	w     *world
	emit  func(trace.Event)
	at    time.Duration
	index uint64
	// lives are the incarnations of the nodes; a node that is not up has none.
	lives [MaxNodes]int
	up    [MaxNodes]bool
	// handles are the numbers of workers in their incarnations, by node, task and version.
	handles map[[3]uint64]int64
	started [MaxNodes]int64
	// records is what is committed, since is from when on each was.
	records []*record
	since   map[*fsm.Task]moment
	// asked is when a list was made that is on its way, seen the index up to which a node
	// has seen a task, by node and task.
	asked, seen [MaxNodes][MaxTasks]moment
}

// moment is a place in the log, and when that was.
type moment struct {
	index uint64
	at    time.Duration
}

func newJournal(w *world, emit func(trace.Event)) *journal {
	return &journal{w: w, emit: emit, handles: map[[3]uint64]int64{}, since: map[*fsm.Task]moment{}}
}

func (j *journal) event(node int, b trace.Body) {
	e := trace.Event{At: j.at, Kind: b.Kind(), Fields: trace.FieldsOf(b), Body: b}
	if node >= 0 {
		e.Node, e.Incarnation = j.w.nodeName(node), j.lives[node]
	}
	j.emit(e)
}

// begin starts the nodes of an empty cluster and creates the collection.
func (j *journal) begin(w *world) {
	if j == nil {
		return
	}
	j.event(-1, &event.RunStarted{Seed: 1, Nodes: int64(w.Nodes), Duration: longest})
	for node := range w.Nodes {
		j.start(node)
	}
	q := replica.CreateCollectionRequest{Properties: map[string]string{}, MultiTenant: w.Groups > 1}
	for key := range w.Tasks {
		q.Properties[w.propertyOf(key)] = was
	}
	for unit := range w.Units {
		name := w.shardName(unit)
		i := slices.IndexFunc(q.Shards, func(s replica.ShardSpec) bool { return s.Name == name })
		if i < 0 {
			i = len(q.Shards)
			q.Shards = append(q.Shards, replica.ShardSpec{Name: name})
		}
		q.Shards[i].Nodes = append(q.Shards[i].Nodes, w.nodeName(w.home(unit)))
	}
	j.index = 1
	j.command(0, replica.CommandCreateCollection, nil, text(q))
	for node := range w.Nodes {
		for key := range w.Tasks {
			j.seen[node][key] = moment{1, j.at}
		}
		j.event(node, &taskevent.Listed{Index: 1, Called: j.at, Contents: taskevent.ListContents(nil)})
	}
}

func (j *journal) start(node int) {
	j.lives[node]++
	j.up[node], j.started[node] = true, 0
	j.asked[node], j.seen[node] = [MaxTasks]moment{}, [MaxTasks]moment{}
	j.event(node, &event.NodeStarted{})
}

// booted starts the node, unless another task of the node has.
func (j *journal) booted(s *step) {
	if j != nil && !j.up[s.p.node] {
		j.start(s.p.node)
	}
}

func (j *journal) stopped(node int, left bool) {
	if j == nil {
		return
	}
	if j.up[node] {
		j.event(node, &event.NodeStopped{How: event.Crash})
		j.up[node] = false
	}
	if left {
		j.event(node, &event.NodeLeft{})
	}
}

// now notes what is committed.
func (j *journal) now(records []*record) {
	if j == nil {
		return
	}
	j.records = slices.Clone(records)
	for _, r := range records {
		if _, known := j.since[r.task]; !known && r.task != nil {
			j.since[r.task] = moment{j.index, j.at}
		}
	}
}

// asks notes that a list is made that will arrive later.
func (j *journal) asks(s *step) {
	if j != nil {
		j.asked[s.p.node][s.p.key] = moment{j.index, j.at}
	}
}

// listed writes what a list shows: of the task that it is made for, and of others what is
// committed. The list is one of the past if the record is, and it is at least of what
// the node has seen of every task: in the model each has lists of its own.
func (j *journal) listed(s *step, l *look) {
	if j == nil {
		return
	}
	made := moment{j.index, j.at}
	if asked := j.asked[s.p.node][s.p.key]; asked.index != 0 {
		made = asked
	} else if since, known := j.since[l.Source.task]; known && l.Source.task != s.r.task {
		made = since
	}
	j.asked[s.p.node][s.p.key] = moment{}
	if seen := &j.seen[s.p.node][s.p.key]; seen.index < made.index {
		*seen = made
	}
	var contents []taskevent.ListedTask
	for key, r := range j.records {
		if key == s.p.key {
			r = l.Source
		}
		if t := r.task; t != nil {
			contents = append(contents, listedTask(t))
		}
	}
	index := made.index
	for _, seen := range j.seen[s.p.node][:s.Tasks] {
		index = min(index, seen.index)
	}
	j.event(s.p.node, &taskevent.Listed{Index: index, Count: int64(len(contents)), Called: made.at, Contents: taskevent.ListContents(contents)})
}

func listedTask(t *fsm.Task) taskevent.ListedTask {
	acks := func(all map[string]fsm.PostCompletionAck) map[string]bool {
		successes := map[string]bool{}
		for node, ack := range all {
			successes[node] = ack.Success
		}
		return successes
	}
	one := taskevent.ListedTask{
		Namespace: t.Namespace, ID: t.ID, Version: t.Version, Status: taskevent.TaskStatus(t.Status),
		Prepared: acks(t.PreparationCompletionAcks), Swapped: acks(t.PostCompletionAcks), Digest: strconv.FormatUint(refinement.Digest(t), 16),
	}
	for _, u := range t.Units {
		if u.NodeID != "" {
			one.Claimed++
		}
		if u.Status.IsTerminal() {
			one.Terminal++
		}
	}
	return one
}

// run names a run of the task.
func (j *journal) run(key int, version uint64) taskevent.Run {
	return taskevent.Run{Namespace: j.w.namespace(), Task: j.w.taskName(key), Version: version}
}

// begun writes what begins with the decision: a start and a callback.
func (j *journal) begun(s *step, a reconcile.Action) {
	switch {
	case j == nil:
	case a.Kind == reconcile.Start:
		j.event(s.p.node, &taskevent.StartAsked{Run: j.run(s.p.key, a.Version)})
	case a.Kind.IsGroupCallback() || a.Kind == reconcile.CompleteTask:
		j.event(s.p.node, &taskevent.CallbackStarted{Callback: j.callback(s, a)})
	}
}

func (j *journal) handleStarted(s *step, version uint64) {
	if j == nil {
		return
	}
	j.started[s.p.node]++
	j.handles[handleID(s, version)] = j.started[s.p.node]
	j.event(s.p.node, &taskevent.HandleStarted{Handle: j.handle(s, version)})
}

func (j *journal) handleTerminated(s *step, version uint64) {
	if j != nil {
		j.event(s.p.node, &taskevent.HandleTerminated{Handle: j.handle(s, version)})
	}
}

func (j *journal) handleExited(s *step, version uint64) {
	if j != nil {
		j.event(s.p.node, &taskevent.HandleExited{Handle: j.handle(s, version)})
	}
}

func (j *journal) handle(s *step, version uint64) taskevent.Handle {
	return taskevent.Handle{Run: j.run(s.p.key, version), Number: j.handles[handleID(s, version)]}
}

// handleID identifies a worker by node, task and version.
func handleID(s *step, version uint64) [3]uint64 {
	return [3]uint64{uint64(s.p.node), uint64(s.p.key), version}
}

func (j *journal) recovery(s *step, done bool) {
	if j != nil {
		task := s.listed()
		j.event(s.p.node, &taskevent.RecoveryAsked{Run: j.run(s.p.key, task.Version), Status: taskevent.TaskStatus(task.Status), Done: done})
	}
}

func (j *journal) shard(s *step, unit int, d shard, why string) {
	if j == nil || why == "" {
		return
	}
	serves := was
	if d.active != 0 {
		serves = tokenization
	}
	j.event(s.p.node, &taskevent.ShardChanged{
		Collection: collection, Born: 1, Shard: s.shardName(unit), Why: why,
		Property: s.propertyOf(s.p.key), Tokenization: serves, Run: j.run(s.p.key, s.version()),
	})
}

func (j *journal) localRemoved(s *step, version uint64) {
	if j != nil {
		j.event(s.p.node, &taskevent.LocalStateRemoved{Run: j.run(s.p.key, version)})
	}
}

// callbacks are the names of callbacks by the actions that make them.
var callbacks = map[reconcile.Kind]string{
	reconcile.Prepare: taskevent.GroupCompleted, reconcile.CompleteGroup: taskevent.GroupCompleted,
	reconcile.Swap: taskevent.SwapRequested, reconcile.CompleteTask: taskevent.TaskCompleted,
}

func (j *journal) callback(s *step, a reconcile.Action) taskevent.Callback {
	c := taskevent.Callback{Name: callbacks[a.Kind], Run: j.run(s.p.key, a.Version), Status: taskevent.TaskStatus(s.listed().Status)}
	if a.Kind.IsGroupCallback() {
		c.Group, c.Units = a.Group, text(a.Units)
	}
	return c
}

func (j *journal) callbackEnded(s *step, a reconcile.Action, err error) {
	if j == nil {
		return
	}
	ended := &taskevent.CallbackEnded{Callback: j.callback(s, a)}
	if err != nil {
		ended.Error, ended.Result = err.Error(), taskevent.CallbackFailed
		if errors.Is(err, errCanceled) {
			ended.Result = taskevent.CallbackInterrupted
		}
	}
	j.event(s.p.node, ended)
}

// committed writes a command of the log, and of what it left of its task.
func (j *journal) committed(w *world, c command, done applied) {
	if j == nil {
		return
	}
	if c.kind == api.CommandAddTask {
		j.index = c.version
	} else {
		j.index++
	}
	if c.flip || c.keep != 0 {
		q := replica.UpdatePropertyRequest{Property: w.propertyOf(int(c.key)), Tokenization: tokenization,
			Migration: &replica.MigrationRef{Namespace: w.namespace(), ID: w.taskName(int(c.key)), Version: c.version}}
		for g := range w.Groups {
			if c.keep&(1<<g) != 0 {
				q.Tenants = append(q.Tenants, w.groupName(g))
			}
		}
		j.command(int(c.node), replica.CommandUpdateProperty, done.err, text(q))
		return
	}
	j.command(int(c.node), c.kind, done.err, string(w.request(c).SubCommand))
	changed := &taskevent.TaskChanged{Run: j.run(int(c.key), c.version)}
	if t := done.record.task; t != nil && t.Version == c.version {
		changed.Status = taskevent.TaskStatus(t.Status)
		if u := t.Units[w.unitName(int(c.unit))]; c.ofUnit() && u != nil {
			changed.Unit, changed.UnitStatus, changed.Owner = u.ID, taskevent.UnitStatus(u.Status), u.NodeID
			changed.Progress = strconv.FormatFloat(float64(u.Progress), 'g', -1, 32)
		}
	} else if c.kind == api.CommandAddTask {
		return // it was never added
	}
	j.event(int(c.node), changed)
}

func (j *journal) command(node int, kind api.CommandType, err error, body string) {
	c := &event.Committed{Index: j.index, Term: 1, Command: replica.CommandName(kind), Outcome: event.Accepted, Body: body}
	if kind == replica.CommandCreateCollection || kind == replica.CommandUpdateProperty {
		c.Class = collection
	}
	if err != nil {
		c.Outcome, c.Verdict = err.Error(), refinement.Logged(err).String()
		if permanent := fsm.ToRPCError(err); permanent != nil {
			c.Outcome = permanent.Error()
		}
	}
	j.event(node, c)
}

// text is a value as JSON.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("tasks: %T cannot be encoded: %s", v, err))
	}
	return string(b)
}
