package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// TestManyNodesKeepTheProperties lets three nodes decide on a real Manager while
// everything around them goes wrong: nodes crash between deciding, doing and
// remembering; lists arrive late and go back in time; replies get lost; callbacks
// fail and are cancelled; the id is added again and again. The properties are
// checked at every step, and after quiescence the task must be over, every
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
		w.settleAll(t)
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
	runner          Runner[*fsm.Task]
	passes          Passes
	listed          []listing
	goneAt          int             // the latest listed state without a record
	terminalAtStart uint64          // as the test sees it
	outcome         *Outcome        // of the action under way, once it is done
	gone            map[uint64]bool // workers that have exited
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
	return &modelNode{name: name, local: local, done: done, gone: map[uint64]bool{}, called: map[string]int{}, failed: map[string]bool{}}
}

func (n *modelNode) exited(h Handle) bool { return n.gone[h.Version] }

// alive returns the versions of workers that have not exited.
func (n *modelNode) alive() (versions []uint64) {
	for _, h := range n.runner.Handles {
		if !n.exited(h) {
			versions = append(versions, h.Version)
		}
	}
	return versions
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
	for _, version := range append(slices.Clone(n.local), n.runner.Memory.Version) {
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
	n.listed = append(n.listed, listing{pass: n.passes.Begin(), at: at, local: slices.Clone(n.local)})
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
	pass := Pass{
		Node: n.name, Caps: Caps{UnitAware: true, RecoveryAware: true, Acks: true, Finalizer: true},
		Number: l.pass, First: n.passes.Succeed(), Cleaner: true, TTL: time.Hour,
	}
	record := w.past[l.at]
	if record == nil {
		n.goneAt, n.terminalAtStart = max(n.goneAt, l.at), 0
	} else {
		if pass.First && record.Status.IsTerminal() {
			n.terminalAtStart = record.Version
		}
		if pass.Now = record.TerminalAt; w.aged {
			pass.Now = pass.Now.Add(pass.TTL)
		}
		if n.newest == nil || !olderRecord(record, n.newest) {
			n.newest = record
		}
	}
	n.runner.Deliver(&Look[*fsm.Task]{View: pass.View(record, l.local), Source: record})
}

// act performs the next action; its outcome is remembered later, or lost.
func (w *world) act(t *rapid.T, n *modelNode) {
	if n.runner.UnderWay != nil {
		t.Skip("the node is busy")
	}
	w.perform(t, n, fates.Draw(t, "fate"))
}

var fates = rapid.SampledFrom([]string{"ok", "ok", "ok", "ok", "ok", "fails", "reply lost", "cancelled"})

// pass lists, and performs what there is to do until there is no more.
func (w *world) pass(t *rapid.T, n *modelNode) {
	n.remember()
	n.listed = nil
	w.list(t, n)
	w.deliver(n)
	for range 40 {
		if !w.perform(t, n, fates.Draw(t, "fate")) {
			return
		}
		n.remember()
	}
	t.Fatalf("P16: %s does not come to rest", n.name)
}

// perform performs the next action; false: there is none.
func (w *world) perform(t *rapid.T, n *modelNode, fate string) bool {
	l, a := n.runner.Next(n.exited)
	if a.Kind == Forget {
		n.newest = nil
		n.called, n.failed = map[string]int{}, map[string]bool{}
	}
	if a.Kind.AtRest() {
		return false
	}
	w.judge(t, n, l.Source, a)
	o := Outcome{}
	switch fate {
	case "fails", "reply lost":
		o.Result, o.Err = Failed, "injected"
	case "cancelled":
		o.Result, o.Err = Cancelled, "context canceled"
	}
	switch a.Kind {
	case Terminate, Reap, AskRecovered:
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
	n.outcome = &o
	return true
}

// effect does what a scheduler, its provider and the cluster would.
func (w *world) effect(t *rapid.T, n *modelNode, a Action) error {
	switch a.Kind {
	case Start:
		n.gone[a.Version] = false
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
	if n.outcome == nil {
		t.Skip("nothing is under way")
	}
	n.remember()
}

// remember settles the action under way, if there is one.
func (n *modelNode) remember() {
	if n.outcome == nil {
		return
	}
	a, o := *n.runner.UnderWay, *n.outcome
	n.outcome = nil
	o.Pass = n.passes.Begun
	n.runner.Settle(o)
	callback := a.Kind.IsGroupCallback() || a.Kind == CompleteTask || a.Kind == AskRecovered
	recorded := o.Result == OK || o.Result == Failed && a.Kind.IsGroupCallback()
	if callback && recorded {
		n.called[callbackName(a)]++
		if o.Result == Failed {
			n.failed[phaseName(a)] = true
		}
	}
}

// work lets the node's worker report on a unit.
func (w *world) work(t *rapid.T, n *modelNode) {
	alive, now := n.alive(), w.now()
	if len(alive) == 0 || now == nil || now.Version != alive[0] {
		t.Skip("no node has a worker")
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
	for _, version := range n.alive() {
		if now == nil || now.Version != version {
			continue
		}
		for _, unit := range slices.Sorted(maps.Keys(now.Units)) {
			_ = w.complete(t, n, version, unit, "") // rejected when it is another node's, or terminal
		}
	}
}

func (w *world) complete(t *rapid.T, n *modelNode, version uint64, unit, failure string) error {
	return w.apply(t, api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: modelNamespace, Id: modelTask, Version: version, NodeId: n.name, UnitId: unit, Error: failure})
}

func (w *world) workerExit(t *rapid.T, n *modelNode) {
	alive := n.alive()
	if len(alive) == 0 {
		t.Skip("there is no worker")
	}
	n.gone[alive[0]] = true
	if !slices.Contains(n.local, alive[0]) {
		n.local = append(n.local, alive[0]) // it wrote until the end
	}
}

// crash loses all but the local state and what the provider knows to be done.
func (w *world) crash(_ *rapid.T, n *modelNode) {
	*n = *newNode(n.name, n.local, n.done)
}
