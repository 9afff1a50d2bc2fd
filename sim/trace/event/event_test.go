package event_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// BenchmarkRecord is BenchmarkEmit of sim/trace with a struct.
func BenchmarkRecord(b *testing.B) {
	r, err := trace.NewRecorder(io.Discard, trace.Header{Plan: plan.Default()})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		r.Record(1, "n1", 1, &event.MessageSent{
			Message: event.Message{To: "n2", Msg: "append", ID: 123456789012, N: 17}, Term: trace.Some[uint64](2),
			Prev: trace.Some[uint64](1000), Entries: trace.Some[int64](0), Commit: trace.Some[uint64](1000), Arrives: 12345678901,
		})
	}
}
