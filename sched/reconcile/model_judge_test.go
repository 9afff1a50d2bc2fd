package reconcile

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"dtsim/fsm"
)

// olderRecord compares records without the code under test.
func olderRecord(a, b *fsm.Task) bool {
	if a.Version != b.Version {
		return a.Version < b.Version
	}
	terminal := func(t *fsm.Task) (n int) {
		for _, u := range t.Units {
			if u.Status.IsTerminal() {
				n++
			}
		}
		return n
	}
	return slices.Index(phases, a.Status) < slices.Index(phases, b.Status) && !a.Status.IsTerminal() ||
		terminal(a) < terminal(b) || len(a.PostCompletionAcks) < len(b.PostCompletionAcks)
}

var phases = []fsm.TaskStatus{
	fsm.TaskStatusStarted, fsm.TaskStatusPreparing, fsm.TaskStatusSwapping,
	fsm.TaskStatusFinished, fsm.TaskStatusFailed, fsm.TaskStatusCancelled,
}

// phaseName names the phase of a callback or an ack.
func phaseName(a Action) string {
	return fmt.Sprintf("preparation=%t v%d", a.Kind == Prepare || a.Kind == AckPreparation, a.Version)
}

func callbackName(a Action) string { return fmt.Sprintf("%s v%d %s", a.Kind, a.Version, a.Group) }

// judge checks an action against the truth, which the node does not know.
func (w *world) judge(t *rapid.T, n *modelNode, task *fsm.Task, a Action) {
	now := w.now()
	current := now != nil && now.Version == a.Version
	if a.Kind.IsGroupCallback() || a.Kind == CompleteTask || a.Kind == AskRecovered {
		if n.called[callbackName(a)] > 0 {
			t.Fatalf("P9: %s runs %s again", n.name, callbackName(a))
		}
	}
	switch a.Kind {
	case Start, Prepare, CompleteGroup, Swap, CompleteTask, AckPreparation, AckPost, Finalize, AskRecovered:
		if olderRecord(task, n.newest) {
			t.Fatalf("P9: %s acts on %s v%d (%s) after it saw v%d (%s)", n.name, a.Kind,
				task.Version, task.Status, n.newest.Version, n.newest.Status)
		}
	}
	switch a.Kind {
	case Prepare, CompleteGroup, Swap, CompleteTask:
		if _, acked := task.PostCompletionAcks[n.name]; acked && a.Kind.IsGroupCallback() && n.terminalAtStart != a.Version {
			t.Fatalf("P9: %s runs again what it acknowledged: %s", n.name, callbackName(a))
		}
		if n.terminalAtStart == a.Version && n.done[a.Version] {
			t.Fatalf("P9: %s replays %s", n.name, callbackName(a))
		}
	}
	switch a.Kind {
	case Start:
		if task.Status != fsm.TaskStatusStarted {
			t.Fatalf("P10: %s starts a %s task", n.name, task.Status)
		}
		if alive := n.alive(); len(alive) > 0 {
			t.Fatalf("P14: %s starts v%d beside %v", n.name, a.Version, alive)
		}
		if slices.ContainsFunc(n.local, func(v uint64) bool { return v != a.Version }) {
			t.Fatalf("P12: %s starts v%d beside local state of %v", n.name, a.Version, n.local)
		}
	case Prepare:
		if _, acked := task.PreparationCompletionAcks[n.name]; acked {
			t.Fatalf("P9: %s prepares again what it acknowledged", n.name)
		}
		if current && now.Status == fsm.TaskStatusStarted {
			t.Fatalf("P6: %s prepares a STARTED task", n.name)
		}
	case Swap:
		if !w.lifted[a.Version] {
			t.Fatalf("P5: %s swaps v%d, whose barrier never lifted", n.name, a.Version)
		}
		if task.Status != fsm.TaskStatusSwapping && task.Status != fsm.TaskStatusFinished {
			t.Fatalf("P5: %s swaps a %s task", n.name, task.Status)
		}
	case CompleteGroup:
		if current && now.Status == fsm.TaskStatusStarted && !now.AllGroupUnitsTerminal(a.Group) {
			t.Fatalf("P6: %s completes group %s too early", n.name, a.Group)
		}
	case CompleteTask:
		if task.Status == fsm.TaskStatusSwapping && current &&
			now.Status != fsm.TaskStatusFinished && !now.AllPostCompletionAcksSucceeded() {
			t.Fatalf("P8: %s completes a task that may still fail", n.name)
		}
	case Finalize:
		if n.called[callbackName(Action{Kind: CompleteTask, Version: a.Version})] == 0 {
			t.Fatalf("P8: %s finalizes before its OnTaskCompleted", n.name)
		}
	case AckPreparation, AckPost:
		if a.Success == n.failed[phaseName(a)] {
			t.Fatalf("P7: %s acknowledges success=%t, and it failed is %t", n.name, a.Success, !a.Success)
		}
		w.judgeAck(t, n, task, a)
	case CleanRecord:
		if !w.aged && current {
			t.Fatalf("P12: %s removes a record before its time", n.name)
		}
	case CleanLocal:
		if current && (now.Status.IsActive() || n.terminalAtStart != a.Version) {
			t.Fatalf("P12: %s removes local state of a %s task", n.name, now.Status)
		}
		if slices.Contains(n.alive(), a.Version) {
			t.Fatalf("P12: %s removes the local state of a running worker", n.name)
		}
	}
	if a.Kind.IsGroupCallback() && current {
		if want := now.LocalGroupUnitIDs(a.Group, n.name); !sameSet(want, a.Units) || len(want) == 0 {
			t.Fatalf("P6: %s got units %v of group %s, it owns %v", n.name, a.Units, a.Group, want)
		}
	}
}

