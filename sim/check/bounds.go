package check

import (
	"time"

	"dtsim/sim/plan"
)

// bounds are how long things may take at most, in virtual time, while the run is calm
// and no node is down that owes something (P16). They follow from the plan.
type bounds struct {
	// cluster is until there is a leader that everybody follows: one round of elections
	// at its longest, five after faults, and calls that began before the calm.
	cluster time.Duration
	// reaction is until a scheduler has acted on what stands in the log.
	reaction time.Duration
	// callbacks is until all callbacks of a task that has ended have run on a node, and
	// what it holds is settled.
	callbacks time.Duration
	// tasks is until a task that is active has ended.
	tasks time.Duration
	// records is until the record of a task that has ended, and local state, are gone.
	records time.Duration
}

const (
	// waits are the actions of a task that wait for one another at the most: start, two
	// callbacks with their acks, finish.
	waits = 6
	// callPatience is how long a call hangs that began before the calm.
	callPatience = 3 * time.Second
	// unitOverhead is what a unit takes besides its work: claim, disk, report.
	unitOverhead = 300 * time.Millisecond
)

// Bound returns how long the calm phase of a plan must be, from the last fault or
// operation on, for every task to be judged: it is terminal and its callbacks have run;
// and its record is gone, if the time to live is at most [shortLife]. A run that ends
// earlier is not judged for P16 where it was too short.
func Bound(p *plan.Plan) time.Duration {
	b := boundsOf(p)
	bound := b.tasks + b.callbacks
	if p.Cluster.CompletedTaskTTL.D() <= shortLife {
		bound = max(bound, b.tasks+b.records)
	}
	return bound
}

// shortLife is the longest time to live that a run waits for.
const shortLife = time.Minute

func boundsOf(p *plan.Plan) bounds {
	c := &p.Cluster
	round := c.SchedulerTick.D() + time.Second
	lasting, skew := effects(p)
	elections := 5
	if len(p.Faults) == 0 {
		elections = 1
	}
	var b bounds
	b.cluster = time.Duration(elections)*(c.Raft.HeartbeatTimeout.D()+c.Raft.ElectionTimeout.D()) + callPatience + 10*c.Network.MaxLatency.D()
	b.reaction = b.cluster + 2*round
	b.callbacks = b.cluster + 4*round + lasting
	b.tasks = b.cluster + waits*round + lasting + longestWork(p, round)
	b.records = c.CompletedTaskTTL.D() + skew + b.cluster + 3*round + lasting
	return b
}

// effects are for how long what a fault has begun may go on in the calm, and how far
// apart two clocks may have been.
func effects(p *plan.Plan) (lasting, skew time.Duration) {
	for i := range p.Faults {
		switch f := &p.Faults[i]; f.Kind {
		case plan.CallbackSlow, plan.WorkerLinger, plan.AckDelay, plan.CallLate, plan.CallTwice, plan.AckDuplicate, plan.LateDuplicate, plan.Delay:
			lasting = max(lasting, f.Min.D(), f.Max.D())
		case plan.ClockOffset, plan.ClockJump:
			skew += f.By.D().Abs()
		case plan.ClockDrift:
			skew += time.Duration(max(f.Drift, -f.Drift)) * (p.Calm.D() / 1_000_000)
		}
	}
	return lasting, 2 * skew
}

// longestWork is how long the units of the longest task of the plan take, from the
// beginning and with all of them on one node.
func longestWork(p *plan.Plan, round time.Duration) time.Duration {
	var longest time.Duration
	work := func(t *plan.Task, c *plan.Collection) {
		units := plan.UnitsOf(t, c, p.Cluster.Nodes)
		one := max(t.MinUnitTime.D(), t.MaxUnitTime.D()) + unitOverhead
		n := (len(units) + t.Parallel - 1) / max(1, t.Parallel)
		took := time.Duration(n+1)*one + time.Duration(9*len(t.SlowUnits))*one
		if t.Kind == plan.Cleanup {
			took += waits * round // nodes compete for units, and begin again
		}
		longest = max(longest, took)
	}
	for i, op := range p.Workload {
		if op.Do == plan.AddTask {
			work(op.Task, p.CollectionAt(i, op.Task.Collection))
		}
	}
	for _, f := range p.Faults {
		if f.Do != nil && f.Do.Do == plan.AddTask {
			work(f.Do.Task, p.CollectionAt(len(p.Workload), f.Do.Task.Collection))
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
