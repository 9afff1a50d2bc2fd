package replica

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"sync"

	"github.com/hashicorp/raft"
	"github.com/sirupsen/logrus"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// Config configures a Replica. Detectors and extractors are part of the
// state machine: they must be pure functions and the same on every replica (P11).
// They are fixed here, before raft replays anything, so that no verdict depends on
// when they were registered.
type Config struct {
	// NewMachine returns the state machine of the tasks; nil for [fsm.NewManager].
	NewMachine func(fsm.ManagerParameters) Machine
	// ConflictDetectors are called before a task of their namespace is added.
	ConflictDetectors map[string]fsm.ConflictDetector
	// SchemaMutationDetectors are called before the schema changes.
	SchemaMutationDetectors map[string]fsm.SchemaMutationDetector
	// CollectionExtractors read the collection from the payloads of a namespace. Tasks
	// that are bound to a collection need it in the schema, and are removed with it.
	CollectionExtractors map[string]fsm.CollectionExtractor
	// Notifier is woken when a task has changed; see [Replica.SetSchedulerNotifier].
	Notifier fsm.SchedulerNotifier
	// MaxSessions is how many clients have a session at once: the one that has been silent for longest
	// loses its own to a new one. Zero is the default. It is part of the state machine: all
	// replicas of a cluster must have the same. Every start of a node is a client; with fewer sessions than
	// nodes they may take them from each other for ever.
	MaxSessions int
	// Logger receives what is not part of an answer to a command; nil discards it.
	Logger logrus.FieldLogger
	// OnApply, for audit, is called once for every command applied here, in log order,
	// on the thread that applies: the state is that of index until it returns. It gets
	// every command but reads, also duplicates, whose res.Index is below index; of an
	// entry that cannot be decoded the request is empty. The error of a rejection is an
	// [fsm.Reasoned] if there is a name for the reason. It must not modify the
	// request's bytes. A panic in it is logged and has no effect.
	OnApply func(index, term uint64, req api.ApplyRequest, res Result)
}

// Replica is one node's copy of the replicated state: a raft.FSM. All methods are
// safe for concurrent use; Apply, Snapshot and Restore are raft's to call.
type Replica struct {
	logger     logrus.FieldLogger
	extractors map[string]fsm.CollectionExtractor
	onApply    func(index, term uint64, req api.ApplyRequest, res Result)

	// mu is held for the whole of an apply, so that what is read under it belongs to
	// one index.
	mu       sync.Mutex
	applied  uint64 // index of the last command; reads are none
	manager  Machine
	schema   schema
	sessions *sessions
	waits    waits
	scratch  []byte // for the form of the state that is hashed
}

var _ raft.FSM = (*Replica)(nil)

// New returns an empty replica.
func New(c Config) *Replica {
	logger := c.Logger
	if logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		logger = silent
	}
	manager := c.newMachine(fsm.ManagerParameters{Logger: logger})
	manager.SetConflictDetectors(c.ConflictDetectors)
	manager.SetSchemaMutationDetectors(c.SchemaMutationDetectors)
	for namespace, extractor := range c.CollectionExtractors {
		manager.RegisterCollectionExtractor(namespace, extractor)
	}
	manager.SetSchedulerNotifier(c.Notifier)
	return &Replica{
		logger:     logger,
		extractors: maps.Clone(c.CollectionExtractors),
		onApply:    c.OnApply,
		manager:    manager,
		schema:     make(schema),
		sessions:   newSessions(cmp.Or(max(0, c.MaxSessions), DefaultMaxSessions)),
		waits:      newWaits(),
	}
}

// newMachine returns an empty state machine of the tasks.
func (c Config) newMachine(p fsm.ManagerParameters) Machine {
	if c.NewMachine == nil {
		return fsm.NewManager(p)
	}
	return c.NewMachine(p)
}

// SetSchedulerNotifier sets what to wake when a task has changed. It may be set late: no
// verdict depends on it. Wake must not call the replica.
func (r *Replica) SetSchedulerNotifier(n fsm.SchedulerNotifier) { r.manager.SetSchedulerNotifier(n) }

// Waiting returns how many requests and reads wait here for what is not applied yet: as many as
// calls are under way, and the leader's for others.
func (r *Replica) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits.size()
}

// Sessions returns, for each client that has a session, how many outcomes it may ask for again.
func (r *Replica) Sessions() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]int, len(r.sessions.clients))
	for client, s := range r.sessions.clients {
		all[client] = len(s.outcomes)
	}
	return all
}

