package clock

import (
	"sync"
	"time"
)

// alarm is a timer, or a ticker when it has a period. It sends what its clock
// shows, which a time.Timer could not. As with the timers of Go 1.23 and later, no
// stale value is received after Stop or Reset.
type alarm struct {
	clock *Clock
	ch    chan time.Time // holds one

	mu     sync.Mutex
	timer  *time.Timer
	armed  bool
	due    time.Time // in the bubble's time, when armed
	period time.Duration
}

func newAlarm(c *Clock, period time.Duration) *alarm {
	return &alarm{clock: c, ch: make(chan time.Time, 1), period: period}
}

func (a *alarm) arm(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armLocked(time.Now().Add(a.clock.real(d)))
}

func (a *alarm) armLocked(due time.Time) {
	a.armed, a.due = true, due
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Until(due), a.fire)
	} else {
		a.timer.Reset(time.Until(due))
	}
}

// fire runs when the timer is due. One that was overtaken by a Stop or a Reset finds
// the alarm not armed, or armed for later.
func (a *alarm) fire() {
	if a.clock.Hold(a.fire) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.armed || time.Now().Before(a.due) {
		return
	}
	select {
	case a.ch <- a.clock.Now():
	default:
	}
	a.armed = false
	if a.period > 0 {
		a.armLocked(a.due.Add(a.clock.real(a.period)))
	}
}

// disarm stops the alarm and reports whether that kept a value from being received.
func (a *alarm) disarm() bool {
	was := a.armed
	a.armed = false
	a.timer.Stop()
	select {
	case <-a.ch:
		was = true
	default:
	}
	return was
}

// Chan returns the channel on which the clock's time is sent.
func (a *alarm) Chan() <-chan time.Time { return a.ch }

// Stop keeps the alarm from sending and reports whether there was something to keep.
func (a *alarm) Stop() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.disarm()
}

// Reset sets the alarm to d from now and reports whether it was set or unreceived.
func (a *alarm) Reset(d time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.disarm()
	a.armLocked(time.Now().Add(a.clock.real(d)))
	return was
}

// ticker is an alarm with a period.
type ticker struct{ alarm *alarm }

func (t ticker) Chan() <-chan time.Time { return t.alarm.ch }
func (t ticker) Stop()                  { t.alarm.Stop() }

func (t ticker) Reset(d time.Duration) {
	if d <= 0 {
		panic("clock: the interval of a ticker must be positive")
	}
	t.alarm.mu.Lock()
	t.alarm.period = d
	t.alarm.mu.Unlock()
	t.alarm.Reset(d)
}
