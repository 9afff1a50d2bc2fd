package pause_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/sim/keyed"
	"dtsim/sim/pause"
)

// order returns steps of these streams, each with its place in its stream, in the order of a seed.
func order(seed uint64, streams ...string) string {
	var steps []pause.Step
	var did []string
	seen := make(map[string]int)
	for _, s := range streams {
		name := fmt.Sprint(s, seen[s])
		seen[s]++
		steps = append(steps, pause.Step{Stream: s, Do: func() { did = append(did, name) }})
	}
	for _, s := range pause.Order(keyed.New(seed, "pause"), steps) {
		s.Do()
	}
	return strings.Join(did, " ")
}

func TestEveryOrderOfStreamsIsDrawn(t *testing.T) {
	seen := make(map[string]bool)
	for seed := range uint64(200) {
		seen[order(seed, "a", "b", "a")] = true
		require.Equal(t, order(seed, "a", "b", "a"), order(seed, "a", "a", "b"), "what is drawn belongs to a stream")
	}
	require.Equal(t, map[string]bool{"a0 a1 b0": true, "a0 b0 a1": true, "b0 a0 a1": true}, seen)
}

func TestAStreamKeepsItsOrderAndNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		streams := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", "d"})).Draw(t, "streams")
		var did []int
		var steps []pause.Step
		for i, s := range streams {
			steps = append(steps, pause.Step{Stream: s, Do: func() { did = append(did, i) }})
		}
		for _, s := range pause.Order(keyed.New(rapid.Uint64().Draw(t, "seed"), "pause"), steps) {
			s.Do()
		}
		for _, s := range []string{"a", "b", "c", "d"} {
			of := slices.DeleteFunc(slices.Clone(did), func(i int) bool { return streams[i] != s })
			require.True(t, slices.IsSorted(of), "%s: %v", s, did)
		}
		slices.Sort(did)
		for i := range streams {
			require.Equal(t, i, did[i])
		}
		require.Len(t, did, len(streams))
	})
}

func TestAllIsDoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, done := time.Now(), make(chan string, 2)
		pause.Release(keyed.New(1, "pause"), []pause.Step{
			{Stream: "a", Do: func() { done <- "a" }}, {Stream: "b", Do: func() { done <- "b" }},
		})
		require.ElementsMatch(t, []string{"a", "b"}, []string{<-done, <-done})
		require.Equal(t, 2*time.Nanosecond, time.Since(start))
	})
}
