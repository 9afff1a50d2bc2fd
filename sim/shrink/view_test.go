package shrink

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// record makes a trace of events, one a millisecond.
func record(t *testing.T, events ...trace.Event) *trace.Trace {
	var out bytes.Buffer
	rec, err := trace.NewRecorder(&out, trace.Header{Plan: plan.Default()})
	require.NoError(t, err)
	for i, e := range events {
		e.At = time.Duration(i+1) * time.Millisecond
		rec.Emit(e)
	}
	_, err = rec.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	tr, err := trace.Read(&out)
	require.NoError(t, err)
	return tr
}

func at(node string, kind trace.Kind, fields ...trace.Field) trace.Event {
	inc := 1
	if node == "" {
		inc = 0
	}
	return trace.Event{Node: node, Incarnation: inc, Kind: kind, Fields: fields}
}

func about(task string, fields ...trace.Field) []trace.Field {
	return append([]trace.Field{trace.Str("namespace", "reindex"), trace.Str("task", task)}, fields...)
}

// aboutTasks describes the events of the tests.
func aboutTasks(e *trace.Event) About {
	return About{
		Subject: e.Str("task"), Effect: e.Kind == trace.TaskChanged, Minor: e.Str("do") == "update-progress",
	}
}

func TestAViewHoldsWhatLedToTheViolationAndNothingElse(t *testing.T) {
	tr := record(t,
		at("", trace.RunStarted),                                // 1
		at("n1", trace.NodeStarted),                             // 2
		at("n2", trace.NodeStarted),                             // 3
		at("n3", trace.NodeStarted),                             // 4
		at("n1", trace.NodeState, trace.Str("state", "Leader")), // 5
		at("n2", trace.MessageSent, trace.Str("to", "n1")),      // 6
		at("n2", trace.Called, append([]trace.Field{trace.Int("op", 0)}, about("a")...)...),                                     // 7
		at("n2", trace.Proposed, trace.Int("op", 0), trace.Str("client", "n2#1"), trace.Int("seq", 1)),                          // 8
		at("n3", trace.Called, append([]trace.Field{trace.Int("op", 1)}, about("other")...)...),                                 // 9
		at("n3", trace.Proposed, trace.Int("op", 1), trace.Str("client", "n3#1"), trace.Int("seq", 1)),                          // 10
		at("n1", trace.Committed, trace.Int("index", 4), trace.Str("client", "n2#1"), trace.Int("seq", 1)),                      // 11
		at("n1", trace.TaskChanged, about("a", trace.Str("status", "STARTED"))...),                                              // 12
		at("n1", trace.Committed, trace.Int("index", 5), trace.Str("client", "n3#1"), trace.Int("seq", 1)),                      // 13
		at("n1", trace.TaskChanged, about("other", trace.Str("status", "STARTED"))...),                                          // 14
		at("n3", trace.FaultBegan, trace.Int("fault", 0)),                                                                       // 15
		at("n3", trace.FaultActivated, trace.Int("fault", 0)),                                                                   // 16
		at("n2", trace.Applied, append([]trace.Field{trace.Int("index", 4)}, about("a")...)...),                                 // 17
		at("n2", trace.Called, append([]trace.Field{trace.Int("op", 2), trace.Str("do", "update-progress")}, about("a")...)...), // 18
		at("n3", trace.CallbackStarted, about("other")...),                                                                      // 19
		at("n2", trace.CallbackStarted, about("a")...),                                                                          // 20
		at("n2", trace.CallbackEnded, about("a")...),                                                                            // 21
	)
	seen := view(tr, trace.Violation{Property: "P5", At: 20 * time.Millisecond, Node: "n2"}, aboutTasks)
	assert.Equal(t, []int{2, 3, 5, 7, 8, 11, 12, 17, 20}, seen)

	seen = view(tr, trace.Violation{Property: "P9", At: 19 * time.Millisecond, Node: "n3"}, aboutTasks)
	assert.Equal(t, []int{4, 9, 15, 16, 19}, seen, "with the fault that was activated at the node, and without the other task")
}

func TestAViewOfNothingIsEmpty(t *testing.T) {
	assert.Empty(t, view(record(t), trace.Violation{At: time.Hour}, aboutTasks))
}

func TestAViewIsBounded(t *testing.T) {
	events := []trace.Event{at("n1", trace.NodeStarted)}
	for range 3000 {
		events = append(events, at("n1", trace.WorkStarted, about("a")...))
	}
	seen := view(record(t, events...), trace.Violation{At: time.Minute}, aboutTasks)
	assert.Len(t, seen, maxView)
	assert.Equal(t, 3001, seen[maxView-1])
}
