package scenarios

import (
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// family is what the plans of a generated scenario have in common.
type family struct {
	// kinds are the kinds of faults that a plan may have; each plan switches some on.
	kinds []plan.FaultKind
	// tasks are the kinds of tasks, the boring one first.
	tasks []taskplan.Kind
	// steps is how many operations there are at most, besides the creation of the data.
	steps int
	// tasksOnly leaves tasks in peace: no operator meddles.
	tasksOnly bool
	// barrier gives every reindex the preparation barrier.
	barrier bool
	// threads holds goroutines up between two statements in every plan.
	threads bool
	// moments are where faults strike; nil means all.
	moments []plan.Moment
}

// The kinds that stand for the faults of calls whose Op is one of the acks.
const (
	ackDelay plan.FaultKind = "ack-delay"
	ackLoss  plan.FaultKind = "ack-loss"
	ackTwice plan.FaultKind = "ack-duplicate"
)

var (
	linkKinds = []plan.FaultKind{plan.Partition, plan.Loss, plan.Delay, plan.ReplyLoss, plan.OneWay, plan.Duplicate, plan.Reorder,
		plan.LateDuplicate, plan.Flap}
	nodeKinds = []plan.FaultKind{plan.Crash, plan.Shutdown, plan.Pause, plan.Transfer, plan.Leave, plan.Remove}
	// memberKinds change the configuration and change it back.
	memberKinds = []plan.FaultKind{plan.Demote, plan.Rejoin, plan.Replace, plan.Recover, plan.UserRestore}
	diskKinds   = []plan.FaultKind{plan.TornFiles, plan.DiskError, plan.DiskFull, plan.SnapshotError, plan.InstallError, plan.ForceSnapshot,
		plan.TornWrites, plan.DiskSlow}
	clockKinds = []plan.FaultKind{plan.ClockJump, plan.ClockOffset, plan.ClockDrift}
	workKinds  = []plan.FaultKind{taskplan.UnitError, taskplan.WorkerDeath, taskplan.StartError, taskplan.CallbackError, taskplan.CallbackCancelled,
		taskplan.CallbackPanic, taskplan.CallbackSlow, taskplan.WorkerLinger}
	callKinds = []plan.FaultKind{plan.ReplyError, plan.CallError, plan.CallTwice, plan.CallLate}
	ackKinds  = []plan.FaultKind{ackDelay, ackLoss, ackTwice, taskplan.AckFlip}

	// Faults of acks are chosen apart from those of other calls, which they are in a plan.
	ackFaults = map[plan.FaultKind]plan.FaultKind{ackDelay: plan.CallDelay, ackLoss: plan.CallLoss, ackTwice: plan.CallTwice}

	everyTask = []taskplan.Kind{taskplan.Reindex, taskplan.Reindex, taskplan.Cleanup, taskplan.Repair, taskplan.ShardNoop}
)

func join[T any](lists ...[]T) (all []T) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Hostile returns the generated scenarios: of them, a seed chooses everything.
func Hostile() []Scenario {
	crash := []plan.FaultKind{plan.Crash}
	return []Scenario{
		{
			Name:    "hostile",
			Summary: "anything may go wrong: each plan switches some kinds of faults on",
			family: &family{
				kinds: join(linkKinds, nodeKinds, memberKinds, diskKinds, clockKinds, workKinds, callKinds, ackKinds, []plan.FaultKind{plan.Operate}),
				tasks: everyTask, steps: 9,
			},
		},
		{
			Name:    "hostile-network",
			Summary: "messages are late, lost, doubled and overtaken, links are cut",
			family:  &family{kinds: linkKinds, tasks: everyTask, steps: 9},
		},
		{
			Name:    "hostile-nodes",
			Summary: "nodes crash, stall, are shut down, hand over leadership, and leave for good",
			family:  &family{kinds: join(nodeKinds, []plan.FaultKind{plan.Leave}), tasks: everyTask, steps: 9},
		},
		{
			Name:    "hostile-members",
			Summary: "nodes lose their vote, are removed, and come back, some with an empty disk, around crashes and changes of the leader",
			family: &family{
				kinds: join(memberKinds, memberKinds, crash, []plan.FaultKind{plan.Transfer, plan.Partition, plan.ForceSnapshot, plan.Remove, plan.TornWrites}),
				tasks: everyTask, steps: 9,
			},
		},
		{
			Name:    "hostile-threads",
			Summary: "goroutines are held up between two statements, while leaders change",
			family: &family{
				kinds: []plan.FaultKind{plan.Partition, plan.Transfer, plan.Pause, plan.Crash, plan.Delay, plan.OneWay},
				tasks: everyTask, steps: 9, threads: true,
			},
		},
		{
			Name:    "hostile-disks",
			Summary: "disks lose, refuse and tear what is written, around crashes",
			family:  &family{kinds: join(diskKinds, crash, crash), tasks: everyTask, steps: 9},
		},
		{
			Name:    "hostile-clocks",
			Summary: "clocks are wrong, drift and jump, around changes of the leader",
			family:  &family{kinds: join(clockKinds, crash, []plan.FaultKind{plan.Transfer}), tasks: everyTask, steps: 9},
		},
		{
			Name:    "hostile-provider",
			Summary: "workers die and linger, callbacks fail, panic and are slow, calls fail before or after they took effect",
			family:  &family{kinds: join(workKinds, callKinds, crash), tasks: everyTask, steps: 7},
		},
		{
			Name:    "hostile-callbacks",
			Summary: "callbacks are interrupted, fail, panic and are slow, while their nodes restart",
			family: &family{
				kinds: []plan.FaultKind{taskplan.CallbackCancelled, taskplan.CallbackPanic, taskplan.CallbackError, taskplan.CallbackSlow, plan.Shutdown, plan.Crash},
				tasks: []taskplan.Kind{taskplan.Reindex, taskplan.Reindex, taskplan.Repair}, steps: 3, tasksOnly: true,
			},
		},
		{
			Name:    "hostile-acks",
			Summary: "acks are late, lost, doubled and reversed after a restart",
			family: &family{
				kinds: join(ackKinds, crash, []plan.FaultKind{plan.Partition, plan.Shutdown}), tasks: []taskplan.Kind{taskplan.Reindex}, steps: 6,
				moments: ackMoments,
			},
		},
		{
			Name:    "hostile-operators",
			Summary: "operators cancel, submit again, give up, drop and change, at the worst moments",
			family:  &family{kinds: []plan.FaultKind{plan.Operate, plan.Operate, plan.Crash, plan.Partition}, tasks: everyTask, steps: 9},
		},
		{
			Name:    "barrier",
			Summary: "one reindex behind the preparation barrier, and whatever happens around prepare, ack and swap",
			family: &family{
				kinds: join(ackKinds, callKinds, crash, []plan.FaultKind{plan.Partition, plan.Pause, plan.Leave, taskplan.CallbackError, taskplan.UnitError}),
				tasks: []taskplan.Kind{taskplan.Reindex}, steps: 3, tasksOnly: true, barrier: true,
				moments: ackMoments,
			},
		},
	}
}
