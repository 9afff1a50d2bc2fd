package point

import (
	"context"
	"time"
	"unsafe"
)

// Clock is the clock of a node. It is safe for concurrent use.
type Clock interface {
	// Wall returns how far the clock shows more than the bubble's time.
	Wall(now time.Time) time.Duration
	// Elapsed returns how much more time than in the bubble has passed by the clock since the
	// node was first started; jumps of the clock do not count.
	Elapsed(now time.Time) time.Duration
	// Takes returns how long d by this clock takes in the bubble's time.
	Takes(d time.Duration) time.Duration
	// Hold makes f late if the node is paused: it is called when the node goes on. Otherwise it
	// returns false.
	Hold(f func()) (late bool)
}

// clock returns the clock of the calling goroutine; nil for that of the bubble.
//
//go:norace
func clock() Clock {
	if current == nil {
		return nil
	}
	if o := Owner(owner()) &^ exempt; o != 0 {
		return current.Clock(o)
	}
	return nil
}

func takes(d time.Duration) time.Duration {
	if c := clock(); c != nil {
		return c.Takes(d)
	}
	return d
}

// The functions below stand in for those of package time, and of package context, in instrumented
// code. As there, a jump of the clock shows in what Now reads and not in the difference of
// two readings, and a timer measures the time it was given by the drift of the moment at which
// it was set; see [Timer]. The deadline of a context is by the drift alone: what its Deadline method
// returns is in the bubble's time, and a context ends in time while its node is paused.

// Now is time.Now by the clock of the calling goroutine's node.
func Now() time.Time { return now(clock()) }

// now is what a clock shows; nil is that of the bubble.
func now(c Clock) time.Time {
	now := time.Now()
	if c == nil {
		return now
	}
	return read(now.Add(c.Wall(now)), now.Sub(base)+c.Elapsed(now))
}

// base is when the time of a bubble begins.
var base = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// read returns a reading of a clock that shows wall, and by which elapsed has passed since some
// time. Times in a bubble have no monotonic reading, by which differences are to be taken: it is put in
// as package time does.
func read(wall time.Time, elapsed time.Duration) time.Time {
	const (
		day       = 86400
		from1885  = (1969*365 + 1969/4 - 1969/100 + 1969/400 - (1884*365 + 1884/4 - 1884/100 + 1884/400)) * day
		monotonic = 1 << 63
	)
	sec := wall.Unix() + from1885
	if sec < 0 || sec >= 1<<33 {
		return wall // package time has no monotonic reading of such a time either
	}
	t := wall
	r := (*reading)(unsafe.Pointer(&t))
	r.wall = monotonic | uint64(sec)<<30 | uint64(wall.Nanosecond())
	r.mono = int64(elapsed) + 1
	return t
}

// reading is the layout of a time.Time; a test holds it.
type reading struct {
	wall uint64
	mono int64
	loc  *time.Location
}

// Since is time.Since.
func Since(t time.Time) time.Duration { return Now().Sub(t) }

// Until is time.Until.
func Until(t time.Time) time.Duration { return t.Sub(Now()) }

// Sleep is time.Sleep.
func Sleep(d time.Duration) {
	c := clock()
	if c == nil {
		time.Sleep(d)
		return
	}
	time.Sleep(c.Takes(d))
	awake := make(chan struct{})
	if c.Hold(func() { close(awake) }) {
		<-awake
	}
}

// WithTimeout is context.WithTimeout.
func WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(parent, takes(d))
}
