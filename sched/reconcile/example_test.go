package reconcile_test

import (
	"fmt"
	"time"

	"dtsim/fsm"
	"dtsim/sched/reconcile"
)

// taskOf is the record of a task with one unit, which n1 has claimed.
func taskOf(status fsm.TaskStatus, unit fsm.UnitStatus) *fsm.Task {
	return &fsm.Task{
		TaskDescriptor: fsm.TaskDescriptor{ID: "books", Version: 7}, Namespace: "index", Status: status,
		Units: map[string]*fsm.Unit{"shard-1": {ID: "shard-1", NodeID: "n1", Status: unit}},
	}
}

// A scheduler delivers what each pass shows of a key, and performs what is decided until
// the Runner is at rest. Here every action succeeds.
func ExampleRunner() {
	var passes reconcile.Passes
	var runner reconcile.Runner[*fsm.Task]
	running := func(reconcile.Handle) bool { return false }
	pass := func(task *fsm.Task) {
		p := reconcile.Pass{
			Node: "n1", Caps: reconcile.Caps{UnitAware: true, Acks: true, Finalizer: true},
			Number: passes.Begin(), First: passes.Succeed(), Now: time.Now(), TTL: time.Hour,
		}
		fmt.Printf("pass %d: %s\n", p.Number, task.Status)
		runner.Deliver(&reconcile.Look[*fsm.Task]{View: p.View(task, nil), Source: task})
		for {
			_, action := runner.Next(running)
			fmt.Println(" ", action)
			if action.Kind.AtRest() {
				return
			}
			runner.Settle(reconcile.Outcome{Pass: passes.Begun})
		}
	}

	pass(taskOf(fsm.TaskStatusStarted, fsm.UnitStatusInProgress))
	pass(taskOf(fsm.TaskStatusSwapping, fsm.UnitStatusCompleted))
	swapped := taskOf(fsm.TaskStatusSwapping, fsm.UnitStatusCompleted)
	swapped.PostCompletionAcks = map[string]fsm.PostCompletionAck{"n1": {Success: true}}
	pass(swapped)
	// Output:
	// pass 1: STARTED
	//   Start v7
	//   Wait v7
	// pass 2: SWAPPING
	//   Terminate v7
	//   CompleteGroup v7 group="" units=[shard-1]
	//   AckPost v7 success=true
	//   Relist v7
	// pass 3: SWAPPING
	//   CompleteTask v7
	//   Finalize v7
	//   Relist v7
}

// A copy of a Runner is a clone, so that a model checker can follow every outcome of an
// action.
func ExampleRunner_clone() {
	p := reconcile.Pass{Node: "n1", Caps: reconcile.Caps{UnitAware: true, Acks: true}, Number: 1, First: true}
	var runner reconcile.Runner[struct{}]
	runner.Deliver(&reconcile.Look[struct{}]{View: p.View(taskOf(fsm.TaskStatusSwapping, fsm.UnitStatusCompleted), nil)})
	running := func(reconcile.Handle) bool { return false }
	_, action := runner.Next(running)
	fmt.Println(action)
	for _, outcome := range []reconcile.Outcome{{Pass: 1}, {Result: reconcile.Failed, Err: "disk full", Pass: 1}} {
		branch := runner
		branch.Settle(outcome)
		_, next := branch.Next(running)
		fmt.Println(" ", next)
	}
	// Output:
	// CompleteGroup v7 group="" units=[shard-1]
	//   AckPost v7 success=true
	//   AckPost v7 success=false message=group="": disk full
}

// Next is the decision itself: a function of what the node sees and of what it remembers.
func ExampleNext() {
	view := reconcile.View{
		Pass: 1, Present: true, Caps: reconcile.Caps{UnitAware: true, RecoveryAware: true, Acks: true},
		Task: reconcile.Observe(taskOf(fsm.TaskStatusFailed, fsm.UnitStatusFailed), "n1"),
	}
	fmt.Println(reconcile.Next(view, reconcile.Memory{}))
	view.Bootstrap = true // the task had ended when the node began
	fmt.Println(reconcile.Next(view, reconcile.Memory{}))
	// Output:
	// CompleteGroup v7 group="" units=[shard-1]
	// AskRecovered v7
}
