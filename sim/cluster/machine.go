package cluster

import (
	"encoding/json"
	"hash/fnv"
	"io"

	"github.com/hashicorp/raft"

	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// machine is the raft.FSM of an incarnation: the replica, and the events of its
// applies.
type machine incarnation

// Apply implements raft.FSM.
func (m *machine) Apply(entry *raft.Log) any {
	m.gate.pass()
	c := m.cluster
	c.applying.Lock()
	defer c.applying.Unlock()
	m.sum = sumOf(entry.Data)
	m.first = !m.dead && c.log.offer(entry)
	m.beside()
	return m.replica.Apply(entry)
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.gate.pass()
	s, err := m.capture()
	if err == nil {
		(*incarnation)(m).reach(plan.SnapshotBegin, provider.Run{})
	}
	return s, err
}

func (m *machine) capture() (raft.FSMSnapshot, error) {
	m.cluster.applying.Lock()
	defer m.cluster.applying.Unlock()
	s, err := m.replica.Snapshot()
	if err != nil {
		return nil, err
	}
	m.tell(trace.SnapshotTaken)
	return &reread{FSMSnapshot: s, incarnation: (*incarnation)(m), index: m.replica.AppliedIndex()}, nil
}

// Restore implements raft.FSM.
func (m *machine) Restore(source io.ReadCloser) error {
	m.gate.pass()
	if m.begun.Load() {
		if err := m.mount.RestoreFails(); err != nil {
			return err
		}
	}
	if err := m.replace(source); err != nil {
		return err
	}
	if m.begun.Load() { // else it is the node's own
		(*incarnation)(m).reach(plan.SnapshotInstalled, provider.Run{})
	}
	return nil
}

func (m *machine) replace(source io.ReadCloser) error {
	m.cluster.applying.Lock()
	defer m.cluster.applying.Unlock()
	if err := m.replica.Restore(source); err != nil {
		return err
	}
	m.tell(trace.SnapshotRestored)
	(*incarnation)(m).followSoon()
	return nil
}

// tell says what the replica's state is.
func (m *machine) tell(kind trace.Kind) {
	(*incarnation)(m).append(kind, trace.Uint("index", m.replica.AppliedIndex()), trace.Str("hash", stateOf(m.replica)))
}

// followSoon asks for the shards to follow the schema.
func (i *incarnation) followSoon() {
	select {
	case i.follow <- struct{}{}:
	default:
	}
}

// applied puts an applied command into the trace; applying is held by Apply.
func (i *incarnation) applied(a Applied) {
	if i.first {
		i.cluster.counters.Commands++
		i.committed(a)
	}
	fields := []trace.Field{trace.Uint("index", a.Index), trace.Uint("term", a.Term), trace.Str("command", a.Command)}
	if a.Run.Task != "" {
		fields = append(fields, trace.Str("namespace", a.Run.Namespace), trace.Str("task", a.Run.Task))
	}
	fields = append(append(fields, verdict(a.Err)...), trace.Uint("sum", i.sum))
	if a.First != a.Index {
		fields = append(fields, trace.Uint("first", a.First))
	}
	if i.cluster.log.sampled(a.Index) {
		fields = append(fields, trace.Str("state", stateOf(i.replica)))
	}
	i.append(trace.Applied, fields...)
	if a.Schema && a.Err == nil {
		i.schemaChanged(a)
	}
	i.announceApplied(a, i.first)
}

// committed tells about a command that no replica has applied before, and about the
// tasks it was about.
func (i *incarnation) committed(a Applied) {
	fields := []trace.Field{trace.Uint("index", a.Index), trace.Uint("term", a.Term), trace.Str("command", a.Command)}
	if a.Class != "" {
		fields = append(fields, trace.Str("class", a.Class))
	}
	fields = append(fields, verdict(a.Err)...)
	if a.First != a.Index {
		fields = append(fields, trace.Uint("first", a.First))
	}
	if !a.Request.IsZero() {
		fields = append(fields, trace.Str("client", a.Request.Client), trace.Uint("seq", a.Request.Seq))
	}
	i.append(trace.Committed, append(fields, trace.Str("body", a.Body))...)
	log := i.cluster.log
	switch {
	case a.Run.Task != "":
		if a.Run.Version == a.Index && a.Err == nil && a.First == a.Index {
			log.added(a.Run)
		}
		i.taskChanged(a.Run, a.Unit)
	case a.Schema && a.Err == nil:
		// The command may have taken tasks with it.
		for _, run := range log.runs() {
			if status, _ := i.replica.Unit(run, ""); status == "" {
				i.taskChanged(run, "")
			}
		}
	}
}

// taskChanged tells what the replica knows of a run that was added before.
func (i *incarnation) taskChanged(run provider.Run, unit string) {
	if !i.cluster.log.knows(run) {
		return
	}
	status, u := i.replica.Unit(run, unit)
	if status == "" {
		i.cluster.log.removed(run)
	}
	fields := append(about(run), trace.Str("status", string(status)))
	if u != nil {
		fields = append(fields, trace.Str("unit", unit), trace.Str("unit_status", string(u.Status)),
			trace.Str("owner", u.NodeID), trace.Str("progress", number(u.Progress)))
	}
	i.append(trace.TaskChanged, fields...)
}

// schemaChanged tells that the node's schema has changed, and lets the shards follow.
func (i *incarnation) schemaChanged(a Applied) {
	var change struct {
		Property     string `json:"property"`
		Tokenization string `json:"tokenization"`
	}
	fields := []trace.Field{trace.Str("collection", a.Class), trace.Str("change", a.Command)}
	if err := json.Unmarshal([]byte(a.Body), &change); err == nil && change.Property != "" {
		fields = append(fields, trace.Str("property", change.Property), trace.Str("tokenization", change.Tokenization))
	}
	i.append(trace.SchemaChanged, fields...)
	i.followSoon()
}

// about are the fields that name a run.
func about(run provider.Run) []trace.Field {
	return []trace.Field{trace.Str("namespace", run.Namespace), trace.Str("task", run.Task), trace.Uint("version", run.Version)}
}

// verdict is the outcome of a command as it stands in the trace, in words and for programs.
func verdict(err error) []trace.Field {
	if err == nil {
		return []trace.Field{trace.Str("outcome", event.Accepted)}
	}
	return []trace.Field{trace.Str("outcome", err.Error()), trace.Str("verdict", refinement.Logged(err).String())}
}

// sumOf is 64 bits of an entry's hash.
func sumOf(data []byte) uint64 {
	h := fnv.New64a()
	h.Write(data)
	return h.Sum64()
}

// stateOf is 64 bits of the hash of a replica's state, or why there is none.
func stateOf(r Replica) string {
	hash, err := r.Hash()
	if err != nil {
		return err.Error()
	}
	return hash[:16]
}
