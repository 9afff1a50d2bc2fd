package engine

import (
	"context"
	"iter"
)

// All runs jobs, at most parallel (at least one) at a time, and yields what came
// of each in the order of jobs, whatever the order in which they end. It takes
// from jobs only a few more than it has yielded, so that results do not pile up.
// When the caller stops early, or ctx ends, runs that go on are abandoned.
func All(ctx context.Context, e Engine, jobs iter.Seq[Job], parallel int) iter.Seq2[Result, error] {
	type outcome struct {
		result Result
		err    error
	}
	parallel = max(parallel, 1)
	return func(yield func(Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		slots := make(chan struct{}, parallel)
		// queue holds a place for every job that was begun and not yet yielded.
		queue := make(chan chan outcome, parallel)
		go func() {
			defer close(queue)
			for job := range jobs {
				place := make(chan outcome, 1)
				select {
				case queue <- place:
				case <-ctx.Done():
					return
				}
				slots <- struct{}{}
				go func() {
					defer func() { <-slots }()
					result, err := e.Run(ctx, job)
					place <- outcome{result, err}
				}()
			}
		}()
		for place := range queue {
			if o := <-place; !yield(o.result, o.err) {
				return
			}
		}
	}
}
