package keyed_test

import (
	"bytes"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/keyed"
)

// TestDrawsAreWhatTheyWere pins draws: saved plans and traces count on them.
func TestDrawsAreWhatTheyWere(t *testing.T) {
	d := keyed.New(1, "network.latency")
	require.Equal(t, []uint64{0x538fe51f6d38aa50, 0xb4567fdd2004aa6e, 0x5e1c6724788ffa1b, 0x5ccdfc10bc722b2, 0xfef42dcd5d6a8505, 0x87cd5c3a13d44510}, []uint64{
		d.Uint64(), d.Str("n1").Str("n2").Uint64(), d.Str("").Uint64(), d.Int(0).Uint64(), d.Int(7).Int(1).Uint64(),
		d.Str("longer than eight bytes").Uint64(),
	})
}

func TestEveryPartOfAnIdentityCounts(t *testing.T) {
	draws := map[uint64]string{}
	for name, d := range map[string]keyed.Draw{
		"seed 1":         keyed.New(1, "a"),
		"seed 2":         keyed.New(2, "a"),
		"site":           keyed.New(1, "b"),
		"empty":          keyed.New(1, "a").Str(""),
		"string":         keyed.New(1, "a").Str("x"),
		"two":            keyed.New(1, "a").Str("x").Str("y"),
		"two, swapped":   keyed.New(1, "a").Str("y").Str("x"),
		"joined":         keyed.New(1, "a").Str("xy"),
		"zero byte":      keyed.New(1, "a").Str("x\x00"),
		"eight":          keyed.New(1, "a").Str("xxxxxxxx"),
		"eight and zero": keyed.New(1, "a").Str("xxxxxxxx\x00"),
		"sixteen":        keyed.New(1, "a").Str("xxxxxxxxxxxxxxxx"),
		"zero":           keyed.New(1, "a").Int(0),
		"one":            keyed.New(1, "a").Int(1),
		"one, then two":  keyed.New(1, "a").Int(1).Int(2),
		"two, then one":  keyed.New(1, "a").Int(2).Int(1),
	} {
		require.Empty(t, draws[d.Uint64()], name)
		draws[d.Uint64()] = name
	}
}

func TestBytesDrawAsTheSameString(t *testing.T) {
	for n := range 40 {
		s := strings.Repeat("é", n)
		require.Equal(t, keyed.New(1, "a").Str(s), keyed.New(1, "a").Bytes([]byte(s)))
	}
	require.Equal(t, keyed.New(1, "a").Str(""), keyed.New(1, "a").Bytes(nil))
}

func TestOneBitOfTheContentsMovesHalfOfTheDraw(t *testing.T) {
	data := bytes.Repeat([]byte("contents"), 20)
	want := keyed.New(1, "a").Bytes(data).Uint64()
	moved := 0
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		moved += bits.OnesCount64(want ^ keyed.New(1, "a").Bytes(changed).Uint64())
	}
	require.InDelta(t, 32, float64(moved)/float64(len(data)), 2)
}

func TestDrawsAreSpreadEvenly(t *testing.T) {
	const n, draws = 10, 100_000
	var buckets [n]int
	hits := 0
	for i := range uint64(draws) {
		d := keyed.New(7, "spread").Int(i)
		buckets[d.N(n)]++
		if d.Chance(250_000) {
			hits++
		}
		lo, hi := time.Millisecond, 20*time.Millisecond
		require.GreaterOrEqual(t, d.Duration(lo, hi), lo)
		require.Less(t, d.Duration(lo, hi), hi)
	}
	for _, b := range buckets {
		require.InDelta(t, draws/n, b, 500)
	}
	require.InDelta(t, draws/4, hits, 700)
}

func TestEdges(t *testing.T) {
	d := keyed.New(1, "a")
	require.Zero(t, d.N(0))
	require.Zero(t, d.N(1))
	require.Equal(t, time.Second, d.Duration(time.Second, time.Second))
	require.Equal(t, time.Second, d.Duration(time.Second, 0))
	require.False(t, d.Chance(0))
	require.True(t, d.Chance(1_000_000))
}
