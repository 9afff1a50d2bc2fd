package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

func TestAListIsNeverOlderThanAnAcknowledgedWrite(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.within(5 * time.Minute)
		for i := range 10 {
			writer, reader := c.nodes[i%3], c.nodes[(i/3)%3]
			require.NoError(t, writer.client.AddDistributedTask(ctx, "x", fmt.Sprint(i), nil, []string{"u"}))
			tasks, err := reader.client.ListDistributedTasks(ctx)
			require.NoError(t, err)
			require.Len(t, tasks["x"], i+1, "written through %s, listed on %s", writer.id, reader.id)
		}
	})
}

func everywhere(d time.Duration) func(from, to string) time.Duration {
	return func(string, string) time.Duration { return d }
}

func TestALocalReadOnAFollowerIsOlder(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		c.setLate(everywhere(30 * time.Millisecond))
		require.NoError(t, leader.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		require.Empty(t, c.followers(leader)[0].replica.Tasks(), "then the tests of linearizable lists say nothing")
		c.setLate(nil)
	})
}

func TestANewLeaderDoesNotAnswerBeforeItsFirstCommit(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		old := c.leader()
		// The write is acknowledged when the first answer to it arrives. All appends of it
		// were sent before that, so it is committed for the old leader only.
		c.setLate(everywhere(30 * time.Millisecond))
		require.NoError(t, old.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		c.isolate(old)
		c.setLate(everywhere(100 * time.Millisecond))
		next := c.leader(old)
		require.Empty(t, next.replica.Tasks(), "the new leader has applied the write already: the test has no effect")

		tasks, err := next.client.ListDistributedTasks(c.within(time.Minute))
		require.NoError(t, err)
		only(t, tasks, "x")
		c.setLate(nil)
		c.requireAgreement()
	})
}

// TestADeposedLeaderDoesNotAnswerFromMemory has a leader whose heartbeat was accepted
// just before its follower helped to elect another one, and whose answer is still on
// its way. raft.VerifyLeader takes that answer for a proof of leadership.
func TestADeposedLeaderDoesNotAnswerFromMemory(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.within(time.Minute)
		old := c.leader()
		voter, next := c.followers(old)[0], c.followers(old)[1]
		require.NoError(t, old.client.catchUp(ctx))
		c.setLate(func(from, to string) time.Duration {
			if from == old.id && to == voter.id {
				return 120 * time.Millisecond
			}
			return 0
		})
		time.Sleep(60 * time.Millisecond) // a heartbeat's answer is on its way
		c.sever(old, next)
		require.NoError(t, voter.transport.TimeoutNow(raft.ServerID(next.id), next.transport.LocalAddr(),
			&raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte(voter.id), Addr: []byte(voter.id)}}, &raft.TimeoutNowResponse{}))
		synctest.Wait()
		require.Equal(t, raft.Leader, next.raft.State())
		require.NoError(t, next.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}))
		require.Equal(t, raft.Leader, old.raft.State(), "the old leader knows already: the test has no effect")

		var tasks map[string][]*fsm.Task
		var listErr, verifyErr error
		var done sync.WaitGroup
		done.Go(func() { verifyErr = old.raft.VerifyLeader().Error() })
		done.Go(func() { tasks, listErr = old.client.ListDistributedTasks(ctx) })
		time.Sleep(time.Second)
		c.setLate(nil)
		c.heal()
		done.Wait()
		require.NoError(t, verifyErr, "VerifyLeader has become stricter: reads might use it")
		require.NoError(t, listErr)
		only(t, tasks, "x")
		c.requireAgreement()
	})
}

