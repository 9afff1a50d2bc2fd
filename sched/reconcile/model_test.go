package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// TestManyNodesKeepTheProperties lets three nodes decide on a real Manager while
// everything around them goes wrong: nodes crash between deciding, doing and
// remembering; lists arrive late and go back in time; replies get lost; callbacks
// fail and are cancelled; the id is added again and again. The properties are
// checked at every step, and after it all calmed down the task must be over, every
// node's callbacks run and the worker gone (P3, P5, P6, P7, P8, P9, P10, P12, P14,
// and P16 without its bound).
func TestManyNodesKeepTheProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.add(t)
		anyNode := func(act func(*rapid.T, *modelNode)) func(*rapid.T) {
			return func(t *rapid.T) { act(t, rapid.SampledFrom(w.nodes).Draw(t, "node")) }
		}
		t.Repeat(map[string]func(*rapid.T){
			"something from outside": func(t *rapid.T) {
				rapid.SampledFrom([]func(*rapid.T){w.add, w.add, w.cancel, w.giveUp, w.age}).Draw(t, "what")(t)
			},
			"list":        anyNode(w.list),
			"arrive":      anyNode(w.arrive),
			"act":         anyNode(w.act),
			"act more":    anyNode(w.act),
			"settle":      anyNode(w.settle),
			"settle more": anyNode(w.settle),
			"work":        anyNode(w.work),
			"work more":   anyNode(w.workOn),
			"pass":        anyNode(w.pass),
			"pass more":   anyNode(w.pass),
			"worker exit": anyNode(w.workerExit),
			"crash":       anyNode(w.crash),
			"":            w.check,
		})
		w.calmDown(t)
	})
}

const (
	modelNamespace = "ns"
	modelTask      = "task"
)

// world is the cluster: one Manager, and what every list of its past showed.
type world struct {
	manager *fsm.Manager
	index   uint64
	// past holds the record after each apply, nil when there was none.
	past    []*fsm.Task
	addedAt map[uint64]int // version -> place in past
	aged    bool           // the record is past its time to live
	// lifted holds the versions whose preparation barrier has lifted.
	lifted map[uint64]bool
	nodes  []*modelNode
}

// modelNode is one node: what its crash loses, and what survives.
type modelNode struct {
	name string
	// lost in a crash
	memory          Memory
	passes          uint64
	listed          []listing
	view            *View
	task            *fsm.Task
	bootstrapped    bool
	goneAt          int // the latest listed state without a record
	terminalAtStart uint64
	underWay        *underWay
	handles         []Handle
	newest          *fsm.Task       // the newest record listed, as the test sees it
	called          map[string]int  // callbacks with an outcome, in this incarnation
	failed          map[string]bool // phases with a failed callback, in this incarnation
	// durable
	local []uint64        // local state by version
	done  map[uint64]bool // OnTaskCompleted has succeeded
}

type listing struct {
	pass  uint64
	at    int // place in the past
	local []uint64
}

// underWay is an action that is done but not remembered.
type underWay struct {
	action  Action
	outcome Outcome
}

// GoString keeps rapid's account of a failure short.
func (n *modelNode) GoString() string { return n.name }

func newWorld(t *rapid.T) *world {
	w := &world{
		manager: fsm.NewManager(fsm.ManagerParameters{}),
		past:    []*fsm.Task{nil}, addedAt: map[uint64]int{}, lifted: map[uint64]bool{},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "nodes") {
		w.nodes = append(w.nodes, newNode(fmt.Sprintf("n%d", i+1), nil, map[uint64]bool{}))
	}
	return w
}

func newNode(name string, local []uint64, done map[uint64]bool) *modelNode {
	return &modelNode{name: name, local: local, done: done, called: map[string]int{}, failed: map[string]bool{}}
}

func (w *world) now() *fsm.Task { return w.past[len(w.past)-1] }

