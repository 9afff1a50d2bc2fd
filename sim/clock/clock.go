// Package clock gives every simulated node a clock of its own over the time of the
// bubble it runs in: ahead or behind by an offset, fast or slow by a drift, jumping
// when asked to.
//
// There is no second fake time to advance: a node's clock is a function of the
// bubble's time, and its timers are the bubble's timers. Two deviations from a real
// clock are deliberate. Times carry no monotonic reading, so that a jump shows in
// Since and Until, as it does for a time that went over a wire or a disk. A timer
// measures the time it was given by the drift of the moment it was set, and a jump
// does not move it.
package clock

import (
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"dtsim/sim/pause"
)

// MaxDrift bounds a clock's drift, in parts per million: half or one and a half
// times the true pace.
const MaxDrift = 500_000

// Clock is a node's clock. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	// anchor is a moment of the bubble's time, shown what the clock showed then.
	anchor, shown time.Time
	// drift is how many microseconds a second the clock gains, gained how much it had gained by
	// drifting at the anchor.
	drift  int64
	gained time.Duration
	// paused holds timers up; late are those that have become due meanwhile, in order.
	paused bool
	late   []pause.Step
}

var _ clockwork.Clock = (*Clock)(nil)

// New returns a clock that shows offset more than the bubble's time. Make it inside
// the bubble.
func New(offset time.Duration) *Clock {
	now := time.Now().Round(0)
	return &Clock{anchor: now, shown: now.Add(offset)}
}

// Jump sets the clock forward, or back for a negative d. Timers stay as they are.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown = c.shown.Add(d)
}

// SetDrift makes the clock gain ppm microseconds a second from now on, or lose them
// for a negative number; what lies beyond MaxDrift is cut off.
func (c *Clock) SetDrift(ppm int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().Round(0)
	c.anchor, c.shown, c.gained = now, c.at(now), c.gained+c.drifted(now)
	c.drift = min(max(ppm, -MaxDrift), MaxDrift)
}

// Drift returns how many microseconds a second the clock gains; negative when it loses
// them.
func (c *Clock) Drift() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drift
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(time.Now().Round(0))
}

// at returns what the clock shows at a moment of the bubble's time.
func (c *Clock) at(now time.Time) time.Time {
	return c.shown.Add(now.Sub(c.anchor) + c.drifted(now))
}

// drifted returns how much the clock has gained since the anchor.
func (c *Clock) drifted(now time.Time) time.Duration {
	d := now.Sub(c.anchor)
	return d/1e6*time.Duration(c.drift) + d%1e6*time.Duration(c.drift)/1e6
}

// Wall returns how far the clock shows more than the bubble's time; see package
// sim/stall/point.
func (c *Clock) Wall(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = now.Round(0)
	return c.at(now).Sub(now)
}

// Elapsed returns how much more than the bubble's time has passed by the clock since it was made;
// jumps do not count.
func (c *Clock) Elapsed(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gained + c.drifted(now.Round(0))
}

// Takes returns how long d by this clock takes in the bubble's time, rounded up.
func (c *Clock) Takes(d time.Duration) time.Duration { return c.real(d) }

// real returns how long d by this clock takes in the bubble's time, rounded up.
func (c *Clock) real(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drift == 0 || d <= 0 {
		return d
	}
	pace := time.Duration(1e6 + c.drift)
	return d/pace*1e6 + (d%pace*1e6+pace-1)/pace
}

// Since returns how far the clock is past t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until returns how far t is ahead of the clock.
func (c *Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// Sleep pauses the calling goroutine for d by this clock.
func (c *Clock) Sleep(d time.Duration) {
	time.Sleep(c.real(d))
	awake := make(chan struct{})
	if c.Hold(func() { close(awake) }) {
		<-awake
	}
}

// After returns a channel that gets the clock's time once d has passed by it.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.NewTimer(d).Chan() }

// NewTimer returns a timer that sends the clock's time once d has passed by it.
func (c *Clock) NewTimer(d time.Duration) clockwork.Timer {
	a := newAlarm(c, 0)
	a.arm(d)
	return a
}

// NewTicker returns a ticker that sends the clock's time every d by it. Ticks
// that are not received are dropped. It panics unless d is positive.
func (c *Clock) NewTicker(d time.Duration) clockwork.Ticker {
	if d <= 0 {
		panic("clock: the interval of a ticker must be positive")
	}
	a := newAlarm(c, d)
	a.arm(d)
	return ticker{a}
}

// AfterFunc calls f in its own goroutine once d has passed by this clock. The
// timer's channel is nil.
func (c *Clock) AfterFunc(d time.Duration, f func()) clockwork.Timer {
	t := &funcTimer{clock: c, f: f}
	t.timer = time.AfterFunc(c.real(d), t.fire)
	return t
}

// Pause makes timers late: what becomes due waits for [Clock.Resume]. The clock itself
// goes on.
func (c *Clock) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = true
}

// Resume ends a pause, and returns what has become due meanwhile, which the caller is to do. Each is a
// stream of its own.
func (c *Clock) Resume() []pause.Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	late := c.late
	c.late, c.paused = nil, false
	return late
}

// Hold makes f late; false if the clock is not paused.
func (c *Clock) Hold(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		c.late = append(c.late, pause.Step{Stream: "timer/" + strconv.Itoa(len(c.late)), Do: f})
	}
	return c.paused
}

// funcTimer is what AfterFunc returns.
type funcTimer struct {
	clock *Clock
	timer *time.Timer
	f     func()

	mu   sync.Mutex
	late uint64 // which of its lateness counts; zero when it is not late
	turn uint64
}

// fire runs when the timer is due.
func (t *funcTimer) fire() {
	t.mu.Lock()
	t.turn++
	turn := t.turn
	t.late = turn
	t.mu.Unlock()
	if t.clock.Hold(func() { t.overdue(turn) }) {
		return
	}
	t.overdue(turn)
}

// overdue calls f, unless the timer was stopped or set again while it was late.
func (t *funcTimer) overdue(turn uint64) {
	if t.recall(turn) {
		t.f()
	}
}

// recall ends a lateness (any for zero) and reports whether there was one.
func (t *funcTimer) recall(turn uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.late != 0 && (turn == 0 || t.late == turn)
	if was {
		t.late = 0
	}
	return was
}

func (t *funcTimer) Chan() <-chan time.Time { return nil }

func (t *funcTimer) Stop() bool {
	late := t.recall(0)
	return t.timer.Stop() || late
}

func (t *funcTimer) Reset(d time.Duration) bool {
	late := t.recall(0)
	return t.timer.Reset(t.clock.real(d)) || late
}
