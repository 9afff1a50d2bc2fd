package timeline_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// projected projects a trace.
func projected(t *testing.T, tr *trace.Trace) *timeline.Timeline {
	t.Helper()
	tl, err := timeline.New(tr)
	require.NoError(t, err)
	return tl
}

// runs are real runs of this build, each made once.
var runs = []struct {
	scenario string
	seed     uint64
}{
	{"journey-3-barrier", 1}, {"journey-4", 2}, {"hostile-network", 3}, {"hostile-nodes", 2}, {"hostile-acks", 1}, {"cleanup-after-ttl", 1}, {"drop-and-recreate", 1}, {"rolled-back", 1},
}

func eachRun(t *testing.T, f func(t *testing.T, s *timeline.Timeline)) {
	for _, r := range runs {
		t.Run(fmt.Sprintf("%s seed %d", r.scenario, r.seed), func(t *testing.T) { f(t, taskRun(t, r.scenario, r.seed)) })
	}
}

var made sync.Map

func taskRun(t *testing.T, scenario string, seed uint64) *timeline.Timeline {
	key := fmt.Sprint(scenario, seed)
	if s, ok := made.Load(key); ok {
		return s.(*timeline.Timeline)
	}
	s := projected(t, timelinetest.Scenario(t, scenario, seed))
	made.Store(key, s)
	return s
}

func TestEveryMessageHasAnEnd(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		sent, lost := 0, 0
		at := 0
		for _, m := range s.Messages {
			require.Greater(t, m.Sent, at, "messages are in the order in which they left")
			at = m.Sent
			begin := s.Event(m.Sent)
			require.Equal(t, begin.Node, m.From)
			if begin.Kind == trace.MessageSent {
				sent++
			}
			require.GreaterOrEqual(t, m.Arrives, begin.At)
			if m.Lost != "" {
				lost++
				require.Equal(t, trace.MessageLost, s.Event(m.LostAt).Kind)
				require.Equal(t, m.Arrives, s.At(m.LostAt))
				require.Zero(t, m.Received)
			}
			if m.Received != 0 {
				seen := s.Event(m.Received)
				require.Equal(t, m.To, seen.Node)
				require.True(t, s.Before(m.Sent, m.Received))
				first := slices.Min(append(slices.Clone(m.Duplicates), m.Arrives))
				require.GreaterOrEqual(t, seen.At, first)
			}
			for _, seq := range m.Disturbed {
				require.Equal(t, trace.FaultActivated, s.Event(seq).Kind)
			}
			require.LessOrEqual(t, len(m.Duplicates), len(m.Disturbed))
		}
		require.EqualValues(t, s.Trace.Footer.Counters[string(trace.MessageSent)], sent)
		// A duplicate may be lost where the message is not.
		require.LessOrEqual(t, lost, int(s.Trace.Footer.Counters[string(trace.MessageLost)]))
	})
}

func TestAMessageIsFollowedByItsAnswer(t *testing.T) {
	// A reply leaves after its request has arrived: if not, arrivals are wrong.
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		answered := 0
		type link struct{ from, to, kind string }
		arrived := make(map[link][]timeline.Message)
		for _, m := range s.Messages {
			if kind, reply := strings.CutSuffix(m.Kind, "-reply"); reply {
				before := arrived[link{m.To, m.From, kind}]
				ok := slices.ContainsFunc(before, func(q timeline.Message) bool {
					return q.Lost == "" && q.Arrives <= s.At(m.Sent) || slices.ContainsFunc(q.Duplicates, func(again time.Duration) bool { return again <= s.At(m.Sent) })
				})
				require.True(t, ok, "%s at %s answers nothing that has arrived", m.Kind, s.At(m.Sent))
				answered++
			} else {
				l := link{m.From, m.To, m.Kind}
				arrived[l] = append(arrived[l], m)
			}
		}
		require.Positive(t, answered)
	})
}