// judgeAck: an ack speaks of units, and of all of them.
func (w *world) judgeAck(t *rapid.T, n *modelNode, task *fsm.Task, a Action) {
	if len(task.LocalUnitIDs(n.name)) == 0 {
		t.Fatalf("P7: %s acknowledges without units", n.name)
	}
	callback := Action{Kind: Prepare, Version: a.Version}
	if a.Kind == AckPost {
		callback.Kind = CompleteGroup
		if task.NeedsPreparationBarrier {
			callback.Kind = Swap
		}
	}
	for _, callback.Group = range task.Groups() {
		local := task.LocalGroupUnitIDs(callback.Group, n.name)
		if len(local) > 0 && n.called[callbackName(callback)] == 0 {
			t.Fatalf("P7: %s acknowledges before %s", n.name, callbackName(callback))
		}
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func (w *world) check(t *rapid.T) {
	for _, n := range w.nodes {
		if alive := n.alive(); len(alive) > 1 {
			t.Fatalf("P14: %s has workers %v", n.name, alive)
		}
	}
}

// settleAll ends all faults and sees the task through to its end (P16).
func (w *world) settleAll(t *rapid.T) {
	for range 30 {
		for _, n := range w.nodes {
			n.listed = nil
			w.quiesce(t, n)
		}
	}
	if now := w.now(); now != nil {
		if now.Status.IsActive() {
			t.Fatalf("P16: the task is still %s: %+v", now.Status, now)
		}
		for _, n := range w.nodes {
			if !n.done[now.Version] {
				t.Fatalf("P9: %s never completed v%d (%s); it remembers %s", n.name, now.Version, now.Status, n.runner.Memory)
			}
		}
	}
	w.aged = true
	for range 5 {
		for _, n := range w.nodes {
			w.quiesce(t, n)
		}
	}
	if w.now() != nil {
		t.Fatalf("P16: the expired record is still there")
	}
	for _, n := range w.nodes {
		if len(n.local) > 0 || len(n.runner.Handles) > 0 || n.runner.Memory.String() != "nothing" {
			t.Fatalf("P12: %s still has local state %v, workers %v and remembers %s", n.name, n.local, n.runner.Handles, n.runner.Memory)
		}
	}
}

// quiesce runs one undisturbed pass of a node, and lets its worker finish.
func (w *world) quiesce(t *rapid.T, n *modelNode) {
	n.remember()
	w.startPass(n, len(w.past)-1)
	w.deliver(n)
	for range 40 {
		if !w.perform(t, n, "ok") {
			w.check(t)
			w.finishWork(t, n)
			return
		}
		n.remember()
	}
	t.Fatalf("P16: %s does not come to rest", n.name)
}

func (w *world) finishWork(t *rapid.T, n *modelNode) {
	running := slices.ContainsFunc(n.runner.Handles, func(h Handle) bool {
		return h.Version == n.seen() && h.State == Running && !n.exited(h)
	})
	if running && !n.hasWork() {
		t.Fatalf("P10: %s lets the worker of a %s task run", n.name, n.newest.Status)
	}
	w.workOn(t, n)
	for _, version := range n.alive() {
		n.gone[version] = true
	}
}

// seen returns the newest version listed, 0 when none was.
func (n *modelNode) seen() uint64 {
	if n.newest == nil {
		return 0
	}
	return n.newest.Version
}

func (n *modelNode) hasWork() bool {
	return n.newest.Status == fsm.TaskStatusStarted && n.newest.NodeHasNonTerminalUnits(n.name)
}
