package property_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

// breakOff ends the run in the middle, with the event that is the cause.
func breakOff(e trace.Event) script {
	return func(all []trace.Event) []trace.Event {
		i := find(all, is(trace.CallbackStarted))
		e.At, e.Seq = all[i].At, all[i].Seq+1
		return append(all[:i+1:i+1], e)
	}
}

func TestARunThatTheSystemBreaksOffOwesNothing(t *testing.T) {
	place := []trace.Field{trace.Str("in", "sched.run"), trace.Str("at", "sched/run.go:7")}
	for _, tt := range []struct {
		kind     trace.Kind
		more     trace.Field
		property string
		message  string
	}{
		{trace.Panicked, trace.Str("what", "no"), "P18", "the system panics in sched.run at sched/run.go:7: no"},
		{trace.LeftBehind, trace.Int("n", 2), "P14", "goroutines of the system wait for ever: 2, one in sched.run at sched/run.go:7"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			e := trace.Event{Kind: tt.kind, Fields: append([]trace.Field{tt.more}, place...)}
			found := judge(everything(), breakOff(e)(events(t)))
			require.Len(t, found, 2)
			require.Equal(t, "R8", found[1].Property)
			require.Equal(t, tt.property, found[0].Property)
			require.Equal(t, tt.message, found[0].Message)
		})
	}
}

func TestARunThatHasEndedIsHeldAgainstWhatItOwes(t *testing.T) {
	whole := events(t)
	last := whole[len(whole)-1]
	require.Equal(t, trace.RunEnded, last.Kind)
	left := trace.Event{At: last.At, Seq: last.Seq + 1, Kind: trace.LeftBehind, Fields: []trace.Field{trace.Int("n", 1)}}
	p := everything()
	p.Promises[0].Status = "CANCELLED"
	var properties []string
	for _, v := range judge(p, append(whole, left)) {
		properties = append(properties, v.Property)
	}
	require.Equal(t, []string{"P14", "R8", string(p.Promises[0].Expect)}, properties)
}
