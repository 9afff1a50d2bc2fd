package point

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAReadingHasATimeOfDayAndAMonotonicTime(t *testing.T) {
	wall := time.Date(2030, 2, 3, 4, 5, 6, 7, time.UTC)
	first, second := read(wall, time.Hour), read(wall.Add(-time.Minute), time.Hour+time.Second)
	require.True(t, wall.Equal(first.Round(0)), "%s", first)
	require.Equal(t, wall, first.Round(0))
	require.Equal(t, time.Second, second.Sub(first), "a jump of the clock does not show in a difference")
	require.True(t, second.After(first))
	require.Equal(t, 2*time.Second, first.Add(2*time.Second).Sub(first))
	require.Equal(t, -time.Minute, second.Round(0).Sub(first.Round(0)))
	early := time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, early, read(early, time.Hour))
}

// fixed is a clock that is two hours ahead, has gained a second, and runs at double speed.
type fixed struct{}

func (fixed) Wall(time.Time) time.Duration        { return 2 * time.Hour }
func (fixed) Elapsed(time.Time) time.Duration     { return time.Second }
func (fixed) Takes(d time.Duration) time.Duration { return d / 2 }
func (fixed) Hold(func()) bool                    { return false }
func (fixed) Clock(Owner) Clock                   { return fixed{} }
func (fixed) At(Owner, Site)                      {}

func TestWithoutOwnersTheClockIsThatOfTheBubble(t *testing.T) {
	if Available() {
		t.Skip("this program's goroutines have owners")
	}
	synctest.Test(t, func(t *testing.T) {
		Install(fixed{})
		defer Install(nil)
		start := time.Now()
		require.Equal(t, start, Now())
		Sleep(time.Minute)
		require.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, time.Minute, Since(start))
		<-After(time.Minute)
		require.Equal(t, 2*time.Minute, time.Since(start))
	})
}

// paced is a clock that is an hour ahead and runs at double speed; while late is not nil, it is
// paused.
type paced struct{ late *[]func() }

func (p *paced) Wall(time.Time) time.Duration        { return time.Hour }
func (p *paced) Elapsed(time.Time) time.Duration     { return 0 }
func (p *paced) Takes(d time.Duration) time.Duration { return d / 2 }
func (p *paced) Hold(f func()) bool {
	if p.late == nil {
		return false
	}
	*p.late = append(*p.late, f)
	return true
}

// alarmOf returns a timer by a clock, or a ticker if it has a period.
func alarmOf(c Clock, d, period time.Duration) (*alarm, chan time.Time) {
	ch := make(chan time.Time, 1)
	a := &alarm{clock: c, c: ch, period: period}
	a.arm(time.Now().Add(a.takes(d)))
	return a, ch
}

func TestATimerSendsWhatItsClockShowsAndIsSetByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a, ch := alarmOf(&paced{}, 2*time.Second, 0)
		shown := <-ch
		require.Equal(t, time.Second, time.Since(start))
		require.True(t, shown.Round(0).Equal(start.Add(time.Second+time.Hour)), "%s", shown)
		require.False(t, a.reset(4*time.Second, 0))
		<-ch
		require.Equal(t, 3*time.Second, time.Since(start))
		require.False(t, a.stop())
		a.reset(time.Second, 0)
		require.True(t, a.stop())
		time.Sleep(time.Minute)
		require.Empty(t, ch)
	})
}

func TestNoStaleValueIsReceivedAfterStopOrReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a, ch := alarmOf(nil, time.Second, 0)
		time.Sleep(2 * time.Second)
		require.True(t, a.reset(time.Second, 0), "its value was not received")
		<-ch
		require.Equal(t, 3*time.Second, time.Since(start))
		a.reset(time.Second, 0)
		time.Sleep(2 * time.Second)
		require.True(t, a.stop())
		require.Empty(t, ch)
	})
}

func TestTimersOfAPausedNodeAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, c := time.Now(), &paced{late: new([]func())}
		a, ch := alarmOf(c, 2*time.Second, 2*time.Second)
		stopped, never := alarmOf(c, time.Second, 0)
		time.Sleep(4500 * time.Millisecond)
		require.Empty(t, ch)
		stopped.stop()
		late := *c.late
		c.late = nil
		for _, f := range late {
			f()
		}
		<-ch
		require.Empty(t, never)
		<-ch
		require.Equal(t, 5*time.Second, time.Since(start), "ticks that were missed are left out, and the pace is kept")
		a.stop()
	})
}

func TestTimersWithoutANodeAreThoseOfTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, called := time.Now(), make(chan bool)
		timer, ticker := NewTimer(time.Second), NewTicker(2*time.Second)
		AfterFunc(3*time.Second, func() { close(called) })
		require.Equal(t, start.Add(time.Second), <-timer.C)
		require.Equal(t, start.Add(2*time.Second), <-ticker.C)
		<-called
		require.Equal(t, 3*time.Second, time.Since(start))
		ticker.Reset(time.Minute)
		<-ticker.C
		ticker.Stop()
		require.False(t, timer.Reset(time.Second))
		require.True(t, timer.Stop())
		require.Nil(t, Tick(0))
		require.Equal(t, start.Add(63*time.Second+time.Second), <-Tick(time.Second))
	})
}
