package goals

import (
	"maps"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// stalled holds a goroutine of a node up.
func (t *sequence) stalled(node, thread string, d time.Duration, locked bool) *sequence {
	return t.ev(node, trace.Stalled, trace.Str("at", "raft.(*Raft).f:1"), trace.Int("nth", 1), trace.Dur("for", d),
		trace.Str("thread", thread), trace.Bool("locked", locked))
}

// clock sets the clock of a node.
func (t *sequence) clock(node string, ahead time.Duration, drift int64) *sequence {
	return t.ev(node, trace.ClockSet, trace.Dur("ahead", ahead), trace.Int("drift", drift))
}

// turns changes the Raft state of a node.
func (t *sequence) turns(node, state string) *sequence {
	return t.ev(node, trace.NodeState, trace.Str("state", state))
}

// resumed ends a pause.
func (t *sequence) resumed(node string, messages, timers int64) *sequence {
	return t.ev(node, trace.NodeResumed, trace.Int("messages", messages), trace.Int("timers", timers))
}

// cleansUp removes the record of a finished task as the operation of a node.
func (t *sequence) cleansUp(node string) *sequence {
	return t.call(1, node, "clean-up-task", "a").commit(1, node, cleanUpTask, "a", "ok", nil).is("a", "")
}

// ofThread is the example of a thread that is held up.
func ofThread(name string) example {
	return example{
		func(t *sequence) { t.stalled("n1", name, time.Millisecond, false) },
		func(t *sequence) { t.stalled("n1", "raft.(*Raft).runner", time.Millisecond, false) },
	}
}

// raftExamples are those of goals that are about threads, pauses and clocks, and of moments.
func raftExamples() map[string]example {
	election := plan.Default().Cluster.Raft.ElectionTimeout.D()
	all := map[string]example{
		"Raft's main loop held up":   ofThread("raft.(*Raft).run"),
		"Raft's replication held up": ofThread("raft.(*Raft).startStopReplication.func1"),
		"Raft's snapshots held up":   ofThread("raft.(*Raft).runSnapshots"),
		"Raft's applies held up":     ofThread("raft.(*Raft).runFSM"),
		"held up for longer than an election timeout": {
			func(t *sequence) { t.stalled("n1", "", election+1, false) },
			func(t *sequence) { t.stalled("n1", "", election, false) },
		},
		"held up with a lock": {
			func(t *sequence) { t.stalled("n1", "", 1, true) },
			func(t *sequence) { t.stalled("n1", "", 1, false) },
		},
		"leader change while the old leader is held up": {
			func(t *sequence) { t.stalled("n1", "", time.Second, false).wait(time.Second / 2).leads("n2") },
			func(t *sequence) { t.stalled("n1", "", time.Second, false).wait(time.Second).leads("n2") },
		},
		"messages wait for a paused node": {
			func(t *sequence) { t.ev("n1", trace.NodePaused).resumed("n1", 2, 0) },
			func(t *sequence) { t.ev("n1", trace.NodePaused).resumed("n1", 1, 3) },
		},
		"messages and timers wait for a paused node": {
			func(t *sequence) { t.ev("n1", trace.NodePaused).resumed("n1", 1, 1) },
			func(t *sequence) { t.ev("n1", trace.NodePaused).resumed("n1", 3, 0) },
		},
		"pause across an election": {
			func(t *sequence) { t.ev("n2", trace.NodePaused).leads("n3").resumed("n2", 0, 0) },
			func(t *sequence) { t.leads("n3").ev("n2", trace.NodePaused).resumed("n2", 0, 0).leads("n1") },
		},
		"leader with a drifting clock deposed": {
			func(t *sequence) { t.clock("n1", 0, -1000).steps("n1") },
			func(t *sequence) { t.clock("n2", 0, -1000).turns("n2", "Candidate").steps("n2").steps("n1") },
		},
		"candidate with a drifting clock": {
			func(t *sequence) { t.clock("n2", 0, 1000).turns("n2", "Candidate") },
			func(t *sequence) { t.clock("n2", 0, 1000).clock("n2", 0, 0).turns("n2", "Candidate") },
		},
		"leader elected with a clock ahead": {
			func(t *sequence) { t.clock("n2", 0, 500_000).wait(3 * time.Second).leads("n2") },
			func(t *sequence) { t.clock("n2", 0, 500_000).wait(time.Second).leads("n2") },
		},
		"leader elected with a clock behind": {
			func(t *sequence) { t.clock("n2", -time.Second, 0).restart("n2").leads("n2") },
			func(t *sequence) { t.clock("n2", time.Second, 0).leads("n2") },
		},
		"clock of a leader jumps": {
			func(t *sequence) { t.clock("n1", time.Second, 0) },
			func(t *sequence) { t.clock("n1", 0, 1000).clock("n2", time.Second, 0) },
		},
		"record removed with a clock ahead": {
			func(t *sequence) { t.finish("a").clock("n2", time.Second, 0).cleansUp("n2") },
			func(t *sequence) { t.finish("a").clock("n2", time.Second, 0).cleansUp("n3") },
		},
		"record removed with a clock behind": {
			func(t *sequence) { t.finish("a").clock("n2", -time.Second, 0).cleansUp("n2") },
			func(t *sequence) { t.finish("a").clock("n2", time.Second, 0).cleansUp("n2") },
		},
	}
	struck := func(kind plan.FaultKind, node string, fields ...trace.Field) func(t *sequence) {
		return func(t *sequence) { t.fault(trace.FaultActivated, kind, node, fields...) }
	}
	torn := func(op string, left, of int64) func(t *sequence) {
		return struck(plan.TornWrites, "n2", trace.Str("op", op), trace.Int("left", left), trace.Int("of", of))
	}
	slow := func(node, op string, by time.Duration) func(t *sequence) {
		return struck(plan.DiskSlow, node, trace.Str("op", op), trace.Dur("by", by))
	}
	wrote := func(keys ...string) func(t *sequence) {
		return func(t *sequence) {
			for _, key := range keys {
				t.ev("n2", trace.StableStored, trace.Str("key", key))
			}
			t.crash("n2")
		}
	}
	maps.Copy(all, map[string]example{
		"a part of a batch survives a crash":        {torn("tear-log", 2, 3), torn("tear-log", 3, 3)},
		"unsynced entries survive a crash":          {torn("tear-log", 3, 3), torn("tear-log", 2, 3)},
		"a snapshot is cut off by a crash":          {torn("tear-snapshot", 2, 3), torn("tear-snapshot", 0, 3)},
		"an unsynced term or vote survives a crash": {torn("tear-stable", 1, 1), torn("tear-log", 1, 1)},
		"crash between the two writes of a vote":    {wrote("LastVoteTerm"), wrote("LastVoteTerm", "LastVoteCand")},
		"a vote cannot be stored": {
			struck(plan.DiskError, "n2", trace.Str("op", "stable"), trace.Str("name", "LastVoteCand")),
			struck(plan.DiskError, "n2", trace.Str("op", "stable"), trace.Str("name", "CurrentTerm")),
		},
		"a leader waits for its log": {slow("n1", "log", 10*time.Second), slow("n2", "log", 10*time.Second)},
		"a slow snapshot":            {slow("n1", "install-write", 10*time.Second), slow("n1", "snapshot-close", time.Millisecond)},
	})
	change := func(kind plan.FaultKind, node, what string, more ...trace.Field) func(t *sequence) {
		return struck(kind, node, append([]trace.Field{trace.Str("change", what)}, more...)...)
	}
	both := func(some ...func(t *sequence)) func(t *sequence) {
		return func(t *sequence) {
			for _, do := range some {
				do(t)
			}
		}
	}
	leads := func(node string) func(t *sequence) { return func(t *sequence) { t.leads(node) } }
	stands := func(t *sequence) { t.ev("n2", trace.NodeState, trace.Str("state", "Candidate")) }
	removed, added := change(plan.Rejoin, "n2", "removed"), change(plan.Rejoin, "n2", "added")
	recovered := func(node string) func(t *sequence) { return func(t *sequence) { t.ev(node, trace.Recovered) } }
	applies := func(node string, index uint64) func(t *sequence) {
		return func(t *sequence) { t.ev(node, trace.Applied, trace.Uint("index", index)) }
	}
	emptied := func(t *sequence) { t.ev("n2", trace.DiskEmptied) }
	maps.Copy(all, map[string]example{
		"voter demoted and promoted again":       {change(plan.Demote, "n2", "promoted"), change(plan.Demote, "n2", "demoted")},
		"leader demoted":                         {change(plan.Demote, "n1", "demoted"), change(plan.Demote, "n2", "demoted")},
		"leader removed from the configuration":  {change(plan.Rejoin, "n1", "removed"), removed},
		"node added again as a voter":            {added, change(plan.Replace, "n2", "added", trace.Bool("emptied", true))},
		"node added as a non-voter":              {change(plan.Rejoin, "n2", "added-non-voter"), added},
		"node added with an empty disk":          {change(plan.Replace, "n2", "added", trace.Bool("emptied", true)), added},
		"crash of a node without a vote":         {both(removed, func(t *sequence) { t.crash("n2") }), both(removed, added, func(t *sequence) { t.crash("n2") })},
		"leader change while a voter is missing": {both(removed, leads("n3")), both(removed, added, leads("n3"))},
		"removed node stands for election":       {both(removed, stands), both(removed, added, stands)},
		"state replaced by a user":               {change(plan.UserRestore, "n2", "restored"), removed},
		"entries aborted by a user":              {change(plan.UserRestore, "n2", "restored", trace.Uint("aborted", 1)), change(plan.UserRestore, "n2", "restored")},
		"cluster recovered from one disk":        {change(plan.Recover, "n2", "recovered"), removed},
		"recovery commits what nobody has applied": {
			both(recovered("n2"), applies("n2", 1000)), both(applies("n1", 1000), recovered("n2"), applies("n2", 1000)),
		},
		"node that came back with an empty disk leads": {both(emptied, leads("n2")), both(emptied, leads("n3"))},
	})
	for _, m := range plan.RaftMoments() {
		all["fault at "+string(m)] = example{
			func(t *sequence) {
				t.fault(trace.FaultBegan, plan.Crash, "", trace.Str("moment", string(m)))
			},
			func(t *sequence) { t.fault(trace.FaultBegan, plan.Crash, "", trace.Str("moment", "file-unsynced")) },
		}
	}
	maps.Copy(all, examples)
	return all
}
