package main

import (
	"runtime"
	"strconv"
	"sync"
	"time"

	"dtsim/sim/trace"
)

// compete lets goroutines compete for a mutex, each of which computes for a while
// whenever it has it: how long that takes must not show in the trace.
func compete(rec *trace.Recorder, arg string) {
	rounds, err := strconv.Atoi(arg)
	if err != nil {
		panic(err)
	}
	start := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for turn := range 5 {
				mu.Lock()
				rec.Emit(trace.Event{At: time.Since(start), Kind: "turn", Fields: []trace.Field{trace.Int("of", int64(i)), trace.Int("turn", int64(turn))}})
				runtime.Gosched() // so that others queue up
				for n := range rounds {
					busy += n
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}
