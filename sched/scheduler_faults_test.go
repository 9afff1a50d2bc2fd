package sched_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/sched"
)

func TestStartSurvivesAFailingList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p)
		old := n.cluster.add(t, ns, "old", false, "u1")
		n.cluster.fail(t, ns, "old", old, "n1", "u1")
		n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.setIntercept(func(context.Context, string) error { return errors.New("no leader") })
		n.start()
		n.tick()
		assert.Equal(t, []string{"set recorder"}, p.noted())
		assert.Equal(t, 1, n.logged(logrus.WarnLevel, "first list failed"))
		assert.Equal(t, 1, n.logged(logrus.ErrorLevel, "pass skipped"))

		n.cluster.setIntercept(nil)
		n.tick()
		assert.Equal(t, []string{"set recorder", "start job v3"}, p.noted(),
			"what was terminal in the first list that succeeded gets no callbacks")

		job := n.cluster.task(ns, "job")
		n.cluster.fail(t, ns, "job", job.Version, "n1", "u1")
		n.tick()
		assert.Equal(t, []string{`group job v3 FAILED "" [u1]`, "task job v3 FAILED"}, p.noted("group", "task"),
			"what ends later does")
	})
}

func TestOldListsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		lister := &replayLister{}
		n := newNode(t, p, func(params *sched.SchedulerParams) { params.TaskLister = lister })
		v := n.cluster.add(t, ns, "job", false, "u1")
		early := n.cluster.task(ns, "job")
		n.cluster.fail(t, ns, "job", v, "n1", "u1")
		late := n.cluster.task(ns, "job")
		lister.tasks = []*fsm.Task{early}
		n.start()
		lister.tasks = []*fsm.Task{late}
		n.wake()
		calls := len(p.noted())
		lister.tasks = []*fsm.Task{early}
		n.tick()
		n.tick()
		assert.Len(t, p.noted(), calls, "the failed task does not start again")
	})
}

// replayLister lists what it was given.
type replayLister struct{ tasks []*fsm.Task }

func (l *replayLister) ListDistributedTasks(context.Context) (map[string][]*fsm.Task, error) {
	return map[string][]*fsm.Task{ns: l.tasks}, nil
}

func TestAStrangeListDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		lister := &replayLister{}
		n := newNode(t, p, func(params *sched.SchedulerParams) { params.TaskLister = lister })
		twice := func(version uint64) *fsm.Task {
			return &fsm.Task{
				TaskDescriptor: fsm.TaskDescriptor{ID: "twice", Version: version}, Status: fsm.TaskStatusStarted,
				Units: map[string]*fsm.Unit{"u": {ID: "u", Status: fsm.UnitStatusPending}},
			}
		}
		unknown := twice(3)
		unknown.ID, unknown.Status = "unknown", "PAUSED"
		nullUnit := twice(3)
		nullUnit.ID, nullUnit.Units["null"] = "null unit", nil
		lister.tasks = []*fsm.Task{nil, nullUnit, twice(2), twice(7), twice(4), unknown, {}}
		n.start()
		n.tick()
		assert.Contains(t, p.noted("start", "terminate", "group", "task"), "start twice v7")
		assert.Empty(t, p.noted("start twice v2", "start twice v4", "start unknown", "terminate", "group", "task"))
	})
}

func TestAFailedCallbackFailsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "swap") {
				return errors.New("disk full")
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", true, "a/u1", "b/u2")
		n.cluster.complete(t, ns, "job", v, "n1", "u1", "u2")
		n.start()
		n.tick()
		job := n.cluster.task(ns, "job")
		assert.Equal(t, fsm.TaskStatusFailed, job.Status)
		assert.Equal(t, `group="a": disk full; group="b": disk full`, job.PostCompletionAcks["n1"].Error)
		assert.Equal(t, []string{"task job v1 FAILED"}, p.noted("task"), "the schema is left alone (P8)")
	})
}

func TestACancelledCallbackRunsAgainOnALaterPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := 2
		p := &callbackProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "group") && cancelled > 0 {
				cancelled--
				return fmt.Errorf("reindex: %w", context.Canceled)
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.start()
		assert.Len(t, p.noted("group"), 1)
		assert.Zero(t, n.cluster.count("ack"), "no outcome, no ack")
		n.tick()
		n.tick()
		assert.Len(t, p.noted("group"), 3)
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
	})
}

func TestAFailedFinalizationIsTriedAgainWithoutAnotherCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.cluster.setIntercept(func(_ context.Context, call string) error {
			if strings.HasPrefix(call, "finalize") {
				return errors.New("leadership lost")
			}
			return nil
		})
		n.start()
		n.tick()
		tries := n.cluster.count("finalize")
		assert.GreaterOrEqual(t, tries, 2)
		n.cluster.setIntercept(nil)
		n.tick()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
		assert.Equal(t, tries+1, n.cluster.count("finalize"))
		assert.Equal(t, []string{"task job v1 SWAPPING"}, p.noted("task"))
	})
}

func TestAFailedAckIsTriedAgainWithoutAnotherCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", true, "u1")
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		down := true
		n.cluster.setIntercept(func(_ context.Context, call string) error {
			if strings.HasPrefix(call, "ack") && down {
				return errors.New("no leader")
			}
			return nil
		})
		n.start()
		n.tick()
		assert.Equal(t, fsm.TaskStatusPreparing, n.cluster.status(ns, "job"))
		assert.Equal(t, 2, n.cluster.count("ack preparation"))
		down = false
		n.tick()
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
		assert.Len(t, p.noted("group"), 1)
		assert.Len(t, p.noted("swap"), 1)
	})
}

