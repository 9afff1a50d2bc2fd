package taskevent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
)

func TestAListIsReadAsItWasWritten(t *testing.T) {
	for name, tasks := range map[string][]taskevent.ListedTask{
		"nothing": {},
		"two tasks": {
			{Namespace: "cleanup", ID: "a \"b\"", Version: 7, Status: "STARTED", Claimed: 2, Terminal: 1},
			{Namespace: "reindex", ID: "r", Version: 9, Status: "SWAPPING", Claimed: 1, Terminal: 1,
				Prepared: map[string]bool{"n2": true, "n1": true}, Swapped: map[string]bool{"n1": false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := taskevent.Listed{Contents: taskevent.ListContents(tasks)}
			got, err := list.Tasks()
			require.NoError(t, err)
			require.Equal(t, tasks, got)
		})
	}
	require.Equal(t, "[]", taskevent.ListContents(nil), "there is one empty list")
}

func TestAListThatIsNoneIsAnError(t *testing.T) {
	list := taskevent.Listed{Contents: "{"}
	_, err := list.Tasks()
	require.ErrorContains(t, err, "contents of a list")
}
