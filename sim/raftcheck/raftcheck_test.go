package raftcheck_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/raftcheck"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
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

// stored lets a node store entries of one term, from an index on.
func (l *lives) stored(at time.Duration, node string, first, term uint64, sums ...uint64) *lives {
	return l.body(at, node, &event.LogStored{First: first, Term: term, Sums: sums})
}

func (l *lives) deleted(at time.Duration, node string, from, to uint64) *lives {
	return l.body(at, node, &event.LogDeleted{From: from, To: to})
}

func (l *lives) snapshot(at time.Duration, node string, index, term uint64) *lives {
	return l.body(at, node, &event.SnapshotStored{Index: index, Term: term})
}

func (l *lives) term(at time.Duration, node string, term uint64) *lives {
	return l.body(at, node, &event.StableStored{Key: event.CurrentTerm, N: trace.Some(term)})
}

// votes lets a node store a vote, as hashicorp/raft does.
func (l *lives) votes(at time.Duration, node string, term uint64, candidate string) *lives {
	return l.body(at, node, &event.StableStored{Key: event.LastVoteTerm, N: trace.Some(term)}).
		body(at, node, &event.StableStored{Key: event.LastVoteCand, Text: candidate})
}

// answers lets a node answer n1.
func (l *lives) answers(at time.Duration, node, msg string, term uint64, more ...func(*event.MessageSent)) *lives {
	b := &event.MessageSent{Message: event.Message{To: "n1", Msg: msg}, Term: trace.Some(term), OK: trace.Some(true)}
	for _, f := range more {
		f(b)
	}
	return l.body(at, node, b)
}

func acked(index, term uint64) func(*event.MessageSent) {
	return func(b *event.MessageSent) { b.Acked, b.AckedTerm = trace.Some(index), trace.Some(term) }
}

// recovered makes a node a cluster of its own; stopped ends that.
func (l *lives) recovered(at time.Duration, node string) *lives {
	return l.body(at, node, &event.Recovered{})
}

func (l *lives) stopped(at time.Duration, node string) *lives {
	return l.body(at, node, &event.NodeStopped{How: event.Shutdown})
}

// configured lets a node store a configuration.
func (l *lives) configured(at time.Duration, node string, index, term uint64, voters string) *lives {
	return l.body(at, node, &event.Configured{Index: index, Term: term, Voters: voters})
}

// sends lets n1 send n2 a snapshot some times, a second apart.
func (l *lives) sends(at time.Duration, index uint64, times int) *lives {
	for range times {
		l.body(at, "n1", &event.MessageSent{Message: event.Message{To: "n2", Msg: "snapshot"}, Last: trace.Some(index)})
		at += time.Second
	}
	return l
}

// reopened ends a node and starts it again on what n2 of elected holds, but for an edit.
func (l *lives) reopened(node string, term uint64, edit func(*event.StoresOpened)) *lives {
	const s = time.Second
	b := &event.StoresOpened{First: 1, Last: 3, Entries: 3, Term: term, VoteTerm: 2, Vote: "n1"}
	for i, sum := range []uint64{7, 8, 9} {
		b.Sum ^= event.LogEntry{Index: uint64(i + 1), Term: 2, Sum: sum}.Mix()
	}
	edit(b)
	return l.body(2*s, node, b)
}

// body adds an event as it is in a file.
func (l *lives) body(at time.Duration, node string, b trace.Body) *lives {
	return l.add(at, node, b.Kind(), trace.FieldsOf(b)...)
}

