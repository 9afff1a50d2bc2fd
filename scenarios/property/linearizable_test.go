package property_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// A list that was asked for after a task had been added, and does not show it.
func TestAStaleListIsNotLinearizable(t *testing.T) {
	p := taskplan.Default()
	for name, tc := range map[string]struct {
		contents []taskevent.ListedTask
		called   int64
		want     int
	}{
		"stale":           {nil, 50, 1},
		"asked for early": {nil, 15, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := property.New(&p, property.Own)
			for i, e := range []trace.Event{
				{At: 10, Kind: trace.Called, Fields: []trace.Field{trace.Int("op", 1), trace.Str("do", "add-task")}},
				{At: 20, Kind: trace.Proposed, Fields: []trace.Field{trace.Int("op", 1), trace.Str("client", "n1#1"), trace.Uint("seq", 1)}},
				{At: 30, Kind: trace.Committed, Fields: []trace.Field{trace.Uint("index", 3), trace.Str("command", "DISTRIBUTED_TASK_ADD"),
					trace.Str("outcome", "ok"), trace.Str("client", "n1#1"), trace.Uint("seq", 1),
					trace.Str("body", `{"namespace":"cleanup","id":"a","payload":"e30=","unit_ids":["u"]}`)}},
				{At: 40, Kind: trace.Returned, Fields: []trace.Field{trace.Int("op", 1), trace.Str("outcome", "ok")}},
				{At: 50, Kind: trace.Called, Fields: []trace.Field{trace.Int("op", 2), trace.Str("do", "list-tasks")}},
				{At: 60, Kind: trace.Listed, Fields: []trace.Field{trace.Str("contents", taskevent.ListContents(tc.contents))}},
			} {
				if e.Kind == trace.Listed {
					e.Fields = append(e.Fields, trace.Int("called", tc.called))
				}
				e.Node, e.Incarnation, e.Seq = "n1", 1, i+1
				o.Observe(e)
			}
			var found []trace.Violation
			for _, v := range o.Verdict().Violations {
				if v.Property == "P2" {
					found = append(found, v)
				}
			}
			require.Len(t, found, tc.want, "%v", found)
			if tc.want > 0 {
				require.Contains(t, found[0].Message, "shows task cleanup/a as it is nowhere")
				require.Equal(t, []int{5, 6}, found[0].Events)
			}
		})
	}
}
