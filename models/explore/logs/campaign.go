package logs

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"dtsim/models/explore"
)

// Campaign applies random logs number 0 to n-1 of a seed, with so many workers, and returns how many it
// applied and what it found, sorted by number: of each property what the first logs have. It ends early
// when ctx does. done, if it is not nil, is called with how many have been applied, by one worker
// or another.
func Campaign(ctx context.Context, seed, n uint64, jobs int, done func(uint64)) (applied uint64, found []*Finding) {
	const enough = 3 // of each property
	var next, ended atomic.Uint64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range max(1, jobs) {
		workers.Go(func() {
			for ctx.Err() == nil {
				number := next.Add(1) - 1
				if number >= n {
					return
				}
				f := Random(seed, number)
				mu.Lock()
				if f != nil {
					found = append(found, f)
				}
				mu.Unlock()
				if now := ended.Add(1); done != nil {
					done(now)
				}
			}
		})
	}
	workers.Wait()
	slices.SortFunc(found, func(a, b *Finding) int { return cmp.Compare(a.Number, b.Number) })
	of := map[string]int{}
	found = slices.DeleteFunc(found, func(f *Finding) bool {
		of[f.Property]++
		return of[f.Property] > enough
	})
	return ended.Load(), found
}

// RandomProperties are what random logs are judged by.
func RandomProperties() []string { return explore.Model[State](New(1)).Properties() }
