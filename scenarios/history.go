package scenarios

import (
	"slices"
	"time"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// history are bugs that systems like this one have had, each as the smallest plan that
// shows it: what went wrong there must go right here. See scenarios/mutation.
func history() []Scenario {
	return []Scenario{
		{
			Name:    "interrupted-callbacks",
			Summary: "callbacks are interrupted before and behind the barrier: that is not taken for a failure, and the task finishes",
			write:   interruptedCallbacks,
		},
		{
			Name:    "panicking-callback",
			Summary: "a swap panics on one node: the task fails, the schema stays",
			write:   panickingCallback,
		},
		{
			Name:    "acks-come-twice",
			Summary: "a node's acks come twice while another node is still at it: they count once, and the task finishes",
			write:   acksComeTwice,
		},
		{
			Name:    "given-up",
			Summary: "a node that prepares leaves for good: an operator gives the task up, and nothing swaps",
			write:   givenUp,
		},
		{
			Name:    "runs-again-at-once",
			Summary: "a task is cancelled and its id runs again beside workers that linger: they are waited for",
			write:   runsAgainAtOnce,
		},
		{
			Name:    "lost-claims",
			Summary: "claims get lost on their way: they are made again, and each unit has its owner",
			write:   lostClaims,
		},
		{
			Name:    "tacit-workers",
			Summary: "workers report the end of their units and nothing before: that report claims the unit",
			write:   tacitWorkers,
		},
		{
			Name:    "cold-start",
			Summary: "all nodes go down at once, with one task over and one at work: when they are back, the first runs nothing again and the second finishes",
			write:   coldStart,
		},
		{
			Name:    "restart-in-the-swap",
			Summary: "a node that has swapped restarts while another has not: it swaps no second time, and the task finishes",
			write:   restartInTheSwap,
		},
		{
			Name:    "stopped-at-the-start",
			Summary: "a node is shut down while its provider starts a task: the worker goes with the node, and the task finishes when both are back",
			write:   stoppedAtTheStart,
		},
		{
			Name:    "slow-last-callback",
			former:  "slow-farewell",
			Summary: "a node's last callback takes longer than the record lives, while another task keeps all nodes listing: nothing of it is left",
			write:   slowLastCallback,
		},
		{
			Name:    "tenants-swap-again",
			Summary: "two tasks swap the same tenants, and fail: the tenants keep what the second has made of them, the schema stays",
			write:   tenantsSwapAgain,
		},
		{
			Name:    "behind-a-snapshot",
			Summary: "a node is given a snapshot, its next answers get lost, and then it is needed: it goes on behind the snapshot",
			write:   behindASnapshot,
		},
		{
			Name:    "late-snapshot",
			Summary: "a snapshot arrives once more when its node has long gone on: it is refused, and the node takes part",
			write:   lateSnapshot,
		},
		{
			Name:    "transfer-out-of-reach",
			Summary: "leadership is to be transferred to a node that does not catch up, twice, and is then lost: the node takes part, and may lead again",
			write:   transferOutOfReach,
		},
	}
}

// fault lets something go wrong from the first operation on, or at a moment after it.
func (d *draft) fault(f plan.Fault) {
	f.At = plan.Duration(settledStart)
	d.plan.Faults = append(d.plan.Faults, f)
}

// other is the name of the i-th node, from 0, or of one before it in a cluster that has
// fewer.
func (d *draft) other(i int) string { return nodeName(i % max(1, d.plan.Cluster.Nodes)) }

// quiesce ends the faults now and leaves the time in which everything has to end.
func (d *draft) quiesce() {
	d.plan.Quiescence = plan.Duration(d.now)
	d.now += property.Bound(&d.plan)
}

// reindex adds a reindex of a new collection.
func (d *draft) reindex(barrier bool) *taskplan.Task {
	c := d.library(articles)
	d.create(c)
	t := d.retokenize(c, "to-trigram", trigram)
	t.Barrier = barrier
	d.add(t)
	d.pass(t, d.perNode(c))
	return t
}

func interruptedCallbacks(d *draft) {
	d.nodes(3, 3, 5)
	for _, callback := range []string{"OnGroupCompleted", "OnSwapRequested"} {
		d.fault(plan.Fault{Kind: taskplan.CallbackCancelled, Op: callback, Count: d.number(callback, 2, 4)})
	}
	t := d.reindex(true)
	d.quiesce()
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce), of(t, taskplan.SwapsOnce))
	d.serves(t.Collection, t.Property, t.Tokenization)
}

func panickingCallback(d *draft) {
	d.nodes(3, 3, 5)
	d.fault(plan.Fault{Kind: taskplan.CallbackPanic, Op: "OnGroupCompleted", Count: 1})
	t := d.reindex(false)
	d.quiesce()
	d.promise(ending(t, "FAILED"))
	d.serves(t.Collection, t.Property, word)
}

