package tried

import (
	"math"
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

const (
	ms   = time.Millisecond
	ever = time.Duration(math.MaxInt64)
)

// options is the table of all options.
var options = slices.Concat(clusterOptions, systemOptions, workOptions, troubleOptions)

var clusterOptions = []option{
	ranged("nodes", once(func(p *taskplan.Plan) int { return p.Cluster.Nodes }),
		class[int]{1, "1"}, class[int]{2, "2"}, class[int]{3, "3"}, class[int]{4, "4"}, class[int]{5, "5"}, class[int]{plan.MaxNodes, "more"}),
	ranged("raft.ElectionTimeout", ofRaft(func(r *plan.Raft) time.Duration { return r.ElectionTimeout.D() }),
		class[time.Duration]{500 * ms, "to 0.5 s"}, class[time.Duration]{time.Second, "to 1 s (the default)"}, class[time.Duration]{ever, "longer"}),
	ranged("raft.HeartbeatTimeout, of ElectionTimeout", ofRaft(func(r *plan.Raft) int { return percent(r.HeartbeatTimeout, r.ElectionTimeout) }),
		class[int]{99, "shorter"}, class[int]{math.MaxInt, "as long"}),
	ranged("raft.LeaderLeaseTimeout, of HeartbeatTimeout", ofRaft(func(r *plan.Raft) int { return percent(r.LeaderLeaseTimeout, r.HeartbeatTimeout) }),
		class[int]{49, "less than half"}, class[int]{99, "half or more"}, class[int]{math.MaxInt, "as long"}),
	ranged("raft.CommitTimeout", ofRaft(func(r *plan.Raft) time.Duration { return r.CommitTimeout.D() }),
		class[time.Duration]{50 * ms, "to 50 ms (the default)"}, class[time.Duration]{ever, "longer"}),
	ranged("raft.SnapshotInterval", ofRaft(func(r *plan.Raft) time.Duration { return r.SnapshotInterval.D() }),
		class[time.Duration]{3 * time.Second, "to 3 s"}, class[time.Duration]{10 * time.Second, "to 10 s"}, class[time.Duration]{ever, "longer"}),
	ranged("raft.SnapshotThreshold", ofRaft(func(r *plan.Raft) uint64 { return r.SnapshotThreshold }),
		class[uint64]{2, "1 or 2"}, class[uint64]{8, "to 8"}, class[uint64]{64, "to 64"}, class[uint64]{math.MaxUint64, "more"}),
	ranged("raft.TrailingLogs", ofRaft(func(r *plan.Raft) uint64 { return r.TrailingLogs }),
		class[uint64]{0, "0"}, class[uint64]{1, "1"}, class[uint64]{8, "to 8"}, class[uint64]{math.MaxUint64, "more"}),
	ranged("raft.MaxAppendEntries", ofRaft(func(r *plan.Raft) int { return r.MaxAppendEntries }),
		class[int]{0, "the default"}, class[int]{1, "1"}, class[int]{8, "to 8"}, class[int]{math.MaxInt, "more"}),
	switched("raft.BatchApplyCh", ofRaft(func(r *plan.Raft) bool { return r.BatchApply })),
	switched("raft.PreVoteDisabled", ofRaft(func(r *plan.Raft) bool { return r.NoPreVote })),
	switched("heartbeats wait for the main loop", ofRaft(func(r *plan.Raft) bool { return r.QueueHeartbeats })),
	ranged("latency", once(func(p *taskplan.Plan) time.Duration { return p.Cluster.Network.MaxLatency.D() }),
		class[time.Duration]{ms, "to 1 ms"}, class[time.Duration]{10 * ms, "to 10 ms"}, class[time.Duration]{40 * ms, "to 40 ms"}, class[time.Duration]{ever, "longer"}),
	ranged("sync latency of disks", once(func(p *taskplan.Plan) time.Duration { return p.Cluster.Disk.SyncLatency.D() }),
		class[time.Duration]{0, "0"}, class[time.Duration]{ms, "to 1 ms"}, class[time.Duration]{10 * ms, "to 10 ms"}, class[time.Duration]{ever, "longer"}),
	named("stalls", once(stallsOf), "none", string(plan.StallRandom), string(plan.StallPCT), string(plan.StallDirected), "listed"),
}

// percent returns a time as percents of another.
func percent(of, whole plan.Duration) int {
	if whole == 0 {
		return 0
	}
	return int(of * 100 / whole)
}

func stallsOf(p *taskplan.Plan) string {
	switch s := p.Stalls; {
	case s == nil:
		return "none"
	case s.Strategy != "":
		return string(s.Strategy)
	}
	return "listed"
}

// fixed returns an option that no plan can set: it always has the first class.
func fixed(name string, classes ...string) option {
	return named(name, once(func(*taskplan.Plan) string { return classes[0] }), classes...)
}

// systemOptions are those of fsm.ManagerParameters, replica.Config, replica.ClientConfig and
// sched.SchedulerParams.
var systemOptions = []option{
	ranged("sched.TickInterval", once(func(p *taskplan.Plan) time.Duration { return p.SchedulerTick.D() }),
		class[time.Duration]{time.Second, "to 1 s"}, class[time.Duration]{5 * time.Second, "to 5 s"}, class[time.Duration]{time.Minute - 1, "less than the default"},
		class[time.Duration]{time.Minute, "the default"}, class[time.Duration]{ever, "longer"}),
	ranged("CompletedTaskTTL", once(func(p *taskplan.Plan) time.Duration { return p.CompletedTaskTTL.D() }),
		class[time.Duration]{0, "0"}, class[time.Duration]{5 * time.Second, "to 5 s"}, class[time.Duration]{time.Minute, "to 1 m"}, class[time.Duration]{ever, "longer than most runs"}),
	ranged("replica.ClientConfig.AttemptTimeout", once(func(p *taskplan.Plan) time.Duration { return p.AttemptTimeout.D() }),
		class[time.Duration]{0, "the default"}, class[time.Duration]{100 * ms, "to 0.1 s"}, class[time.Duration]{time.Second, "to 1 s"}, class[time.Duration]{ever, "longer"}),
	fixed("replica.ClientConfig.MinBackoff and MaxBackoff", "the defaults", "as long as an election"),
	ranged("deadline of a caller", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (time.Duration, bool) { return o.Within.D(), true }),
		class[time.Duration]{0, "20 s"}, class[time.Duration]{100 * ms, "to 0.1 s"}, class[time.Duration]{500 * ms, "shorter than an election"}, class[time.Duration]{ever, "longer"}),
	fixed("sched.SchedulerParams without AckRecorder, TaskCleaner or TaskFinalizer", "all are there", "one is missing"),
	ranged("replica.Config.MaxSessions", once(func(p *taskplan.Plan) int { return p.MaxSessions }),
		class[int]{0, "the default"}, class[int]{3, "to 3"}, class[int]{6, "to 6"}, class[int]{math.MaxInt, "more"}),
	switched("a client of its own for an operation", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (bool, bool) { return o.OwnClient, true })),
	switched("lists while an operation is under way, and right behind it", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (bool, bool) {
		return o.ReadBack, o.Do != taskplan.ListTasks
	})),
	fixed("fsm.ManagerParameters.ConflictDetectors", "those of the providers", "none"),
}