// apply commits a command and checks what it did to the task (P3, P5, P7).
func (w *world) apply(t *rapid.T, kind api.CommandType, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatalf("%v", err)
	}
	w.index++
	err = w.manager.Apply(&api.ApplyRequest{Type: kind, SubCommand: body}, w.index)
	before := w.now()
	var after *fsm.Task
	list, listErr := w.manager.ListDistributedTasks(context.Background())
	if listErr != nil {
		t.Fatalf("%v", listErr)
	}
	if tasks := list[modelNamespace]; len(tasks) > 0 {
		after = tasks[0]
	}
	w.past = append(w.past, after)
	if after == nil {
		if before != nil && before.Status.IsActive() {
			t.Fatalf("P12: an active record went away")
		}
		return err
	}
	if before == nil || before.Version != after.Version {
		if before != nil && (before.Status.IsActive() || before.Version > after.Version) {
			t.Fatalf("P3: %s v%d was replaced by v%d", before.Status, before.Version, after.Version)
		}
		w.addedAt[after.Version] = len(w.past) - 1
		w.aged = false
		return err
	}
	if before.Status != after.Status && (before.Status.IsTerminal() || phaseOf(before.Status) > phaseOf(after.Status)) {
		t.Fatalf("P3: %s became %s", before.Status, after.Status)
	}
	if before.Status == fsm.TaskStatusPreparing && after.Status == fsm.TaskStatusSwapping {
		for _, node := range after.NodesWithLocalUnits() {
			if !after.PreparationCompletionAcks[node].Success {
				t.Fatalf("P5: the barrier lifted without %s", node)
			}
		}
		w.lifted[after.Version] = true
	}
	if after.Status == fsm.TaskStatusFinished {
		for _, node := range after.NodesWithLocalUnits() {
			if !after.PostCompletionAcks[node].Success {
				t.Fatalf("P7: FINISHED without a successful ack of %s", node)
			}
		}
	}
	return err
}

func (w *world) add(t *rapid.T) {
	request := &api.AddDistributedTaskRequest{
		Namespace: modelNamespace, Id: modelTask, AcksRequired: true,
		NeedsPreparationBarrier: rapid.Bool().Draw(t, "barrier"),
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "units") {
		group := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")
		request.UnitSpecs = append(request.UnitSpecs, &api.UnitSpec{Id: fmt.Sprintf("u%d", i), GroupId: group})
	}
	_ = w.apply(t, api.CommandAddTask, request) // refused while the task is active
}

func (w *world) age(*rapid.T) { w.aged = true }

func (w *world) cancel(t *rapid.T) {
	if w.now() == nil || rapid.IntRange(0, 3).Draw(t, "often enough") > 0 {
		t.Skip("there is no task, or it is too early")
	}
	_ = w.apply(t, api.CommandCancelTask, &api.CancelDistributedTaskRequest{
		Namespace: modelNamespace, Id: modelTask, Version: w.now().Version})
}

func (w *world) giveUp(t *rapid.T) {
	if w.now() == nil || rapid.IntRange(0, 3).Draw(t, "often enough") > 0 {
		t.Skip("there is no task, or it is too early")
	}
	_ = w.apply(t, api.CommandMarkTaskFailed, &api.MarkTaskFailedRequest{
		Namespace: modelNamespace, Id: modelTask, Version: w.now().Version, Error: "given up"})
}

// list starts a pass. What it reads may be old, but absence is believed: a list is
// never so old that a version this node has seen was not there yet, nor older than
// one that showed this node that the record had gone.
func (w *world) list(t *rapid.T, n *modelNode) {
	floor := 0
	for _, version := range append(slices.Clone(n.local), n.memory.Version) {
		floor = max(floor, w.addedAt[version])
	}
	now := len(w.past) - 1
	at := now
	if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
		at = rapid.IntRange(n.goneAt, now).Draw(t, "state listed")
	}
	if w.past[at] == nil && at < floor {
		at = now
	}
	w.startPass(n, at)
}

func (w *world) startPass(n *modelNode, at int) {
	n.passes++
	n.listed = append(n.listed, listing{pass: n.passes, at: at, local: slices.Clone(n.local)})
}

