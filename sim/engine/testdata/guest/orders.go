package main

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"math/rand"
	randv2 "math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"time"

	"dtsim/sim/trace"
)

// kept outlives every bubble, as caches do.
var kept sync.Map

// orders records every order and number that Go leaves open, at many instants.
func orders(rec *trace.Recorder) {
	start := time.Now()
	note := func(kind string, key string, value int) {
		rec.Emit(trace.Event{At: time.Since(start), Kind: trace.Kind(kind), Fields: []trace.Field{trace.Str("key", key), trace.Int("value", int64(value))}})
	}
	for round := range 20 {
		shuffle(round, note)
		time.Sleep(time.Duration(1 + randv2.IntN(1_000_000)))
	}
	crowd(700, note)
}

// crowd wakes n goroutines in one instant: more than a run queue of the runtime
// holds, if there are many.
func crowd(n int, note func(kind, key string, value int)) {
	gate := make(chan int)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-gate
			runtime.Gosched()
			note("crowd", "", i)
		})
	}
	time.Sleep(time.Millisecond)
	close(gate)
	wg.Wait()
}

// shuffle goes once through every kind of choice.
func shuffle(round int, note func(kind, key string, value int)) {
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() { note("goroutine", "", i) })
	}
	wg.Wait()

	a, b, c := make(chan int, 8), make(chan int, 8), make(chan int, 8)
	for i := range 8 {
		a <- i
		b <- i
		c <- i
	}
	for range 24 {
		select {
		case i := <-a:
			note("select", "a", i)
		case i := <-b:
			note("select", "b", i)
		case i := <-c:
			note("select", "c", i)
		}
	}

	m := make(map[string]int)
	for i := range 40 {
		m["key-"+strconv.Itoa(i)] = i
		kept.Store("key-"+strconv.Itoa(i), i)
	}
	for k, v := range m {
		note("map", k, v)
	}
	kept.Range(func(k, v any) bool {
		note("sync.Map", k.(string), v.(int))
		return true
	})

	for i := range 6 { // timers of one instant
		wg.Add(1)
		time.AfterFunc(time.Millisecond, func() { note("timer", "", i); wg.Done() })
	}
	wg.Wait()

	parent, cancel := context.WithCancel(context.Background())
	for i := range 12 {
		child, cancelChild := context.WithTimeout(parent, time.Hour)
		defer cancelChild()
		wg.Go(func() { <-child.Done(); note("context", "", i) })
	}
	time.Sleep(time.Millisecond)
	cancel()
	wg.Wait()

	var mu sync.Mutex
	for i := range 5 { // held across a wait, so that others queue up
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for range 3 {
				runtime.Gosched()
			}
			note("mutex", "", i)
		})
	}
	wg.Wait()

	var secret [8]byte
	_, _ = crand.Read(secret[:])
	note("secret", hex.EncodeToString(secret[:]), 0)
	note("random", "", rand.Int())
	note("random-v2", "", randv2.Int())
	doc, err := json.Marshal(struct {
		Round int
		Map   map[string]int
	}{round, m})
	note("json", strconv.Itoa(len(doc)), 0)
	if err != nil {
		panic(err)
	}
}
