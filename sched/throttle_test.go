package sched

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/sched/schedmock"
)

// report is one call that reached the inner recorder.
type report struct {
	kind     string
	unit     string
	progress float32
	at       time.Time // when the inner recorder returned
}

// inner is a recorder with a delay and an error of its own.
type inner struct {
	clock clockwork.Clock
	delay func(kind, unit string) time.Duration

	mu      sync.Mutex
	err     error
	reports []report
}

func (i *inner) record(kind, unit string, progress float32) error {
	if i.delay != nil {
		i.clock.Sleep(i.delay(kind, unit))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	i.reports = append(i.reports, report{kind, unit, progress, i.clock.Now()})
	return nil
}

func (i *inner) failWith(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

// seen renders the reports as "kind unit progress".
func (i *inner) seen() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, r := range i.reports {
		out = append(out, fmt.Sprintf("%s %s %.1f", r.kind, r.unit, r.progress))
	}
	return out
}

func (i *inner) RecordDistributedTaskUnitCompletion(_ context.Context, ns, id string, version uint64, _, unit string) error {
	return i.record("completion", fmt.Sprintf("%s/%s@%d/%s", ns, id, version, unit), 0)
}

func (i *inner) RecordDistributedTaskUnitFailure(_ context.Context, ns, id string, version uint64, _, unit, _ string) error {
	return i.record("failure", fmt.Sprintf("%s/%s@%d/%s", ns, id, version, unit), 0)
}

func (i *inner) UpdateDistributedTaskUnitProgress(_ context.Context, ns, id string, version uint64, _, unit string, p float32) error {
	return i.record("progress", fmt.Sprintf("%s/%s@%d/%s", ns, id, version, unit), p)
}

// throttleBench is a throttled recorder over a fake clock, and short names for
// its three calls.
type throttleBench struct {
	t     *testing.T
	clock *clockwork.FakeClock
	inner *inner
	*ThrottledRecorder
}

func newThrottleBench(t *testing.T) *throttleBench {
	clock := clockwork.NewFakeClock()
	in := &inner{clock: clock}
	return &throttleBench{t, clock, in, NewThrottledRecorder(in, DefaultThrottleInterval, clock)}
}

func (b *throttleBench) progress(unit string, p float32) error {
	return b.UpdateDistributedTaskUnitProgress(b.t.Context(), "ns", "t", 1, "node", unit, p)
}

func (b *throttleBench) complete(unit string) error {
	return b.RecordDistributedTaskUnitCompletion(b.t.Context(), "ns", "t", 1, "node", unit)
}

func (b *throttleBench) fail(unit string) error {
	return b.RecordDistributedTaskUnitFailure(b.t.Context(), "ns", "t", 1, "node", unit, "broken")
}

func TestThrottledRecorder_DefaultInterval(t *testing.T) {
	assert.Equal(t, 3*time.Second, DefaultThrottleInterval)
}

func TestThrottledRecorder(t *testing.T) {
	boom := errors.New("no leader")
	for name, c := range map[string]struct {
		script func(t *testing.T, b *throttleBench)
		want   []string
	}{
		"the first progress of a unit passes, the next within the interval is dropped": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0.1))
				b.clock.Advance(DefaultThrottleInterval - 1)
				require.NoError(t, b.progress("u", 0.2))
			},
			want: []string{"progress ns/t@1/u 0.1"},
		},
		"at exactly the interval the next one passes": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0.1))
				b.clock.Advance(DefaultThrottleInterval)
				require.NoError(t, b.progress("u", 0.2))
			},
			want: []string{"progress ns/t@1/u 0.1", "progress ns/t@1/u 0.2"},
		},
		"a dropped progress does not prolong the interval": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0.1))
				b.clock.Advance(2 * time.Second)
				require.NoError(t, b.progress("u", 0.2))
				b.clock.Advance(time.Second)
				require.NoError(t, b.progress("u", 0.3))
			},
			want: []string{"progress ns/t@1/u 0.1", "progress ns/t@1/u 0.3"},
		},
		"the claim always passes and starts no interval": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0))
				require.NoError(t, b.progress("u", 0.1))
				require.NoError(t, b.progress("u", 0))
				require.NoError(t, b.progress("u", 0.2))
			},
			want: []string{"progress ns/t@1/u 0.0", "progress ns/t@1/u 0.1", "progress ns/t@1/u 0.0"},
		},
		"units, versions, tasks and namespaces have intervals of their own": {
			script: func(t *testing.T, b *throttleBench) {
				for _, k := range []throttleKey{
					{"ns", "t", 1, "u"},
					{"ns", "t", 1, "v"},
					{"ns", "t", 2, "u"},
					{"ns", "t/1", 1, "u"},
					{"ns", "t", 1, "1/u"},
					{"other", "t", 1, "u"},
				} {
					require.NoError(t, b.UpdateDistributedTaskUnitProgress(t.Context(), k.namespace, k.taskID, k.version, "node", k.unitID, 0.5))
				}
			},
			want: []string{
				"progress ns/t@1/u 0.5", "progress ns/t@1/v 0.5", "progress ns/t@2/u 0.5",
				"progress ns/t/1@1/u 0.5", "progress ns/t@1/1/u 0.5", "progress other/t@1/u 0.5",
			},
		},
		"completion and failure pass at once": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0.1))
				require.NoError(t, b.complete("u"))
				require.NoError(t, b.progress("v", 0.1))
				require.NoError(t, b.fail("v"))
				assert.Empty(t, b.units, "terminal units leave nothing")
			},
			want: []string{"progress ns/t@1/u 0.1", "completion ns/t@1/u 0.0", "progress ns/t@1/v 0.1", "failure ns/t@1/v 0.0"},
		},
		"a failed forward is returned and does not block its retry": {
			script: func(t *testing.T, b *throttleBench) {
				b.inner.failWith(boom)
				require.ErrorIs(t, b.progress("u", 0.1), boom)
				assert.Empty(t, b.units, "nothing was sent")
				b.inner.failWith(nil)
				require.NoError(t, b.progress("u", 0.1))
				b.clock.Advance(DefaultThrottleInterval)
				b.inner.failWith(boom)
				require.ErrorIs(t, b.progress("u", 0.2), boom)
				b.inner.failWith(nil)
				require.NoError(t, b.progress("u", 0.3))
			},
			want: []string{"progress ns/t@1/u 0.1", "progress ns/t@1/u 0.3"},
		},
		"a failed completion is returned and leaves the rate of progress as it was": {
			script: func(t *testing.T, b *throttleBench) {
				require.NoError(t, b.progress("u", 0.1))
				b.inner.failWith(boom)
				require.ErrorIs(t, b.complete("u"), boom)
				require.ErrorIs(t, b.fail("u"), boom)
				b.inner.failWith(nil)
				require.NoError(t, b.progress("u", 0.2))
				require.NoError(t, b.complete("u"))
			},
			want: []string{"progress ns/t@1/u 0.1", "completion ns/t@1/u 0.0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newThrottleBench(t)
			c.script(t, b)
			assert.Equal(t, c.want, b.inner.seen())
		})
	}
}

