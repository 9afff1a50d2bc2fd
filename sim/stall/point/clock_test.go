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
