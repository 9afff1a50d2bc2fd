package goals

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// of returns the counters of a kind without their common beginning.
func of(counters map[string]int64, prefix string) map[string]int64 {
	found := map[string]int64{}
	for name, n := range counters {
		if rest, ok := strings.CutPrefix(name, prefix+"/"); ok {
			found[rest] = n
		}
	}
	return found
}

func TestAFaultIsAskedThenAppliedThenBitesThenIsEffective(t *testing.T) {
	loss := plan.Fault{Kind: plan.Loss}
	activate := func(t *sequence) *sequence {
		return t.fault(trace.FaultBegan, plan.Loss, "").fault(trace.FaultActivated, plan.Loss, "n2", trace.Str("to", "n1"))
	}
	for name, c := range map[string]struct {
		build func(t *sequence)
		want  map[string]int64
	}{
		"only asked": {func(*sequence) {}, map[string]int64{"asked": 1}},
		"applied":    {func(t *sequence) { t.fault(trace.FaultBegan, plan.Loss, "") }, map[string]int64{"asked": 1, "applied": 1}},
		"activated twice": {func(t *sequence) { activate(t).fault(trace.FaultActivated, plan.Loss, "n2") },
			map[string]int64{"asked": 1, "applied": 1, "bites": 2}},
		"followed by an election": {func(t *sequence) { activate(t).ev("n3", trace.NodeState, trace.Str("state", "Candidate")) },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1, "effective": 1}},
		"effective once": {func(t *sequence) {
			activate(t).ev("n3", trace.NodeState, trace.Str("state", "Candidate")).fault(trace.FaultActivated, plan.Loss, "n2").
				ev("n3", trace.NodeState, trace.Str("state", "Candidate"))
		}, map[string]int64{"asked": 1, "applied": 1, "bites": 2, "effective": 1}},
		"followed by an outcome at the receiver": {func(t *sequence) { activate(t).returns(1, "n1", "error") },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1, "effective": 1}},
		"followed by an outcome elsewhere": {func(t *sequence) { activate(t).returns(1, "n3", "error") },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1}},
		"followed by an outcome too late": {func(t *sequence) { activate(t).wait(time.Minute).returns(1, "n1", "error") },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1}},
		"followed long after, but it lasted": {func(t *sequence) {
			activate(t).wait(time.Minute).fault(trace.FaultEnded, plan.Loss, "").returns(1, "n1", "error")
		}, map[string]int64{"asked": 1, "applied": 1, "bites": 1, "effective": 1}},
		"preceded by an election": {func(t *sequence) {
			t.ev("n3", trace.NodeState, trace.Str("state", "Candidate"))
			activate(t)
		}, map[string]int64{"asked": 1, "applied": 1, "bites": 1}},
		"followed by what is ordinary": {func(t *sequence) { activate(t).returns(1, "n1", "ok").finish("a") },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1}},
		"followed by a rejection, which is ordinary, too": {func(t *sequence) { activate(t).commit(1, "n2", cancelTask, "a", "is no longer running", nil) },
			map[string]int64{"asked": 1, "applied": 1, "bites": 1}},
	} {
		made := newSequence(loss)
		c.build(made)
		require.Equal(t, c.want, of(made.counters(), "fault/loss"), name)
	}
}

func TestConsequences(t *testing.T) {
	for name, c := range map[string]struct {
		build func(t *sequence)
		kind  plan.FaultKind
		want  bool
	}{
		"a restart":                     {func(t *sequence) { t.crash("n2").start("n2") }, plan.Crash, true},
		"a snapshot that was sent":      {func(t *sequence) { t.restores("n2") }, plan.Loss, true},
		"a list without an answer":      {func(t *sequence) { t.ev("n2", trace.ListFailed) }, plan.Loss, true},
		"an ambiguous outcome":          {func(t *sequence) { t.returns(1, "n2", "ambiguous") }, plan.ReplyLoss, true},
		"a rejection":                   {func(t *sequence) { t.returns(1, "n2", "rejected") }, plan.ReplyLoss, false},
		"a duplicate":                   {func(t *sequence) { t.commit(1, "n2", postAck, "a", "again", nil) }, plan.LateDuplicate, true},
		"a duplicate of another's":      {func(t *sequence) { t.commit(1, "n3", postAck, "a", "again", nil) }, plan.LateDuplicate, false},
		"a command made again, refused": {func(t *sequence) { t.commit(1, "n2", unitCompletion, "a", "is already terminal", nil) }, plan.CallTwice, true},
		"a failed callback":             {func(t *sequence) { t.ends("n2", taskevent.SwapRequested, "a", swapping, "boom") }, taskplan.CallbackError, true},
		"a good callback":               {func(t *sequence) { t.ends("n2", taskevent.SwapRequested, "a", swapping, "") }, taskplan.CallbackSlow, false},
		"a callback again": {func(t *sequence) {
			t.begins("n2", taskevent.SwapRequested, "a", swapping).begins("n2", taskevent.SwapRequested, "a", swapping)
		}, taskplan.CallbackPanic, true},
		"a unit that failed": {func(t *sequence) {
			t.ev("n2", trace.WorkEnded, trace.Str("outcome", "bad"))
		}, taskplan.UnitError, true},
		"a task that an ack failed": {func(t *sequence) { t.ack(0, postAck, "a", "n2", false, failed) }, taskplan.AckFlip, true},
		"recovery that is not done": {func(t *sequence) { t.ev("n2", trace.RecoveryAsked, trace.Bool("done", false)) }, plan.Crash, true},
	} {
		made := newSequence(plan.Fault{Kind: c.kind})
		made.swap("a", true).fault(trace.FaultBegan, c.kind, "").fault(trace.FaultActivated, c.kind, "n2")
		c.build(made)
		require.Equal(t, c.want, made.counters()["fault/"+string(c.kind)+"/effective"] == 1, name)
	}
}

