//go:build unix

package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/engine/wire"
)

func TestAWorkerThatIsStoppedAndContinuedGivesTheSameTrace(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			samples[name].fresh(t, m)
			var times atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			var harassment sync.WaitGroup
			harassment.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(time.Duration(rand.IntN(5_000_000)))
					for _, pid := range pids(e.(*workers)) {
						_ = syscall.Kill(pid, syscall.SIGSTOP)
					}
					time.Sleep(time.Duration(rand.IntN(15_000_000)))
					for _, pid := range pids(e.(*workers)) {
						_ = syscall.Kill(pid, syscall.SIGCONT)
					}
					times.Add(1)
				}
			})
			for times.Load() < 3 {
				samples[name].check(t, m, e)
			}
			cancel()
			harassment.Wait()
		})
	}
}

func TestTimeInWhichAWorkerIsStoppedDoesNotCount(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t, func(o *Options) { o.CPULimit = 2 * time.Second })
			worker := pids(e.(*workers))[0]
			require.NoError(t, syscall.Kill(worker, syscall.SIGSTOP))
			go func() {
				time.Sleep(3 * time.Second)
				_ = syscall.Kill(worker, syscall.SIGCONT)
			}()
			mustRun(t, e, job("orders", time.Second, 1))
		})
	}
}

func TestAWorkerThatStopsUsingTheProcessorIsHung(t *testing.T) {
	e := maker(Native).open(t)
	w, err := e.(*workers).takeIdle()
	require.NoError(t, err)
	_, _, _, err = w.run(t.Context(), wire.Job{Plan: job("read", time.Second, 1).Plan}, limits{cpu: time.Hour, stall: time.Second})
	var failure *GuestError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, Hung, failure.How)
	require.ErrorContains(t, err, "no processor time used for 1s")
	require.ErrorContains(t, err, "main.run", "a dump")
}
