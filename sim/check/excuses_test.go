package check_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/check"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// stuck is a run of three nodes with a task whose only unit is n3's and never ends.
type stuck struct {
	events []trace.Event
	plan   *plan.Plan
}

func newStuck() *stuck {
	p := plan.Default()
	p.Duration = plan.Duration(10 * time.Minute)
	p.Calm = plan.Duration(time.Minute)
	p.Faults = []plan.Fault{{Kind: plan.Leave, Node: "n3"}}
	p.Workload = []plan.Operation{{At: plan.Duration(time.Second), Node: "n1", Do: plan.AddTask, Task: &plan.Task{
		Kind: plan.Cleanup, ID: "t", Files: 1, MinUnitTime: plan.Duration(time.Second), Parallel: 1}}}
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

// leave lets nodes leave for good at ten seconds; calm follows, with one more commit.
func (s *stuck) leave(nodes ...string) *stuck {
	for _, node := range nodes {
		s.add(10*time.Second, node, trace.NodeStopped, trace.Str("how", "crash"))
		s.add(10*time.Second, node, trace.NodeLeft)
	}
	s.add(time.Minute, "", trace.Calm)
	return s
}

// giveUp lets an operator ask for the end of the task; effect says whether it comes.
func (s *stuck) giveUp(at time.Duration, effect bool) *stuck {
	s.add(at, "n1", trace.Called, append([]trace.Field{trace.Int("op", 7), trace.Str("do", "fail-task")}, s.task()[:2]...)...)
	if effect {
		s.commit(at, 7, "DISTRIBUTED_TASK_MARK_FAILED", `{"namespace":"cleanup","id":"t","version":5,"error":"given up","failed_at_unix_millis":1}`, "FAILED")
	}
	s.add(at, "n1", trace.Returned, trace.Int("op", 7), trace.Str("do", "fail-task"), trace.Str("outcome", "ok"))
	return s
}

// end is the end of the run, with those nodes up that have not left.
func (s *stuck) end(at time.Duration, up ...string) (found []string, counters map[string]int64) {
	for _, node := range up {
		s.add(at, node, trace.AtRest, trace.Str("what", "state"), trace.Uint("index", 7), trace.Str("hash", "x"))
	}
	o := check.New(s.plan)
	for _, e := range s.events {
		o.Observe(e)
	}
	for _, v := range o.Verdict().Violations {
		found = append(found, v.Property)
	}
	return found, o.Counters()
}

func TestWhatIsUnfinishedNeedsAnExcuse(t *testing.T) {
	const end = 10 * time.Minute
	t.Run("nobody has left", func(t *testing.T) {
		found, counters := newStuck().leave().end(end, "n1", "n2", "n3")
		require.Equal(t, []string{"P16"}, found)
		require.Positive(t, counters["at-stake/P16"])
	})
	t.Run("the run is too short to tell", func(t *testing.T) {
		found, counters := newStuck().leave().end(70*time.Second, "n1", "n2", "n3")
		require.Empty(t, found)
		require.Zero(t, counters["at-stake/P16"])
	})
	t.Run("somebody has left who owes nothing", func(t *testing.T) {
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
		require.Equal(t, []string{"P17", "P16", "P17"}, found, "at once, and at the end, when the excuse is no more")
	})
}
