package scenarios

import (
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// mostFaults is how many faults a plan has at most.
const mostFaults = 10

// swarm is what a plan has switched on: a random subset of the kinds, each with its
// own rate. A plan in which everything goes wrong a little finds less than one in
// which few things go wrong a lot.
type swarm struct {
	kinds []plan.FaultKind
	rates map[plan.FaultKind]uint64
	// quiet is a spell without faults; both are zero when there is none.
	quietFrom, quietTo time.Duration
	// departures allows nodes to leave for good; left is how many more may.
	departures bool
	left       int
	// members is set if the plan changes the configuration and changes it back.
	members bool
	// restores is set if a user replaces the state of a leader, which may have to be removed.
	restores bool
}

// faults chooses what goes wrong.
func (w *composer) faults() {
	s := &w.swarm
	s.left = (w.plan.Cluster.Nodes - 1) / 2
	s.rates = make(map[plan.FaultKind]uint64)
	many := w.number("faults", mostFaults+1)
	if many == 0 {
		return
	}
	if w.chance("quiet-spell", 15) {
		s.quietFrom, s.quietTo = w.plan.Quiescence.D()/3, w.plan.Quiescence.D()*2/3
	}
	for _, kind := range w.family.kinds {
		if w.chance("on", 45) && !slices.Contains(s.kinds, kind) {
			s.kinds = append(s.kinds, kind)
			s.rates[kind] = pick[uint64](w.choices, "rate", 0, 20_000, 100_000, 300_000)
		}
	}
	if len(s.kinds) == 0 {
		s.kinds = w.family.kinds[:1]
	}
	if w.chance("slow-callbacks", 35) {
		// Phases of no length are hard to hit.
		w.plan.Faults = append(w.plan.Faults, w.slowness())
	}
	for range many {
		if f, ok := w.fault(pick(w.choices, "fault", s.kinds...)); ok {
			w.plan.Faults = append(w.plan.Faults, f)
			w.companions(f)
		}
	}
}

// companions add what a fault needs to come to anything; not where they could end a
// quiet spell.
func (w *composer) companions(f plan.Fault) {
	if w.swarm.quietTo > 0 {
		return
	}
	w.occasion(f)
	switch f.Kind {
	case plan.InstallError:
		// No snapshot is installed unless a node is behind.
		w.plan.Faults = append(w.plan.Faults, plan.Fault{
			Kind: plan.ForceSnapshot, Node: f.Node, At: f.At, When: f.When, For: plan.Duration(3 * time.Second),
		})
	case plan.TornFiles:
		// Nothing is torn unless the node crashes with something unsynced.
		w.plan.Faults = append(w.plan.Faults, plan.Fault{
			Kind: plan.Crash, Node: f.Node, At: f.At, For: plan.Duration(100 * time.Millisecond),
			When: &plan.Trigger{Moment: plan.FileUnsynced, Node: f.Node, Nth: 1 + w.number("nth-write", 8)},
		})
	case plan.TornWrites:
		// Nothing survives unless the node crashes with something unsynced.
		crash := plan.Fault{
			Kind: plan.Crash, Node: f.Node, At: f.At, For: plan.Duration(100 * time.Millisecond),
			When: &plan.Trigger{Moment: plan.WriteUnsynced, Node: f.Node, Op: f.Op},
		}
		switch at := plan.Duration(w.instant("occasion-at")); {
		case f.Op == "stable":
			w.plan.Faults = append(w.plan.Faults, plan.Fault{Kind: plan.Transfer, At: at})
			crash.When.Nth = 1 + w.nthWrite(f.Op)
		case f.Op == "log" && w.chance("a-batch", 60):
			// There are batches where a node has something to catch up with.
			cut := plan.Fault{Kind: plan.Partition, Nodes: []string{f.Node}, At: at, For: plan.Duration(3 * time.Second)}
			w.plan.Faults = append(w.plan.Faults, cut)
			if crash.At = cut.At + cut.For; crash.At >= w.plan.Quiescence {
				crash.At = cut.At
			}
			crash.When.Nth = 1 + w.number("nth-write", 2)
		default:
			crash.When.Nth = 1 + w.nthWrite(f.Op)
		}
		w.plan.Faults = append(w.plan.Faults, crash)
	case taskplan.WorkerLinger:
		// A worker that lingers disturbs nothing unless its id runs again.
		w.runAgain(f)
	case plan.CallTwice:
		// What comes again comes too late unless others take their time.
		w.plan.Faults = append(w.plan.Faults, w.laggard(f, 3*time.Second))
	case taskplan.AckFlip:
		// A node acknowledges another outcome when it does not know that it has sent one:
		// the first is still on its way when it crashes. It comes into the log before the
		// other, and both do before another node is ready.
		sent := taskplan.PostAckSend
		if f.Op == "ack-preparation" {
			sent = taskplan.PrepareAckSend
		}
		w.plan.Faults = append(w.plan.Faults,
			plan.Fault{
				Kind: plan.CallLate, Node: f.Node, Op: f.Op, At: plan.Duration(opening), Count: 1,
				Min: plan.Duration(6 * time.Second), Max: plan.Duration(9 * time.Second),
			},
			plan.Fault{
				Kind: plan.Crash, Node: f.Node, At: plan.Duration(opening), For: plan.Duration(100 * time.Millisecond),
				When: &plan.Trigger{Moment: sent, Node: f.Node, Nth: 2},
			},
			plan.Fault{
				Kind: plan.CallDelay, Node: f.Node, Op: f.Op, At: plan.Duration(opening), Count: 1,
				Min: plan.Duration(5 * time.Second), Max: plan.Duration(8 * time.Second),
				When: &plan.Trigger{Moment: sent, Node: f.Node, Nth: 2},
			},
			w.laggard(f, 10*time.Second))
	}
}

// occasion adds what brings about the moment of Raft that f waits for, which may not come by itself.
func (w *composer) occasion(f plan.Fault) {
	if f.When == nil {
		return
	}
	add := func(cause plan.Fault) {
		cause.At = plan.Duration(w.instant("occasion-at"))
		w.plan.Faults = append(w.plan.Faults, cause)
	}
	switch m := f.When.Moment; {
	case slices.Contains(configMoments, m) && !w.removes() && w.departs():
		add(plan.Fault{Kind: plan.Remove, Node: w.anyNode()})
	case slices.Contains(transferMoments, m) && w.chance("occasion", 60):
		add(plan.Fault{Kind: plan.ForceSnapshot, Node: w.anyNode(), For: plan.Duration(3 * time.Second)})
	case slices.Contains(electionMoments, m) && w.chance("occasion", 60):
		add(plan.Fault{Kind: plan.Transfer})
	}
}

// removes reports whether the plan changes the configuration.
func (w *composer) removes() bool {
	return slices.ContainsFunc(w.plan.Faults, func(f plan.Fault) bool { return f.Kind == plan.Remove || plan.ChangesMembers(f.Kind) })
}

// departs lets one more node leave for good; false if that would be too many.
func (w *composer) departs() bool {
	s := &w.swarm
	if s.left == 0 || s.members && !plan.CanMiss(w.plan.Cluster.Nodes, w.gone()+1) || s.restores && !plan.CanRemove(w.plan.Cluster.Nodes, w.gone()+1) {
		return false
	}
	s.left--
	s.departures = true
	return true
}

// gone is how many nodes may leave for good in the plan.
func (w *composer) gone() int { return (w.plan.Cluster.Nodes-1)/2 - w.swarm.left }

// laggard delays the callbacks of a node that f does not concern, so that a
// phase lasts for at least as long.
func (w *composer) laggard(f plan.Fault, least time.Duration) plan.Fault {
	at := w.anyNode()
	if at == f.Node {
		at = plan.NodeName(1 + (slices.Index(w.plan.Cluster.NodeNames(), at)+1)%w.plan.Cluster.Nodes)
	}
	return plan.Fault{
		Kind: taskplan.CallbackSlow, Node: at, At: plan.Duration(opening),
		Min: plan.Duration(least), Max: plan.Duration(least + pick(w.choices, "lags", time.Second, 6*time.Second)),
	}
}

// runAgain lets an operator cancel a task at work and submit it again at once.
func (w *composer) runAgain(f plan.Fault) {
	if len(w.tasks) == 0 || !w.chance("runs-again", 60) {
		return
	}
	t := w.some()
	again, namespace := *t, string(t.Kind)
	w.plan.Faults = append(w.plan.Faults,
		plan.Fault{
			Kind: plan.Operate, At: f.At, When: &plan.Trigger{Moment: taskplan.Claimed, About: taskplan.About(namespace, t.ID)},
			Do: taskplan.Do(taskplan.Operation{Do: taskplan.CancelTask, Node: plan.Here, Namespace: namespace, TaskID: t.ID, Retry: 1}),
		},
		plan.Fault{
			Kind: plan.Operate, At: f.At, When: &plan.Trigger{Moment: taskplan.CancelApplied, About: taskplan.About(namespace, t.ID)},
			Do: taskplan.Do(taskplan.Operation{Do: taskplan.AddTask, Node: plan.Here, Task: &again, Retry: 1}),
		})
}

// slowness lets callbacks of one sort take their time, until a quiet spell.
func (w *composer) slowness() plan.Fault {
	f := plan.Fault{Kind: taskplan.CallbackSlow, At: plan.Duration(opening), For: plan.Duration(w.swarm.quietFrom)}
	if f.For > 0 {
		f.For -= f.At
	}
	f.Op = pick(w.choices, "slow-callback", "OnGroupCompleted", "OnSwapRequested", "OnTaskCompleted", "")
	f.Max = plan.Duration(pick(w.choices, "slow-for", time.Second, 3*time.Second))
	f.Min = f.Max / 2
	return f
}

// fault chooses one fault of a kind; false when the plan has no room for it.
func (w *composer) fault(kind plan.FaultKind) (plan.Fault, bool) {
	f := plan.Fault{Kind: kind}
	w.timing(&f)
	ok := true
	switch {
	case slices.Contains(linkKinds, kind):
		w.linkFault(&f)
	case slices.Contains(memberKinds, kind):
		ok = w.memberFault(&f)
	case slices.Contains(nodeKinds, kind):
		ok = w.nodeFault(&f)
	case slices.Contains(diskKinds, kind):
		w.diskFault(&f)
	case slices.Contains(clockKinds, kind):
		w.clockFault(&f)
	case slices.Contains(workKinds, kind):
		w.workFault(&f)
	case kind == plan.Operate:
		ok = w.operateFault(&f)
	default:
		w.callFault(&f)
	}
	return f, ok
}

// timing chooses when a fault strikes: at a moment that matters, or at some time. A rule
// about calls and callbacks has to be there before they are made.
func (w *composer) timing(f *plan.Fault) {
	s := &w.swarm
	rule := slices.Contains(workKinds, f.Kind) || slices.Contains(callKinds, f.Kind) || slices.Contains(ackKinds, f.Kind)
	if w.chance("at-a-moment", 70) && (!rule || w.chance("rule-at-a-moment", 30)) {
		f.When = w.trigger(f.Kind)
		// What waits for its moment does not end a quiet spell, and the first election is
		// no change of the leader.
		f.At = plan.Duration(max(s.quietTo, opening))
		return
	}
	from, to := opening, w.plan.Quiescence.D()-lastOperation
	if rule {
		if w.chance("from-the-opening", 50) {
			// The first tasks are over soon.
			f.At = plan.Duration(opening)
			return
		}
		to = (from + to) / 2
	}
	if s.quietTo > 0 {
		if w.chance("after-the-quiet", 50) {
			from, to = s.quietTo, max(to, s.quietTo)
		} else {
			to = s.quietFrom
		}
	}
	at := from + (to-from)*time.Duration(w.next("at"))/256
	f.At = plan.Duration(at.Round(10 * time.Millisecond))
}

// trigger chooses a moment of the tasks that there are, one that suits the kind if
// there is any.
func (w *composer) trigger(kind plan.FaultKind) *plan.Trigger {
	moments := w.family.moments
	if moments == nil {
		moments = taskplan.Moments()
	}
	apt := aptMoments[kind]
	if w.family.moments == nil {
		apt = slices.Concat(apt, aptRaftMoments[kind])
	}
	if apt != nil && w.chance("apt-moment", 60) {
		moments = apt
	}
	if slices.Contains(w.family.kinds, plan.Remove) && w.chance("config-moment", 8) {
		moments = configMoments // there are few configurations
	}
	moments = slices.DeleteFunc(slices.Clone(moments), w.unreachable)
	if len(moments) == 0 {
		moments = []plan.Moment{taskplan.LastUnit}
	}
	t := &plan.Trigger{Moment: pick(w.choices, "moment", moments...)}
	if slices.Contains(plan.WriteMoments(), t.Moment) {
		if t.Op = pick(w.choices, "written", "stable", "log", "snapshot", "log-remove"); t.Op == "stable" {
			t.Name = pick(w.choices, "written-key", stableKeys...)
		}
		t.Nth = w.nthWrite(t.Op)
	} else if t.Moment == plan.ApplyBeforeReply {
		t.Nth = w.number("nth-apply", 60)
	} else if !slices.Contains(configMoments, t.Moment) {
		t.Nth = pick(w.choices, "nth", 0, 0, 0, 0, 2, 3)
	}
	if w.chance("at-a-node", 15) && !slices.Contains(aloneMoments, t.Moment) {
		t.Node = w.anyNode()
	}
	if len(w.tasks) > 1 && w.chance("of-a-task", 30) && !slices.Contains(nodeMoments, t.Moment) {
		task := w.some()
		t.About = taskplan.About(string(task.Kind), task.ID)
	}
	return t
}

// nthWrite chooses which of the writes to a store it is.
func (w *composer) nthWrite(store string) int {
	if store == "log" {
		return w.number("nth-write", 60)
	}
	return w.number("nth-write", 6)
}

// unreachable reports whether no task of the plan comes to a moment.
func (w *composer) unreachable(m plan.Moment) bool {
	switch {
	case slices.Contains(barrierMoments, m):
		return !slices.ContainsFunc(w.tasks, func(t *taskplan.Task) bool { return t.Barrier })
	case slices.Contains(swapMoments, m):
		return !slices.ContainsFunc(w.tasks, func(t *taskplan.Task) bool { return t.Kind == taskplan.Reindex })
	case slices.Contains(cleanupMoments, m):
		return w.plan.CompletedTaskTTL >= plan.Duration(time.Minute)
	case slices.Contains(configMoments, m):
		return !w.removes() && (!slices.Contains(w.family.kinds, plan.Remove) || w.swarm.left == 0 || w.swarm.quietTo > 0)
	case m == taskplan.CancelApplied:
		return !slices.Contains(w.swarm.kinds, plan.Operate) &&
			!slices.ContainsFunc(w.plan.Workload, func(o taskplan.Operation) bool { return o.Do == taskplan.CancelTask })
	}
	return false
}

// aptMoments are where a kind does the most harm.
var aptMoments = map[plan.FaultKind][]plan.Moment{
	plan.Leave:    {taskplan.Prepare, taskplan.SwapBegin, taskplan.PrepareAckSend, taskplan.PostAckSend, taskplan.PrepareAckApplied, taskplan.BarrierLift, taskplan.LastUnit},
	plan.Remove:   {taskplan.Prepare, taskplan.SwapBegin, taskplan.PrepareAckSend, taskplan.PostAckSend, taskplan.LastUnit},
	plan.Shutdown: {taskplan.Prepare, taskplan.SwapBegin, taskplan.SwapBetweenShards, taskplan.CompleteTask, taskplan.PrepareDone},
	plan.Crash: {plan.ApplyBeforeReply, taskplan.SwapBetweenShards, taskplan.BarrierLift, taskplan.PostAckSend, taskplan.PrepareAckSend, taskplan.PrepareAckApplied,
		taskplan.PostAckApplied},
	plan.ForceSnapshot: {taskplan.Claimed, taskplan.UnitDone, taskplan.LastUnit, taskplan.Prepare, taskplan.PrepareAckApplied, taskplan.BarrierLift},
	plan.Pause:         {taskplan.LastUnit, taskplan.BarrierLift, taskplan.SwapBegin, taskplan.PrepareAckSend, taskplan.PostAckSend, taskplan.UnitDone},
	plan.Operate:       {taskplan.Claimed, taskplan.LastUnit, taskplan.Prepare, taskplan.BarrierLift, taskplan.PostAckApplied, taskplan.SwapBegin, taskplan.Finalized, taskplan.CompleteTask},
}

// aptRaftMoments are those by Raft, for families whose faults strike anywhere.
var aptRaftMoments = map[plan.FaultKind][]plan.Moment{
	plan.Crash: {plan.VoteGranted, plan.TermRaised, plan.LeaderElected, plan.SnapshotStored, plan.SnapshotReceived, plan.ConfigAppended, plan.ConfigCommitted,
		plan.WriteBegin, plan.WriteUnsynced, plan.WriteSynced},
	plan.Pause:     {plan.VoteGranted, plan.LeaderElected, plan.LeadershipLost, plan.SnapshotSent, plan.SnapshotReceived, plan.ConfigAppended},
	plan.Shutdown:  {plan.LeaderElected, plan.SnapshotBegin, plan.SnapshotReceived, plan.ConfigCommitted},
	plan.Partition: {plan.VoteGranted, plan.TermRaised, plan.LeaderElected, plan.SnapshotSent, plan.ConfigAppended},
	plan.Transfer:  {plan.LeaderElected, plan.SnapshotSent, plan.ConfigAppended},
	plan.DiskError: {plan.TermRaised, plan.LeaderElected, plan.SnapshotReceived},
	plan.ClockJump: {plan.TermRaised, plan.LeaderElected},
}

var (
	configMoments   = []plan.Moment{plan.ConfigAppended, plan.ConfigCommitted}
	transferMoments = []plan.Moment{plan.SnapshotStored, plan.SnapshotSent, plan.SnapshotReceived, plan.SnapshotInstalled}
	electionMoments = []plan.Moment{plan.VoteGranted, plan.TermRaised, plan.LeaderElected, plan.LeadershipLost}

	barrierMoments = []plan.Moment{taskplan.Prepare, taskplan.PrepareDone, taskplan.PrepareAckSend, taskplan.PrepareAckApplied, taskplan.BarrierLift}
	cleanupMoments = []plan.Moment{taskplan.CleanupSend, taskplan.Cleaned}
	swapMoments    = []plan.Moment{taskplan.SwapBegin, taskplan.SwapBetweenShards, taskplan.SwapEnd, taskplan.SchemaFlip}
	// ackMoments are what the barriers are about.
	ackMoments = []plan.Moment{taskplan.LastUnit, taskplan.Prepare, taskplan.PrepareDone, taskplan.PrepareAckSend, taskplan.PrepareAckApplied, taskplan.BarrierLift,
		taskplan.SwapBegin, taskplan.SwapBetweenShards, taskplan.SwapEnd, taskplan.PostAckSend, taskplan.PostAckApplied, taskplan.CompleteTask, taskplan.SchemaFlip,
		taskplan.FinalizeSend, taskplan.Finalized, plan.ApplyBeforeReply, plan.LeaderElected}
	// waitMoments are where a task begins to wait for its nodes.
	waitMoments = []plan.Moment{taskplan.LastUnit, taskplan.Prepare, taskplan.PrepareAckSend, taskplan.SwapBegin}
	// nodeMoments are of a node and of no task; aloneMoments of one node at a time.
	nodeMoments  = slices.Concat([]plan.Moment{plan.FileUnsynced}, plan.RaftMoments())
	aloneMoments = []plan.Moment{plan.SnapshotSent, plan.SnapshotReceived, plan.SnapshotInstalled, plan.LeadershipLost, taskplan.CleanupSend, taskplan.FinalizeSend}
)

// lasts chooses how long a fault lasts, within its side of a quiet spell.
func (w *composer) lasts(f *plan.Fault, steps ...time.Duration) {
	f.For = plan.Duration(pick(w.choices, "for", steps...))
	if quiet := plan.Duration(w.swarm.quietFrom); f.When == nil && f.At < quiet && (f.For == 0 || f.At+f.For > quiet) {
		f.For = quiet - f.At
	}
}

// rule chooses for how long and how often a fault is activated. There are few
// calls and callbacks and many messages: a low rate would never concern the former.
func (w *composer) rule(f *plan.Fault) {
	f.Rate = w.swarm.rates[f.Kind]
	if slices.Contains(linkKinds, f.Kind) {
		w.lasts(f, 5*time.Second, 2*time.Second, 10*time.Second, 0)
	} else {
		w.lasts(f, 15*time.Second, 6*time.Second, 30*time.Second, 0)
		f.Rate *= 3
	}
	if w.chance("bounded", 40) {
		f.Count = 1 + w.number("count", 3)
	}
}

func (w *composer) anyNode() string { return plan.NodeName(1 + w.number("node", w.plan.Cluster.Nodes)) }

// victim chooses a node or a role.
func (w *composer) victim(f *plan.Fault) string {
	if f.When != nil && w.chance("here", 50) {
		return plan.Here
	}
	if w.chance("leader", 40) {
		return plan.Leader
	}
	return w.anyNode()
}

// group chooses the nodes of one side of a partition, or that crash together.
func (w *composer) group(f *plan.Fault, groups ...string) []string {
	if len(groups) > 0 && w.chance("group", 30) {
		return []string{pick(w.choices, "which-group", groups...)}
	}
	return []string{w.victim(f)}
}

// ofSomeTask narrows a fault to a task.
func (w *composer) ofSomeTask(f *plan.Fault) {
	if len(w.tasks) > 1 && w.chance("one-task", 30) {
		t := w.some()
		f.About = taskplan.About(string(t.Kind), t.ID)
	}
}
