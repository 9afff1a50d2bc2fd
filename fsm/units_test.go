package fsm

import (
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
)

func TestRecordUnitCompletion(t *testing.T) {
	t.Run("a completion claims and completes the unit", func(t *testing.T) {
		r := at(t, started)
		wakes := r.wakes
		r.must(completion("u1", "n1"))
		require.Equal(t, &Unit{ID: "u1", NodeID: "n1", Status: UnitStatusCompleted, Progress: 1, FinishedAt: second(5)}, r.task("ns", "a").Units["u1"])
		require.Equal(t, TaskStatusStarted, r.task("ns", "a").Status)
		require.Equal(t, wakes+1, r.wakes)
	})
	t.Run("a failure keeps the progress and fails the task", func(t *testing.T) {
		r := at(t, append(clip(started), progress("u1", "n1", 0.5)))
		r.must(failure("u1", "n1", "boom"))
		require.Equal(t, &Unit{ID: "u1", NodeID: "n1", Status: UnitStatusFailed, Progress: 0.5, Error: "boom", UpdatedAt: second(3), FinishedAt: second(5)},
			r.task("ns", "a").Units["u1"])
		require.Equal(t, &Unit{ID: "u2", Status: UnitStatusPending}, r.task("ns", "a").Units["u2"])
	})
	t.Run("the last completion leads to SWAPPING", func(t *testing.T) {
		require.Equal(t, TaskStatusSwapping, at(t, swapping).task("ns", "a").Status)
	})
	t.Run("with the barrier it leads to PREPARING", func(t *testing.T) {
		require.Equal(t, TaskStatusPreparing, at(t, preparing).task("ns", "a").Status)
	})

	for name, tc := range map[string]struct {
		request any
		want    rejection
	}{
		"a completed unit is not completed again":            {completion("u1", "n1"), rejection{sentinel: ErrUnitAlreadyTerminal, text: "unit u1 of task ns/a/1 is already terminal"}},
		"a completed unit does not fail":                     {failure("u1", "n1", "boom"), rejection{sentinel: ErrUnitAlreadyTerminal, text: "is already terminal"}},
		"a unit that the task does not have is refused":      {completion("u9", "n1"), rejection{sentinel: ErrTaskDoesNotExist, text: "unit u9 of task ns/a/1 does not exist"}},
		"a completed unit of another node is not one's own":  {completion("u1", "n2"), rejection{sentinel: ErrUnitWrongNode, text: "belongs to node n1, not n2"}},
		"a claimed unit is not completed by another node":    {completion("u2", "n1"), rejection{sentinel: ErrUnitWrongNode, text: "belongs to node n2, not n1"}},
		"a claimed unit is not failed by another node":       {failure("u2", "n1", "boom"), rejection{sentinel: ErrUnitWrongNode, text: "belongs to node n2, not n1"}},
		"progress of a unit of another node is refused":      {progress("u2", "n1", 1), rejection{sentinel: ErrUnitWrongNode, text: "belongs to node n2, not n1"}},
		"progress of a unit that does not exist is refused":  {progress("u9", "n1", 1), rejection{sentinel: ErrTaskDoesNotExist, text: "unit u9 of task ns/a/1 does not exist"}},
		"progress of a completed unit comes late":            {progress("u1", "n1", 0.3), rejection{}},
		"late progress of another node is refused as before": {progress("u1", "n2", 0.3), rejection{sentinel: ErrUnitWrongNode, text: "belongs to node n1, not n2"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := at(t, append(clip(started), completion("u1", "n1"), progress("u2", "n2", 0.2)))
			before := r.snapshot()
			tc.want.check(t, r.do(tc.request))
			require.Equal(t, before, r.snapshot())
		})
	}
}

func TestUpdateUnitProgress(t *testing.T) {
	report := func(value float32, millis int64) any {
		q := progress("u1", "n1", value)
		q.UpdatedAtUnixMillis = millis
		return q
	}
	for name, tc := range map[string]struct {
		reports  []any
		progress float32
		updated  int64
		wakes    int
	}{
		"progress 0 claims":                      {[]any{report(0, 1000)}, 0, 1, 1},
		"progress 1 does not complete":           {[]any{report(1, 1000)}, 1, 1, 1},
		"later progress wakes nothing":           {[]any{report(0, 1000), report(0.25, 2000)}, 0.25, 2, 1},
		"progress does not fall":                 {[]any{report(0.75, 1000), report(0.25, 2000)}, 0.75, 2, 1},
		"the time is the reporter's, even older": {[]any{report(0.5, 9000), report(0.75, 2000)}, 0.75, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := at(t, started)
			wakes := r.wakes
			for _, q := range tc.reports {
				r.must(q)
			}
			want := &Unit{ID: "u1", NodeID: "n1", Status: UnitStatusInProgress, Progress: tc.progress, UpdatedAt: second(tc.updated)}
			require.Equal(t, want, r.task("ns", "a").Units["u1"])
			require.Equal(t, tc.wakes, r.wakes-wakes)
		})
	}

	t.Run("falling progress is logged at debug", func(t *testing.T) {
		logger, logs := test.NewNullLogger()
		logger.SetLevel(logrus.DebugLevel)
		r := newRig(t)
		r.logger = logger
		r.must(addRequest("u1"))
		r.must(progress("u1", "n1", 0.75))
		require.Empty(t, logs.AllEntries())
		r.must(progress("u1", "n1", 0.25))
		require.Len(t, logs.AllEntries(), 1)
		require.Equal(t, logrus.DebugLevel, logs.LastEntry().Level)
		require.Equal(t, "progress 0.25 is below the recorded 0.75 and is ignored", logs.LastEntry().Message)
	})

	t.Run("a run starts from nothing again", func(t *testing.T) {
		r := at(t, append(clip(started), progress("u1", "n1", 0.5), cancellation(), addRequest("u1")))
		require.Equal(t, &Unit{ID: "u1", Status: UnitStatusPending}, r.task("ns", "a").Units["u1"])
	})
}