var workOptions = []option{
	named("operation", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (taskplan.Action, bool) { return o.Do, true }),
		taskplan.AddTask, taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask, taskplan.CreateCollection, taskplan.DropCollection,
		taskplan.UpdateProperty, taskplan.AddTenants, taskplan.FreezeTenants, taskplan.ThawTenants, taskplan.DeleteTenants, taskplan.SendStray, taskplan.ListTasks),
	ranged("repetitions of an operation in doubt", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (int, bool) { return o.Retry, true }),
		class[int]{0, "none"}, class[int]{1, "1"}, class[int]{math.MaxInt, "more"}),
	ranged("operations at the same time", sameTime, class[int]{1, "1"}, class[int]{2, "2"}, class[int]{math.MaxInt, "more"}),
	named("kind of a task", ofTasks(func(t *taskplan.Task) taskplan.Kind { return t.Kind }), taskplan.Kinds()...),
	names("id of a task", ofTasks(func(t *taskplan.Task) string { return t.ID })),
	ranged("units of a clean-up", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (int, bool) {
		if o.Task == nil || o.Task.Kind != taskplan.Cleanup {
			return 0, false
		}
		return o.Task.Files, true
	}), class[int]{1, "1"}, class[int]{10, "to 10"}, class[int]{100, "to 100"}, class[int]{math.MaxInt, "more"}),
	switched("preparation barrier", ofReindexes(func(t *taskplan.Task) bool { return t.Barrier })),
	switched("a group for each tenant", ofReindexes(func(t *taskplan.Task) bool { return t.PerTenant })),
	switched("units that end without a progress before", ofTasks(func(t *taskplan.Task) bool { return t.Tacit })),
	ranged("units at once on a node", ofTasks(func(t *taskplan.Task) int { return t.Parallel }),
		class[int]{1, "1"}, class[int]{3, "2 or 3"}, class[int]{math.MaxInt, "more"}),
	ranged("time of a unit", ofTasks(func(t *taskplan.Task) time.Duration { return t.MinUnitTime.D() }),
		class[time.Duration]{0, "0"}, class[time.Duration]{500 * ms, "to 0.5 s"}, class[time.Duration]{2 * time.Second, "to 2 s"}, class[time.Duration]{ever, "longer"}),
	switched("units of different lengths", ofTasks(func(t *taskplan.Task) bool { return t.MaxUnitTime > 0 })),
	switched("slow units", ofTasks(func(t *taskplan.Task) bool { return len(t.SlowUnits) > 0 })),
	ranged("units that fail", ofTasks(func(t *taskplan.Task) int { return len(t.FailUnits) }),
		class[int]{0, "none"}, class[int]{1, "1"}, class[int]{math.MaxInt, "more"}),
	named("flaw of a submission", ofTasks(func(t *taskplan.Task) taskplan.Flaw {
		if t.Flaw == "" {
			return "none"
		}
		return t.Flaw
	}), append([]taskplan.Flaw{"none"}, taskplan.Flaws(taskplan.Reindex)...)...),
	names("name of a collection", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (string, bool) {
		switch {
		case o.Collection != nil:
			return o.Collection.Name, true
		case o.Task != nil:
			return o.Task.Collection, o.Task.Collection != ""
		}
		return o.Target, o.Target != ""
	})),
	ranged("properties of a collection", ofCollections(func(c *taskplan.Collection) int { return len(c.Properties) }),
		class[int]{0, "none"}, class[int]{1, "1"}, class[int]{math.MaxInt, "more"}),
	ranged("shards of a collection", ofCollections(func(c *taskplan.Collection) int { return len(c.Shards) + len(c.Tenants) }),
		class[int]{0, "none"}, class[int]{1, "1"}, class[int]{3, "2 or 3"}, class[int]{math.MaxInt, "more"}),
	ranged("replicas of a shard", ofCollections(func(c *taskplan.Collection) int { return c.Replicas }),
		class[int]{1, "1"}, class[int]{2, "2"}, class[int]{3, "3"}, class[int]{math.MaxInt, "more"}),
	switched("tenants", ofCollections(func(c *taskplan.Collection) bool { return len(c.Tenants) > 0 })),
	ranged("tenants of an operation", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (int, bool) {
		return len(o.Tenants), slices.Contains([]taskplan.Action{taskplan.AddTenants, taskplan.FreezeTenants, taskplan.ThawTenants, taskplan.DeleteTenants}, o.Do)
	}), class[int]{1, "1"}, class[int]{math.MaxInt, "more"}),
	switched("tokenization is what the collection was created with", ofReindexes(func(t *taskplan.Task) bool { return t.Tokenization == "word" })),
	named("stray command", ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (taskplan.Stray, bool) { return o.Stray, o.Stray != "" }), taskplan.Strays()...),
}