// TestListsStayLinearizableWhileLeadersFall checks every list against the writes that
// were acknowledged before it was asked for.
func TestListsStayLinearizableWhileLeadersFall(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx, stop := context.WithTimeout(c.t.Context(), 10*time.Minute)
		defer stop()
		var mu sync.Mutex
		acked := map[string]bool{}
		ackedNow := func() []string {
			mu.Lock()
			defer mu.Unlock()
			var ids []string
			for id := range acked {
				ids = append(ids, id)
			}
			return ids
		}
		var workers sync.WaitGroup
		lists := 0
		for w, n := range c.nodes {
			workers.Go(func() {
				for k := range 40 {
					time.Sleep(time.Duration(97+w) * time.Millisecond)
					id := fmt.Sprintf("%s-%d", n.id, k)
					once, cancel := context.WithTimeout(ctx, 3*time.Second)
					err := n.client.AddDistributedTask(once, "x", id, nil, []string{"u"})
					cancel()
					mu.Lock()
					if err == nil {
						acked[id] = true
					} else if !errors.Is(err, ErrAmbiguous) && !errors.Is(err, ErrNotCommitted) {
						t.Errorf("add %s: %s", id, err)
					}
					mu.Unlock()
				}
			})
			workers.Go(func() {
				for range 60 {
					time.Sleep(time.Duration(71+w) * time.Millisecond)
					before := ackedNow()
					tasks, err := n.client.ListDistributedTasks(ctx)
					if err != nil {
						t.Errorf("list on %s: %s", n.id, err)
						return
					}
					seen := map[string]bool{}
					for _, task := range tasks["x"] {
						seen[task.ID] = true
					}
					for _, id := range before {
						if !seen[id] {
							t.Errorf("list on %s at %s misses %s", n.id, time.Now(), id)
						}
					}
					mu.Lock()
					lists++
					mu.Unlock()
				}
			})
		}
		for range 6 {
			time.Sleep(400 * time.Millisecond)
			leader := c.leader()
			c.isolate(leader)
			c.leader(leader)
			time.Sleep(300 * time.Millisecond)
			c.heal()
		}
		workers.Wait()
		require.Equal(t, 180, lists)
		require.Greater(t, len(acked), 60)
		c.requireAgreement()
		_, effective := c.nodes[0].commits(api.CommandAddTask)
		require.Len(t, c.nodes[0].replica.Tasks()["x"], effective)
	})
}

func TestAnAnswerThatNeverComesCostsOneAttempt(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		asked := c.followers(leader)[0]
		c.mu.Lock()
		c.cut[[2]string{leader.id, asked.id}] = true // the answers' way, and not that of the log
		c.mu.Unlock()
		time.AfterFunc(time.Second, c.heal)
		_, err := asked.client.ListDistributedTasks(c.within(time.Minute))
		require.NoError(t, err)
		require.Equal(t, 2, asked.forward)
	})
}

func TestAReadThatWaitsForTheLogEndsWithRaft(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		behind := c.followers(leader)[0]
		c.isolateLog(behind, leader)
		require.NoError(t, leader.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		done := make(chan error, 1)
		go func() {
			_, err := behind.client.ListDistributedTasks(c.within(time.Minute))
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		behind.replica.mu.Lock()
		waiting := len(behind.replica.waits.indexes)
		behind.replica.mu.Unlock()
		require.Equal(t, 1, waiting, "it does not wait for the log: the test has no effect")
		require.NoError(t, behind.raft.Shutdown().Error())
		require.ErrorContains(t, <-done, "shut down")
	})
}

func TestReadsThatWaitTogetherShareALogEntry(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		ctx := c.within(time.Minute)
		require.NoError(t, leader.client.catchUp(ctx))
		c.setLate(everywhere(10 * time.Millisecond))
		before := leader.raft.LastIndex()
		var done sync.WaitGroup
		for range 10 {
			for _, n := range c.nodes {
				done.Go(func() {
					_, err := n.client.ListDistributedTasks(ctx)
					require.NoError(t, err)
				})
			}
		}
		done.Wait()
		entries := leader.raft.LastIndex() - before
		require.GreaterOrEqual(t, entries, uint64(1))
		require.LessOrEqual(t, entries, uint64(4), "30 reads")
		c.setLate(nil)
	})
}

func TestARoundServesThoseWhoAskedBeforeItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRounds()
		begun := 0
		work := func() (uint64, error) {
			begun++
			n := begun
			time.Sleep(time.Second)
			if n == 2 {
				return 0, errLost
			}
			return uint64(n), nil
		}
		ask := func(at time.Duration, result *uint64, err *error) {
			time.Sleep(at)
			*result, *err = r.join(t.Context(), work)
		}
		var results [5]uint64
		var errs [5]error
		var done sync.WaitGroup
		for i, at := range []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 2500 * time.Millisecond} {
			done.Go(func() { ask(at, &results[i], &errs[i]) })
		}
		done.Wait()
		require.Equal(t, [5]uint64{1, 0, 3, 3, 4}, results,
			"the second began while the first was under way and failed alone, the third served two, the last came too late for it")
		require.Equal(t, [5]error{1: errLost}, errs)

		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = r.join(t.Context(), work) }()
		synctest.Wait()
		cancel()
		_, err := r.join(ctx, work)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 5, begun)
		time.Sleep(2 * time.Second)
	})
}
