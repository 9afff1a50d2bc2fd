package main

import (
	"runtime"
	"time"

	"dtsim/sim/trace"
)

// churn makes every choice there is while it goes through far more memory than it
// holds at any time.
func churn(rec *trace.Recorder) {
	start := time.Now()
	note := func(kind string, key string, value int) {
		rec.Emit(trace.Event{At: time.Since(start), Kind: trace.Kind(kind), Fields: []trace.Field{trace.Str("key", key), trace.Int("value", int64(value))}})
	}
	for round := range 40 {
		for range 256 {
			garbage = make([]byte, 128<<10)
			for i := 0; i < len(garbage); i += 4096 {
				garbage[i] = 1
			}
		}
		garbage = nil
		for range 1000 { // the collector has something to do afterwards, too
			runtime.SetFinalizer(&holder{round}, func(h *holder) { finalized += h.round })
		}
		shuffle(round, note)
		crowd(300, note)
		time.Sleep(time.Second)
	}
}

type holder struct{ round int }

// finalized is for the finalizers alone.
var finalized int

// garbage keeps the compiler from leaving allocations out.
var garbage []byte