// arrive gives the node the list it waited for longest.
func (w *world) arrive(t *rapid.T, n *modelNode) {
	if len(n.listed) == 0 {
		t.Skip("nothing is under way")
	}
	w.deliver(n)
}

func (w *world) deliver(n *modelNode) {
	l := n.listed[0]
	n.listed = n.listed[1:]
	v := &View{
		Caps: Caps{UnitAware: true, RecoveryAware: true, Acks: true, Finalizer: true},
		Pass: l.pass, LocalState: l.local,
	}
	record := w.past[l.at]
	if record != nil {
		v.Present, v.Task = true, Observe(record, n.name)
		if !n.bootstrapped && record.Status.IsTerminal() {
			n.terminalAtStart = record.Version
		}
		v.Bootstrap = n.terminalAtStart == record.Version
		v.Expired = w.aged && record.Status.IsTerminal()
		if n.newest == nil || !olderRecord(record, n.newest) {
			n.newest = record
		}
	} else {
		n.goneAt = max(n.goneAt, l.at)
	}
	n.bootstrapped = true
	n.view, n.task = v, record
	n.memory = n.memory.Saw(*v)
}

// act performs the next action; its outcome is remembered later, or lost.
func (w *world) act(t *rapid.T, n *modelNode) {
	if n.underWay != nil || n.view == nil {
		t.Skip("the node is busy, or saw nothing")
	}
	w.perform(t, n, fates.Draw(t, "fate"))
}

var fates = rapid.SampledFrom([]string{"ok", "ok", "ok", "ok", "ok", "fails", "reply lost", "cancelled"})

// pass lists, and performs what there is to do until there is no more.
func (w *world) pass(t *rapid.T, n *modelNode) {
	if n.underWay != nil {
		w.remember(n)
	}
	n.listed = nil
	w.list(t, n)
	w.deliver(n)
	for range 40 {
		w.perform(t, n, fates.Draw(t, "fate"))
		switch w.remember(n) {
		case Wait, Relist, Forget:
			return
		}
	}
	t.Fatalf("P16: %s does not come to rest", n.name)
}

func (w *world) perform(t *rapid.T, n *modelNode, fate string) {
	n.view.Handles = slices.Clone(n.handles)
	a := Next(*n.view, n.memory)
	w.judge(t, n, a)
	o := Outcome{}
	switch fate {
	case "fails", "reply lost":
		o.Result, o.Err = Failed, "injected"
	case "cancelled":
		o.Result, o.Err = Cancelled, "context canceled"
	}
	switch a.Kind {
	case Wait, Relist, Forget, Terminate, Reap, AskRecovered:
		o.Result, o.Err = OK, ""
	}
	crossesNetwork := a.Kind == AckPreparation || a.Kind == AckPost || a.Kind == Finalize || a.Kind == CleanRecord
	if o.Result == OK || fate == "reply lost" && crossesNetwork {
		if err := w.effect(t, n, a); err != nil {
			o.Result, o.Err = Failed, err.Error()
		}
	}
	if a.Kind == Start && !slices.Contains(n.local, a.Version) {
		n.local = append(n.local, a.Version) // even by a start that fails
	}
	if a.Kind == AskRecovered {
		o.Answer = n.done[a.Version]
	}
	n.underWay = &underWay{action: a, outcome: o}
}

// effect does what a scheduler, its provider and the cluster would.
func (w *world) effect(t *rapid.T, n *modelNode, a Action) error {
	switch a.Kind {
	case Start:
		n.handles = append(n.handles, Handle{Version: a.Version})
	case Reap:
		n.handles = slices.DeleteFunc(n.handles, func(h Handle) bool { return h.Version == a.Version })
	case Terminate:
		for i := range n.handles {
			if n.handles[i].Version == a.Version {
				n.handles[i].State = Terminating
			}
		}
	case CleanLocal:
		n.local = slices.DeleteFunc(n.local, func(v uint64) bool { return v == a.Version })
	case CompleteTask:
		n.done[a.Version] = true
	case AckPreparation:
		return w.apply(t, api.CommandRecordPreparationAck, &api.RecordDistributedTaskPreparationCompleteAckRequest{
			Namespace: modelNamespace, Id: modelTask, Version: a.Version, NodeId: n.name, Success: a.Success, Error: a.Message})
	case AckPost:
		return w.apply(t, api.CommandRecordPostAck, &api.RecordDistributedTaskPostCompletionAckRequest{
			Namespace: modelNamespace, Id: modelTask, Version: a.Version, NodeId: n.name, Success: a.Success, Error: a.Message})
	case Finalize:
		return w.apply(t, api.CommandMarkTaskFinalized, &api.MarkTaskFinalizedRequest{
			Namespace: modelNamespace, Id: modelTask, Version: a.Version})
	case CleanRecord:
		return w.apply(t, api.CommandCleanUpTask, &api.CleanUpDistributedTaskRequest{
			Namespace: modelNamespace, Id: modelTask, Version: a.Version})
	}
	return nil
}