func TestWhatTheTraceSaysOfTasksIsTheState(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		parts := make(map[string]string)
		next := 0
		for i := range s.Trace.Events {
			e := &s.Trace.Events[i]
			for ; next < len(s.Changes) && s.Changes[next].Seq <= e.Seq; next++ {
				parts[s.Changes[next].Part] = s.Changes[next].Value
			}
			switch e.Kind {
			case trace.TaskChanged:
				part := "task/" + e.Str("namespace") + "/" + e.Str("task")
				if e.Str("status") == "" {
					require.NotEqual(t, "v"+e.Str("version"), strings.Fields(parts[part] + " none")[0])
					continue
				}
				require.Equal(t, "v"+e.Str("version")+" "+e.Str("status"), parts[part])
				if unit := e.Str("unit"); unit != "" {
					require.True(t, strings.HasPrefix(parts[part+"/unit/"+unit], e.Str("unit_status")))
				}
			case trace.Applied:
				require.Equal(t, e.Str("index"), parts["node/"+e.Node+"/applied"])
			}
		}
	})
}

func TestTheLastStateIsWhatNodesHoldAtRest(t *testing.T) {
	records, schemas, shards := 0, 0, 0
	defer func() { require.True(t, records > 0 && schemas > 0 && shards > 0) }()
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		rest := slices.IndexFunc(s.Trace.Events, func(e trace.Event) bool { return e.Kind == trace.AtRest })
		require.Positive(t, rest)
		state := s.State(rest)
		before := records
		for _, e := range s.Trace.Events[rest:] {
			if e.Kind != trace.AtRest {
				continue
			}
			switch e.Str("what") {
			case "record":
				records++
				require.Equal(t, "v"+e.Str("version")+" "+e.Str("status"), state["task/"+e.Str("namespace")+"/"+e.Str("task")])
			case "schema":
				schemas++
				part := "schema/" + e.Str("collection") + "/" + e.Str("property")
				require.Equal(t, e.Str("tokenization"), state[part])
				require.Equal(t, e.Str("tokenization"), state["node/"+e.Node+"/"+part])
			case "shard":
				shards++
				shard := state["node/"+e.Node+"/shard/"+e.Str("collection")+"/"+e.Str("shard")]
				if strings.Contains(shard, e.Str("property")+"=") {
					require.Contains(t, shard, e.Str("property")+"="+e.Str("tokenization"))
				}
			case "state":
				require.Equal(t, e.Str("index"), state["node/"+e.Node+"/applied"])
			}
		}
		tasks := 0
		for part := range state {
			if strings.HasPrefix(part, "task/") && strings.Count(part, "/") == 2 {
				tasks++
			}
		}
		require.Equal(t, records-before > 0, tasks > 0)
	})
}

func TestChangesAreWhatTheyClaim(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		state := make(map[string]string)
		seq := 0
		for _, c := range s.Changes {
			require.GreaterOrEqual(t, c.Seq, seq)
			seq = c.Seq
			require.NotEqual(t, state[c.Part], c.Value, "%s does not change at %d", c.Part, c.Seq)
			if state[c.Part] = c.Value; c.Value == "" {
				delete(state, c.Part)
			}
		}
		require.Equal(t, state, s.State(len(s.Trace.Events)))
		last := s.Changes[len(s.Changes)-1].Seq
		for _, c := range s.Changed(last) {
			require.Equal(t, last, c.Seq)
		}
	})
}

func TestPropertiesAreAsTheFooterCountsThem(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		state := s.State(len(s.Trace.Events))
		for _, p := range property.Properties() {
			n := s.Trace.Footer.Counters["at-stake/"+p]
			want := fmt.Sprintf("exercised %d times", n)
			switch n {
			case 0:
				want = ""
			case 1:
				want = "exercised once"
			}
			require.Equal(t, want, state["property/"+p], p)
		}
	})
}

func TestMemoriesAreTheLists(t *testing.T) {
	s := taskRun(t, "journey-3-barrier", 1)
	said := 0
	for _, c := range s.Changes {
		if strings.Contains(c.Part, "/memory/") && strings.Contains(c.Value, "did AckPreparation") {
			said++
		}
	}
	require.Positive(t, said, "no scheduler remembers its ack")
	state := s.State(len(s.Trace.Events))
	for part := range state {
		require.NotContains(t, part, "/memory/", "no memory when all nodes are down")
		require.NotContains(t, part, "/handle/")
	}
}

