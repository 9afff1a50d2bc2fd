package point

import (
	"sync"
	"time"
)

// Timer is time.Timer by the clock of the node whose goroutine made it: it sends what that clock
// shows, Reset takes a time by that clock, and what becomes due while the node is paused is late. As
// with time.Timer, no stale value is received after Stop or Reset.
type Timer struct {
	C <-chan time.Time

	alarm *alarm
}

// Stop is that of time.Timer.
func (t *Timer) Stop() bool { return t.alarm.stop() }

// Reset is that of time.Timer.
func (t *Timer) Reset(d time.Duration) bool { return t.alarm.reset(d, 0) }

// Ticker is time.Ticker, as [Timer] is time.Timer.
type Ticker struct {
	C <-chan time.Time

	alarm *alarm
}

// Stop is that of time.Ticker.
func (t *Ticker) Stop() { t.alarm.stop() }

// Reset is that of time.Ticker.
func (t *Ticker) Reset(d time.Duration) {
	if d <= 0 {
		panic("non-positive interval for Ticker.Reset")
	}
	t.alarm.reset(d, d)
}

// alarm is what timers and tickers are made of.
type alarm struct {
	clock Clock          // nil for that of the bubble
	c     chan time.Time // holds one; nil for a function
	f     func()         // is called instead

	mu    sync.Mutex
	timer *time.Timer
	armed bool
	due   time.Time // in the bubble's time, when armed
	// period is that of a ticker, 0 for a timer.
	period time.Duration
}

func (a *alarm) takes(d time.Duration) time.Duration {
	if a.clock == nil {
		return d
	}
	return a.clock.Takes(d)
}

// arm lets the alarm go off at a time. a.mu is held.
func (a *alarm) arm(due time.Time) {
	a.armed, a.due = true, due
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Until(due), a.fire)
	} else {
		a.timer.Reset(time.Until(due))
	}
}

// fire goes off when the alarm is due. One that was overtaken by a stop or a reset finds the
// alarm not armed, or armed for later.
func (a *alarm) fire() {
	if a.clock != nil && a.clock.Hold(a.fire) {
		return
	}
	a.mu.Lock()
	if !a.armed || time.Now().Before(a.due) {
		a.mu.Unlock()
		return
	}
	a.armed = false
	if a.period > 0 {
		// Ticks that were missed are left out.
		due, step := a.due, a.takes(a.period)
		if late := time.Since(due); late > 0 {
			due = due.Add(late / step * step)
		}
		a.arm(due.Add(step))
	}
	if a.c != nil {
		select {
		case a.c <- now(a.clock):
		default:
		}
	}
	a.mu.Unlock()
	if a.f != nil {
		a.f()
	}
}

// disarm reports whether that kept the alarm from going off, or its value from being received. a.mu is
// held.
func (a *alarm) disarm() bool {
	was := a.armed
	a.armed = false
	a.timer.Stop()
	select {
	case <-a.c:
		was = true
	default:
	}
	return was
}

func (a *alarm) stop() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.disarm()
}

func (a *alarm) reset(d, period time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.disarm()
	a.period = period
	a.arm(time.Now().Add(a.takes(d)))
	return was
}

// newAlarm returns an alarm of the calling goroutine's node that goes off after d.
func newAlarm(d, period time.Duration, c chan time.Time, f func()) *alarm {
	a := &alarm{clock: clock(), c: c, f: f, period: period}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.arm(time.Now().Add(a.takes(d)))
	return a
}

// NewTimer is time.NewTimer.
func NewTimer(d time.Duration) *Timer {
	c := make(chan time.Time, 1)
	return &Timer{C: c, alarm: newAlarm(d, 0, c, nil)}
}

// After is time.After.
func After(d time.Duration) <-chan time.Time { return NewTimer(d).C }

// NewTicker is time.NewTicker.
func NewTicker(d time.Duration) *Ticker {
	if d <= 0 {
		panic("non-positive interval for NewTicker")
	}
	c := make(chan time.Time, 1)
	return &Ticker{C: c, alarm: newAlarm(d, d, c, nil)}
}

// Tick is time.Tick.
func Tick(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return NewTicker(d).C
}

// AfterFunc is time.AfterFunc; f belongs to the owner of the calling goroutine.
func AfterFunc(d time.Duration, f func()) *Timer {
	o := owner() &^ uint32(exempt)
	return &Timer{alarm: newAlarm(d, 0, nil, func() {
		setOwner(o)
		f()
	})}
}