func acksComeTwice(d *draft) {
	d.nodes(3, 3, 5)
	d.fault(plan.Fault{
		Kind: plan.CallTwice, Op: taskplan.AnyAck, Node: d.other(0),
		Min: plan.Duration(200 * time.Millisecond), Max: plan.Duration(time.Second),
	})
	d.slow(d.other(1), 4*time.Second, 6*time.Second)
	t := d.reindex(true)
	d.now += settle
	d.quiesce()
	d.happened(t)
}

// slow lets the callbacks of a node take their time.
func (d *draft) slow(node string, lo, hi time.Duration) {
	d.fault(plan.Fault{Kind: taskplan.CallbackSlow, Node: node, Min: plan.Duration(lo), Max: plan.Duration(hi)})
}

func givenUp(d *draft) {
	d.nodes(3, 3, 5)
	gone := d.other(d.number("gone", 1, 2))
	d.fault(plan.Fault{
		Kind: taskplan.CallbackSlow, Node: gone, Op: "OnGroupCompleted", Min: plan.Duration(time.Minute), Max: plan.Duration(time.Minute),
	})
	if d.plan.Cluster.Nodes > 2 {
		d.fault(plan.Fault{Kind: plan.Leave, Node: gone, When: &plan.Trigger{Moment: taskplan.Prepare, Node: gone}})
	}
	t := d.reindex(true)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.FailTask, Node: nodeName(0), Namespace: string(t.Kind), TaskID: t.ID, Retry: 3}))
	d.wait("after", settle, 2*settle)
	d.quiesce()
	d.promise(ending(t, "FAILED"), of(t, taskplan.NoSwap))
}

func runsAgainAtOnce(d *draft) {
	d.nodes(3, 3, 5)
	// Longer than a provider that removes local state waits for them.
	d.fault(plan.Fault{Kind: taskplan.WorkerLinger, Min: plan.Duration(12 * time.Second), Max: plan.Duration(15 * time.Second)})
	first := &taskplan.Task{
		Kind: taskplan.Cleanup, ID: "clean-files", Files: 4 * d.plan.Cluster.Nodes,
		MinUnitTime: plan.Duration(6 * time.Second), MaxUnitTime: plan.Duration(9 * time.Second), Parallel: 1,
	}
	d.add(first)
	d.wait("before-cancel", 2*time.Second, 4*time.Second)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.CancelTask, Namespace: string(first.Kind), TaskID: first.ID}))
	d.wait("before-rerun", time.Second, 2*time.Second)
	second := *first
	second.MinUnitTime, second.MaxUnitTime = plan.Duration(time.Second), plan.Duration(2*time.Second)
	d.add(&second)
	d.pass(&second, second.Files)
	d.quiesce()
	d.promise(inRun(1, ending(first, "CANCELLED")), inRun(2, ending(&second, "FINISHED")), inRun(2, of(&second, taskplan.UnitsOnce)))
}

func lostClaims(d *draft) {
	d.nodes(3, 3, 5)
	d.fault(plan.Fault{Kind: plan.CallError, Op: "update-progress", Count: d.number("lost", 3, 6)})
	d.fault(plan.Fault{Kind: plan.ReplyError, Op: "update-progress", Count: d.number("unanswered", 1, 3)})
	t := d.reindex(true)
	d.now += settle
	d.quiesce()
	d.happened(t)
}

func tacitWorkers(d *draft) {
	d.nodes(3, 3, 5)
	c := d.library(articles)
	d.create(c)
	t := d.retokenize(c, "to-trigram", trigram)
	t.Tacit = true
	d.add(t)
	d.happened(t)
	d.pass(t, d.perNode(c))
}

func coldStart(d *draft) {
	d.nodes(3, 3, 5)
	c := d.library(articles)
	d.create(c)
	first := d.retokenize(c, "to-trigram", trigram)
	d.add(first)
	d.pass(first, d.perNode(c))
	second := d.retokenize(c, "to-field", field)
	second.Barrier = true
	d.add(second)
	d.wait("at-work", time.Second, 3*time.Second)
	// One comes back long before there can be a leader.
	down := func(back time.Duration, nodes ...string) {
		d.plan.Faults = append(d.plan.Faults, plan.Fault{Kind: plan.Crash, At: plan.Duration(d.now), Nodes: nodes, For: plan.Duration(back)})
	}
	early := d.other(d.number("early", 0, 4))
	down(2*time.Second, early)
	others := slices.DeleteFunc(d.plan.Cluster.NodeNames(), func(name string) bool { return name == early })
	if len(others) > 0 {
		down(d.duration("others", 15*time.Second, 25*time.Second), others...)
	}
	d.now += 25 * time.Second
	d.pass(second, d.perNode(c))
	d.quiesce()
	d.promise(ending(first, "FINISHED"), of(first, taskplan.CallbacksOnce))
	d.promise(ending(second, "FINISHED"), of(second, taskplan.UnitsOnce), of(second, taskplan.SwapsOnce))
	d.serves(c.Name, title, field)
}

