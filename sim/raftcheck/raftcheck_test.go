package raftcheck_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
)

// lives is a trace that is written by hand: three nodes that are up, with faults that end
// after 10 s of a run of 200 s.
type lives struct {
	plan   plan.Plan
	events []trace.Event
}

func begin() *lives {
	l := &lives{plan: plan.Default()}
	l.plan.Duration, l.plan.Quiescence = plan.Duration(200*time.Second), plan.Duration(10*time.Second)
	l.plan.Faults = []plan.Fault{{Kind: plan.Crash, Node: "n1", At: plan.Duration(time.Second)}}
	for _, node := range []string{"n1", "n2", "n3"} {
		l.add(0, node, trace.NodeStarted)
	}
	return l
}

func (l *lives) add(at time.Duration, node string, kind trace.Kind, fields ...trace.Field) *lives {
	e := trace.Event{Seq: len(l.events) + 1, At: at, Node: node, Kind: kind, Fields: fields}
	if node != "" {
		e.Incarnation = 1
	}
	l.events = append(l.events, e)
	return l
}

func (l *lives) leader(at time.Duration, node string, term uint64) *lives {
	return l.add(at, node, trace.NodeState, trace.Str("state", "Leader"), trace.Uint("term", term))
}

func (l *lives) applied(at time.Duration, node string, index, term, sum uint64) *lives {
	return l.add(at, node, trace.Applied, trace.Uint("index", index), trace.Uint("term", term), trace.Uint("sum", sum))
}

func (l *lives) rest(node string, index uint64) *lives {
	return l.add(200*time.Second, node, trace.AtRest, trace.Str("what", "state"), trace.Uint("index", index), trace.Str("hash", "x"))
}

func (l *lives) call(at time.Duration, node string, outcome string, took time.Duration) *lives {
	l.add(at, node, trace.Called, trace.Int("op", int64(at)), trace.Str("do", "add"))
	return l.add(at+took, node, trace.Returned, trace.Int("op", int64(at)), trace.Str("do", "add"), trace.Str("outcome", outcome))
}

func (l *lives) quiescence() *lives { return l.add(10*time.Second, "", trace.Quiescence) }

// verdict returns the violations, and the counters.
func (l *lives) verdict() ([]trace.Violation, map[string]int64) {
	o := raftcheck.New(&l.plan)
	for _, e := range l.events {
		o.Observe(e)
	}
	return o.Verdict().Violations, o.Counters()
}

