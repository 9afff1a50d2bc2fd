package scenarios

import (
	"cmp"
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

const second = time.Second

func (w *composer) between(f *plan.Fault, steps ...time.Duration) {
	f.Max = plan.Duration(pick(w.choices, "max", steps...))
	f.Min = f.Max / plan.Duration(1+w.number("spread", 4))
}

func (w *composer) linkFault(f *plan.Fault) {
	switch f.Kind {
	case plan.Partition, plan.OneWay, plan.Flap:
		f.Nodes = w.group(f, plan.Minority)
		w.lasts(f, 3*second, second, 8*second, 0)
		if f.Kind == plan.Flap {
			w.between(f, second, 300*time.Millisecond, 3*second)
		}
		return
	}
	w.rule(f)
	if w.chance("sender", 40) {
		f.Node = w.victim(f)
	}
	if w.chance("receiver", 40) {
		f.Peer = w.victim(f)
	}
	switch f.Kind {
	case plan.Delay:
		w.between(f, 200*time.Millisecond, second, 4*second)
	case plan.Duplicate:
		w.between(f, 50*time.Millisecond, second, 5*second)
	case plan.LateDuplicate:
		w.between(f, 2*second, 500*time.Millisecond, 8*second)
		return
	case plan.Reorder:
		f.Max = plan.Duration(pick(w.choices, "max", 100*time.Millisecond, second))
	}
	request := pick(w.choices, "message", "forward", "", "append", "heartbeat", "vote", "snapshot")
	if f.Op = request; request != "" && f.Kind != plan.ReplyLoss && w.chance("its-reply", 40) {
		f.Op += "-reply"
	}
}

// nodeFault returns false when too many nodes would be gone for good.
func (w *composer) nodeFault(f *plan.Fault) bool {
	switch f.Kind {
	case plan.Transfer:
		if w.chance("to", 50) {
			f.Node = w.anyNode()
		}
	case plan.Leave, plan.Remove:
		if !w.departs() {
			return false
		}
		f.Node = w.victim(f)
	case plan.Pause:
		f.Nodes = w.group(f, plan.Minority, plan.Majority)
		w.lasts(f, 3*second, 500*time.Millisecond, 6*second)
	default:
		f.Nodes = w.group(f, plan.Minority, plan.Majority)
		w.lasts(f, 2*second, 100*time.Millisecond, 6*second, 0)
	}
	return true
}

// memberFault returns false when the configuration cannot do without another voter.
func (w *composer) memberFault(f *plan.Fault) bool {
	switch f.Kind {
	case plan.Recover: // of those that may leave, a majority stays in any case
	case plan.UserRestore:
		if !plan.CanRemove(w.plan.Cluster.Nodes, w.gone()) {
			return false
		}
		w.swarm.restores = true
	default:
		if !plan.CanMiss(w.plan.Cluster.Nodes, w.gone()) {
			return false
		}
	}
	w.swarm.members = true
	if f.Kind == plan.Recover {
		w.lasts(f, 2*second, 500*time.Millisecond, 6*second)
		return true
	}
	if f.Kind == plan.UserRestore {
		return true
	}
	f.Node = w.victim(f)
	if f.Kind != plan.Demote {
		f.Op = pick(w.choices, "added-as", "", plan.AsNonVoter)
	}
	w.lasts(f, 4*second, second, 10*second, 0)
	return true
}

func (w *composer) diskFault(f *plan.Fault) {
	f.Node = w.victim(f)
	switch f.Kind {
	case plan.ForceSnapshot:
		w.lasts(f, 4*second, 2*second, 8*second)
		return
	case plan.DiskFull:
		w.lasts(f, 3*second, second, 8*second)
		return
	case plan.TornFiles:
		// It has to be there when a crash comes between two steps; see companions.
		f.Node, f.When, f.At = w.anyNode(), nil, plan.Duration(opening)
		w.lasts(f, 0, 15*second)
		f.Rate = pick[uint64](w.choices, "torn", 0, 500_000)
		return
	case plan.TornWrites:
		// It has to be there when the crash comes; see companions.
		f.Node, f.When, f.At = w.anyNode(), nil, plan.Duration(opening)
		f.Op = pick(w.choices, "store", "log", "log", "snapshot", "stable")
		w.lasts(f, 0, 15*second)
		return
	case plan.DiskSlow:
		f.Op = pick(w.choices, "store", "log", "log", "snapshot", "stable", "files")
		w.between(f, second, 200*time.Millisecond, 3*second)
	case plan.DiskError:
		f.Op = pick(w.choices, "store", "log", "files", "snapshot", "stable")
		if f.Op == "stable" {
			f.Name = pick(w.choices, "store-key", stableKeys...)
		}
	case plan.SnapshotError:
		f.Op = pick(w.choices, "step", "create", "write", "close")
	case plan.InstallError:
		f.Op = pick(w.choices, "step", "create", "write", "close", "restore")
		f.Node = w.anyNode()
	}
	w.rule(f)
}

// stableKeys are the keys that Raft has in its stable store, the empty name for any of them first.
var stableKeys = []string{"", "CurrentTerm", "LastVoteTerm", "LastVoteCand"}

func (w *composer) clockFault(f *plan.Fault) {
	f.Node = w.victim(f)
	if f.Kind == plan.ClockDrift {
		f.Drift = pick(w.choices, "drift", 100_000, -100_000, 500_000, -500_000)
	} else {
		f.By = plan.Duration(pick(w.choices, "by", 5*second, -5*second, time.Hour, -time.Hour))
	}
	if f.Kind != plan.ClockJump {
		w.lasts(f, 5*second, 15*second, 0)
	}
}

func (w *composer) workFault(f *plan.Fault) {
	w.rule(f)
	w.ofSomeTask(f)
	if w.chance("one-node", 50) {
		f.Node = w.victim(f)
	}
	switch f.Kind {
	case taskplan.WorkerLinger:
		// Providers wait for a worker in OnTaskCompleted, and again before they remove local
		// state, for ten seconds each.
		w.between(f, second, 5*second, 14*second, 25*second)
	case taskplan.CallbackSlow:
		w.between(f, second, 200*time.Millisecond, 6*second)
		fallthrough
	case taskplan.CallbackError, taskplan.CallbackPanic, taskplan.CallbackCancelled:
		f.Op = pick(w.choices, "callback", "", "OnGroupCompleted", "OnGroupCompleted", "OnSwapRequested", "OnTaskCompleted")
	}
}

func (w *composer) callFault(f *plan.Fault) {
	w.rule(f)
	w.ofSomeTask(f)
	if w.chance("one-node", 50) {
		f.Node = w.victim(f)
	}
	switch f.Kind {
	case plan.CallLate, ackDelay:
		w.between(f, second, 300*time.Millisecond, 4*second)
	case plan.CallTwice, ackTwice:
		w.between(f, 100*time.Millisecond, 2*second)
	}
	if slices.Contains(ackKinds, f.Kind) {
		f.Op = pick(w.choices, "ack", "ack-swap", "ack-preparation", "")
		if f.Kind == taskplan.AckFlip {
			// It has to be there when the node comes back; see companions.
			f.Node, f.Op, f.Rate, f.Count = w.anyNode(), cmp.Or(f.Op, "ack-swap"), 0, 0
			f.When, f.At = nil, plan.Duration(opening)
			w.lasts(f, 0)
			return
		}
		f.Kind, f.Op = ackFaults[f.Kind], cmp.Or(f.Op, taskplan.AnyAck)
		return
	}
	f.Op = pick(w.choices, "call", "", "complete-unit", "ack-preparation", "ack-swap", "finalize-task", "flip-property", "update-progress",
		"clean-up-task", "fail-unit", "swap-tenants")
}

// operateFault returns false when there is nothing to meddle with.
func (w *composer) operateFault(f *plan.Fault) bool {
	do := pick(w.choices, "operator", taskplan.CancelTask, taskplan.AddTask, taskplan.FailTask, taskplan.CleanUpTask, taskplan.UpdateProperty, taskplan.DropCollection,
		taskplan.DeleteTenants, taskplan.ListTasks)
	if len(w.tasks) == 0 {
		return false
	}
	t, c := w.some(), w.data()
	op := taskplan.Operation{Do: do, Node: w.victim(f), Retry: pick(w.choices, "retry", 0, 1)}
	switch do {
	case taskplan.AddTask:
		again := *t
		if again.Kind == taskplan.Reindex {
			again.Tokenization = w.tokenization()
		}
		op.Task = &again
	case taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask:
		op.Namespace, op.TaskID = string(t.Kind), t.ID
		if do == taskplan.FailTask && f.When != nil && w.chance("while-it-waits", 60) {
			f.When.Moment = pick(w.choices, "waits", slices.DeleteFunc(slices.Clone(waitMoments), w.unreachable)...)
			f.When.Op, f.When.Name = "", ""
		}
	case taskplan.UpdateProperty:
		op.Target, op.Property, op.Tokenization = c.Name, w.property(c), w.tokenization()
	case taskplan.DropCollection:
		op.Target = c.Name
	case taskplan.DeleteTenants:
		if len(c.Tenants) == 0 {
			return false
		}
		op.Target, op.Tenants = c.Name, c.Tenants[:1]
	}
	f.Do = taskplan.Do(op)
	return true
}
