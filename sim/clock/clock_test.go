package clock_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/clock"
)

// bubble runs f with a clock that is off by offset and gains ppm.
func bubble(t *testing.T, offset time.Duration, ppm int64, f func(t *testing.T, c *clock.Clock, start time.Time)) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := clock.New(offset)
		c.SetDrift(ppm)
		f(t, c, start)
	})
}

func TestAClockShowsItsOffsetAndDrift(t *testing.T) {
	for _, k := range []struct {
		offset time.Duration
		ppm    int64
		want   time.Duration // after an hour
	}{
		{0, 0, time.Hour},
		{time.Minute, 0, time.Hour + time.Minute},
		{-time.Minute, 0, time.Hour - time.Minute},
		{0, 1000, time.Hour + 3600*time.Millisecond},
		{time.Second, -1000, time.Hour + time.Second - 3600*time.Millisecond},
		{0, 10 * clock.MaxDrift, time.Hour + time.Hour/2},
	} {
		bubble(t, k.offset, k.ppm, func(t *testing.T, c *clock.Clock, start time.Time) {
			time.Sleep(time.Hour)
			require.Equal(t, k.want, c.Since(start))
			require.Equal(t, -k.want, c.Until(start))
			require.True(t, c.Now().Equal(start.Add(k.want)))
		})
	}
}

func TestDriftBeginsWhenItIsSet(t *testing.T) {
	bubble(t, 0, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		time.Sleep(time.Hour)
		c.SetDrift(1000)
		require.Equal(t, time.Hour, c.Since(start))
		time.Sleep(time.Hour)
		c.SetDrift(0)
		time.Sleep(time.Hour)
		require.Equal(t, 3*time.Hour+3600*time.Millisecond, c.Since(start))
	})
}

func TestAJumpShowsAndLeavesTimersAlone(t *testing.T) {
	bubble(t, 0, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		timer := c.NewTimer(time.Minute)
		before := c.Now()
		c.Jump(-time.Hour)
		require.Equal(t, -time.Hour, c.Since(before))
		shown := <-timer.Chan()
		require.Equal(t, time.Minute, time.Since(start))
		require.True(t, shown.Equal(start.Add(time.Minute-time.Hour)))
	})
}

func TestTimesCarryNoMonotonicReading(t *testing.T) {
	bubble(t, time.Second, 0, func(t *testing.T, c *clock.Clock, _ time.Time) {
		require.Equal(t, c.Now().Round(0), c.Now())
	})
}

func TestWaitsTakeTheirTimeByTheClock(t *testing.T) {
	for _, k := range []struct {
		ppm  int64
		want time.Duration // of a minute by the clock
	}{{0, time.Minute}, {500_000, 40 * time.Second}, {-500_000, 2 * time.Minute}, {-250_000, 80 * time.Second}} {
		for name, wait := range map[string]func(c *clock.Clock){
			"Sleep": func(c *clock.Clock) { c.Sleep(time.Minute) },
			"After": func(c *clock.Clock) { <-c.After(time.Minute) },
			"Timer": func(c *clock.Clock) { <-c.NewTimer(time.Minute).Chan() },
			"Reset": func(c *clock.Clock) { timer := c.NewTimer(time.Hour); timer.Reset(time.Minute); <-timer.Chan() },
			"Func": func(c *clock.Clock) {
				done := make(chan bool)
				c.AfterFunc(time.Minute, func() { close(done) })
				<-done
			},
			"Ticker": func(c *clock.Clock) {
				ticker := c.NewTicker(20 * time.Second)
				defer ticker.Stop()
				for range 3 {
					<-ticker.Chan()
				}
			},
		} {
			bubble(t, time.Hour, k.ppm, func(t *testing.T, c *clock.Clock, start time.Time) {
				wait(c)
				require.InDelta(t, k.want, time.Since(start), 3, "%s at %d ppm", name, k.ppm) // ns
				require.GreaterOrEqual(t, c.Since(start), time.Hour+time.Minute, name)
			})
		}
	}
}

func TestATimerSendsWhatItsClockShows(t *testing.T) {
	bubble(t, time.Hour, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		shown := <-c.After(time.Second)
		require.True(t, shown.Equal(start.Add(time.Hour+time.Second)))
		ticker := c.NewTicker(time.Second)
		defer ticker.Stop()
		shown = <-ticker.Chan()
		require.True(t, shown.Equal(start.Add(time.Hour+2*time.Second)))
	})
}

func TestStopAndResetLeaveNoStaleValue(t *testing.T) {
	bubble(t, 0, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		timer := c.NewTimer(time.Second)
		require.True(t, timer.Stop())
		require.False(t, timer.Stop())
		time.Sleep(time.Minute)
		require.Empty(t, timer.Chan())

		require.False(t, timer.Reset(time.Second))
		time.Sleep(time.Minute)
		require.True(t, timer.Stop(), "it had fired, but its channel was not read")
		require.Empty(t, timer.Chan())

		require.False(t, timer.Reset(time.Second))
		time.Sleep(time.Minute)
		require.True(t, timer.Reset(time.Second))
		require.Empty(t, timer.Chan())
		<-timer.Chan()
		require.Equal(t, 3*time.Minute+time.Second, time.Since(start))
		require.False(t, timer.Reset(0))
		<-timer.Chan()
		require.Equal(t, 3*time.Minute+time.Second, time.Since(start))
		require.False(t, timer.Stop())
	})
}

func TestAFunctionTimerCanBeStoppedAndReset(t *testing.T) {
	bubble(t, 0, 500_000, func(t *testing.T, c *clock.Clock, start time.Time) {
		var runs atomic.Int32
		timer := c.AfterFunc(3*time.Second, func() { runs.Add(1) })
		require.Nil(t, timer.Chan())
		require.True(t, timer.Stop())
		time.Sleep(time.Minute)
		require.Zero(t, runs.Load())
		require.False(t, timer.Reset(3*time.Second))
		time.Sleep(2*time.Second + 1)
		require.Equal(t, int32(1), runs.Load())
	})
}

func TestATickerKeepsItsPaceAndDropsTicks(t *testing.T) {
	bubble(t, 0, 0, func(t *testing.T, c *clock.Clock, start time.Time) {
		ticker := c.NewTicker(time.Second)
		for i := range 3 {
			<-ticker.Chan()
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(start))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second) // to 13.1s; one of these ticks waits
		<-ticker.Chan()
		<-ticker.Chan()
		require.Equal(t, 14*time.Second, time.Since(start))
		ticker.Reset(time.Minute)
		<-ticker.Chan()
		require.Equal(t, 74*time.Second, time.Since(start))
		ticker.Stop()
		time.Sleep(time.Hour)
		require.Empty(t, ticker.Chan())
		require.Panics(t, func() { c.NewTicker(0) })
		require.Panics(t, func() { ticker.Reset(-1) })
	})
}
