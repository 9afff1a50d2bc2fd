package explore

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Snapshot is how far a search is.
type Snapshot struct {
	// States are stored, Transitions taken, Waiting not expanded yet.
	States, Transitions, Waiting uint64
	// Depth is the level, or the length of the stack.
	Depth int
	// Rate is transitions a second since the last snapshot.
	Rate float64
	// Left estimates how many states are still to be found, -1 while there is no estimate.
	Left float64
	// Memory is in bytes.
	Memory uint64
	// Elapsed is wall time since the search began.
	Elapsed time.Duration
	// Doing describes work other than visiting states; mostly empty.
	Doing string
}

// meter is what a search counts while it runs, for [Options.Watch].
type meter struct {
	transitions, waiting atomic.Uint64
	depth                atomic.Int64
	doing                atomic.Pointer[string]

	mu     sync.Mutex
	levels []uint64
}

func (m *meter) level(n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.levels = append(m.levels, n)
	m.depth.Store(int64(len(m.levels) - 1))
}

func (m *meter) say(what string) { m.doing.Store(&what) }

// estimate guesses from the levels so far, of which the last is being expanded, how many
// states are beyond it: while levels shrink, and the shrinking itself does not slow down,
// each is to the last as that to the one before it, or less.
func estimate(levels []uint64) float64 {
	n := len(levels)
	if n < 3 || levels[n-1] >= levels[n-2] || levels[n-3] == 0 {
		return -1
	}
	ratio := float64(levels[n-1]) / float64(levels[n-2])
	trend := math.Min(1, ratio*float64(levels[n-3])/float64(levels[n-2]))
	left, level := 0.0, float64(levels[n-1])
	for range 1000 {
		ratio *= trend
		level *= ratio
		left += level
		if level < 1 {
			break
		}
	}
	return math.Round(left)
}

// watch calls Options.Watch at intervals until the returned function is called.
func watch(o *Options, look func() Snapshot) (stop func()) {
	if o.Watch == nil {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(o.Every)
		defer ticker.Stop()
		begin := time.Now()
		last, before := begin, uint64(0)
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				s := look()
				s.Rate = float64(s.Transitions-before) / now.Sub(last).Seconds()
				last, before = now, s.Transitions
				s.Elapsed = now.Sub(begin)
				o.Watch(s)
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}

func (m *meter) snapshot() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Snapshot{
		Transitions: m.transitions.Load(), Waiting: m.waiting.Load(), Depth: int(m.depth.Load()),
		Left: estimate(m.levels),
	}
	if what := m.doing.Load(); what != nil {
		s.Doing = *what
	}
	return s
}
