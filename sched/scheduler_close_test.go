package sched_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/sched"
)

func TestCloseTerminatesWorkersAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{stubborn: true}
		n := newNode(t, p)
		n.cluster.add(t, ns, "a", false, "u1")
		n.cluster.add(t, ns, "b", false, "u1")
		n.start()
		go func() {
			time.Sleep(3 * time.Second)
			p.worker(0).exit()
			p.worker(1).exit()
		}()
		begin := time.Now()
		n.Close()
		assert.Equal(t, 3*time.Second, time.Since(begin))
		assert.Equal(t, []string{"terminate a v1", "terminate b v2"}, p.noted("terminate"))
	})
}

func TestAWorkerIsToldToStopOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{stubborn: true}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1", "u2")
		n.start()
		n.cluster.fail(t, ns, "job", v, "n2", "u2")
		n.tick()
		n.tick()
		n.Close()
		assert.Len(t, p.noted("terminate"), 1)
	})
}

func TestCloseWaitsForACallbackAndNothingFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "group") {
				time.Sleep(3 * time.Second)
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "a/u1", "b/u2")
		n.cluster.complete(t, ns, "job", v, "n1", "u1", "u2")
		n.start()
		begin := time.Now()
		n.Close()
		assert.Equal(t, 3*time.Second, time.Since(begin))
		calls, lists := len(p.noted()), n.cluster.count("")
		n.wake()
		n.tick()
		time.Sleep(time.Hour)
		assert.Len(t, p.noted(), calls)
		assert.Equal(t, lists, n.cluster.count(""))
		assert.Equal(t, []string{`group job v1 SWAPPING "a" [u1]`}, p.noted("group"))
	})
}

func TestCloseCancelsCallsToTheCluster(t *testing.T) {
	for _, call := range []string{"list", "ack", "finalize", "clean record"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &callbackProvider{}
				n := newNode(t, p)
				v := n.cluster.add(t, ns, "job", false, "u1")
				old := n.cluster.add(t, ns, "old", false, "u1")
				n.cluster.fail(t, ns, "old", old, "n1", "u1")
				n.start()
				n.clock.Advance(ttl - tick)
				synctest.Wait()
				n.cluster.complete(t, ns, "job", v, "n1", "u1")
				hanging := false
				n.cluster.setIntercept(func(ctx context.Context, got string) error {
					if strings.HasPrefix(got, call) {
						hanging = true
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				})
				n.tick()
				n.tick()
				require.True(t, hanging)
				begin := time.Now()
				n.Close()
				assert.Zero(t, time.Since(begin))
			})
		})
	}
}

func TestCloseCancelsTheFirstList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{}
		n := newNode(t, p)
		n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.setIntercept(func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		started := make(chan error)
		go func() { started <- n.Start(context.Background()) }()
		synctest.Wait()
		n.Close()
		require.NoError(t, <-started)
		synctest.Wait()
		assert.Empty(t, p.noted("start"))
		requireNoWaiter(t, n.clock)
	})
}

func TestAWorkerThatComesUpDuringCloseIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starting := make(chan struct{})
		p := &plainProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "start") {
				close(starting)
				time.Sleep(time.Second)
			}
			return nil
		}
		n := newNode(t, p)
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		<-starting
		n.Close()
		assert.Equal(t, []string{"terminate job v1"}, p.noted("terminate"))
		<-p.worker(0).Done()
	})
}

func TestCloseGivesUpOnWhatDoesNotEnd(t *testing.T) {
	t.Run("a worker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &plainProvider{stubborn: true}
			n := newNode(t, p)
			n.cluster.add(t, ns, "job", false, "u1")
			n.start()
			begin := time.Now()
			n.Close()
			assert.Equal(t, 10*time.Second, time.Since(begin))
			assert.Equal(t, 1, n.logged(logrus.ErrorLevel, "worker was still running"))
			assert.Equal(t, "job", n.logs.LastEntry().Data["taskID"])
		})
	})
	t.Run("a callback", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			p := &callbackProvider{}
			p.hook = func(call string) error {
				if strings.HasPrefix(call, "group") {
					<-release
				}
				return nil
			}
			n := newNode(t, p)
			v := n.cluster.add(t, ns, "job", false, "u1")
			n.cluster.complete(t, ns, "job", v, "n1", "u1")
			n.start()
			begin := time.Now()
			n.Close()
			assert.Equal(t, 10*time.Second, time.Since(begin))
			assert.Equal(t, 1, n.logged(logrus.ErrorLevel, "calls were still under way"))
			assert.Equal(t, []string{"ns/job"}, n.logs.LastEntry().Data["tasks"])
			close(release)
			synctest.Wait()
			assert.Zero(t, n.cluster.count("ack"), "nothing follows it")
		})
	})
}