func TestSpansEndAfterTheyBegin(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		ends := func(sp timeline.Span) {
			require.Positive(t, sp.From)
			require.Positive(t, sp.Until, "from %d", sp.From) // the run has ended
			require.GreaterOrEqual(t, sp.Until, sp.From)
		}
		for _, l := range s.Lanes {
			require.NotEmpty(t, l.Incarnations)
			for i, inc := range l.Incarnations {
				ends(inc.Span)
				require.Equal(t, i+1, inc.Number)
				require.NotEmpty(t, inc.How)
			}
			for i, r := range l.Roles {
				ends(r.Span)
				require.True(t, i == 0 || l.Roles[i-1].Until <= r.From)
			}
			for _, p := range l.Pauses {
				ends(p)
			}
		}
		for _, b := range s.Bars {
			ends(b.Span)
		}
		for _, f := range s.Faults {
			ends(f.Span)
		}
		require.Len(t, s.Commits, int(s.Trace.Footer.Counters[string(trace.Committed)]))
		require.Len(t, s.Calls, int(s.Trace.Footer.Counters[string(trace.Called)]))
		for _, c := range s.Calls {
			require.NotZero(t, c.Outcome, "%+v", c)
			if c.Proposed != 0 {
				require.Greater(t, c.Proposed, c.Called)
			}
		}
		applied := 0
		for i, c := range s.Commits {
			require.True(t, i == 0 || c.Index > s.Commits[i-1].Index)
			applied += len(c.Applied)
		}
		require.EqualValues(t, s.Trace.Footer.Counters[string(trace.Applied)], applied)
	})
}

// TestClocksAreThoseOfACausalOrder: own components count, and the past of the past is in
// the past.
func TestClocksAreThoseOfACausalOrder(t *testing.T) {
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		own := make([]int32, len(s.Lanes)+1)
		for seq := 1; seq <= len(s.Trace.Events); seq++ {
			p, ok := s.Lane(s.Event(seq).Node)
			if !ok {
				p = len(s.Lanes)
			}
			own[p]++
			clock := s.Clock(seq)
			require.Equal(t, own[p], clock[p])
			for lane := range own {
				require.LessOrEqual(t, clock[lane], own[lane])
			}
		}
		last := len(s.Trace.Events)
		for seq := 1; seq < last; seq += 1 + last/97 {
			past := s.Past(seq)
			for i := 0; i < len(past); i += 1 + len(past)/31 {
				require.True(t, s.Before(past[i], seq))
				require.False(t, s.Before(seq, past[i]))
				for lane, n := range s.Clock(past[i]) {
					require.LessOrEqual(t, n, s.Clock(seq)[lane], "what led to %d led to %d", past[i], seq)
				}
			}
		}
	})
}

func TestEveryReplicaAppliesWhatItCanKnowOf(t *testing.T) {
	// A follower applies a command only after a message that led there from where it was
	// proposed.
	eachRun(t, func(t *testing.T, s *timeline.Timeline) {
		proposed := make(map[int]int)
		for _, c := range s.Calls {
			if c.Committed != 0 && !c.Resent {
				proposed[c.Committed] = c.Proposed
			}
		}
		looked := 0
		for _, c := range s.Commits {
			from := proposed[c.Seq]
			if from == 0 {
				continue
			}
			for _, applied := range c.Applied {
				looked++
				require.True(t, s.Before(from, applied), "index %d is applied at %d and was proposed at %d", c.Index, applied, from)
			}
		}
		require.Positive(t, looked)
	})
}

