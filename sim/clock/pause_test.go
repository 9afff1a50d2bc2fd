package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/clock"
	"dtsim/sim/keyed"
	"dtsim/sim/pause"
)

// paused runs f with a clock that is paused for ten seconds from the start.
func paused(t *testing.T, f func(t *testing.T, c *clock.Clock, start time.Time)) {
	bubble(t, 0, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		c.Pause()
		time.AfterFunc(10*time.Second, func() { resume(c) })
		f(t, c, start)
	})
}

// resume ends a pause, and lets what is late happen.
func resume(c *clock.Clock) { pause.Release(keyed.New(1, "pause"), c.Resume()) }

func TestTimersOfAPausedClockAreLate(t *testing.T) {
	paused(t, func(t *testing.T, c *clock.Clock, start time.Time) {
		var order []string
		done := make(chan string, 3)
		c.AfterFunc(2*time.Second, func() { done <- "second" })
		c.AfterFunc(time.Second, func() { done <- "first" })
		go func() {
			c.Sleep(3 * time.Second)
			done <- "third"
		}()
		for range 3 {
			order = append(order, <-done)
		}
		require.ElementsMatch(t, []string{"first", "second", "third"}, order)
		require.GreaterOrEqual(t, time.Since(start), 10*time.Second)
		require.Less(t, time.Since(start), 10*time.Second+time.Millisecond)
	})
}

func TestATickerOfAPausedClockTicksOnceWhenItResumes(t *testing.T) {
	paused(t, func(t *testing.T, c *clock.Clock, start time.Time) {
		ticker := c.NewTicker(3 * time.Second)
		defer ticker.Stop()
		<-ticker.Chan()
		require.Equal(t, 10*time.Second, time.Since(start).Round(time.Millisecond))
		<-ticker.Chan()
		require.LessOrEqual(t, time.Since(start), 13*time.Second+time.Millisecond)
	})
}

func TestATimerThatIsLateCanBeStoppedAndSetAgain(t *testing.T) {
	paused(t, func(t *testing.T, c *clock.Clock, start time.Time) {
		fired := make(chan string, 2)
		stopped := c.AfterFunc(time.Second, func() { fired <- "stopped" })
		again := c.AfterFunc(time.Second, func() { fired <- "again" })
		late := c.NewTimer(time.Second)
		time.Sleep(5 * time.Second)
		require.True(t, stopped.Stop())
		require.False(t, stopped.Stop())
		require.True(t, again.Reset(20*time.Second))
		require.True(t, late.Stop())
		require.Equal(t, "again", <-fired)
		require.Equal(t, 25*time.Second, time.Since(start))
		require.Empty(t, fired)
		require.Empty(t, late.Chan())
	})
}
