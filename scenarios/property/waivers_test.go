package property_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// stuck is a run of three nodes with a task whose only unit is n3's and never ends.
type stuck struct {
	events []trace.Event
	plan   *taskplan.Plan
}

func newStuck() *stuck {
	p := taskplan.Default()
	p.Duration = plan.Duration(10 * time.Minute)
	p.Quiescence = plan.Duration(time.Minute)
	p.Faults = []plan.Fault{{Kind: plan.Leave, Node: "n3"}}
	p.Workload = []taskplan.Operation{{At: plan.Duration(time.Second), Node: "n1", Do: taskplan.AddTask, Task: &taskplan.Task{
		Kind: taskplan.Cleanup, ID: "t", Files: 1, MinUnitTime: plan.Duration(time.Second), Parallel: 1}}}
	s := &stuck{plan: &p}
	for i := range 3 {
		s.add(0, fmt.Sprintf("n%d", i+1), trace.NodeStarted)
	}
	s.commit(time.Second, 5, "DISTRIBUTED_TASK_ADD", `{"namespace":"cleanup","id":"t","unit_ids":["u"]}`, "STARTED")
	s.commit(2*time.Second, 6, "DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS",
		`{"namespace":"cleanup","id":"t","version":5,"node_id":"n3","unit_id":"u"}`, "STARTED",
		trace.Str("unit", "u"), trace.Str("unit_status", "IN_PROGRESS"), trace.Str("owner", "n3"), trace.Str("progress", "0"))
	return s
}

func (s *stuck) add(at time.Duration, node string, kind trace.Kind, fields ...trace.Field) {
	s.events = append(s.events, trace.Event{Seq: len(s.events) + 1, At: at, Node: node, Incarnation: 1, Kind: kind, Fields: fields})
}

func (s *stuck) task() []trace.Field {
	return []trace.Field{trace.Str("namespace", "cleanup"), trace.Str("task", "t"), trace.Uint("version", 5)}
}

func (s *stuck) commit(at time.Duration, index uint64, command, body, status string, more ...trace.Field) {
	s.add(at, "n1", trace.Committed, trace.Uint("index", index), trace.Str("command", command), trace.Str("outcome", "ok"), trace.Str("body", body))
	s.add(at, "n1", trace.TaskChanged, append(append(s.task(), trace.Str("status", status)), more...)...)
}

// leave lets nodes leave for good at ten seconds; quiescence follows, with one more commit.
func (s *stuck) leave(nodes ...string) *stuck {
	for _, node := range nodes {
		s.add(10*time.Second, node, trace.NodeStopped, trace.Str("how", "crash"))
		s.add(10*time.Second, node, trace.NodeLeft)
	}
	s.add(time.Minute, "", trace.Quiescence)
	return s
}

// giveUp lets an operator ask for the end of the task; effect is whether it comes.
func (s *stuck) giveUp(at time.Duration, effect bool) *stuck {
	s.add(at, "n1", trace.Called, append([]trace.Field{trace.Int("op", 7), trace.Str("do", "fail-task")}, s.task()[:2]...)...)
	if effect {
		s.commit(at, 7, "DISTRIBUTED_TASK_MARK_FAILED", `{"namespace":"cleanup","id":"t","version":5,"error":"given up","failed_at_unix_millis":1}`, "FAILED")
	}
	s.add(at, "n1", trace.Returned, trace.Int("op", 7), trace.Str("do", "fail-task"), trace.Str("outcome", "ok"))
	return s
}

// lists lets the scheduler of a node have a list that was asked for at the beginning.
func (s *stuck) lists(at time.Duration, node string) {
	s.add(at, node, trace.Listed, trace.Uint("index", 0), trace.Dur("called", 0), trace.Str("contents", taskevent.ListContents(nil)))
}

// end is the end of the run, with those nodes up that have not left and still list.
func (s *stuck) end(at time.Duration, up ...string) (found []string, counters map[string]int64) {
	for _, node := range up {
		s.lists(at-time.Second, node)
	}
	return s.ends(at, up...)
}

// ends is the end of the run, with those nodes up that have not left.
func (s *stuck) ends(at time.Duration, up ...string) (found []string, counters map[string]int64) {
	for _, node := range up {
		s.add(at, node, trace.AtRest, trace.Str("what", "state"), trace.Uint("index", 7), trace.Str("hash", "x"))
	}
	o := property.New(s.plan, property.Own)
	for _, e := range s.events {
		o.Observe(e)
	}
	for _, v := range o.Verdict().Violations {
		found = append(found, v.Property)
	}
	return found, o.Counters()
}