func restartInTheSwap(d *draft) {
	d.nodes(3)
	d.slow(d.other(1), 8*time.Second, 10*time.Second)
	swapped := d.other(0)
	d.fault(plan.Fault{
		Kind: plan.Crash, Nodes: []string{swapped}, For: plan.Duration(time.Second),
		// Both that are not slow have acknowledged.
		When: &plan.Trigger{Moment: taskplan.PostAckApplied, Node: swapped, Nth: 2},
	})
	t := d.reindex(true)
	d.now += settle
	d.quiesce()
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce), of(t, taskplan.SwapsOnce))
	d.serves(t.Collection, t.Property, t.Tokenization)
}

func stoppedAtTheStart(d *draft) {
	d.nodes(3, 3, 5)
	// The start waits for a write.
	d.plan.Cluster.Disk.SyncLatency = plan.Duration(d.duration("sync", 5*time.Millisecond, 20*time.Millisecond))
	d.fault(plan.Fault{
		Kind: plan.Shutdown, Node: plan.Here, For: plan.Duration(d.duration("down", time.Second, 4*time.Second)),
		When: &plan.Trigger{Moment: taskplan.StartTask},
	})
	t := d.reindex(d.number("barrier", 0, 1) == 1)
	d.now += settle
	d.quiesce()
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce), of(t, taskplan.SwapsOnce))
	d.serves(t.Collection, t.Property, t.Tokenization)
}

func slowLastCallback(d *draft) {
	d.nodes(3)
	d.plan.SchedulerTick = plan.Duration(time.Second)
	d.plan.CompletedTaskTTL = plan.Duration(2 * time.Second)
	// A list is always under way.
	d.plan.Cluster.Network.MinLatency, d.plan.Cluster.Network.MaxLatency = plan.Duration(30*time.Millisecond), plan.Duration(40*time.Millisecond)
	files := &taskplan.Task{
		Kind: taskplan.Cleanup, ID: "clean-files", Files: 150, Parallel: 2,
		MinUnitTime: plan.Duration(400 * time.Millisecond), MaxUnitTime: plan.Duration(600 * time.Millisecond),
	}
	d.add(files)
	c := &taskplan.Collection{Name: articles, Properties: map[string]string{title: word}, Shards: []string{"s1"}, Replicas: 1}
	d.create(c)
	t := &taskplan.Task{Kind: taskplan.Repair, ID: "rebuild", Collection: c.Name, MinUnitTime: plan.Duration(time.Second), Parallel: 1}
	// Who owns nothing holds nothing, and forgets the task when the callback ends.
	d.fault(plan.Fault{
		Kind: taskplan.CallbackSlow, Node: d.other(2), Op: "OnTaskCompleted", About: taskplan.About(string(t.Kind), t.ID),
		Min: plan.Duration(9 * time.Second), Max: plan.Duration(12 * time.Second),
	})
	d.add(t)
	d.promise(ending(files, "FINISHED"), ending(t, "FINISHED"), of(t, taskplan.RecordGone))
	d.now += settle
	d.quiesce()
}

func tenantsSwapAgain(d *draft) {
	d.nodes(3, 3, 4)
	c := d.hotel()
	d.create(c)
	bad := d.number("bad-tenant", 0, len(c.Tenants)-1)
	for i, to := range []string{trigram, field} {
		t := d.perTenant(c)
		t.ID, t.Tokenization = "tenants-to-"+to, to
		// The bad unit takes ten times as long, so the other tenants have swapped.
		t.SlowUnits = []string{d.unit(c, bad, 0)}
		t.FailUnits = t.SlowUnits
		d.add(t)
		d.promise(ending(t, "FAILED"), of(t, taskplan.GroupsEarly))
		d.pass(t, d.perNode(c))
		if i == 0 {
			d.now += settle
		}
	}
	d.promise(taskplan.Promise{Expect: taskplan.SchemaIs, Collection: c.Name, Property: title, Tokenization: word})
	for i, tenant := range c.Tenants {
		serves := field
		if i == bad {
			serves = word
		}
		d.promise(taskplan.Promise{Expect: taskplan.ShardsAre, Collection: c.Name, Tenant: tenant, Property: title, Tokenization: serves})
	}
}