// elected is a cluster of which n1 and n2 hold three entries, of which n1 has applied two.
func elected() *lives {
	const s = time.Second
	l := begin()
	for _, node := range []string{"n1", "n2", "n3"} {
		l.term(s, node, 2)
	}
	return l.stored(s, "n1", 1, 2, 7, 8, 9).stored(s, "n2", 1, 2, 7, 8, 9).applied(s, "n1", 1, 2, 7).applied(s, "n1", 2, 2, 8)
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

		"the same logs": {begin().stored(s, "n1", 1, 2, 7, 8).stored(s, "n2", 1, 2, 7).stored(s, "n2", 2, 2, 8), "R2", "", nil},
		"another entry of the index in another term": {
			begin().stored(s, "n1", 1, 2, 7, 8).stored(s, "n2", 1, 2, 7).stored(s, "n2", 2, 3, 9), "R2", "", nil},
		"entries of an old leader are replaced": {
			begin().stored(s, "n1", 1, 2, 7, 8).stored(s, "n2", 1, 2, 7).stored(s, "n2", 2, 3, 9).deleted(s, "n1", 2, 2).stored(s, "n1", 2, 3, 9), "R2", "", nil},
		"what the log holds below a snapshot does not count": {
			begin().stored(s, "n1", 1, 2, 7, 8, 9).stored(s, "n2", 1, 1, 6, 6).snapshot(s, "n2", 2, 2).stored(s, "n2", 3, 2, 9), "R2", "", nil},
		"another entry of the same index and term": {
			begin().stored(s, "n1", 1, 2, 7, 8).stored(s, "n2", 1, 2, 7, 9), "R2", "at index 2 of term 2 n2 stores entry 0000000000000009", []int{4, 5}},
		"another entry before the same one": {
			begin().stored(s, "n1", 1, 2, 7, 8).stored(s, "n2", 1, 1, 7).stored(s, "n2", 2, 2, 8), "R2", "before the entry at index 2 of term 2 n2 has one of term 1", []int{4, 6}},
		"a suffix goes before it is replaced": {
			begin().stored(s, "n2", 1, 1, 7, 8, 9).stored(s, "n1", 1, 1, 7).deleted(s, "n2", 2, 3).stored(s, "n2", 2, 2, 6), "R2", "", nil},
		"a suffix stays behind what replaces it": {
			begin().stored(s, "n2", 1, 1, 7, 8, 9).stored(s, "n2", 2, 2, 6), "R2", "n2 stores an entry of term 2 at index 2, and keeps one of term 1 behind it", []int{5}},
		"another entry at the end of a snapshot": {
			begin().stored(s, "n1", 1, 2, 7, 8).snapshot(s, "n2", 1, 1).stored(s, "n2", 2, 2, 8), "R2", "n2 has one of term 1", []int{4, 6}},

		"a majority has what is applied": {begin().stored(s, "n1", 1, 2, 7).stored(s, "n2", 1, 2, 7).term(s, "n3", 2).applied(s, "n1", 1, 2, 7), "R3", "", nil},
		"a minority has what is applied": {begin().stored(s, "n1", 1, 2, 7).term(s, "n2", 2).stored(s, "n3", 1, 1, 6).applied(s, "n1", 1, 2, 7),
			"R3", "at index 1, and 1 of 3 voters have it", []int{7}},
		"a majority of a smaller configuration has it": {begin().stored(s, "n2", 1, 2, 5).stored(s, "n3", 1, 2, 5).stored(s, "n1", 1, 2, 5, 7).
			configured(s, "n1", 1, 2, "n1").applied(s, "n1", 2, 2, 7), "R3", "", nil},
		"a majority of a configuration to come has it": {begin().stored(s, "n1", 1, 2, 7, 8).term(s, "n2", 2).term(s, "n3", 2).
			configured(s, "n1", 2, 2, "n1").applied(s, "n1", 1, 2, 7), "R3", "", nil},
		"a majority of a configuration of the past has it": {begin().stored(s, "n1", 1, 2, 5).stored(s, "n2", 1, 2, 5, 7).stored(s, "n3", 1, 2, 5, 7).
			configured(s, "n2", 1, 2, "n1").applied(s, "n2", 2, 2, 7), "R3", "at index 2, and 0 of 1 voters have it", []int{8}},
		"what a recovery commits need not be anywhere else": {begin().stored(s, "n1", 1, 2, 5, 7).term(s, "n2", 1).term(s, "n3", 1).
			recovered(s, "n1").applied(s, "n1", 1, 2, 5).applied(s, "n2", 1, 2, 5).stopped(s, "n1").stored(s, "n1", 3, 3, 9).applied(s, "n1", 3, 3, 9), "R3", "", nil},
		"a recovery forgets what was committed": {elected().term(s, "n3", 2).recovered(s, "n3").leader(2*s, "n3", 3),
			"R3", "n3 becomes leader of term 3 and has nothing at index 1", []int{9, 13}},
		"a term that comes again after a recovery": {begin().leader(s, "n1", 2).recovered(s, "n2").leader(s, "n2", 2), "R1", "", nil},
		"a term that comes again after a recovery, twice": {begin().recovered(s, "n2").leader(s, "n2", 2).leader(s, "n1", 2),
			"R1", "n2 and n1 are both leaders of term 2", []int{5, 6}},
		"an entry that comes again after a recovery": {begin().stored(s, "n1", 1, 2, 7).recovered(s, "n2").stored(s, "n2", 1, 2, 8).stored(s, "n3", 1, 2, 8), "R2", "", nil},
		"an entry that was applied and is another after a recovery": {begin().applied(s, "n1", 1, 2, 7).recovered(s, "n2").applied(s, "n2", 1, 2, 8),
			"R4", "at index 1 n2 applies entry 0000000000000008 of term 2", []int{4, 6}},
		"a non-voter does not count": {begin().stored(s, "n1", 1, 2, 5).stored(s, "n2", 1, 2, 5, 7).stored(s, "n3", 1, 2, 5, 7).
			configured(s, "n2", 1, 2, "n1,n2").applied(s, "n2", 2, 2, 7), "R3", "at index 2, and 1 of 2 voters have it", []int{8}},
		"a later leader has all":                   {elected().leader(2*s, "n2", 3), "R3", "", nil},
		"a later leader has it below its snapshot": {elected().term(s, "n3", 2).snapshot(s, "n3", 2, 2).leader(2*s, "n3", 3), "R3", "", nil},
		"a later leader has nothing": {
			elected().leader(2*s, "n3", 3), "R3", "n3 becomes leader of term 3 and has nothing at index 1; n1 applied entry 0000000000000007 of term 2 there", []int{9, 11}},
		"a later leader has something else": {
			elected().stored(s, "n3", 1, 2, 7).stored(s, "n3", 2, 1, 8).leader(2*s, "n3", 3), "R3", "has entry 0000000000000008 of term 1 at index 2; n1 applied entry 0000000000000008 of term 2", []int{10, 13}},

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

		"terms and votes": {
			elected().votes(s, "n2", 2, "n1").answers(s, "n2", "vote-reply", 2).term(2*s, "n2", 3).votes(2*s, "n2", 3, "n2").
				answers(2*s, "n2", "append-reply", 3), "R5", "", nil},
		"a term goes back": {elected().term(2*s, "n2", 1), "R5", "the term of n2 goes back from 2 to 1", []int{5, 11}},
		"two votes in a term": {
			elected().votes(s, "n2", 2, "n1").votes(s, "n2", 2, "n3"), "R5", "in term 2 n2 votes for n1 and for n3", []int{12, 14}},
		"a vote in a term of the past":   {elected().votes(s, "n2", 2, "n1").votes(s, "n2", 1, "n1"), "R5", "n2 votes in term 1 after it has voted in term 2", []int{12, 13}},
		"a vote that is not on the disk": {elected().answers(s, "n2", "vote-reply", 2), "R5", "its disk has no vote in that term", []int{11}},
		"a vote for another":             {elected().votes(s, "n2", 2, "n3").answers(s, "n2", "vote-reply", 2), "R5", "and has voted for n3", []int{12, 13}},
		"a vote whose candidate is older than its term": {
			elected().votes(s, "n2", 1, "n1").body(s, "n2", &event.StableStored{Key: event.LastVoteTerm, N: trace.Some[uint64](2)}).
				answers(s, "n2", "vote-reply", 2), "R5", "", nil},
		"an answer in a term that is not on the disk": {
			elected().answers(s, "n2", "heartbeat-reply", 3), "R5", "n2 answers n1 in term 3, and its disk has term 2", []int{5, 11}},
		"a pre-vote promises nothing": {elected().answers(s, "n2", "pre-vote-reply", 3), "R5", "", nil},

		"what is acknowledged is in the log": {elected().answers(s, "n2", "append-reply", 2, acked(3, 2)), "R5", "", nil},
		"what is acknowledged is below the snapshot": {
			elected().snapshot(s, "n3", 3, 2).answers(s, "n3", "snapshot-reply", 2, acked(3, 2)), "R5", "", nil},
		"a later leader has replaced it": {
			elected().deleted(s, "n2", 3, 3).term(s, "n2", 3).answers(s, "n2", "append-reply", 2, acked(3, 2)), "R5", "", nil},
		"what is acknowledged is not in the log": {
			elected().answers(s, "n2", "append-reply", 2, acked(4, 2)), "R5", "n2 acknowledges index 4 of term 2 to n1, and has it neither in its log, from 1 to 3", []int{11}},
		"what is acknowledged is of another term": {elected().answers(s, "n2", "append-reply", 2, acked(3, 1)), "R5", "index 3 of term 1", []int{11}},
		"a snapshot is acknowledged that is not there": {
			elected().answers(s, "n3", "snapshot-reply", 2, acked(2, 2)), "R5", "which is empty, nor below its snapshot, which ends at 0", []int{11}},
		"what is committed is removed":   {elected().deleted(s, "n2", 2, 3), "R5", "n2 removes index 2 of term 2 from its log, which n1 has applied", []int{10, 11}},
		"what is committed is compacted": {elected().snapshot(s, "n2", 2, 2).deleted(s, "n2", 1, 2), "R5", "", nil},
		"an incarnation finds what was stored": {
			elected().votes(s, "n2", 2, "n1").reopened("n2", 2, func(*event.StoresOpened) {}), "R5", "", nil},
		"an incarnation finds an empty disk": {
			elected().votes(s, "n2", 2, "n1").body(s, "n2", &event.StoresOpened{}), "R5", "n2 finds on its disk term 0", []int{5, 13}},
		"an incarnation finds an empty disk that was emptied": {
			elected().votes(s, "n2", 2, "n1").body(s, "n2", &event.DiskEmptied{}).body(s, "n2", &event.StoresOpened{}).
				votes(2*s, "n2", 2, "n3"), "R5", "", nil},
		"a node votes again for another": {
			elected().votes(s, "n2", 2, "n1").votes(2*s, "n2", 2, "n3"), "R5", "in term 2 n2 votes for n1 and for n3", []int{12, 14}},
		"an incarnation finds less": {
			elected().votes(s, "n2", 2, "n1").reopened("n2", 2, func(b *event.StoresOpened) { b.Last, b.Entries = 2, 2 }),
			"R5", "n2 finds on its disk term 2, a vote for n1 in term 2, 2 entries from 1 to 2", []int{5, 13}},
		"an incarnation finds something else": {
			elected().votes(s, "n2", 2, "n1").reopened("n2", 2, func(b *event.StoresOpened) { b.Sum++ }), "R5", "and had stored", []int{5, 13}},
		"an incarnation finds an old term": {
			elected().votes(s, "n2", 2, "n1").reopened("n2", 1, func(*event.StoresOpened) {}), "R5", "n2 finds on its disk term 1", []int{5, 13}},

		"a snapshot is sent some times": {begin().quiescence().sends(20*s, 5, 10), "R6", "", nil},
		"snapshots are sent":            {begin().quiescence().sends(20*s, 5, 10).sends(40*s, 6, 10), "R6", "", nil},
		"the same snapshot is sent for ever": {
			begin().quiescence().sends(20*s, 5, 20), "R6", "n2 is sent the snapshot that ends at index 5 for the 11th time after quiescence", []int{5, 15}},
		"all have caught up": {begin().quiescence().applied(20*s, "n1", 3, 2, 7).rest("n1", 3).rest("n2", 3), "R6", "", nil},
		"one has not": {
			begin().quiescence().applied(20*s, "n1", 3, 2, 7).rest("n1", 3).rest("n2", 2), "R6", "n2 is up since 0s", []int{2, 5, 7}},

		"a call that is decided": {begin().quiescence().call(190*s, "n1", "ok", s).call(195*s, "n1", "rejected", s), "R7", "", nil},
		"a call whose caller gives up": {
			begin().quiescence().call(150*s, "n1", "ambiguous", s).call(152*s, "n1", "ok", s).call(180*s, "n1", "ambiguous", s), "R7", "", nil},
		"calls are refused while others are decided": {
			begin().quiescence().call(130*s, "n1", "error", s).call(140*s, "n2", "ok", s).call(150*s, "n1", "error", s).
				applied(155*s, "n1", 3, 2, 7).call(160*s, "n1", "error", s), "R7", "", nil},
		"a leader refuses everything": {
			begin().quiescence().leader(11*s, "n2", 2).call(150*s, "n1", "error", s).call(160*s, "n2", "error", s).call(170*s, "n3", "error", s),
			"R7", `since add at n1, made 2m20s after quiescence with a majority up, no call was decided for 11s; the last one, add at n2, ended with "error"`, []int{6, 8, 9}},
		"a call that waits for ever": {
			begin().quiescence().add(120*s, "n1", trace.Called, trace.Int("op", 1), trace.Str("do", "add")).rest("n1", 0),
			"R7", "add at n1, made 1m50s after quiescence with a majority up, is not decided after 1m20s", []int{5, 6}},

		"a panic": {
			begin().add(s, "n1", trace.NodeStopped, trace.Str("how", "crash")).
				add(s, "", trace.Panicked, trace.Str("what", "boom"), trace.Str("in", "raft.f"), trace.Str("at", "raft.go:1")),
			"R8", "panic in raft.f at raft.go:1: boom", []int{5}},
		"a snapshot that is left open": {
			begin().body(s, "n1", &event.NodeStopped{How: event.Shutdown, Sinks: 1, Readers: 2}),
			"R8", "1 snapshots are neither completed nor cancelled, 2 are still open to be read", []int{4}},
		"a shutdown that leaves nothing": {
			begin().body(s, "n1", &event.NodeStopped{How: event.Shutdown}), "R8", "", nil},
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