func TestCloseMayBeCalledAtAnyTimeByAnybody(t *testing.T) {
	t.Run("without Start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &plainProvider{}
			n := newNode(t, p)
			n.Close()
			n.Close()
			n.Wake()
			require.ErrorContains(t, n.Start(t.Context()), "closed")
			assert.Empty(t, p.noted())
		})
	})
	t.Run("by several at once, who all wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &plainProvider{stubborn: true}
			n := newNode(t, p)
			n.cluster.add(t, ns, "job", false, "u1")
			n.start()
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					n.Close()
					select {
					case <-p.worker(0).Done():
					default:
						t.Error("Close did not wait")
					}
				})
			}
			time.Sleep(time.Second)
			p.worker(0).exit()
			wg.Wait()
			assert.Len(t, p.noted("terminate"), 1)
		})
	})
	t.Run("by a callback", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &callbackProvider{}
			n := newNode(t, p)
			p.hook = func(call string) error {
				if strings.HasPrefix(call, "group") {
					n.Close()
				}
				return nil
			}
			v := n.cluster.add(t, ns, "job", false, "u1")
			n.cluster.complete(t, ns, "job", v, "n1", "u1")
			n.start()
			n.Close()
			assert.Equal(t, 1, n.logged(logrus.ErrorLevel, "calls were still under way"))
		})
	})
}

func TestASecondStartIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plainProvider{}
		n := newNode(t, p)
		n.start()
		require.ErrorContains(t, n.Start(t.Context()), "started before")
		assert.Len(t, p.noted("set recorder"), 1)
	})
}

func TestNoWaiterStaysOnTheClockAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &plainProvider{})
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		require.NoError(t, n.clock.BlockUntilContext(t.Context(), 1), "the ticker waits")
		n.Close()
		requireNoWaiter(t, n.clock)
	})
}

func requireNoWaiter(t *testing.T, clock *clockwork.FakeClock) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, clock.BlockUntilContext(ctx, 1), context.DeadlineExceeded)
}

// TestThreeNodesTakeATaskThrough runs three schedulers against one Manager, woken
// by it, on virtual time: every node gets every callback once, in order, and the
// swap comes after the last preparation.
func TestThreeNodesTakeATaskThrough(t *testing.T) {
	for _, barrier := range []bool{false, true} {
		t.Run(fmt.Sprintf("barrier %t", barrier), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := clockwork.NewRealClock()
				c := newCluster(clock)
				var schedulers fanOut
				var mu sync.Mutex
				var order []string
				units := map[string]string{"n1": "a/u1", "n2": "a/u2", "n3": "b/u3"}
				providers := map[string]*callbackProvider{}
				for i, name := range []string{"n1", "n2", "n3"} {
					p := &callbackProvider{}
					p.hook = func(call string) error {
						kind, _, _ := strings.Cut(call, " ")
						time.Sleep(time.Duration(i+1) * time.Second)
						mu.Lock()
						defer mu.Unlock()
						if kind == "group" || kind == "swap" || kind == "task" {
							order = append(order, kind)
						}
						return nil
					}
					s := sched.NewScheduler(sched.SchedulerParams{
						CompletionRecorder: c, TaskLister: c, TaskCleaner: c, TaskFinalizer: c, AckRecorder: c,
						Providers: map[string]sched.Provider{ns: p}, Clock: clock, LocalNode: name,
						CompletedTaskTTL: ttl, TickInterval: tick,
					})
					schedulers = append(schedulers, s)
					providers[name] = p
				}
				c.manager.SetSchedulerNotifier(schedulers)
				for _, s := range schedulers {
					defer s.Close()
					require.NoError(t, s.Start(t.Context()))
				}
				v := c.add(t, ns, "job", barrier, "a/u1", "a/u2", "b/u3")
				time.Sleep(5 * time.Second)
				for name, p := range providers {
					_, unit, _ := strings.Cut(units[name], "/")
					require.NoError(t, p.recorder.RecordDistributedTaskUnitCompletion(t.Context(), ns, "job", v, name, unit))
				}
				time.Sleep(time.Minute)
				assert.Equal(t, fsm.TaskStatusFinished, c.status(ns, "job"))
				for name, p := range providers {
					assert.Len(t, p.noted("group"), 1, name)
					assert.Len(t, p.noted("task"), 1, name)
					assert.Len(t, p.noted("start"), 1, name)
					assert.Len(t, p.noted("terminate"), 1, name)
				}
				mu.Lock()
				callbacks := strings.Join(order, " ")
				mu.Unlock()
				if barrier {
					assert.Equal(t, "group group group swap swap swap task task task", callbacks, "P5, P7")
				} else {
					assert.Equal(t, "group group group task task task", callbacks, "P7")
				}
				time.Sleep(ttl + time.Minute)
				assert.Nil(t, c.task(ns, "job"))
				for name, p := range providers {
					assert.Equal(t, []string{"clean local job v1"}, p.noted("clean local"), name)
				}
			})
		})
	}
}

// fanOut wakes many schedulers.
type fanOut []*sched.Scheduler

func (f fanOut) Wake() {
	for _, s := range f {
		s.Wake()
	}
}
