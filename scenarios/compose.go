package scenarios

import (
	"cmp"
	"slices"
	"time"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

const (
	// opening is when the first operation is issued: a cluster has a leader by then, or
	// is about to have one.
	opening = 3 * time.Second
	// lastOperation is how long before quiescence the workload ends.
	lastOperation = 2 * time.Second
)

// composer writes a plan, one choice after the other.
type composer struct {
	*choices
	family *family
	plan   taskplan.Plan

	// now is the time of the next operation.
	now time.Duration
	// collections and tasks are what is inherited, and what the workload has made so far;
	// tasks have one entry per submission.
	collections []*taskplan.Collection
	tasks       []*taskplan.Task
	// inherited is how many of the tasks are inherited, not submitted.
	inherited int
	swarm     swarm
	// flawed allows submissions that are bad in themselves.
	flawed bool
	// published is that of [Options].
	published bool
	// within is how long the caller of the next operation waits.
	within plan.Duration
}

// compose writes the plan that a sequence of choices stands for.
func (f *family) compose(c *choices, name string, seed uint64, o Options) *taskplan.Plan {
	w := &composer{choices: c, family: f, now: opening, published: o.Published}
	w.plan = taskplan.Plan{Plan: plan.Plan{Format: plan.Format, Name: name, Seed: seed, Application: taskplan.Application}}
	w.shape(o.Nodes)
	w.workload()
	w.faults()
	w.transfers()
	w.churn()
	w.busy()
	w.quiesce()
	w.raftSettings()
	w.stalls()
	if o.Nodes != 0 {
		w.plan.Cluster.Nodes = o.Nodes // an impossible number is for Validate to refuse
	}
	return &w.plan
}

// shape chooses the cluster. Latencies and timeouts are chosen together: what no
// cluster could live with is not tried here but by faults.
func (w *composer) shape(fixed int) {
	nodes := pick(w.choices, "nodes", 3, 3, 3, 3, 5, 2, 4, 1)
	if fixed != 0 {
		nodes = min(max(1, fixed), plan.MaxNodes)
	}
	speed := pick(w.choices, "raft-timeouts", time.Second, 500*time.Millisecond, 2*time.Second)
	latency := pick(w.choices, "latency", 10*time.Millisecond, time.Millisecond, 40*time.Millisecond, 100*time.Millisecond)
	ms := plan.Duration(time.Millisecond)
	w.plan.SchedulerTick = plan.Duration(pick(w.choices, "tick", 2*time.Second, time.Second, 5*time.Second))
	w.plan.CompletedTaskTTL = plan.Duration(pick(w.choices, "ttl", time.Hour, time.Hour, 12*time.Second, 3*time.Second))
	// Fewer sessions than clients are not enough for anything to get through.
	w.plan.MaxSessions = pick(w.choices, "sessions", 0, 0, 0, nodes+1, nodes+2, 2*nodes)
	w.plan.Cluster = plan.Cluster{
		Nodes: nodes,
		Raft: plan.Raft{
			HeartbeatTimeout:   plan.Duration(speed),
			ElectionTimeout:    plan.Duration(speed),
			LeaderLeaseTimeout: plan.Duration(speed / 2),
			CommitTimeout:      plan.Duration(speed / 4),
			SnapshotInterval:   plan.Duration(pick(w.choices, "snapshots", 8*time.Second, 3*time.Second)),
			SnapshotThreshold:  pick[uint64](w.choices, "snapshot-threshold", 64, 8, 2),
			TrailingLogs:       pick[uint64](w.choices, "trailing-logs", 32, 8, 1),
		},
		Network: plan.Network{
			MinLatency:  ms / 2,
			MaxLatency:  plan.Duration(latency),
			CallTimeout: plan.Duration(max(speed/3, 250*time.Millisecond)),
		},
		Disk: plan.Disk{SyncLatency: pick(w.choices, "sync-latency", 0, ms, 10*ms, 50*ms)},
	}
	// An answer takes a request and its answer, and another to and from a majority, with the disks of
	// both.
	answer := 4*plan.Duration(latency) + 2*w.plan.Cluster.Disk.SyncLatency
	w.plan.AttemptTimeout = pick(w.choices, "attempt", 0, 0, 0, 2*answer, 4*answer)
	w.plan.Quiescence = plan.Duration(pick(w.choices, "fault-phase", 20*time.Second, 30*time.Second, 40*time.Second))
}

// do adds an operation at the current time; after the end of the workload it does
// not.
func (w *composer) do(op taskplan.Operation) bool {
	if w.now >= w.plan.Quiescence.D()-lastOperation {
		return false
	}
	op.At, op.Within, op.OwnClient = plan.Duration(w.now), w.within, w.chance("own-client", 25)
	op.ReadBack = op.Do != taskplan.ListTasks && w.chance("read-back", 20)
	if op.Node == "" {
		op.Node = plan.NodeName(1 + w.number("asked", w.plan.Cluster.Nodes))
	}
	w.plan.Workload = append(w.plan.Workload, op)
	return true
}

// wait lets time pass before the next operation.
func (w *composer) wait(what string, steps ...time.Duration) {
	w.now += pick(w.choices, what, steps...)
}

// quiesce ends the plan with a phase that is long enough for everything to end, and for
// P16 to be judged.
func (w *composer) quiesce() {
	w.giveUp()
	slices.SortStableFunc(w.plan.Workload, func(a, b taskplan.Operation) int { return cmp.Compare(a.At, b.At) })
	w.plan.Duration = max(w.plan.Duration, roundUp(w.plan.Quiescence.D()+property.Bound(&w.plan)))
	if w.swarm.members {
		w.plan.Duration += plan.Duration(plan.Settles)
	}
}

// roundUp makes the end of a plan a number of seconds.
func roundUp(d time.Duration) plan.Duration {
	return plan.Duration((d + time.Second - 1).Truncate(time.Second))
}
