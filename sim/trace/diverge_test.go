package trace_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

// long returns a trace of n events; the event of number odd, if there is one, has
// another field.
func long(tb testing.TB, n, odd int) []byte {
	all := make([]trace.Event, n)
	for i := range all {
		value := int64(i)
		if i+1 == odd {
			value = -1
		}
		all[i] = trace.Event{At: time.Duration(i), Node: "n1", Incarnation: 1, Kind: trace.Applied, Fields: []trace.Field{trace.Int("index", value)}}
	}
	data, _ := record(tb, passed, all...)
	return data
}

func TestTheFirstEventThatDiffersIsFoundWhereverItIs(t *testing.T) {
	const n = 1000
	whole := long(t, n, 0)
	require.Nil(t, trace.Diverge(whole, bytes.Clone(whole)))
	for _, odd := range []int{1, 2, 254, 255, 256, 257, 511, 512, 513, n} {
		d := trace.Diverge(whole, long(t, n, odd))
		require.NotNil(t, d, "event %d", odd)
		require.Equal(t, odd, d.Event)
		require.Equal(t, odd+1, d.Line)
		require.Contains(t, d.A, fmt.Sprintf(`"index":%d}`, odd-1))
		require.Contains(t, d.B, `"index":-1}`)
	}
}

func TestDivergencesThatAreNoEvents(t *testing.T) {
	whole := long(t, 600, 0)
	footer := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for _, c := range []struct {
		name        string
		a, b        string
		line, event int
		words       string
	}{
		{"the header", "x\n", "y\n", 1, 0, "they part in line 1: x here, y there"},
		{"a later line that is no event", "x\ny\n", "x\nz\n", 2, 0, "they part in line 2: y here, z there"},
		{"one is empty", "", "x\n", 1, 0, "they part in line 1: nothing here, x there"},
		{"one ends before the other", "x\n", "x\ny\n", 2, 0, "they part in line 2: nothing here, y there"},
		{"one ends in the middle of a line", "x\nye", "x\ny\n", 2, 0, "they part in line 2: ye here, y there"},
		{"one has no end of its last line", "x\ny", "x\ny\n", 2, 0, "they part in line 2: y here, y there"},
		{"a footer", string(whole), string(whole[:footer]) + "{}\n", 602, 0, "they part in line 602: {\"verdict\""},
		{"one ends at the end of a block", strings.Repeat("x\n", 256), strings.Repeat("x\n", 257), 257, 0, "they part in line 257: nothing here, x there"},
		{"an event against the footer", string(long(t, 5, 0)), string(long(t, 4, 0)), 6, 5, "they part in event 5 (line 6): {\"at\":4"},
	} {
		d := trace.Diverge([]byte(c.a), []byte(c.b))
		require.NotNil(t, d, c.name)
		require.Equal(t, c.line, d.Line, c.name)
		require.Equal(t, c.event, d.Event, c.name)
		require.Contains(t, d.String(), c.words, c.name)
	}
}

func TestFingerprintsAgreeUpToWhereTheTracesPart(t *testing.T) {
	whole := trace.NewFingerprint(long(t, 1000, 0))
	require.Len(t, whole, 4)
	_, differ := whole.Parts(trace.NewFingerprint(long(t, 1000, 0)))
	require.False(t, differ)
	// One event changes its block and all behind it: the sums are chained.
	other := trace.NewFingerprint(long(t, 1000, 300))
	block, differ := whole.Parts(other)
	require.True(t, differ)
	require.Equal(t, 1, block)
	require.Equal(t, whole[0], other[0])
	for i := 1; i < 4; i++ {
		require.NotEqual(t, whole[i], other[i])
	}
	block, differ = whole.Parts(whole[:2])
	require.True(t, differ)
	require.Equal(t, 2, block)
}
