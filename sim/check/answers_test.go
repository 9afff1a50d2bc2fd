package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/check"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Where Raft has shut down, nothing can come of a call.
func TestACallAtANodeThatIsShutDownEndsAtOnce(t *testing.T) {
	type moment struct {
		second time.Duration
		kind   trace.Kind
	}
	const (
		shut     = trace.NodeState
		called   = trace.Called
		returned = trace.Returned
		stopped  = trace.NodeStopped
		paused   = trace.NodePaused
		resumed  = trace.NodeResumed
	)
	for name, c := range map[string]struct {
		moments  []moment
		violated bool
	}{
		"it ends at once":                      {[]moment{{1, shut}, {2, called}, {2, returned}}, false},
		"it was under way before":              {[]moment{{1, called}, {2, shut}, {9, returned}}, false},
		"the node takes no step":               {[]moment{{1, shut}, {2, called}, {2, paused}, {8, resumed}, {8, returned}}, false},
		"it goes on":                           {[]moment{{1, shut}, {2, called}, {3, returned}}, true},
		"it goes on until the node is stopped": {[]moment{{1, shut}, {2, called}, {3, stopped}}, true},
		"it goes on after a pause":             {[]moment{{1, shut}, {2, called}, {2, paused}, {8, resumed}, {9, returned}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan.Default()
			o := check.New(&p)
			for i, m := range append([]moment{{0, trace.NodeStarted}}, c.moments...) {
				o.Observe(trace.Event{Seq: i + 1, At: m.second * time.Second, Node: "n1", Incarnation: 1, Kind: m.kind, Fields: []trace.Field{
					trace.Int("op", 7), trace.Str("do", "add-task"), trace.Str("state", "Shutdown"), trace.Str("outcome", "error")}})
			}
			var found []string
			for _, v := range o.Verdict().Violations {
				found = append(found, v.Property)
			}
			if c.violated {
				require.Equal(t, []string{"P15"}, found)
			} else {
				require.Empty(t, found)
			}
		})
	}
}
