package sched

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatASchedulerKeepsIsSorted(t *testing.T) {
	s := NewScheduler(SchedulerParams{})
	require.Equal(t, Kept{}, s.Kept())
	s.recorder = NewThrottledRecorder(nil, time.Second, nil)
	for _, unit := range []string{"b", "a"} {
		s.recorder.enter(throttleKey{"ns", "t", 3, unit})
		s.runners[key{"ns", unit}] = &runner{}
	}
	require.Equal(t, Kept{
		Tasks: []KeptTask{{"ns", "a"}, {"ns", "b"}},
		Units: []KeptUnit{{KeptTask{"ns", "t"}, 3, "a"}, {KeptTask{"ns", "t"}, 3, "b"}},
	}, s.Kept())
}