func TestWhatAnOperatorDoesIsAFaultsOneBite(t *testing.T) {
	operate := plan.Fault{Kind: plan.Operate, Do: taskplan.Do(taskplan.Operation{Do: taskplan.CancelTask})}
	for outcome, effective := range map[string]int64{"ok": 1, "rejected": 0} {
		made := newSequence(operate)
		made.plan.Workload = make([]taskplan.Operation, 7)
		made.work("a", true).fault(trace.FaultBegan, plan.Operate, "").call(6, "n2", "cancel-task", "a").call(7, "n2", "cancel-task", "a").returns(7, "n2", outcome)
		got := made.counters()
		require.EqualValues(t, 1, got["fault/operate/bites"], outcome)
		require.Equal(t, effective, got["fault/operate/effective"], outcome)
		require.Equal(t, map[string]int64{"follower": 1, string(started): 1}, of(got, "state/operate"))
	}
}

func TestStatesInWhichAFaultIsActivated(t *testing.T) {
	for name, c := range map[string]struct {
		build func(t *sequence)
		want  map[string]int64
	}{
		"a follower without tasks": {func(t *sequence) { t.fault(trace.FaultActivated, plan.Loss, "n2") }, map[string]int64{"follower": 1, "no task": 1}},
		"the leader of three tasks": {func(t *sequence) {
			t.work("a", true).prepare("b").swap("c", true).fault(trace.FaultActivated, plan.Loss, "n1")
		}, map[string]int64{"leader": 1, string(started): 1, string(preparing): 1, string(swapping): 1}},
		"about one of them": {func(t *sequence) {
			t.work("a", true).swap("b", true).fault(trace.FaultActivated, plan.Loss, "n1", trace.Str("namespace", "reindex"), trace.Str("task", "b"))
		}, map[string]int64{"leader": 1, string(swapping): 1}},
		"a candidate": {func(t *sequence) {
			t.ev("n3", trace.NodeState, trace.Str("state", "Candidate")).fault(trace.FaultActivated, plan.Loss, "n3")
		}, map[string]int64{"candidate": 1, "no task": 1}},
		"in the middle of a snapshot": {func(t *sequence) { t.ev("n2", trace.SnapshotTaken).fault(trace.FaultActivated, plan.Loss, "n2") },
			map[string]int64{"follower": 1, "mid-snapshot": 1, "no task": 1}},
		"a node that is down": {func(t *sequence) { t.crash("n2").fault(trace.FaultActivated, plan.Loss, "n2") }, map[string]int64{"down": 1, "no task": 1}},
		"a leader that ends by it, in the same instant": {func(t *sequence) {
			t.swap("a", true).ev("n1", trace.SnapshotTaken).crash("n1")
			t.at -= time.Millisecond
			t.fault(trace.FaultActivated, plan.Loss, "n1")
		}, map[string]int64{"leader": 1, "mid-snapshot": 1, string(swapping): 1}},
		"a node whose raft has shut down": {func(t *sequence) {
			t.ev("n2", trace.NodeState, trace.Str("state", "Shutdown")).fault(trace.FaultActivated, plan.Loss, "n2")
		}, map[string]int64{"down": 1, "no task": 1}},
		"nowhere": {func(t *sequence) { t.finish("a").fault(trace.FaultActivated, plan.Loss, "") }, map[string]int64{"no task": 1}},
	} {
		made := newSequence(plan.Fault{Kind: plan.Loss})
		c.build(made)
		got := of(made.counters(), "state/loss")
		require.Equal(t, c.want, got, name)
		for state := range got {
			require.Contains(t, States(), state)
		}
	}
}

func TestCountersGoIntoTheFooterAndAreFoundInTheTrace(t *testing.T) {
	made := newSequence(plan.Fault{Kind: plan.Loss})
	made.swap("a", true).fault(trace.FaultBegan, plan.Loss, "").fault(trace.FaultActivated, plan.Loss, "n2").leads("n2")
	record := func(finish bool) []byte {
		var b bytes.Buffer
		p := taskplan.Default()
		p.Duration, p.Quiescence, p.Faults = plan.Duration(time.Minute), plan.Duration(30*time.Second), []plan.Fault{{Kind: plan.Loss}}
		rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode(), Engine: "native"})
		require.NoError(t, err)
		done := coverage.Record(&p.Plan, rec, New(&p, projection.NewLog()))
		for _, e := range made.events {
			rec.Emit(e)
		}
		if finish {
			done()
		}
		footer, err := rec.Close(trace.Verdict{Passed: true})
		require.NoError(t, err)
		if finish {
			require.EqualValues(t, 1, footer.Counters["fault/loss/bites"])
			require.EqualValues(t, 1, footer.Counters["sometimes/leader change while SWAPPING"])
		}
		return b.Bytes()
	}
	counted, err := coverage.Trace(bytes.NewReader(record(true)), Of)
	require.NoError(t, err)
	require.EqualValues(t, 1, counted.Counters()["sometimes/two leaders"])
	_, err = coverage.Trace(bytes.NewReader(record(false)), Of)
	require.ErrorContains(t, err, "the footer has 0, the events 1")
}
