package goals

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dtsim/fsm/api"
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// sequence is a run made up event by event. It begins with three nodes, n1 leading. Its
// tasks are reindexes, with unit u1 on n2 and u2 on n3.
type sequence struct {
	plan         taskplan.Plan
	events       []trace.Event
	at           time.Duration
	index        int
	ops          int
	incarnations map[string]int
	versions     map[string]int
	barrier      map[string]bool
}

func newSequence(faults ...plan.Fault) *sequence {
	t := &sequence{plan: taskplan.Default(), incarnations: map[string]int{}, versions: map[string]int{}, barrier: map[string]bool{}, ops: 100}
	t.plan.Cluster.Nodes = 3
	t.plan.Faults, t.plan.Quiescence = faults, t.plan.Duration-1
	for _, n := range []string{"n1", "n2", "n3"} {
		t.start(n)
	}
	t.leads("n1")
	for _, n := range []string{"n1", "n2", "n3"} {
		t.ev(n, trace.LeaderSeen, trace.Str("leader", "n1"))
	}
	return t
}

// ev appends an event, a millisecond after the one before it.
func (t *sequence) ev(node string, kind trace.Kind, fields ...trace.Field) *sequence {
	t.at += time.Millisecond
	t.events = append(t.events, trace.Event{At: t.at, Node: node, Incarnation: t.incarnations[node], Kind: kind, Fields: fields})
	return t
}

func (t *sequence) wait(d time.Duration) *sequence { t.at += d; return t }

func (t *sequence) start(node string) *sequence {
	t.incarnations[node]++
	return t.ev(node, trace.NodeStarted)
}

func (t *sequence) crash(node string) *sequence {
	return t.ev(node, trace.NodeStopped, trace.Str("how", "crash"))
}

func (t *sequence) shutdown(node string) *sequence {
	return t.ev(node, trace.NodeStopped, trace.Str("how", "shutdown"))
}

func (t *sequence) restart(node string) *sequence { return t.crash(node).start(node) }

// leads makes a node leader; steps lets it step down.
func (t *sequence) leads(node string) *sequence {
	return t.ev(node, trace.NodeState, trace.Str("state", "Leader"))
}

func (t *sequence) steps(node string) *sequence {
	return t.ev(node, trace.NodeState, trace.Str("state", "Follower"))
}

// about are the fields that name a task; those that the sequence has added have a version.
func (t *sequence) about(task string) []trace.Field {
	return []trace.Field{trace.Str("namespace", "reindex"), trace.Str("task", task), trace.Int("version", int64(t.versions[task]))}
}

// call begins an operation, proposed as a request of the node.
func (t *sequence) call(op int, node, do, task string, more ...trace.Field) *sequence {
	fields := append([]trace.Field{trace.Int("op", int64(op)), trace.Str("do", do)}, t.about(task)...)
	t.ev(node, trace.Called, append(fields, more...)...)
	return t.ev(node, trace.Proposed, trace.Int("op", int64(op)), trace.Str("client", t.client(node)), trace.Int("seq", int64(op)))
}

func (t *sequence) client(node string) string {
	return fmt.Sprintf("%s#%d", node, t.incarnations[node])
}

// returns ends an operation.
func (t *sequence) returns(op int, node, outcome string) *sequence {
	return t.ev(node, trace.Returned, trace.Int("op", int64(op)), trace.Str("outcome", outcome))
}

// commit puts a command into the log: the request of an operation of a node (op 0 for
// none), with a body for task. Outcome is "ok", a rejection, or "again" for a duplicate.
func (t *sequence) commit(op int, node, name, task, outcome string, body map[string]any) *sequence {
	t.index++
	if body == nil {
		body = map[string]any{}
	}
	body["namespace"], body["id"], body["version"] = "reindex", task, t.versions[task]
	doc, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	fields := []trace.Field{trace.Int("index", int64(t.index)), trace.Str("command", name)}
	if outcome == "again" {
		fields = append(fields, trace.Str("outcome", "ok"), trace.Int("first", 1))
	} else {
		fields = append(fields, trace.Str("outcome", outcome))
	}
	if op != 0 {
		fields = append(fields, trace.Str("client", t.client(node)), trace.Int("seq", int64(op)))
	}
	return t.ev("n1", trace.Committed, append(fields, trace.Str("body", string(doc)))...)
}

// is sets what a command has left of a task.
func (t *sequence) is(task string, status taskevent.TaskStatus, more ...trace.Field) *sequence {
	return t.ev("n1", trace.TaskChanged, append(append(t.about(task), trace.Str("status", string(status))), more...)...)
}

func unitIs(unit, status, owner string) []trace.Field {
	return []trace.Field{trace.Str("unit", unit), trace.Str("unit_status", status), trace.Str("owner", owner)}
}

// add puts a new run of a task on record, submitted by an operation of a node.
func (t *sequence) add(op int, node, task string, barrier bool) *sequence {
	t.commit(op, node, addTask, task, "ok", map[string]any{
		"unit_specs": []*api.UnitSpec{{Id: "u1"}, {Id: "u2"}}, "needs_preparation_barrier": barrier,
	})
	t.versions[task], t.barrier[task] = t.index, barrier
	return t.is(task, started)
}

