package engine

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFailureCostsOneJobAndIsReported(t *testing.T) {
	tests := []struct {
		name  string
		plan  string
		how   Failure
		texts []string
		only  string
	}{
		{"a goroutine panics", "panic", Crashed, []string{"a goroutine of the system under test panics", "goroutine "}, ""},
		{"all goroutines wait for each other", "deadlock", Crashed, []string{"deadlock: ", "main.run"}, ""},
		{"the process ends", "exit", Crashed, nil, ""},
		{"a goroutine waits for the world outside", "hang", Crashed, []string{"all goroutines are asleep", "main.run"}, ""},
		{"a goroutine never stops computing", "spin", Hung, []string{"no answer within 2s of processor time", "main.run"}, NativeName},
		{"an instance never stops computing", "spin", Hung, []string{"no answer within 2s of processor time"}, SealedName},
		{"memory without end", "eat", OutOfMemory, []string{" MiB"}, NativeName},
		{"an instance's memory without end", "eat", OutOfMemory, []string{"out of memory"}, SealedName},
		{"foreign bytes in the stream", "garble", Garbled, []string{"wire: "}, ""},
		{"a job it will not do", "refuse=this", Refused, []string{`will not run "this"`}, ""},
		{"an unknown plan", "nonsense", Refused, []string{`no plan is named "nonsense"`}, ""},
	}
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			patient := m.open(t, func(o *Options) { o.MemoryLimit = 400 << 20 })
			impatient := m.open(t, func(o *Options) { o.CPULimit = 2 * time.Second })
			next := job("orders", time.Second, 1)
			want := mustRun(t, patient, next)
			for _, tt := range tests {
				if tt.only != "" && tt.only != name {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					if tt.only == SealedName {
						long(t) // an instance takes seconds until it is out of anything
					}
					e := patient
					if tt.how == Hung {
						e = impatient
					}
					_, err := e.Run(t.Context(), job(tt.plan, time.Second, 1))
					var failure *GuestError
					require.ErrorAs(t, err, &failure)
					require.Equal(t, tt.how, failure.How, "%v", err)
					require.Equal(t, name, failure.Engine)
					for _, text := range tt.texts {
						require.ErrorContains(t, err, text)
					}
					require.True(t, bytes.Equal(want, mustRun(t, e, next)), "the job after it gives its trace")
				})
			}
		})
	}
}

// spin runs a job that never ends, and returns once the idle worker of e has it.
func spin(ctx context.Context, e Engine) (failed <-chan error) {
	ended := make(chan error, 1)
	go func() {
		_, err := e.Run(ctx, job("spin", time.Second, 1))
		ended <- err
	}()
	n := e.(*workers)
	for {
		n.mu.Lock()
		taken := len(n.idle) == 0
		n.mu.Unlock()
		if taken {
			return ended
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAJobEndsWithItsContext(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			ctx, cancel := context.WithCancel(t.Context())
			before := pids(e.(*workers))
			failed := spin(ctx, e)
			cancel()
			require.ErrorIs(t, <-failed, context.Canceled)
			for _, pid := range before {
				require.Zero(t, residentBytes(pid), "the worker has ended")
			}
			_, err := e.Run(ctx, job("chatter", time.Second, 1))
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestACloseEndsWhatRuns(t *testing.T) {
	e := maker(Native).open(t)
	failed := spin(context.Background(), e)
	require.NoError(t, e.Close())
	require.ErrorIs(t, <-failed, errClosed)
	_, err := e.Run(t.Context(), job("chatter", time.Second, 1))
	require.ErrorIs(t, err, errClosed)
}

func TestAWorkerThatDiesWhileIdleCostsNothing(t *testing.T) {
	e := maker(Native).open(t)
	n := e.(*workers)
	require.Len(t, n.idle, 1)
	require.NoError(t, n.idle[0].cmd.Process.Kill())
	<-n.idle[0].ended
	_, err := e.Run(t.Context(), job("chatter", time.Second, 1))
	require.NoError(t, err)
	require.Len(t, pids(n), 1)
}

func TestAWorkerIsReplacedAfterItsShareOfPlans(t *testing.T) {
	e := maker(Native).open(t, func(o *Options) { o.PlansPerWorker = 3 })
	seen := make(map[int]int)
	for range 7 {
		for _, pid := range pids(e.(*workers)) {
			seen[pid]++
		}
		_, err := e.Run(t.Context(), job("chatter", time.Second, 1))
		require.NoError(t, err)
	}
	require.Len(t, seen, 2, "two workers were idle before a job, after three each there was none")
}

func TestMemoryThatIsNotHeldDoesNotCount(t *testing.T) {
	// The job goes through more than a gigabyte and holds next to none of it.
	e := maker(Native).open(t, func(o *Options) { o.MemoryLimit = 300 << 20 })
	mustRun(t, e, job("churn", time.Second, 1))
}

func TestTheEndOfALongDumpIsKept(t *testing.T) {
	var s stderr
	_, _ = s.Write([]byte("panic: the reason\n"))
	for range 100_000 {
		_, _ = s.Write([]byte("goroutine 7 [chan receive]:\n"))
	}
	_, _ = s.Write([]byte("exit status 2"))
	text := s.String()
	require.Less(t, len(text), stderrHead+stderrTail+100)
	require.Contains(t, text, "panic: the reason")
	require.Contains(t, text, "bytes left out")
	require.Contains(t, text, "exit status 2")
	s.Reset()
	require.Empty(t, s.String())
}

func TestAJobThatSpillsTellsItsTraceAsItIsMade(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			for _, next := range samples[name].jobs[:1] {
				want := mustRun(t, e, next)
				got, err := e.(*workers).once(t.Context(), next, true)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got.Trace), "it is the same trace")
			}
			_, err := e.(*workers).once(t.Context(), job("panic", time.Second, 1), true)
			var failure *GuestError
			require.ErrorAs(t, err, &failure)
			require.Contains(t, string(failure.recorded), `"kind":"run-ended"`, "what came before the panic is there")
		})
	}
}