func TestWhatIsUnfinishedNeedsAWaiver(t *testing.T) {
	const end = 10 * time.Minute
	t.Run("no node has left", func(t *testing.T) {
		found, counters := newStuck().leave().end(end, "n1", "n2", "n3")
		require.Equal(t, []string{"P16"}, found)
		require.Positive(t, counters["at-stake/P16"])
	})
	t.Run("the run is too short", func(t *testing.T) {
		found, counters := newStuck().leave().end(70*time.Second, "n1", "n2", "n3")
		require.Empty(t, found)
		require.Zero(t, counters["at-stake/P16"])
		require.Equal(t, int64(1), counters["excused/P16/run-too-short"])
	})
	t.Run("a node has left that owes nothing", func(t *testing.T) {
		found, _ := newStuck().leave("n2").end(end, "n1", "n3")
		require.Equal(t, []string{"P16"}, found)
	})
	t.Run("the owner has left", func(t *testing.T) {
		found, counters := newStuck().leave("n3").end(end, "n1", "n2")
		require.Empty(t, found)
		require.Equal(t, int64(1), counters["excused/P16/participant-left"])
	})
	t.Run("a majority has left", func(t *testing.T) {
		found, counters := newStuck().leave("n1", "n2").end(end, "n3")
		require.Empty(t, found)
		require.Equal(t, int64(1), counters["excused/P16/majority-left"])
	})
	t.Run("a majority has left and something is committed all the same", func(t *testing.T) {
		s := newStuck().leave("n1", "n2")
		s.commit(2*time.Minute, 7, "DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS",
			`{"namespace":"cleanup","id":"t","version":5,"node_id":"n3","unit_id":"u","progress":0.5}`, "STARTED",
			trace.Str("unit", "u"), trace.Str("unit_status", "IN_PROGRESS"), trace.Str("owner", "n3"), trace.Str("progress", "0.5"))
		found, _ := s.end(end, "n3")
		require.Equal(t, []string{"P16"}, found)
	})
}

// aged is a run whose task an operator ends at two seconds, by a clock that is ahead.
func aged(ahead time.Duration) *stuck {
	s := newStuck()
	s.plan.CompletedTaskTTL = plan.Duration(10 * time.Second)
	stamp := 1_000_000_000_000 + (2*time.Second + ahead).Milliseconds()
	s.events = slices.Insert(s.events, 0, trace.Event{Kind: trace.RunStarted, Fields: []trace.Field{trace.Int("start", 1_000_000_000_000)}})
	s.commit(2*time.Second, 7, "DISTRIBUTED_TASK_MARK_FAILED",
		fmt.Sprintf(`{"namespace":"cleanup","id":"t","version":5,"error":"no","failed_at_unix_millis":%d}`, stamp), "FAILED")
	for i := range s.events {
		s.events[i].Seq = i + 1
	}
	return s.leave()
}

func TestARecordIsAsOldAsItsStamp(t *testing.T) {
	const end = 10 * time.Minute
	clean := `{"namespace":"cleanup","id":"t","version":5,"cleaned_up_at_unix_millis":1000000100000,"completed_task_ttl_millis":10000}`
	t.Run("it is gone in time", func(t *testing.T) {
		s := aged(0)
		s.commit(time.Minute, 8, "DISTRIBUTED_TASK_CLEAN_UP", clean, "")
		found, counters := s.end(end, "n1", "n2", "n3")
		require.Empty(t, found)
		require.Equal(t, int64(2+3), counters["at-stake/P16"], "that it ended, that it is gone, and that three nodes take part")
	})
	t.Run("it is left", func(t *testing.T) {
		found, _ := aged(0).end(end, "n1", "n2", "n3")
		require.Equal(t, []string{"P16"}, found)
	})
	t.Run("it is left, and the clock was a little ahead", func(t *testing.T) {
		found, _ := aged(time.Minute).end(end, "n1", "n2", "n3")
		require.Equal(t, []string{"P16"}, found)
	})
	t.Run("the clock was an hour ahead", func(t *testing.T) {
		found, counters := aged(time.Hour).end(end, "n1", "n2", "n3")
		require.Empty(t, found)
		require.Equal(t, int64(1), counters["excused/P16/clock-ahead"])
	})
	t.Run("the clock was an hour behind", func(t *testing.T) {
		found, _ := aged(-time.Hour).end(end, "n1", "n2", "n3")
		require.Equal(t, []string{"P16"}, found)
	})
}

func TestANodeThatComesUpLateIsGivenItsTime(t *testing.T) {
	late := func(end time.Duration) ([]string, map[string]int64) {
		s := newStuck().leave()
		s.add(90*time.Second, "n3", trace.NodeStopped, trace.Str("how", "shutdown"))
		s.add(95*time.Second, "n3", trace.NodeStarted)
		return s.end(end, "n1", "n2", "n3")
	}
	ends, _ := property.Bounds(newStuck().plan)
	found, counters := late(time.Minute + ends + time.Second)
	require.Empty(t, found)
	require.Positive(t, counters["excused/P16/run-too-short"])
	found, _ = late(95*time.Second + ends)
	require.Equal(t, []string{"P16"}, found)
}

func TestAnOperatorEndsWhatWaitsForSomebodyWhoHasLeft(t *testing.T) {
	const end = 10 * time.Minute
	t.Run("with effect", func(t *testing.T) {
		found, counters := newStuck().leave("n3").giveUp(2*time.Minute, true).end(end, "n1", "n2")
		require.Empty(t, found)
		require.Positive(t, counters["at-stake/P17"])
		require.Zero(t, counters["excused/P16/participant-left"])
	})
	t.Run("without effect", func(t *testing.T) {
		found, _ := newStuck().leave("n3").giveUp(2*time.Minute, false).end(end, "n1", "n2")
		require.Equal(t, []string{"P17", "P16", "P17"}, found, "at once, and at the end, when the waiver no longer applies")
	})
}