func TestThrottledRecorderWithoutAnIntervalForwardsEverything(t *testing.T) {
	in := &inner{clock: clockwork.NewFakeClock()}
	r := NewThrottledRecorder(in, 0, nil)
	for range 3 {
		require.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "node", "u", 0.5))
	}
	assert.Len(t, in.seen(), 3)
}

func TestThrottledRecorderPassesItsArgumentsOn(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	m := schedmock.NewMockTaskCompletionRecorder(t)
	m.EXPECT().UpdateDistributedTaskUnitProgress(ctx, "ns", "t", uint64(7), "n", "u", float32(0.5)).Return(nil).Once()
	m.EXPECT().RecordDistributedTaskUnitCompletion(ctx, "ns", "t", uint64(7), "n", "u").Return(nil).Once()
	m.EXPECT().RecordDistributedTaskUnitFailure(ctx, "ns", "t", uint64(7), "n", "u", "why").Return(nil).Once()
	r := NewThrottledRecorder(m, DefaultThrottleInterval, nil)
	require.NoError(t, r.UpdateDistributedTaskUnitProgress(ctx, "ns", "t", 7, "n", "u", 0.5))
	require.NoError(t, r.RecordDistributedTaskUnitCompletion(ctx, "ns", "t", 7, "n", "u"))
	require.NoError(t, r.RecordDistributedTaskUnitFailure(ctx, "ns", "t", 7, "n", "u", "why"))
}

func TestThrottledRecorderSurvivesAPanickingRecorder(t *testing.T) {
	m := schedmock.NewMockTaskCompletionRecorder(t)
	m.EXPECT().UpdateDistributedTaskUnitProgress(mock.Anything, "ns", "t", uint64(1), "n", "u", float32(0.5)).
		Panic("broken").Once()
	m.EXPECT().UpdateDistributedTaskUnitProgress(mock.Anything, "ns", "t", uint64(1), "n", "u", float32(0.6)).
		Return(nil).Once()
	r := NewThrottledRecorder(m, DefaultThrottleInterval, nil)
	assert.Panics(t, func() { _ = r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "u", 0.5) })
	require.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "u", 0.6))
}

// In a bubble the real clock is virtual, so slow forwards cost nothing.
func newSlowThrottle(delay func(kind, unit string) time.Duration) (*inner, *ThrottledRecorder) {
	clock := clockwork.NewRealClock()
	in := &inner{clock: clock, delay: delay}
	return in, NewThrottledRecorder(in, DefaultThrottleInterval, clock)
}

func TestThrottledRecorderLetsOneOfTwoConcurrentCallsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, r := newSlowThrottle(func(string, string) time.Duration { return time.Second })
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				assert.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "u", 0.5))
			})
		}
		calls.Wait()
		assert.Len(t, in.seen(), 1)
	})
}

