package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is an engine that answers with the job's entropy, later jobs sooner.
type fake struct {
	running, most, begun atomic.Int64
	block                chan struct{}
}

func (*fake) Name() string { return "fake" }
func (*fake) Close() error { return nil }

func (f *fake) Run(ctx context.Context, j Job) (Result, error) {
	f.begun.Add(1)
	if n := f.running.Add(1); n > f.most.Load() {
		f.most.Store(n)
	}
	defer f.running.Add(-1)
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}
	time.Sleep(time.Duration(5-j.Entropy%5) * time.Millisecond)
	if j.Entropy == 13 {
		return Result{}, errors.New("thirteen")
	}
	return Result{Trace: fmt.Append(nil, j.Entropy)}, nil
}

// numbered returns n jobs.
func numbered(n int) []Job {
	jobs := make([]Job, n)
	for i := range jobs {
		jobs[i].Entropy = uint64(i)
	}
	return jobs
}

func TestResultsComeInTheOrderOfTheJobs(t *testing.T) {
	for _, parallel := range []int{0, 1, 3, 100} {
		f := new(fake)
		i := 0
		for r, err := range All(t.Context(), f, slices.Values(numbered(40)), parallel) {
			if i == 13 {
				require.EqualError(t, err, "thirteen")
			} else {
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint(i), string(r.Trace))
			}
			i++
		}
		require.Equal(t, 40, i, "parallel %d", parallel)
		require.LessOrEqual(t, int(f.most.Load()), max(1, parallel))
	}
}

func TestWhoStopsEarlyAbandonsTheRest(t *testing.T) {
	f := new(fake)
	for range All(t.Context(), f, slices.Values(numbered(1000)), 2) {
		break
	}
	require.Less(t, int(f.begun.Load()), 10)
}

func TestTheEndOfTheContextEndsAll(t *testing.T) {
	f := &fake{block: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	n := 0
	for _, err := range All(ctx, f, slices.Values(numbered(1000)), 3) {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		n++
	}
	require.Less(t, n, 10)
	require.Positive(t, n)
}
