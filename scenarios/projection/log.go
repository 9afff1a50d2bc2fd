package projection

import (
	"strconv"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Log is the state of the log, as far as the events seen so far show it: every run of every task,
// with its units and acks, the schema, and the callbacks and shards of each run. It
// takes the events as true; the checks that read it decide whether they are.
type Log struct {
	// Now and Seq are the time and the sequence number of the newest event.
	Now time.Duration
	Seq int
	// shared is true if there are several observers, see [Log.Share].
	shared bool
	// Newest is the index of the last command, Committed when it was.
	Newest    uint64
	Committed time.Duration
	// Inherited is what the run begins with, nil for nothing.
	Inherited *Inherited

	Runs map[taskevent.Run]*Run
	// Order are the runs in the order of their versions.
	Order []*Run
	// Current is the run whose record is in place.
	Current map[taskevent.Key]*Run
	// Collections by folded name.
	Collections map[string]*Collection
	// Dropped are the last drops of collections, by folded name.
	Dropped map[string]Act

	// Command is the newest committed command.
	Command *taskevent.Command
	// SessionRefused are the requests that the table of sessions has refused.
	SessionRefused map[event.Request]bool
	// Change is what the newest event changes of a task; nil for other events.
	Change *Change
	// Flipped is set by an event that changed a property in the name of a run.
	Flipped *Run
	// SwappedAlone is set by an event by which tenants of a run have swapped alone.
	SwappedAlone *Run
}

// Act is the place of a fact in the log and in the trace.
type Act struct {
	Index uint64
	Seq   int
	At    time.Duration
}

// Run is one run of a task.
type Run struct {
	ID      taskevent.Run
	Payload provider.Payload
	// Unreadable is true if the payload cannot be decoded.
	Unreadable bool
	Barrier    bool
	Units      map[string]*Unit
	// Unfinished is how many units are not terminal.
	Unfinished int
	Status     taskevent.TaskStatus
	// Inherited is true for a run that a newer version has left.
	Inherited bool
	// History are the statuses that the run had, one after the other; the absent one is the end.
	History []Stage
	// Ended is the time in the command that made the run terminal, in ms.
	Ended int64
	// Gone is true if the record has been removed.
	Gone bool
	// Reached are all statuses the run was ever in.
	Reached map[taskevent.TaskStatus]bool
	// Prepared and Swapped hold the first ack of each node.
	Prepared, Swapped map[string]Ack
	// Flips counts the changes of the schema in the name of the run; FlipRefused is the event
	// of the last one that was refused, 0 for none.
	Flips       int
	FlipRefused int
	Callbacks   []Callback
	// Swaps counts the swaps of replicas, by node and shard.
	Swaps map[[2]string]int
}

// Stage is a status of a run, and how it came to be.
type Stage struct {
	Act
	Status taskevent.TaskStatus
	Cause  string // the command
}

// Ack is what a node has acknowledged of a step.
type Ack struct {
	Act
	Success bool
	// Error is why it failed, if the node has named a reason.
	Error string
}

// Unit is one unit of a run.
type Unit struct {
	Group    string
	Seq      int // of the last change
	Status   taskevent.UnitStatus
	Owner    string
	Progress float64
	// Completions counts the accepted completions.
	Completions int
}

// Callback is one callback that has ended.
type Callback struct {
	Node, Name, Group string
	Status            taskevent.TaskStatus
	Err               string
	Seq               int
}

// Change is the state of a task before and after a TaskChanged event.
type Change struct {
	Run           *Run
	Before, After taskevent.TaskStatus
	UnitID        string
	Unit          *Unit
	UnitBefore    Unit
	// Progress is the unit's as it is in the trace.
	Progress string
	// SeqBefore is the event of the unit's previous change, 0 for none.
	SeqBefore int
	// Replaced is the run whose record this one replaces, nil for none.
	Replaced *Run
}

// Collection is a collection of the schema, and what its shards are to serve.
type Collection struct {
	Name       string
	Born       uint64
	Properties map[string]string
	FlippedBy  map[string]uint64
	UpdatedAt  map[string]uint64
	// Shards are the nodes of each shard.
	Shards map[string][]string
	// Serves is the tokenization of each property of each shard.
	Serves map[string]map[string]string
	// Alone holds the version of the run that has swapped a property of a tenant alone, if
	// nothing has changed the property since; by tenant and property.
	Alone map[[2]string]uint64
	// Changed is the last command that was about it.
	Changed Act
}

// NewLog returns the log of a run of which nothing has been seen.
func NewLog() *Log {
	return &Log{
		Runs:           make(map[taskevent.Run]*Run),
		Current:        make(map[taskevent.Key]*Run),
		Collections:    make(map[string]*Collection),
		Dropped:        make(map[string]Act),
		SessionRefused: make(map[event.Request]bool),
	}
}

// Share returns the log for another observer of the same run. From now on each event may be
// given by every one of them, and is folded once. Call it before the first event.
func (l *Log) Share() *Log {
	l.shared = true
	return l
}

// Take folds the next event, whose body must be there: see [taskevent.Of].
func (l *Log) Take(e *trace.Event) {
	if l.shared && e.Seq == l.Seq {
		return
	}
	l.Now, l.Seq, l.Change, l.Flipped, l.SwappedAlone = e.At, e.Seq, nil, nil, nil
	switch b := e.Body.(type) {
	case *event.Inherited:
		l.inheritSnapshot(b)
	case *event.Committed:
		l.committedNow(b)
	case *taskevent.TaskChanged:
		l.taskChanged(b)
	case *taskevent.CallbackEnded:
		if r := l.Runs[b.Run]; r != nil {
			r.Callbacks = append(r.Callbacks, Callback{
				Node: e.Node, Name: b.Name, Group: b.Group, Status: b.Status, Err: b.Error, Seq: e.Seq,
			})
		}
	case *taskevent.ShardChanged:
		l.shardChanged(e.Node, b)
	}
}

func (l *Log) committedNow(b *event.Committed) {
	c := taskevent.ReadCommand(b)
	l.Command = c
	l.Newest, l.Committed = c.Index, l.Now
	switch {
	case c.Accepted:
		l.fold(c)
	case taskevent.OfSessions(c.Verdict):
		l.SessionRefused[c.Request] = true
	}
	if m := c.Migration; m != nil && !c.Accepted && !c.Duplicate {
		if r := l.Runs[m.Run()]; r != nil {
			r.FlipRefused = l.Seq
		}
	}
}

func (l *Log) fold(c *taskevent.Command) {
	key := taskevent.Key{Namespace: c.Namespace, Task: c.ID}
	switch c.Name {
	case taskevent.CommandAddTask:
		r := newRun(c)
		l.Runs[r.ID] = r
		l.Order = append(l.Order, r)
	case taskevent.CommandPreparationAck, taskevent.CommandPostAck:
		if r := l.Runs[c.Run()]; r != nil {
			r.ack(c, l.here())
		}
	case taskevent.CommandCleanUpTask:
		if r := l.Current[key]; r != nil && r.ID.Version == c.Args.Version {
			delete(l.Current, key)
		}
	default:
		l.foldSchema(c)
	}
}

// here returns the place of the newest command.
func (l *Log) here() Act { return Act{Index: l.Command.Index, Seq: l.Seq, At: l.Now} }

// ack folds an ack if it counts: before or in its phase, and the first one of
// its node.
func (r *Run) ack(c *taskevent.Command, at Act) {
	acks, phase := r.Swapped, taskevent.Swapping
	if c.Name == taskevent.CommandPreparationAck {
		acks, phase = r.Prepared, taskevent.Preparing
	}
	if r.Status != taskevent.Started && r.Status != phase {
		return
	}
	if _, acked := acks[c.NodeID]; !acked {
		acks[c.NodeID] = Ack{at, c.Success, c.Error}
	}
}

// taskChanged folds the state of a task after a command.
func (l *Log) taskChanged(b *taskevent.TaskChanged) {
	r := l.Runs[b.Run]
	if r == nil || l.Command == nil {
		return
	}
	ch := &Change{Run: r, Before: r.Status, After: b.Status}
	if r.Gone {
		ch.Before = taskevent.Absent
	}
	l.Change = ch
	key := r.ID.Key()
	if ch.After == "" {
		l.remove(r)
		if l.Current[key] == r {
			delete(l.Current, key)
		}
		return
	}
	if ch.Before != ch.After {
		r.History = append(r.History, Stage{l.here(), ch.After, l.Command.Name})
		if ch.After.IsTerminal() {
			r.Ended = l.Command.At()
		}
	}
	r.Status = ch.After
	r.Reached[ch.After] = true
	if ch.After.IsTerminal() && !ch.Before.IsTerminal() {
		l.settle(r)
	}
	if l.Command.Name == taskevent.CommandAddTask && l.Command.Accepted && l.Command.Index == r.ID.Version {
		if old := l.Current[key]; old != nil && old != r {
			l.remove(old)
			ch.Replaced = old
		}
		l.Current[key] = r
	}
	if b.Unit != "" {
		l.unitChanged(b, ch)
	}
}

// remove records that the record of a run is gone.
func (l *Log) remove(r *Run) {
	if !r.Gone {
		r.Gone = true
		r.History = append(r.History, Stage{l.here(), taskevent.Absent, l.Command.Name})
	}
}

func (l *Log) unitChanged(b *taskevent.TaskChanged, ch *Change) {
	u := ch.Run.Units[b.Unit]
	if u == nil {
		return
	}
	ch.UnitID, ch.Unit, ch.UnitBefore, ch.SeqBefore, ch.Progress = b.Unit, u, *u, u.Seq, b.Progress
	u.Seq = l.Seq
	if u.Status.IsTerminal() {
		ch.Run.Unfinished++
	}
	u.Status, u.Owner = b.UnitStatus, b.Owner
	if u.Status.IsTerminal() {
		ch.Run.Unfinished--
	}
	// A text that is no number counts as 0, which checks report as a regression.
	u.Progress, _ = strconv.ParseFloat(b.Progress, 64)
	if l.Command.Name == taskevent.CommandUnitCompletion && l.Command.Accepted && l.Command.Error == "" {
		u.Completions++
	}
}

// shardChanged folds a change of a replica of a shard.
func (l *Log) shardChanged(node string, b *taskevent.ShardChanged) {
	if r := l.Runs[b.Run]; r != nil && (b.Why == taskevent.ShardSwapped || b.Why == taskevent.ShardRebuilt) {
		r.Swaps[[2]string{node, b.Shard}]++
	}
}