// inherits puts a task on record that a newer version has left.
func (t *sequence) inherits(task string) *sequence {
	t.index++
	t.versions[task] = t.index
	return t.ev("", trace.Inherited, trace.Int("index", int64(t.index)), trace.Str("snapshot", inheritedSnapshot(task, t.index)))
}

func inheritedSnapshot(task string, version int) string {
	return fmt.Sprintf(`{"distributed_tasks":{"tasks":{"reindex":[{"namespace":"reindex","ID":%q,"version":%d,"status":"PAUSED"}]}}}`, task, version)
}

// work adds a task and lets both owners claim their units; barrier is of which sort.
func (t *sequence) work(task string, barrier bool) *sequence {
	t.add(0, "n1", task, barrier)
	t.commit(0, "", unitProgress, task, "ok", nil).is(task, started, unitIs("u1", "IN_PROGRESS", "n2")...)
	return t.commit(0, "", unitProgress, task, "ok", nil).is(task, started, unitIs("u2", "IN_PROGRESS", "n3")...)
}

// complete completes a unit.
func (t *sequence) complete(op int, task, unit, node string, status taskevent.TaskStatus) *sequence {
	return t.commit(op, node, unitCompletion, task, "ok", nil).is(task, status, unitIs(unit, "COMPLETED", node)...)
}

// prepare takes a new task to PREPARING, applied on all nodes.
func (t *sequence) prepare(task string) *sequence {
	return t.work(task, true).complete(0, task, "u1", "n2", started).complete(0, task, "u2", "n3", preparing).applied("n1", "n2", "n3")
}

// applied lets nodes apply all there is.
func (t *sequence) applied(nodes ...string) *sequence {
	for _, n := range nodes {
		t.ev(n, trace.Applied, trace.Int("index", int64(t.index)))
	}
	return t
}

// ack puts an ack into the log, as the request of an operation or 0.
func (t *sequence) ack(op int, name, task, node string, success bool, status taskevent.TaskStatus) *sequence {
	return t.commit(op, node, name, task, "ok", map[string]any{"node_id": node, "success": success}).is(task, status)
}

// swap takes a new task to SWAPPING, applied on all nodes; with the barrier, both have
// prepared.
func (t *sequence) swap(task string, barrier bool) *sequence {
	if !barrier {
		return t.work(task, false).complete(0, task, "u1", "n2", started).complete(0, task, "u2", "n3", swapping).applied("n1", "n2", "n3")
	}
	return t.prepare(task).ack(0, preparationAck, task, "n2", true, preparing).
		ack(0, preparationAck, task, "n3", true, swapping).applied("n1", "n2", "n3")
}

// finish takes a new task through all its phases.
func (t *sequence) finish(task string) *sequence {
	return t.swap(task, true).ack(0, postAck, task, "n2", true, swapping).ack(0, postAck, task, "n3", true, swapping).
		commit(0, "", markFinalized, task, "ok", nil).is(task, finished).applied("n1", "n2", "n3")
}

// begins and ends are a callback's, about one unit or more.
func (t *sequence) begins(node, name, task string, status taskevent.TaskStatus, units ...string) *sequence {
	return t.ev(node, trace.CallbackStarted, t.callback(name, task, status, units)...)
}

func (t *sequence) ends(node, name, task string, status taskevent.TaskStatus, err string) *sequence {
	fields := t.callback(name, task, status, nil)
	if err != "" {
		fields = append(fields, trace.Str("error", err))
	}
	return t.ev(node, trace.CallbackEnded, fields...)
}

func (t *sequence) callback(name, task string, status taskevent.TaskStatus, units []string) []trace.Field {
	fields := append([]trace.Field{trace.Str("callback", name)}, t.about(task)...)
	return append(fields, trace.Str("status", string(status)), trace.Str("group", ""), trace.Str("units", `["`+strings.Join(units, `","`)+`"]`))
}

func (t *sequence) shardSwapped(node, task, shard string) *sequence {
	return t.ev(node, trace.ShardChanged, append(t.about(task), trace.Str("why", "swapped"), trace.Str("shard", shard))...)
}

// restores lets a node replace its state by a snapshot of all there is.
func (t *sequence) restores(node string) *sequence {
	return t.ev(node, trace.SnapshotRestored, trace.Int("index", int64(t.index)))
}

// fault is an event of the fault at position 0.
func (t *sequence) fault(kind trace.Kind, what plan.FaultKind, node string, more ...trace.Field) *sequence {
	return t.ev(node, kind, append([]trace.Field{trace.Int("fault", 0), trace.Str("what", string(what))}, more...)...)
}

// counters gives the sequence to an observer.
func (t *sequence) counters() map[string]int64 {
	o := coverage.New(&t.plan.Plan, New(&t.plan, projection.NewLog()))
	for _, e := range t.events {
		o.Observe(e)
	}
	return o.Counters()
}
