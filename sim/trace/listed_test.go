package trace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

func TestAListIsReadAsItWasWritten(t *testing.T) {
	for name, tasks := range map[string][]trace.ListedTask{
		"nothing": {},
		"two tasks": {
			{Namespace: "cleanup", ID: "a \"b\"", Version: 7, Status: "STARTED", Claimed: 2, Terminal: 1},
			{Namespace: "reindex", ID: "r", Version: 9, Status: "SWAPPING", Claimed: 1, Terminal: 1,
				Prepared: map[string]bool{"n2": true, "n1": true}, Swapped: map[string]bool{"n1": false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := trace.Event{Kind: trace.Listed, Fields: []trace.Field{trace.ListContents(tasks)}}
			got, err := e.ListedTasks()
			require.NoError(t, err)
			require.Equal(t, tasks, got)
		})
	}
	require.Equal(t, "[]", trace.ListContents(nil).Text(), "there is one empty list")
}

func TestAListThatIsNoneIsAnError(t *testing.T) {
	e := trace.Event{Kind: trace.Listed, Node: "n1", Fields: []trace.Field{trace.Str("contents", "{")}}
	_, err := e.ListedTasks()
	require.ErrorContains(t, err, "n1")
}