// sameTime returns how many operations begin at each time at which one does.
func sameTime(p *taskplan.Plan) []int {
	var all []int
	for i, o := range p.Workload {
		if i > 0 && p.Workload[i-1].At == o.At {
			all[len(all)-1]++
		} else {
			all = append(all, 1)
		}
	}
	return all
}

var troubleOptions = []option{
	named("fault", ofFaults(func(f *plan.Fault) (plan.FaultKind, bool) { return f.Kind, true }), taskplan.FaultKinds()...),
	named("moment of a fault", ofFaults(func(f *plan.Fault) (plan.Moment, bool) {
		if f.When == nil {
			return "", false
		}
		return f.When.Moment, true
	}), taskplan.Moments()...),
	switched("a snapshot of a newer version", once(func(p *taskplan.Plan) bool { return p.Inherited != nil })),
	named("operator's fault", func(p *taskplan.Plan) []taskplan.Action {
		var all []taskplan.Action
		for i := range p.Faults {
			if do := p.Does(i); do != nil {
				all = append(all, do.Do)
			}
		}
		return all
	}, taskplan.AddTask, taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask, taskplan.UpdateProperty, taskplan.DropCollection,
		taskplan.DeleteTenants, taskplan.ListTasks),
}

// ofFaults is what the faults of a plan have.
func ofFaults[V any](f func(*plan.Fault) (V, bool)) func(*taskplan.Plan) []V {
	return func(p *taskplan.Plan) []V {
		var all []V
		for i := range p.Faults {
			if v, has := f(&p.Faults[i]); has {
				all = append(all, v)
			}
		}
		return all
	}
}