func TestEachPropertyIsViolatedByWhatContradictsIt(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		lives    *lives
		property string // that is exercised
		violated string // part of the message; empty for none
		events   []int
	}{
		"leaders of different terms": {begin().leader(s, "n1", 2).leader(2*s, "n2", 3), "R1", "", nil},
		"one leader hears twice of its term": {
			begin().leader(s, "n1", 2).leader(2*s, "n1", 2), "R1", "", nil},
		"two leaders of one term": {
			begin().leader(s, "n1", 2).leader(2*s, "n2", 2), "R1", "n1 and n2 are both leaders of term 2", []int{4, 5}},

		"the same entry everywhere": {begin().applied(s, "n1", 3, 2, 7).applied(s, "n2", 3, 2, 7), "R4", "", nil},
		"another entry at an index": {
			begin().applied(s, "n1", 3, 2, 7).applied(s, "n2", 3, 2, 8), "R4", "at index 3 n2 applies entry 0000000000000008 of term 2", []int{4, 5}},
		"the same data in another term": {
			begin().applied(s, "n1", 3, 2, 7).applied(s, "n2", 3, 4, 7), "R4", "of term 4", []int{4, 5}},
		"an index twice": {
			begin().applied(s, "n2", 3, 2, 7).applied(s, "n1", 3, 2, 7).applied(s, "n1", 3, 2, 7), "R4", "n1 applies index 3 after index 3", []int{5, 6}},
		"back behind a snapshot": {
			begin().applied(s, "n2", 3, 2, 7).add(s, "n1", trace.SnapshotRestored, trace.Uint("index", 5)).applied(s, "n1", 3, 2, 7),
			"R4", "n1 applies index 3 after index 5", []int{5, 6}},

		"all have caught up": {begin().quiescence().applied(20*s, "n1", 3, 2, 7).rest("n1", 3).rest("n2", 3), "R6", "", nil},
		"one has not": {
			begin().quiescence().applied(20*s, "n1", 3, 2, 7).rest("n1", 3).rest("n2", 2), "R6", "n2 is up since 0s", []int{2, 5, 7}},

		"a call that is decided": {begin().quiescence().call(190*s, "n1", "ok", s).call(195*s, "n1", "rejected", s), "R7", "", nil},
		"an undecided call": {
			begin().quiescence().call(180*s, "n1", "ambiguous", 5*s), "R7", `add at n1, made 2m50s after quiescence`, []int{5, 6}},

		"a panic": {
			begin().add(s, "n1", trace.NodeStopped, trace.Str("how", "crash")).
				add(s, "", trace.Panicked, trace.Str("what", "boom"), trace.Str("in", "raft.f"), trace.Str("at", "raft.go:1")),
			"R8", "panic in raft.f at raft.go:1: boom", []int{5}},
		"goroutines that are blocked for ever": {
			begin().add(s, "n1", trace.NodeStopped, trace.Str("how", "crash")).
				add(s, "", trace.LeftBehind, trace.Int("n", 2), trace.Str("in", "raft.f"), trace.Str("at", "raft.go:1")),
			"R8", "2 goroutines are blocked for ever", []int{5}},
	} {
		t.Run(name, func(t *testing.T) {
			violations, counters := c.lives.verdict()
			assert.Positive(t, counters[raftcheck.ExercisedPrefix+c.property])
			if c.violated == "" {
				require.Empty(t, violations)
				return
			}
			require.NotEmpty(t, violations)
			require.Equal(t, c.property, violations[0].Property)
			require.Contains(t, violations[0].Message, c.violated)
			require.Equal(t, c.events, violations[0].Events)
		})
	}
}

// What faults explain is waived.
func TestWhatIsNotDueIsNotJudged(t *testing.T) {
	const s = time.Second
	for name, l := range map[string]*lives{
		"a call during the faults":             begin().call(5*s, "n1", "ambiguous", s).quiescence(),
		"a call soon after them":               begin().quiescence().call(11*s, "n1", "ambiguous", s),
		"a call without a majority":            begin().quiescence().add(20*s, "n2", trace.NodeLeft).add(20*s, "n3", trace.NodeLeft).call(190*s, "n1", "ambiguous", s),
		"a call at a node that goes down":      begin().quiescence().add(190*s, "n1", trace.Called, trace.Int("op", 1)).add(191*s, "n1", trace.NodeStopped).add(192*s, "n1", trace.Returned, trace.Int("op", 1), trace.Str("outcome", "error")),
		"a call that the end of the run ends":  begin().quiescence().call(199*s, "n1", "error", s),
		"a node that has just come back":       begin().quiescence().applied(20*s, "n1", 3, 2, 7).add(199*s, "n2", trace.NodeStarted).rest("n2", 1),
		"a command that has just been applied": begin().quiescence().applied(199*s, "n1", 3, 2, 7).rest("n2", 1),
	} {
		t.Run(name, func(t *testing.T) {
			violations, _ := l.verdict()
			require.Empty(t, violations)
		})
	}
}

func TestARunThatTheSystemHasBrokenOffOwesNothing(t *testing.T) {
	l := begin().quiescence().applied(20*time.Second, "n1", 3, 2, 7).rest("n1", 3).rest("n2", 2).
		add(200*time.Second, "", trace.Panicked, trace.Str("what", "boom"))
	violations, _ := l.verdict()
	require.Len(t, violations, 1)
	require.Equal(t, "R8", violations[0].Property)
}