func TestAnEarlySwapIsExplained(t *testing.T) {
	early, missing := timelinetest.EarlySwap(t)
	s := projected(t, early)
	v := early.Footer.Verdict.Violations[1] // the first is about the log alone
	require.Contains(t, v.Message, "OnSwapRequested")
	why := s.Explain(v)
	require.LessOrEqual(t, len(why), 30)
	require.True(t, slices.IsSorted(why))
	for _, seq := range v.Events {
		require.Contains(t, why, seq)
	}
	acks, swaps := 0, 0
	for _, seq := range why {
		e := s.Event(seq)
		if e.Kind == trace.Committed && strings.Contains(e.Str("command"), "PREPARATION") {
			acks++
		}
		if e.Kind == trace.CallbackStarted && e.Str("callback") == "OnSwapRequested" {
			swaps++
		}
	}
	require.Equal(t, 2, acks, "the acks that came")
	require.Positive(t, swaps, "the swap that came too early")
	require.Equal(t, []timeline.Absence{{What: "preparation ack", Node: missing, Run: taskevent.Run{Namespace: "reindex", Task: "to-trigram", Version: s.Absent(v)[0].Run.Version}}}, s.Absent(v))
	last := slices.Max(early.Footer.Verdict.Violations[0].Events)
	require.Contains(t, s.State(last)["property/P5"], "violated")
	require.NotContains(t, s.State(last - 1)["property/P5"], "violated")
}

func TestAMachineThatIsNoClusterHasItsParts(t *testing.T) {
	s := projected(t, timelinetest.Machine(t))
	require.Empty(t, s.Lanes)
	require.Empty(t, s.Messages)
	last := s.Trace.Events[len(s.Trace.Events)-1]
	require.Equal(t, trace.Step, last.Kind)
	state := s.State(last.Seq)
	n := 0
	for _, f := range last.Fields {
		if name, ok := strings.CutPrefix(f.Key, "= "); ok {
			n++
			require.Equal(t, f.Text(), state["model/"+strings.ReplaceAll(name, "/", "%2F")])
		}
	}
	require.Positive(t, n)
	require.Equal(t, "violated", state["property/"+s.Trace.Footer.Verdict.Violations[0].Property])
	require.NotEmpty(t, s.Explain(s.Trace.Footer.Verdict.Violations[0]))
}

func TestACounterexampleHasLanesAndParts(t *testing.T) {
	s := projected(t, timelinetest.ClusterCounterexample(t))
	require.NotEmpty(t, s.Lanes)
	require.NotEmpty(t, s.Commits)
	require.NotEmpty(t, s.Bars)
	state := s.State(len(s.Trace.Events))
	models, tasks := 0, 0
	for part := range state {
		if strings.HasPrefix(part, "model/") {
			models++
		}
		if strings.HasPrefix(part, "task/") {
			tasks++
		}
	}
	require.Positive(t, models)
	require.Positive(t, tasks)
	// A node that lists a command's effect has it in its past.
	for i := range s.Trace.Events {
		if e := &s.Trace.Events[i]; e.Kind == trace.Listed && len(s.Commits) > 0 && s.Commits[0].Seq < e.Seq {
			require.True(t, s.Before(s.Commits[0].Seq, e.Seq))
		}
	}
}

func TestHostileStringsAreProjectedUnchanged(t *testing.T) {
	s := projected(t, timelinetest.Hostile(t))
	require.Greater(t, len(s.Lanes), len(timelinetest.Hostiles))
	state := s.State(len(s.Trace.Events))
	require.Contains(t, state, "task/a%2Fb/a%2Fb")
	for part := range state {
		names := strings.Split(part, "/")
		require.LessOrEqual(t, len(names), 5, part)
	}
	for _, v := range s.Trace.Footer.Verdict.Violations {
		require.NotEmpty(t, s.Explain(v))
		require.Empty(t, s.Absent(v))
	}
}

func TestATraceOutOfOrderIsRefused(t *testing.T) {
	tr := timelinetest.Machine(t)
	tr.Events[1].Seq = 7
	_, err := timeline.New(tr)
	require.EqualError(t, err, "timeline: event 2 has the number 7")
	tr = timelinetest.Machine(t)
	tr.Footer.Verdict.Violations[0].Events = []int{9999}
	_, err = timeline.New(tr)
	require.ErrorContains(t, err, "timeline: violation 1 is about event 9999 of")
}
