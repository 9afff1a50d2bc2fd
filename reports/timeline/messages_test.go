package timeline_test

import (
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// sheet is a trace written by hand; times are in ms.
type sheet struct{ trace.Trace }

func newSheet() *sheet {
	s := &sheet{}
	s.Header.Plan, s.Header.Engine = plan.Default(), "bubble"
	return s
}

func (s *sheet) emit(at int, node string, kind trace.Kind, fields ...trace.Field) int {
	e := trace.Event{Seq: len(s.Events) + 1, At: ms(at), Node: node, Kind: kind, Fields: fields}
	if node != "" {
		e.Incarnation = 1
	}
	s.Events = append(s.Events, e)
	return e.Seq
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// sent emits that n1 sends n2 a message that is to arrive at a time.
func (s *sheet) sent(at, id, arrives int) int {
	return s.emit(at, "n1", trace.MessageSent, append(message(id), trace.Dur("arrives", ms(arrives)))...)
}

func (s *sheet) activated(at, id int, what plan.FaultKind, by int) int {
	fields := append([]trace.Field{trace.Int("fault", 0), trace.Str("what", string(what))}, message(id)...)
	if by > 0 {
		fields = append(fields, trace.Dur("by", ms(by)))
	}
	return s.emit(at, "n1", trace.FaultActivated, fields...)
}

func (s *sheet) lost(at, id int, why string) int {
	return s.emit(at, "n1", trace.MessageLost, append(message(id), trace.Str("why", why))...)
}

func message(id int) []trace.Field {
	return []trace.Field{trace.Str("to", "n2"), trace.Str("msg", "append"), trace.Int("id", int64(id)), trace.Int("n", 1)}
}

// ends returns the messages without their links, kinds and occurrences.
func (s *sheet) ends(t *testing.T) []timeline.Message {
	all := projected(t, &s.Trace).Messages
	for i := range all {
		all[i].From, all[i].To, all[i].Kind, all[i].N = "", "", "", 0
	}
	return all
}

func TestMessagesEndAsTheTraceHasIt(t *testing.T) {
	t.Run("one arrives", func(t *testing.T) {
		s := newSheet()
		a := s.sent(1, 1, 5)
		s.emit(4, "n2", trace.LeaderSeen)
		seen := s.emit(5, "n2", trace.LeaderSeen)
		require.Equal(t, []timeline.Message{{Sent: a, ID: 1, Arrives: ms(5), Received: seen}}, s.ends(t))
	})
	t.Run("one is cut before it leaves", func(t *testing.T) {
		s := newSheet()
		activation := s.activated(1, 1, plan.Partition, 0)
		lost := s.lost(1, 1, "cut")
		s.emit(9, "n2", trace.LeaderSeen)
		require.Equal(t, []timeline.Message{{Sent: lost, ID: 1, Arrives: ms(1), Lost: "cut", LostAt: lost, Disturbed: []int{activation}}}, s.ends(t))
	})
	t.Run("one is lost on arrival", func(t *testing.T) {
		s := newSheet()
		a := s.sent(1, 1, 5)
		lost := s.lost(5, 1, "down")
		s.emit(9, "n2", trace.LeaderSeen)
		require.Equal(t, []timeline.Message{{Sent: a, ID: 1, Arrives: ms(5), Lost: "down", LostAt: lost}}, s.ends(t))
	})
	t.Run("one arrives twice", func(t *testing.T) {
		s := newSheet()
		activation := s.activated(1, 1, plan.Duplicate, 4)
		a := s.sent(1, 1, 5)
		seen := s.emit(6, "n2", trace.LeaderSeen)
		require.Equal(t, []timeline.Message{{Sent: a, ID: 1, Arrives: ms(5), Duplicates: []time.Duration{ms(9)}, Received: seen, Disturbed: []int{activation}}}, s.ends(t))
	})
	t.Run("the duplicate is lost on arrival", func(t *testing.T) {
		s := newSheet()
		activation := s.activated(1, 1, plan.LateDuplicate, 4)
		a := s.sent(1, 1, 5)
		seen := s.emit(6, "n2", trace.LeaderSeen)
		s.lost(9, 1, "down")
		require.Equal(t, []timeline.Message{{Sent: a, ID: 1, Arrives: ms(5), Duplicates: []time.Duration{}, Received: seen, Disturbed: []int{activation}}}, s.ends(t))
	})
	t.Run("one is lost and its duplicate arrives", func(t *testing.T) {
		s := newSheet()
		activation := s.activated(1, 1, plan.Duplicate, 4)
		a := s.sent(1, 1, 5)
		lost := s.lost(5, 1, "down")
		seen := s.emit(9, "n2", trace.LeaderSeen)
		require.Equal(t, []timeline.Message{{Sent: a, ID: 1, Arrives: ms(5), Duplicates: []time.Duration{ms(9)}, Received: seen, Lost: "down", LostAt: lost, Disturbed: []int{activation}}}, s.ends(t))
	})
	t.Run("two wait to be overtaken", func(t *testing.T) {
		s := newSheet()
		s.activated(1, 1, plan.Reorder, 0)
		s.sent(1, 1, 105)
		s.activated(2, 2, plan.Reorder, 0)
		s.sent(2, 2, 106)
		s.activated(3, 3, plan.Loss, 0)
		s.lost(3, 3, "lost")
		s.sent(4, 4, 8)
		s.sent(5, 5, 6)
		all := s.ends(t)
		require.Equal(t, ms(8)+1, all[0].Arrives)
		require.Equal(t, ms(8)+2, all[1].Arrives)
		require.Equal(t, ms(8), all[3].Arrives)
		require.Equal(t, ms(6), all[4].Arrives)
	})
	t.Run("nothing overtakes one in time", func(t *testing.T) {
		s := newSheet()
		s.activated(1, 1, plan.Reorder, 0)
		s.sent(1, 1, 7)
		s.sent(9, 2, 11)
		require.Equal(t, ms(7), s.ends(t)[0].Arrives)
	})
	t.Run("one waits for the end of a pause", func(t *testing.T) {
		s := newSheet()
		s.emit(1, "n2", trace.NodePaused)
		s.sent(2, 1, 5)
		s.sent(3, 2, 40)
		s.emit(30, "n2", trace.NodeResumed)
		seen := s.emit(31, "n2", trace.LeaderSeen)
		all := s.ends(t)
		require.Equal(t, ms(30)+1, all[0].Arrives)
		require.Equal(t, seen, all[0].Received)
		require.Equal(t, ms(40), all[1].Arrives)
		require.Zero(t, all[1].Received)
	})
	t.Run("one comes to a node that stops in its pause", func(t *testing.T) {
		s := newSheet()
		s.emit(1, "n2", trace.NodePaused)
		s.sent(2, 1, 5)
		s.emit(30, "n2", trace.NodeStopped, trace.Str("how", "crash"))
		lost := s.lost(30, 1, "down")
		require.Equal(t, lost, s.ends(t)[0].LostAt)
	})
}

func TestTheSmallRunIsProjected(t *testing.T) {
	s := projected(t, timelinetest.Small(t))
	v := s.Trace.Footer.Verdict.Violations[0]
	require.Equal(t, []timeline.Absence{{What: "preparation ack", Node: "n2", Run: taskevent.Run{Namespace: "reindex", Task: "to-trigram", Version: 6}}}, s.Absent(v))
	before := s.State(v.Events[1])
	require.Equal(t, map[string]string{
		"log": "9", "node/n1": "up #1", "node/n1/applied": "6", "node/n1/callback/reindex/to-trigram": "OnSwapRequested v6",
		"node/n1/raft": "Leader in term 2", "node/n2": "down (crash)", "node/n3": "up #1", "node/n3/applied": "6",
		"task/reindex/to-trigram": "v6 SWAPPING", "task/reindex/to-trigram/prepared/n1": "ok",
		"task/reindex/to-trigram/unit/u1": "COMPLETED by n1, 1", "task/reindex/to-trigram/unit/u2": "COMPLETED by n2, 1",
	}, without(before, "property/"))
	require.Contains(t, before["property/P5"], "violated")
	end := s.State(len(s.Trace.Events))
	require.Equal(t, "title=trigram, swapped by reindex/to-trigram@6", end["node/n1/shard/Articles/s1"])
	require.Equal(t, "down (shutdown)", end["node/n2"])
	require.NotContains(t, end, "node/n1/applied")

	require.Equal(t, []timeline.Incarnation{
		{Number: 1, Span: timeline.Span{From: 3, Until: s.Lanes[1].Incarnations[0].Until}, How: "crash"},
		{Number: 2, Span: s.Lanes[1].Incarnations[1].Span, How: "shutdown"},
	}, s.Lanes[1].Incarnations)
	require.Equal(t, "", outcome(s, "n2", "handle", 0))
}

// outcome is that of the n-th bar of a kind on a node.
func outcome(s *timeline.Timeline, node, kind string, n int) string {
	for _, b := range s.Bars {
		if b.Node == node && b.Kind == kind {
			if n--; n < 0 {
				return b.Outcome
			}
		}
	}
	return "no such bar"
}

func without(state map[string]string, prefix string) map[string]string {
	kept := make(map[string]string)
	for part, value := range state {
		if len(part) < len(prefix) || part[:len(prefix)] != prefix {
			kept[part] = value
		}
	}
	return kept
}

func TestANodeThatStartsAgainHasAppliedNothing(t *testing.T) {
	s := newSheet()
	index := trace.Int("index", 4)
	s.emit(1, "n1", trace.NodeStarted)
	s.emit(2, "n1", trace.Applied, index)
	s.emit(3, "n1", trace.NodeStopped, trace.Str("how", "crash"))
	up := s.emit(4, "n1", trace.NodeStarted)
	again := s.emit(5, "n1", trace.SnapshotRestored, index)
	run := projected(t, &s.Trace)
	require.NotContains(t, run.State(up), "node/n1/applied")
	require.Equal(t, "4", run.State(again)["node/n1/applied"])
}

// TestAnInconsistentTraceIsProjected: a trace of a wrong build, with events that are missing
// or have the fields of another one, is projected without a panic, and the clocks still fit.
func TestAnInconsistentTraceIsProjected(t *testing.T) {
	whole := taskRun(t, "hostile-acks", 1).Trace
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		spoilt := trace.Trace{Header: whole.Header}
		for _, e := range whole.Events {
			switch n := r.IntN(100); {
			case n < 5:
				continue
			case n < 10:
				e.Fields = whole.Events[r.IntN(len(whole.Events))].Fields
			case n < 12:
				e.Node = []string{"", "n1", "n2", "n9"}[r.IntN(4)]
			case n < 13:
				e.Incarnation++
			}
			e.Seq = len(spoilt.Events) + 1
			spoilt.Events = append(spoilt.Events, e)
		}
		s := projected(t, &spoilt)
		require.NotEmpty(t, s.State(len(spoilt.Events)))
		for _, m := range s.Messages {
			require.True(t, m.Received == 0 || s.Before(m.Sent, m.Received))
		}
		for _, b := range s.Bars {
			require.True(t, b.Until == 0 || b.Until >= b.From)
		}
	}
}

// TestALongRunIsProjectedCheaply: what is allocated for an event does not grow with the run.
func TestALongRunIsProjectedCheaply(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a cluster for minutes of virtual time")
	}
	lasts := 4 * time.Minute
	if s := os.Getenv("DTSIM_LONG"); s != "" {
		var err error
		lasts, err = time.ParseDuration(s)
		require.NoError(t, err)
	}
	whole := timelinetest.Long(t, lasts)
	require.Empty(t, whole.Footer.Verdict.Violations)
	require.Greater(t, len(whole.Events), 20_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	s := projected(t, whole)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(whole.Events))
	t.Logf("%d events, %d messages and %d changes in %s, %d bytes allocated for each event", len(whole.Events), len(s.Messages), len(s.Changes), took, each)
	require.Less(t, each, uint64(8192))
}