func TestThrottledRecorderHoldsNoLockWhileItForwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, r := newSlowThrottle(func(_, unit string) time.Duration {
			if unit == "ns/t@1/stuck" {
				return time.Hour
			}
			return 0
		})
		go func() {
			assert.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "stuck", 0.5))
		}()
		synctest.Wait()
		require.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "u", 0.5))
		require.NoError(t, r.RecordDistributedTaskUnitCompletion(t.Context(), "ns", "t", 1, "n", "u"))
		assert.Equal(t, []string{"progress ns/t@1/u 0.5", "completion ns/t@1/u 0.0"}, in.seen())
		time.Sleep(2 * time.Hour)
	})
}

func TestThrottledRecorderAProgressThatEndsAfterTheCompletionLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct{ progressStarts, completionStarts time.Duration }{
		"when it began before the completion": {progressStarts: 0, completionStarts: time.Second},
		"when it began during the completion": {progressStarts: time.Second, completionStarts: 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, r := newSlowThrottle(func(kind, _ string) time.Duration {
					if kind == "progress" {
						return time.Minute
					}
					return 10 * time.Second
				})
				var calls sync.WaitGroup
				calls.Go(func() {
					time.Sleep(c.progressStarts)
					assert.NoError(t, r.UpdateDistributedTaskUnitProgress(t.Context(), "ns", "t", 1, "n", "u", 0.5))
				})
				calls.Go(func() {
					time.Sleep(c.completionStarts)
					assert.NoError(t, r.RecordDistributedTaskUnitCompletion(t.Context(), "ns", "t", 1, "n", "u"))
				})
				calls.Wait()
				assert.Equal(t, []string{"completion ns/t@1/u 0.0", "progress ns/t@1/u 0.5"}, in.seen())
				assert.Empty(t, r.units)
			})
		})
	}
}

func TestThrottledRecorderForgetsUnitsThatNeverReportAnEnd(t *testing.T) {
	b := newThrottleBench(t)
	for i := range 100_000 {
		require.NoError(t, b.progress(fmt.Sprint(i), 0.5))
		b.clock.Advance(time.Second)
	}
	assert.LessOrEqual(t, len(b.units), minPruneSize)
}

// Whatever is called whenever, however long forwards take and whether they fail:
// P13.
func TestThrottledRecorderKeepsP13(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type call struct {
			start, takes time.Duration
			kind         string
			progress     float32
			fails        bool
		}
		calls := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) call {
			return call{
				start:    time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "start ms")) * time.Millisecond,
				takes:    time.Duration(rapid.IntRange(0, 5_000).Draw(rt, "takes ms")) * time.Millisecond,
				kind:     rapid.SampledFrom([]string{"progress", "progress", "progress", "claim"}).Draw(rt, "kind"),
				progress: 0.5,
				fails:    rapid.IntRange(0, 3).Draw(rt, "fails") == 0,
			}
		}), 1, 12).Draw(rt, "calls")

		synctest.Test(t, func(t *testing.T) {
			log := &scriptedRecorder{}
			r := NewThrottledRecorder(log, DefaultThrottleInterval, nil)
			claims := 0
			var running sync.WaitGroup
			for _, c := range calls {
				progress := c.progress
				if c.kind == "claim" {
					progress = 0
					claims++
				}
				running.Go(func() {
					time.Sleep(c.start)
					ctx := context.WithValue(t.Context(), scriptKey{}, script{c.takes, c.fails})
					_ = r.UpdateDistributedTaskUnitProgress(ctx, "ns", "t", 1, "n", "u", progress)
				})
			}
			running.Wait()
			assert.Equal(t, claims, log.claims, "every claim reached the recorder")
			for i := 1; i < len(log.progressAt); i++ {
				if gap := log.progressAt[i].Sub(log.progressAt[i-1]); gap < DefaultThrottleInterval {
					rt.Fatalf("two progress entries within %s", gap)
				}
			}
			if len(log.progressAt) == 0 && log.progressTried == 0 && claims < len(calls) {
				rt.Fatalf("no progress was ever tried")
			}
		})
	})
}

type scriptKey struct{}

type script struct {
	takes time.Duration
	fails bool
}

// scriptedRecorder takes as long, and fails, as the context of the call demands.
type scriptedRecorder struct {
	mu                    sync.Mutex
	claims, progressTried int
	progressAt            []time.Time
}

func (s *scriptedRecorder) RecordDistributedTaskUnitCompletion(context.Context, string, string, uint64, string, string) error {
	return nil
}

func (s *scriptedRecorder) RecordDistributedTaskUnitFailure(context.Context, string, string, uint64, string, string, string) error {
	return nil
}

func (s *scriptedRecorder) UpdateDistributedTaskUnitProgress(ctx context.Context, _, _ string, _ uint64, _, _ string, p float32) error {
	how := ctx.Value(scriptKey{}).(script)
	time.Sleep(how.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == 0 {
		s.claims++
		return nil
	}
	s.progressTried++
	if how.fails {
		return errors.New("no leader")
	}
	s.progressAt = append(s.progressAt, time.Now())
	return nil
}