// settle remembers the outcome of the action under way.
func (w *world) settle(t *rapid.T, n *modelNode) {
	if n.underWay == nil {
		t.Skip("nothing is under way")
	}
	w.remember(n)
}

// remember returns the kind of the settled action.
func (w *world) remember(n *modelNode) Kind {
	a, o := n.underWay.action, n.underWay.outcome
	n.underWay = nil
	o.Pass = n.passes
	n.memory = n.memory.Settle(a, o)
	callback := a.Kind.IsGroupCallback() || a.Kind == CompleteTask || a.Kind == AskRecovered
	recorded := o.Result == OK || o.Result == Failed && a.Kind.IsGroupCallback()
	if callback && recorded {
		n.called[callbackName(a)]++
		if o.Result == Failed {
			n.failed[phaseName(a)] = true
		}
	}
	switch a.Kind {
	case Wait, Relist:
		n.view = nil
	case Forget:
		n.view, n.newest = nil, nil
		n.called, n.failed = map[string]int{}, map[string]bool{}
	}
	return a.Kind
}

// work lets the node's worker report on a unit.
func (w *world) work(t *rapid.T, n *modelNode) {
	i := slices.IndexFunc(n.handles, func(h Handle) bool { return h.State != Exited })
	now := w.now()
	if i < 0 || now == nil || now.Version != n.handles[i].Version {
		t.Skip("nobody works here")
	}
	unit := rapid.SampledFrom(slices.Sorted(maps.Keys(now.Units))).Draw(t, "unit")
	switch rapid.IntRange(0, 19).Draw(t, "report") {
	case 0:
		_ = w.complete(t, n, now.Version, unit, "broken")
	case 1, 2, 3:
		_ = w.apply(t, api.CommandUpdateUnitProgress, &api.UpdateDistributedTaskUnitProgressRequest{
			Namespace: modelNamespace, Id: modelTask, Version: now.Version, NodeId: n.name, UnitId: unit})
	default:
		_ = w.complete(t, n, now.Version, unit, "")
	}
}

// workOn lets the node's worker complete all it can.
func (w *world) workOn(t *rapid.T, n *modelNode) {
	now := w.now()
	for _, h := range n.handles {
		if h.State == Exited || now == nil || now.Version != h.Version {
			continue
		}
		for _, unit := range slices.Sorted(maps.Keys(now.Units)) {
			_ = w.complete(t, n, h.Version, unit, "") // rejected when it is another node's, or terminal
		}
	}
}

func (w *world) complete(t *rapid.T, n *modelNode, version uint64, unit, failure string) error {
	return w.apply(t, api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: modelNamespace, Id: modelTask, Version: version, NodeId: n.name, UnitId: unit, Error: failure})
}

func (w *world) workerExit(t *rapid.T, n *modelNode) {
	if len(n.handles) == 0 {
		t.Skip("there is no worker")
	}
	n.handles[0].State = Exited
	if v := n.handles[0].Version; !slices.Contains(n.local, v) {
		n.local = append(n.local, v) // it wrote until the end
	}
}

// crash loses all but the local state and what the provider knows to be done.
func (w *world) crash(_ *rapid.T, n *modelNode) {
	*n = *newNode(n.name, n.local, n.done)
}
