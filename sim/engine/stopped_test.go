//go:build unix

package engine

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

func TestAWorkerThatIsStoppedAndContinuedGivesTheSameTrace(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			samples[name].fresh(t, m)
			done := make(chan struct{})
			harassed := make(chan int)
			go func() {
				times := 0
				for {
					select {
					case <-done:
						harassed <- times
						return
					case <-time.After(time.Duration(rand.IntN(5_000_000))):
					}
					for _, pid := range pids(e.(*workers)) {
						_ = syscall.Kill(pid, syscall.SIGSTOP)
					}
					time.Sleep(time.Duration(rand.IntN(15_000_000)))
					for _, pid := range pids(e.(*workers)) {
						_ = syscall.Kill(pid, syscall.SIGCONT)
					}
					times++
				}
			}()
			samples[name].check(t, m, e)
			close(done)
			if times := <-harassed; times == 0 {
				t.Error("the worker was never stopped")
			}
		})
	}
}