func TestAFailingOnTaskCompletedHoldsUpTheFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 2
		p := &fallibleProvider{}
		p.hook = func(call string) error {
			if strings.HasPrefix(call, "task") && failures > 0 {
				failures--
				return errors.New("schema is locked")
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.complete(t, ns, "job", v, "n1", "u1")
		n.start()
		n.tick()
		n.tick()
		n.tick()
		assert.Equal(t, []string{"task job v1 SWAPPING", "task job v1 SWAPPING", "task job v1 SWAPPING"}, p.noted("task"))
		assert.Equal(t, 1, n.cluster.count("finalize"))
		assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "job"))
	})
}

// TestPanicsCostOneCall lets every method of a provider panic on one task, for
// ever; a second task of the same provider, and the scheduler, go on.
func TestPanicsCostOneCall(t *testing.T) {
	for _, c := range []struct {
		call string // the prefix of the calls that panic
		job  fsm.TaskStatus
	}{
		{"set recorder", fsm.TaskStatusFinished},
		{"get local tasks", fsm.TaskStatusFinished},
		{"start bad", fsm.TaskStatusFinished},
		{"terminate bad", fsm.TaskStatusFinished},
		{"group bad", fsm.TaskStatusFailed},
		{"swap bad", fsm.TaskStatusFailed},
		{"task bad", fsm.TaskStatusSwapping},
		{"clean local", fsm.TaskStatusFinished},
		{"done?", fsm.TaskStatusFinished},
	} {
		t.Run(c.call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				panics := 0
				var mu sync.Mutex
				p := &recoveringProvider{}
				p.hook = func(call string) error {
					if strings.HasPrefix(call, c.call) {
						mu.Lock()
						panics++
						mu.Unlock()
						panic("provider bug")
					}
					return nil
				}
				n := newNode(t, p)
				old := n.cluster.add(t, ns, "old", false, "u1")
				n.cluster.fail(t, ns, "old", old, "n1", "u1")
				p.setLocal(sched.TaskDescriptor{ID: "vanished", Version: 1})
				bad := n.cluster.add(t, ns, "bad", true, "u1", "u2")
				good := n.cluster.add(t, ns, "good", true, "u1", "u2")
				n.start()
				n.cluster.complete(t, ns, "bad", bad, "n1", "u1", "u2")
				n.cluster.complete(t, ns, "good", good, "n1", "u1", "u2")
				for range 5 {
					n.tick()
				}
				assert.Equal(t, fsm.TaskStatusFinished, n.cluster.status(ns, "good"))
				assert.Equal(t, c.job, n.cluster.status(ns, "bad"))
				assert.Empty(t, p.noted("group old", "task old"), "a panic does not say that something is not done")
				assert.Positive(t, panics)
				n.Close()
			})
		})
	}
}

func TestLocalStateIsRememberedWhileItCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := false
		p := &plainProvider{}
		p.hook = func(call string) error {
			if call == "get local tasks" && broken {
				panic("provider bug")
			}
			return nil
		}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		p.setLocal(sched.TaskDescriptor{ID: "job", Version: v})
		n.cluster.complete(t, ns, "job", v, "n2", "u1")
		n.start()
		broken = true
		require.NoError(t, n.cluster.giveUp(ns, "job", v))
		n.cluster.add(t, ns, "job", false, "u1")
		n.tick()
		assert.Equal(t, []string{"clean local job v1", "start job v4"}, p.noted("clean local", "start"))
	})
}

func TestPanicsOfTheClusterAreErrors(t *testing.T) {
	for _, call := range []string{"list", "ack", "finalize", "clean record"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &callbackProvider{}
				n := newNode(t, p)
				v := n.cluster.add(t, ns, "job", false, "u1")
				n.cluster.complete(t, ns, "job", v, "n1", "u1")
				panics := 0
				n.cluster.setIntercept(func(_ context.Context, got string) error {
					if strings.HasPrefix(got, call) && panics < 3 {
						panics++
						panic("client bug")
					}
					return nil
				})
				n.start()
				for range 5 {
					n.clock.Advance(ttl + time.Second)
					synctest.Wait()
				}
				assert.Equal(t, 3, panics)
				assert.Nil(t, n.cluster.task(ns, "job"), "it is finished and gone in the end")
				assert.Len(t, p.noted("task"), 1)
			})
		})
	}
}

func TestAStartWithoutAHandleIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &handlelessProvider{})
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		assert.Equal(t, 1, n.logged(logrus.ErrorLevel, "failed to start task"))
	})
}

type handlelessProvider struct{ plainProvider }

func (*handlelessProvider) StartTask(*fsm.Task) (sched.TaskHandle, error) { return nil, nil }

func TestAnExpiredRecordGoesAndAFailureToRemoveItIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &callbackProvider{}
		n := newNode(t, p)
		v := n.cluster.add(t, ns, "job", false, "u1")
		n.cluster.fail(t, ns, "job", v, "n1", "u1")
		n.start()
		refuse := true
		n.cluster.setIntercept(func(_ context.Context, call string) error {
			if strings.HasPrefix(call, "clean record") && refuse {
				return errors.New("too fresh")
			}
			return nil
		})
		n.clock.Advance(ttl - time.Millisecond)
		synctest.Wait()
		assert.Zero(t, n.cluster.count("clean record"))
		n.tick()
		n.tick()
		assert.Equal(t, 2, n.cluster.count("clean record"))
		refuse = false
		n.tick()
		assert.Nil(t, n.cluster.task(ns, "job"))
	})
}
