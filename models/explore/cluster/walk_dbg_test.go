package cluster

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"dtsim/models/explore"
)

func TestWalkDbg(t *testing.T) {
	if *bfsConfig == "" {
		t.Skip()
	}
	m, err := New(Configs()[*bfsConfig])
	if err != nil {
		t.Fatal(err)
	}
	if *bfsProf != "" {
		f, _ := os.Create(*bfsProf)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	for i := range 3 {
		start := time.Now()
		w, err := explore.Walk(context.Background(), explore.Model[State](m), explore.Walking{Steps: *bfsMax, Seed: uint64(i)}, explore.Options{Jobs: *bfsJobs})
		took := time.Since(start)
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		fmt.Printf("steps %d runs %d states %d dead %d deepest %d, %s, %.0f/s parts %d records %d entries %d heap %dMB err %v %v\n", w.Steps, w.Runs, w.States, w.Dead, w.Deepest, took,
			float64(w.Steps)/took.Seconds(), m.parts.len(), m.records.len(), m.entries.n.Load(), ms.HeapAlloc>>20, err, w.Violations)
	}
}
