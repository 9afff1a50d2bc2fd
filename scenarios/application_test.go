package scenarios

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// A task is added and cancelled at one time. The log has the cancellation last, but its
// caller got another answer: there is an order, but not that of the log.
func TestChecksThatContradictEachOther(t *testing.T) {
	for name, tc := range map[string]struct{ outcome, text, want string }{
		"the answer is that of the log":   {"ok", "", ""},
		"the answer is of another order":  {"rejected", "[dtm-perm/task-not-exist] there is none", "contradict each other: by the order of the log it is illegal, by porcupine ok"},
		"the answer is right in no order": {"rejected", "[dtm-perm/unit-terminal] there is none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			event := func(kind trace.Kind, op int64, fields ...trace.Field) trace.Event {
				return trace.Event{Kind: kind, Fields: append([]trace.Field{trace.Int("op", op)}, fields...)}
			}
			request := func(seq uint64) []trace.Field { return []trace.Field{trace.Str("client", "c"), trace.Uint("seq", seq)} }
			committed := func(index uint64, command, body string) trace.Event {
				return trace.Event{Kind: trace.Committed, Fields: append([]trace.Field{trace.Uint("index", index), trace.Str("command", command),
					trace.Str("outcome", "ok"), trace.Str("body", body)}, request(index)...)}
			}
			r := recorded(t,
				event(trace.Called, 1, trace.Str("do", "add-task")), event(trace.Called, 2, trace.Str("do", "cancel-task")),
				event(trace.Proposed, 1, request(3)...), event(trace.Proposed, 2, request(4)...),
				committed(3, "DISTRIBUTED_TASK_ADD", `{"namespace":"cleanup","id":"a","unit_ids":["u"],"payload":"e30="}`),
				committed(4, "DISTRIBUTED_TASK_CANCEL", `{"namespace":"cleanup","id":"a","version":3}`),
				event(trace.Returned, 1, trace.Str("outcome", "ok")),
				event(trace.Returned, 2, trace.Str("outcome", tc.outcome), trace.Str("error", tc.text)))
			err := reviewHistory(r)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAHistoryThatCannotBeRead(t *testing.T) {
	require.ErrorContains(t, reviewHistory(recorded(t, trace.Event{Kind: trace.Listed, Fields: []trace.Field{trace.Str("contents", "{")}})), "the history of the run")
}

func recorded(t *testing.T, events ...trace.Event) *trace.Reader {
	var file bytes.Buffer
	recorder, err := trace.NewRecorder(&file, trace.Header{Plan: plan.Default()})
	require.NoError(t, err)
	for _, e := range events {
		recorder.Emit(e)
	}
	_, err = recorder.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	reader, err := trace.NewReader(&file)
	require.NoError(t, err)
	return reader
}
