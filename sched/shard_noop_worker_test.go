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

func TestShardNoopProviderTerminate(t *testing.T) {
	for name, c := range map[string]struct {
		payload ShardNoopProviderPayload
		lister  ShardLister
		hang    func(ctx context.Context, call string)
		calls   []string
		takes   time.Duration // from Terminate to Done
	}{
		"ends a wait at once": {
			payload: ShardNoopProviderPayload{ProcessingDelayMs: 3_600_000},
			calls:   []string{"progress a 0.5"},
		},
		"ends all waits of concurrent units at once": {
			payload: ShardNoopProviderPayload{ProcessingDelayMs: 3_600_000, MaxConcurrency: 5},
			calls:   []string{"progress a 0.5", "progress b 0.5"},
		},
		"ends the wait for shards": {
			payload: ShardNoopProviderPayload{Collection: "C"},
			lister:  shardsOf(func(string) ([]string, error) { return nil, nil }),
		},
		"lets a report under way end, and begins nothing after it": {
			payload: ShardNoopProviderPayload{ProcessingDelayMs: 1},
			hang: func(_ context.Context, call string) {
				if call == "complete a" {
					time.Sleep(1999 * time.Millisecond)
				}
			},
			calls: []string{"progress a 0.5", "complete a"},
			takes: 1000 * time.Millisecond,
		},
		"cuts off a report that hangs": {
			payload: ShardNoopProviderPayload{},
			hang:    func(ctx context.Context, _ string) { <-ctx.Done() },
			calls:   []string{"progress a 0.5"},
			takes:   2 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &noopLog{hang: c.hang}
				p := NewShardNoopProvider("n1", nil, c.lister, "")
				p.SetCompletionRecorder(log)
				handle, err := p.StartTask(noopTask(c.payload, pendingUnits("a", "b")...))
				require.NoError(t, err)
				time.Sleep(time.Second)
				began := time.Now()
				handle.Terminate()
				handle.Terminate()
				<-handle.Done()
				handle.Terminate()
				assert.InDelta(t, c.takes.Seconds(), time.Since(began).Seconds(), 0.001)
				assert.ElementsMatch(t, c.calls, log.seen())
			})
		})
	}
}

func TestShardNoopProviderNeverWorksTwiceOnARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, highest atomic.Int32
		log := &noopLog{hang: func(context.Context, string) {
			highest.Store(max(highest.Load(), inside.Add(1)))
			time.Sleep(1500 * time.Millisecond) // longer than a terminated worker waits
			inside.Add(-1)
		}}
		p := NewShardNoopProvider("n1", nil, nil, "")
		p.SetCompletionRecorder(log)
		task := noopTask(ShardNoopProviderPayload{}, pendingUnits("u")...)

		first, err := p.StartTask(task)
		require.NoError(t, err)
		again, err := p.StartTask(task)
		require.NoError(t, err)
		assert.Same(t, first, again, "it is at work already")

		time.Sleep(time.Second)
		first.Terminate()
		second, err := p.StartTask(task)
		require.NoError(t, err)
		assert.NotSame(t, first, second, "the first was terminated")
		<-second.Done()
		select {
		case <-first.Done():
		default:
			t.Error("the second worker was done before the first")
		}
		assert.EqualValues(t, 1, highest.Load(), "no two reports were ever under way")
		assert.Equal(t, []string{"progress u 0.5", "progress u 0.5", "complete u"}, log.seen())

		third, err := p.StartTask(task)
		require.NoError(t, err)
		assert.NotSame(t, second, third, "the second has exited")
		time.Sleep(time.Second)
		require.NoError(t, p.CleanupTask(task.TaskDescriptor))
		<-third.Done()
		assert.Equal(t, []string{"progress u 0.5"}, log.seen()[3:], "cleaning up stopped the worker")
	})
}