// AppliedIndex returns the index of the last command that has been applied here;
// reads and raft's own entries do not count. raft.AppliedIndex differs: it runs ahead of
// the state machine.
func (r *Replica) AppliedIndex() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied
}

// Tasks returns copies of the tasks of this replica, which may be older than those of the
// leader; see [Client.ListDistributedTasks].
func (r *Replica) Tasks() map[string][]*fsm.Task {
	tasks, err := r.manager.ListDistributedTasks(context.Background())
	if err != nil {
		panic(fmt.Sprintf("listing in memory failed: %s", err))
	}
	return tasks
}

// Unit returns the status of one run of a task and a copy of one of its units, on
// this replica; see fsm.Manager.
func (r *Replica) Unit(namespace, taskID string, version uint64, unitID string) (fsm.TaskStatus, *fsm.Unit, error) {
	return r.manager.Unit(namespace, taskID, version, unitID)
}

// Schema returns a copy of the schema of this replica, which may be older than that of the
// leader; see [Client.Schema].
func (r *Replica) Schema() Schema {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Schema{Collections: r.schema.capture()}
	for i, c := range s.Collections {
		s.Collections[i] = c.copy()
	}
	return s
}

// Apply applies one committed entry and returns its [Result].
func (r *Replica) Apply(entry *raft.Log) any {
	if entry.Type != raft.LogCommand {
		return nil
	}
	req, err := api.Decode(entry.Data)
	if err != nil {
		err = invalid("entry %d: %s", entry.Index, err)
		req = &api.ApplyRequest{}
	}
	if err == nil && req.Type == CommandReadBarrier {
		return r.passBarrier(req.RequestID)
	}
	o, why := r.applyCommand(req, err, entry.Index)
	res := o.result()
	r.observe(entry, req, res.explain(why))
	r.answer(req.RequestID, o, entry.Index)
	return res
}

// applyCommand applies a command, or refuses it with the error of its decoding. It returns
// why the command was refused, if it was now.
func (r *Replica) applyCommand(req *api.ApplyRequest, undecoded error, index uint64) (o outcome, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied = index
	if undecoded != nil {
		return newOutcome(index, undecoded), undecoded
	}
	return r.decide(req, index)
}

// answer ends the waits for a command, after the observer has seen it.
func (r *Replica) answer(id api.RequestID, o outcome, index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits.answer(id, o)
	r.waits.reached(index)
}

// decide carries a command out, unless the sessions hold its outcome or refuse it.
func (r *Replica) decide(req *api.ApplyRequest, index uint64) (o outcome, why error) {
	id := req.RequestID
	if id.IsZero() {
		why = r.execute(req, index)
		return newOutcome(index, why), why
	}
	first, duplicate, err := r.sessions.admit(id, index)
	switch {
	case err != nil:
		return newOutcome(index, err), err
	case duplicate:
		return first, nil
	}
	why = r.execute(req, index)
	o = newOutcome(index, why)
	r.sessions.remember(id, o)
	return o, why
}

// execute carries a command out. A panic becomes a rejection: it occurs on every
// replica, and commands change nothing before everything about them is decided (P18).
func (r *Replica) execute(req *api.ApplyRequest, index uint64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.logger.WithField("command", CommandName(req.Type)).WithField("index", index).WithField("panic", p).
				Error("command panicked, it is refused")
			err = &reasoned{fmt.Sprintf("%s panicked: %v", CommandName(req.Type), p), "panicked"}
		}
	}()
	switch {
	case req.Type >= CommandCreateCollection && req.Type <= CommandDeleteTenants:
		return r.applySchema(req, index)
	case req.Type == api.CommandAddTask:
		if err := r.checkBound(req); err != nil {
			return err
		}
	}
	return r.manager.Apply(req, index)
}

// passBarrier answers a read with the index that it has to see.
func (r *Replica) passBarrier(id api.RequestID) Result {
	index := r.AppliedIndex()
	r.answer(id, outcome{Index: index}, index)
	return Result{Index: index}
}

func (r *Replica) observe(entry *raft.Log, req *api.ApplyRequest, res Result) {
	if r.onApply == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			r.logger.WithField("index", entry.Index).WithField("panic", p).Error("apply observer panicked")
		}
	}()
	r.onApply(entry.Index, entry.Term, *req, res)
}
