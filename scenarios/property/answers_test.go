package property_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

// Where Raft has shut down, nothing can come of a call.
func TestACallAtANodeThatIsShutDownEndsAtOnce(t *testing.T) {
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
			found := violated(append([]moment{{0, trace.NodeStarted}}, c.moments...),
				trace.Int("op", 7), trace.Str("do", "add-task"), trace.Str("state", "Shutdown"), trace.Str("outcome", "error"))
			if c.violated {
				require.Equal(t, []string{"P15"}, found)
			} else {
				require.Empty(t, found)
			}
		})
	}
}
