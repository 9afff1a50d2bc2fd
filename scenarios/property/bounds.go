package property

import (
	"math/bits"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// bounds are how long things may take at most, in virtual time, after quiescence
// while no node is down that owes something (P16). They follow from the plan: nothing in
// them is a matter of taste but the ends of sums that are rounded up.
type bounds struct {
	// cluster is the time, from quiescence or the start of a node on, until there is a
	// leader that all nodes follow and no call is under way any more that began before.
	// The others count from then on.
	cluster time.Duration
	// reaction is until a scheduler has acted on what stands in the log.
	reaction time.Duration
	// tasks is until a task that is active has ended.
	tasks time.Duration
	// callbacks is, from the end of a task on, until all its callbacks have run on a node
	// and what it holds is settled; from the end of its record on, until it is removed.
	callbacks time.Duration
	// records is, from the end of its time to live on, until a record is gone.
	records time.Duration
}

const (
	// phases of a task wait for one another: the claim is seen, the last unit, the
	// preparation, the swap, the flip, the end.
	taskPhases = 6
	// callPatience is how long a call goes on that began before quiescence: an attempt, and
	// the pause before the next one.
	callPatience = 3 * time.Second
	// raftPatience is the longest that a leader waits before it tries a follower again
	// that it could not reach (hashicorp/raft doubles 10 ms ten times).
	raftPatience = 10240 * time.Millisecond
	// installs is how many timeouts of a call the installation of a snapshot may take.
	installs = 10
	// moment is what is not worth counting: a few steps of a computation, deliveries of
	// one instant.
	moment = 100 * time.Millisecond
)

// Bound returns how long the quiescent phase of a plan must be for every task to be judged:
// it is terminal and its callbacks have run; and its record is gone, and all that nodes
// hold of it, if the time to live is at most [shortLife]. A run that ends earlier is not
// judged for P16 where it was too short, which its counters show.
func Bound(p *taskplan.Plan) time.Duration {
	ends, rest := Bounds(p)
	return ends + rest
}

// Bounds returns the two parts of [Bound]: how long it takes until every task has ended
// that can end by itself, and what follows the end of a task.
func Bounds(p *taskplan.Plan) (ends, rest time.Duration) {
	b := boundsOf(p)
	rest = b.callbacks
	if ttl := p.CompletedTaskTTL.D(); ttl <= shortLife {
		rest = max(rest, ttl+b.records+b.callbacks)
	}
	return b.cluster + b.tasks, rest
}

// shortLife is the longest time to live that a run waits for.
const shortLife = time.Minute

func boundsOf(p *taskplan.Plan) bounds {
	c := &p.Cluster
	tick, latency, sync := p.SchedulerTick.D(), c.Network.MaxLatency.D(), c.Disk.SyncLatency.D()
	lasting, work := lasting(p), longestWork(p)

	// A leader is missed after twice the heartbeat timeout, and of two elections that
	// take their longest one succeeds. A snapshot that was on its way is given up, and
	// then the leader waits before it tries again.
	cluster := 2*c.Raft.HeartbeatTimeout.D() + 4*c.Raft.ElectionTimeout.D() + callPatience
	if len(p.Faults) > 0 {
		cluster = max(cluster, installs*c.Network.CallTimeout.D()+raftPatience)
	}
	// A node learns of a change when the leader sends it the commit index, lists, acts on
	// its disk, and proposes a command.
	step := 2*(2*c.Raft.CommitTimeout.D()+submission(c)) + time.Duration(work.called)*writes*sync + moment

	var b bounds
	b.cluster = cluster + 10*latency
	// What failed before is tried again by the next pass, which may be the second one
	// from here: the first may have begun already.
	b.reaction = 2*tick + step + lasting
	b.callbacks = b.reaction + 2*step
	// An earlier run may have to be settled first, and then a pass notices it.
	b.tasks = b.callbacks + tick + work.time + time.Duration(work.restarts)*(tick+step) + taskPhases*step
	// A record that is due to the millisecond is too fresh for the log.
	b.records = 2*tick + step
	return b
}

// writes is how many writes to the disk the work on a unit, or a callback about it,
// waits for: one for the run, two for the shard, and two more if the one before has failed
// there, one for the mark that it is done.
const writes = 6

// submission is how long it takes to get a command into the log, from any node.
func submission(c *plan.Cluster) time.Duration {
	return 4*c.Network.MaxLatency.D() + 2*c.Disk.SyncLatency.D() + moment/10
}

// lasting is for how long what a fault has begun goes on after quiescence. Calls that
// were to be made later are not made then, and a message that is late or comes again
// delays no call for longer than its timeout.
func lasting(p *taskplan.Plan) time.Duration {
	var longest time.Duration
	for i := range p.Faults {
		switch f := &p.Faults[i]; f.Kind {
		case taskplan.CallbackSlow, taskplan.WorkerLinger, plan.CallDelay:
			longest = max(longest, f.Min.D(), f.Max.D())
		}
	}
	return longest
}

// workload is what the longest task of a plan takes.
type workload struct {
	// time is that of the units of one node, from the beginning; of all of them, where any
	// node may take any.
	time time.Duration
	// called is how many units of a node callbacks are about, restarts how often nodes
	// have to begin again because they compete.
	called, restarts int
}

// longestWork is the most that a task of the plan has of each.
func longestWork(p *taskplan.Plan) workload {
	var longest workload
	work := func(t *taskplan.Task, c *taskplan.Collection) {
		units, most := taskplan.UnitsOf(t, c, p.Cluster.Nodes), 0
		on := make(map[string]int)
		for _, u := range units {
			on[u.Node]++ // all on "" where any node may take any
			most = max(most, on[u.Node])
		}
		// A unit is claimed, reports its progress three times, is written and reported.
		one := max(t.MinUnitTime.D(), t.MaxUnitTime.D()) + 5*submission(&p.Cluster) + writes*p.Cluster.Disk.SyncLatency.D() + moment
		rounds := (most + t.Parallel - 1) / max(1, t.Parallel)
		longest.time = max(longest.time, time.Duration(rounds+9*len(t.SlowUnits))*one)
		if t.Kind == taskplan.Cleanup {
			// Who meets a unit of another node begins again, with a part of what is left.
			longest.restarts = max(longest.restarts, 1+bits.Len(uint(len(units))))
		} else {
			longest.called = max(longest.called, most)
		}
	}
	for i, op := range p.Workload {
		if op.Do == taskplan.AddTask {
			work(op.Task, p.CollectionAt(i, op.Task.Collection))
		}
	}
	for i := range p.Faults {
		if op := p.Does(i); op != nil && op.Do == taskplan.AddTask {
			work(op.Task, p.CollectionAt(len(p.Workload), op.Task.Collection))
		}
	}
	return longest
}

// bounds are those of the plan of the run.
func (l *ledger) bounds() *bounds {
	if l.limits == nil {
		b := boundsOf(l.plan)
		l.limits = &b
	}
	return l.limits
}
