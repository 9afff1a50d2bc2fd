package schedmock_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "pgregory.net/rapid"

	"dtsim/sched"
	"dtsim/sched/schedmock"
)

var (
	_ sched.TaskCleaner            = (*schedmock.MockTaskCleaner)(nil)
	_ sched.TaskCompletionRecorder = (*schedmock.MockTaskCompletionRecorder)(nil)
)

func TestMocksReturnWhatIsExpected(t *testing.T) {
	cleaner := schedmock.NewMockTaskCleaner(t)
	cleaner.EXPECT().CleanUpDistributedTask(t.Context(), "ns", "t", uint64(7)).Return(context.Canceled).Once()
	require.ErrorIs(t, cleaner.CleanUpDistributedTask(t.Context(), "ns", "t", 7), context.Canceled)
}

func TestProductionBuildsHaveNoMock(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "dtsim/sched", "dtsim/sched/reconcile", "dtsim/fsm/replica").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "dtsim/fsm\n")
	for dependency := range strings.Lines(string(out)) {
		require.NotContains(t, dependency, "testify")
		require.NotContains(t, dependency, "schedmock")
	}
}
