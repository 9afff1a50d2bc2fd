package sched

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConcurrencyLimiterNeverRunsMoreThanItsSlots(t *testing.T) {
	for name, c := range map[string]struct{ slots, want int }{
		"three slots run three":            {slots: 3, want: 3},
		"zero slots are taken as one":      {slots: 0, want: 1},
		"a negative number is also as one": {slots: -4, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limiter := NewConcurrencyLimiter(c.slots)
				var running, finished atomic.Int32
				for range 10 {
					go func() {
						require.NoError(t, limiter.Acquire(t.Context()))
						defer limiter.Release()
						assert.LessOrEqual(t, int(running.Add(1)), c.want)
						time.Sleep(time.Second)
						running.Add(-1)
						finished.Add(1)
					}()
				}
				synctest.Wait()
				assert.EqualValues(t, c.want, running.Load(), "all slots are in use")
				time.Sleep(11 * time.Second)
				assert.EqualValues(t, 10, finished.Load())
			})
		})
	}
}

func TestConcurrencyLimiterADoneContextAlwaysWins(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	t.Run("over a free slot", func(t *testing.T) {
		limiter := NewConcurrencyLimiter(1)
		for range 1000 {
			require.ErrorIs(t, limiter.Acquire(cancelled), context.Canceled)
		}
		require.NoError(t, limiter.Acquire(t.Context()), "no slot leaked")
	})

	t.Run("over a slot that comes free when the context ends", func(t *testing.T) {
		for range 200 {
			synctest.Test(t, func(t *testing.T) {
				limiter := NewConcurrencyLimiter(1)
				require.NoError(t, limiter.Acquire(t.Context()))
				ctx, cancel := context.WithCancel(t.Context())
				got := make(chan error)
				go func() { got <- limiter.Acquire(ctx) }()
				synctest.Wait()
				cancel()
				limiter.Release()
				require.ErrorIs(t, <-got, context.Canceled)
				require.NoError(t, limiter.Acquire(t.Context()), "no slot leaked")
			})
		}
	})

	t.Run("when its deadline passes in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			limiter := NewConcurrencyLimiter(1)
			require.NoError(t, limiter.Acquire(t.Context()))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, limiter.Acquire(ctx), context.DeadlineExceeded)
		})
	})
}

func TestConcurrencyLimiterReleaseWithoutAcquirePanics(t *testing.T) {
	limiter := NewConcurrencyLimiter(2)
	require.NoError(t, limiter.Acquire(t.Context()))
	limiter.Release()
	assert.PanicsWithValue(t, "sched: ConcurrencyLimiter.Release without a matching Acquire", limiter.Release)
}
