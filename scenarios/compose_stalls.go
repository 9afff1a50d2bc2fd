package scenarios

import (
	"slices"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// stalls chooses whether goroutines are held up between two statements, and how. Families about
// threads almost always have stalls, the others sometimes.
func (w *composer) stalls() {
	if !w.chance("stalls", w.more(25)) {
		return
	}
	election := w.plan.Cluster.Raft.ElectionTimeout
	s := &plan.Stalls{
		Strategy: pick(w.choices, "strategy", plan.StallPCT, plan.StallRandom, plan.StallDirected),
		Min:      plan.Duration(pick(w.choices, "least-stall", election.D()/2, time.Millisecond, time.Microsecond)),
		Max:      election * plan.Duration(pick(w.choices, "longest-stall", 1, 2, 4)),
	}
	switch s.Strategy {
	case plan.StallPCT:
		s.Depth = 1 + w.number("depth", 8)
	case plan.StallRandom:
		s.Every = pick(w.choices, "every", 20_000, 5_000, 1_000, 100_000)
	case plan.StallDirected:
		s.Every = pick(w.choices, "every-directed", 5, 1, 30, 200)
	}
	if w.chance("stalls-of-one", 30) {
		s.Node = w.anyNode()
	}
	w.plan.Stalls = s
}

// raftSettings chooses settings of the Raft library beyond times and sizes.
func (w *composer) raftSettings() {
	r := &w.plan.Cluster.Raft
	r.LeaderLeaseTimeout = r.HeartbeatTimeout / plan.Duration(pick(w.choices, "lease", 2, 2, 1))
	r.MaxAppendEntries = pick(w.choices, "append-entries", 0, 0, 0, 1, 4)
	if c := w.plan.Cluster; c.Network.MaxLatency.D()+c.Disk.SyncLatency.D() > 30*time.Millisecond {
		r.MaxAppendEntries *= 8 // appends are sent one after the other: fewer could not carry the load
	}
	r.BatchApply = w.chance("batch-apply", 20) &&
		!slices.ContainsFunc(w.plan.Faults, func(f plan.Fault) bool { return f.Kind == plan.UserRestore })
	r.NoPreVote = w.chance("no-pre-vote", 15)
	r.QueueHeartbeats = w.chance("queue-heartbeats", 15)
}

// more returns how many of a hundred plans have what families about threads almost always have, and
// the others so often.
func (w *composer) more(often int) int {
	if w.family.threads {
		return 95
	}
	return often
}

// busyTask is the task that a spell of many submissions submits again and again.
const busyTask = "busy"

// busy lets clients submit many times a second for a while, so that the log grows while something goes
// wrong. All but the first of a run are refused, which costs little.
func (w *composer) busy() {
	if w.family.tasksOnly || !w.chance("busy", w.more(10)) {
		return
	}
	for range 1 + w.number("busy-spells", 3) {
		w.now = w.instant("busy-at")
		step := pick(w.choices, "busy-step", 100*time.Millisecond, 30*time.Millisecond, 200*time.Millisecond)
		for range 20 + w.number("submissions", 40) {
			w.do(taskplan.Operation{Do: taskplan.AddTask, Task: &taskplan.Task{
				Kind: taskplan.Cleanup, ID: busyTask, Files: 1, MinUnitTime: plan.Duration(second), Parallel: 1,
			}})
			w.now += step
		}
	}
}

// churn cuts the leader off again and again, for as long as the others need to elect another, so that
// each time two nodes believe that they lead; or lets it be heard by nobody, so that it still hears its
// successor.
func (w *composer) churn() {
	if !w.family.threads || w.swarm.quietTo > 0 || !w.chance("churn", 50) {
		return
	}
	election := w.plan.Cluster.Raft.ElectionTimeout.D()
	at, end := w.instant("churn-at"), w.plan.Quiescence.D()-lastOperation
	for range 1 + w.number("cuts", 6) {
		lasts := election * time.Duration(2+w.number("cut-lasts", 5)) / 2
		if at+lasts > end {
			return
		}
		w.plan.Faults = append(w.plan.Faults, plan.Fault{
			Kind: pick(w.choices, "cut", plan.Partition, plan.OneWay), At: plan.Duration(at), For: plan.Duration(lasts), Nodes: []string{plan.Leader},
		})
		at += lasts + election*time.Duration(1+w.number("cut-pause", 4))/2
	}
}

// instant chooses a time while faults may begin.
func (w *composer) instant(what string) time.Duration {
	return opening + (w.plan.Quiescence.D()-lastOperation-opening)*time.Duration(w.next(what))/256
}

// transfers lets leadership be handed over now and then, as operators and upgrades do; some of the
// nodes that are to lead cannot be reached at that time.
func (w *composer) transfers() {
	if !slices.Contains(w.swarm.kinds, plan.Transfer) || w.swarm.quietTo > 0 {
		return
	}
	end := w.plan.Quiescence.D() - lastOperation
	for range w.number("transfers", 4) {
		at := w.instant("transfer-at")
		to := w.anyNode()
		if w.chance("out-of-reach", 50) {
			cut := max(opening, at-pick(w.choices, "cut-before", time.Second, 200*time.Millisecond, 4*time.Second))
			w.plan.Faults = append(w.plan.Faults, plan.Fault{
				Kind: plan.Partition, At: plan.Duration(cut), Nodes: []string{to},
				For: plan.Duration(pick(w.choices, "cut-for", 3*time.Second, 8*time.Second)),
			})
		}
		for range 1 + w.number("asked-again", 3) {
			if at > end {
				break
			}
			w.plan.Faults = append(w.plan.Faults, plan.Fault{Kind: plan.Transfer, At: plan.Duration(at), Node: to})
			at += pick(w.choices, "asked-again-after", 100*time.Millisecond, 500*time.Millisecond, 2*time.Second)
		}
		if w.chance("majority-lost", 30) {
			w.plan.Faults = append(w.plan.Faults, plan.Fault{
				Kind: plan.Partition, At: plan.Duration(min(at, end)), Nodes: []string{plan.Leader},
				For: plan.Duration(pick(w.choices, "cut-for", 3*time.Second, 8*time.Second)),
			})
		}
	}
}