// behindASnapshot: the log of the last node goes on behind the snapshot without holding its
// end, and the leader, which does not know that, begins there again.
func behindASnapshot(d *draft) {
	d.nodes(3)
	// A later snapshot would help, if there were one.
	d.plan.Cluster.Raft.SnapshotThreshold = 1024
	leader, away := d.other(0), d.other(2)
	d.create(d.library(articles))
	d.fault(plan.Fault{Kind: plan.Transfer, Node: leader})
	at := d.now + time.Second
	d.plan.Faults = append(d.plan.Faults, plan.Fault{
		Kind: plan.ForceSnapshot, At: plan.Duration(at), For: plan.Duration(d.duration("away", 5*time.Second, 8*time.Second)), Node: away,
	})
	installed := plan.Trigger{Moment: plan.SnapshotInstalled, Node: away}
	d.fault(plan.Fault{
		Kind: plan.Loss, Op: "append-reply", Node: away, When: &installed, For: plan.Duration(d.duration("lost", 6*time.Second, 9*time.Second)),
	})
	if d.plan.Cluster.Nodes > 2 {
		// The two that are left are the majority: each of them is needed.
		d.fault(plan.Fault{Kind: plan.Leave, Node: d.other(1), When: &installed})
	}
	d.now = at + 30*time.Second
	d.quiesce()
	d.wait("after", time.Second, 2*time.Second)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks, Node: away}))
}

// lateSnapshot: raft installs whatever its leader has sent. What lies behind the snapshot by
// then are entries of raft's own, which no state machine receives, and the log does not
// hold them any more.
func lateSnapshot(d *draft) {
	d.nodes(3)
	leader, away, beside := d.other(0), d.other(2), d.other(1)
	d.create(d.library(articles))
	// No scheduler lists, so that there are no commands.
	d.plan.SchedulerTick = plan.Duration(time.Minute)
	d.plan.Cluster.Raft.SnapshotThreshold = 1024
	d.fault(plan.Fault{Kind: plan.Transfer, Node: leader})
	at := d.now + time.Second
	force := func(node string, length time.Duration) {
		d.plan.Faults = append(d.plan.Faults, plan.Fault{Kind: plan.ForceSnapshot, At: plan.Duration(at), For: plan.Duration(length), Node: node})
		at += length
	}
	force(away, d.duration("away", 3*time.Second, 5*time.Second))
	late := d.duration("late", 14*time.Second, 16*time.Second)
	d.fault(plan.Fault{Kind: plan.Duplicate, Op: "snapshot", Peer: away, Min: plan.Duration(late), Max: plan.Duration(late), Count: 1})
	at += 4 * time.Second // it is installed by then
	if beside != leader {
		// Two entries that are not in the snapshots taken at once, and the one that is taken
		// then holds both.
		force(beside, 500*time.Millisecond)
		at -= 500 * time.Millisecond
		force(beside, 500*time.Millisecond)
		at += time.Second
		force(beside, 500*time.Millisecond)
	}
	d.now = at + late
	d.quiesce()
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks, Node: away}))
}

// transferOutOfReach: raft's second transfer would wait for ever behind the first, and the
// node that led refuse whatever it is asked when it leads again.
func transferOutOfReach(d *draft) {
	d.nodes(3)
	leader, away := d.other(0), d.other(2)
	d.fault(plan.Fault{Kind: plan.Transfer, Node: leader})
	since := d.now + time.Second
	// Heartbeats arrive, so that the node stays a follower.
	d.plan.Faults = append(d.plan.Faults, plan.Fault{
		Kind: plan.Loss, Op: "append", Node: leader, Peer: away, At: plan.Duration(since), For: plan.Duration(23 * time.Second),
	})
	d.now = since + time.Second
	d.create(d.library(articles))
	// From 16 s to 25 s raft waits before it tries again, and looks at no request.
	d.now = since + d.duration("transfer", 17*time.Second, 20*time.Second)
	again := d.plan.Cluster.Raft.ElectionTimeout.D() + 100*time.Millisecond // the first has ended
	for _, at := range []time.Duration{d.now, d.now + again} {
		d.plan.Faults = append(d.plan.Faults, plan.Fault{Kind: plan.Transfer, At: plan.Duration(at), Node: away})
	}
	d.now += again + 200*time.Millisecond
	d.plan.Faults = append(d.plan.Faults, plan.Fault{
		Kind: plan.Partition, Nodes: []string{leader}, At: plan.Duration(d.now), For: plan.Duration(d.duration("cut-off", 2*time.Second, 3*time.Second)),
	})
	d.now += 20 * time.Second
	d.plan.Faults = append(d.plan.Faults, plan.Fault{Kind: plan.Transfer, At: plan.Duration(d.now), Node: leader})
	d.now += time.Second
	d.quiesce()
	d.wait("after", time.Second, 2*time.Second)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks, Node: leader}))
}
