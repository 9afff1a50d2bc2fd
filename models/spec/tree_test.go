package spec

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func unit(n int) Unit { return Unit{Status: Pending, Progress: float32(n)} }

func TestPropertyAMapIsAMap(t *testing.T) {
	keys := rapid.StringMatching(`[a-e]{0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		var m Map[Unit]
		want := make(map[string]Unit)
		before, wantBefore := m, maps.Clone(want)
		for n := range rapid.IntRange(0, 60).Draw(t, "changes") {
			key := keys.Draw(t, "key")
			if rapid.Bool().Draw(t, "keep this one") {
				before, wantBefore = m, maps.Clone(want)
			}
			if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
				m = m.Delete(key)
				delete(want, key)
			} else {
				m = m.Put(key, unit(n))
				want[key] = unit(n)
			}
			same(t, want, m)
			same(t, wantBefore, before)
		}
		var again Map[Unit]
		for _, key := range rapid.Permutation(slices.Sorted(maps.Keys(want))).Draw(t, "order") {
			again = again.Put(key, want[key])
		}
		require.Equal(t, again, m, "equal maps have equal trees")
	})
}

func same(t require.TestingT, want map[string]Unit, m Map[Unit]) {
	require.Equal(t, want, maps.Collect(m.All()))
	require.Equal(t, len(want), m.Len())
	var sum uint64
	for key, u := range want {
		sum += EntryDigest(key, u.Digest())
		got, ok := m.Get(key)
		require.True(t, ok)
		require.Equal(t, u, got)
	}
	require.Equal(t, sum, m.Digest())
	_, ok := m.Get("no such key")
	require.False(t, ok)
	last := ""
	for key := range m.All() {
		require.LessOrEqual(t, last, key)
		last = key
	}
}

func TestAMapCanBeLeftInTheMiddle(t *testing.T) {
	m := Map[Unit]{}.Put("b", unit(1)).Put("a", unit(2)).Put("c", unit(3))
	var seen []string
	for key := range m.All() {
		seen = append(seen, key)
		if key == "b" {
			break
		}
	}
	require.Equal(t, []string{"a", "b"}, seen)
}
