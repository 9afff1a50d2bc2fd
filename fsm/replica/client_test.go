package replica

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// What a scheduler needs of a client, as on the package page; package sched cannot be
// imported from here.
var _ interface {
	fsm.TaskCompletionRecorder
	ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error)
	CleanUpDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error
	MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, taskVersion uint64) error
	RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
		nodeID string, success bool, errMsg string) error
	RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, taskVersion uint64,
		nodeID string, success bool, errMsg string) error
} = (*Client)(nil)

// only returns the single task of a list.
func only(t *testing.T, tasks map[string][]*fsm.Task, namespace string) *fsm.Task {
	t.Helper()
	require.Len(t, tasks[namespace], 1)
	return tasks[namespace][0]
}

func TestATaskRunsItsLifeThroughEveryNode(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.within(time.Minute)
		call := 0
		any := func() *Client { call++; return c.nodes[call%3].client } // each call through another node
		list := func() map[string][]*fsm.Task {
			tasks, err := any().ListDistributedTasks(ctx)
			require.NoError(t, err)
			return tasks
		}
		require.NoError(t, any().CreateCollection(ctx, "Docs", CreateCollectionRequest{
			Properties: map[string]string{"title": "word"}, Shards: []ShardSpec{{Name: "s", Nodes: []string{"n1", "n2"}}},
		}))
		started := time.Now()
		specs := []fsm.UnitSpec{{ID: "s__n1", GroupID: "s"}, {ID: "s__n2", GroupID: "s"}}
		require.NoError(t, any().AddDistributedTaskWithGroupsBarrier(ctx, "reindex", "r", payload{"Docs", "title"}, specs))
		task := only(t, list(), "reindex")
		require.Equal(t, fsm.TaskStatusStarted, task.Status)
		require.True(t, task.NeedsPreparationBarrier)
		require.True(t, task.AcksRequired)
		require.Equal(t, started.UnixMilli(), task.StartedAt.UnixMilli())
		require.Equal(t, "s", task.Units["s__n1"].GroupID)
		require.JSONEq(t, `{"collection":"Docs","property":"title"}`, string(task.Payload))

		v := task.Version
		require.NoError(t, any().UpdateDistributedTaskUnitProgress(ctx, "reindex", "r", v, "n1", "s__n1", 0.5))
		require.Equal(t, float32(0.5), only(t, list(), "reindex").Units["s__n1"].Progress)
		for _, n := range []string{"n1", "n2"} {
			require.NoError(t, any().RecordDistributedTaskUnitCompletion(ctx, "reindex", "r", v, n, "s__"+n))
		}
		require.Equal(t, fsm.TaskStatusPreparing, only(t, list(), "reindex").Status)
		for _, n := range []string{"n1", "n2"} {
			require.NoError(t, any().RecordDistributedTaskPreparationCompleteAck(ctx, "reindex", "r", v, n, true, ""))
		}
		require.Equal(t, fsm.TaskStatusSwapping, only(t, list(), "reindex").Status)
		require.ErrorContains(t, any().MarkDistributedTaskFinalized(ctx, "reindex", "r", v), "cannot be finalized yet")
		for _, n := range []string{"n1", "n2"} {
			require.NoError(t, any().RecordDistributedTaskPostCompletionAck(ctx, "reindex", "r", v, n, true, ""))
		}
		require.ErrorContains(t, any().UpdateProperty(ctx, "Docs", "title", "user"), "busy")
		require.NoError(t, any().FlipProperty(ctx, "Docs", "title", "field", "reindex", task.TaskDescriptor, nil))
		schema, err := any().Schema(ctx)
		require.NoError(t, err)
		require.Equal(t, Property{Tokenization: "field", FlippedBy: v}, schema.Collection("docs").Properties["title"])
		require.ErrorIs(t, any().FailDistributedTask(ctx, "reindex", "r", v, ""), fsm.ErrTaskNotInFinalizingState)
		for range 3 {
			require.NoError(t, any().MarkDistributedTaskFinalized(ctx, "reindex", "r", v))
		}
		require.Equal(t, fsm.TaskStatusFinished, only(t, list(), "reindex").Status)
		require.ErrorContains(t, any().CleanUpDistributedTask(ctx, "reindex", "r", v), "too fresh")
		time.Sleep(2 * time.Minute)
		ctx = c.within(time.Minute)
		require.NoError(t, any().CleanUpDistributedTask(ctx, "reindex", "r", v))
		require.Empty(t, list())
		c.requireAgreement()
	})
}

func TestTheVariantsOfAddingATask(t *testing.T) {
	for name, tc := range map[string]struct {
		add     func(c *Client, ctx context.Context) error
		barrier bool
		group   string
	}{
		"units": {func(c *Client, ctx context.Context) error {
			return c.AddDistributedTask(ctx, "x", "a", nil, []string{"u"})
		}, false, ""},
		"groups": {func(c *Client, ctx context.Context) error {
			return c.AddDistributedTaskWithGroups(ctx, "x", "a", nil, []fsm.UnitSpec{{ID: "u", GroupID: "g"}})
		}, false, "g"},
		"units with a barrier": {func(c *Client, ctx context.Context) error {
			return c.AddDistributedTaskWithBarrier(ctx, "x", "a", nil, []string{"u"})
		}, true, ""},
		"groups with a barrier": {func(c *Client, ctx context.Context) error {
			return c.AddDistributedTaskWithGroupsBarrier(ctx, "x", "a", nil, []fsm.UnitSpec{{ID: "u", GroupID: "g"}})
		}, true, "g"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(c *cluster) {
				require.NoError(t, tc.add(c.nodes[0].client, c.within(time.Minute)))
				task := only(t, c.nodes[0].replica.Tasks(), "x")
				require.Equal(t, tc.barrier, task.NeedsPreparationBarrier)
				require.True(t, task.AcksRequired)
				require.Equal(t, tc.group, task.Units["u"].GroupID)
				require.Equal(t, "null", string(task.Payload))
			})
		})
	}
}

func TestAFailureWithoutAMessageIsNoSuccess(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		client, ctx := c.nodes[0].client, c.within(time.Minute)
		require.NoError(t, client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}))
		v := only(t, c.nodes[0].replica.Tasks(), "x").Version
		require.NoError(t, client.RecordDistributedTaskUnitFailure(ctx, "x", "a", v, "n1", "u", ""))
		task := only(t, c.nodes[0].replica.Tasks(), "x")
		require.Equal(t, fsm.TaskStatusFailed, task.Status)
		require.Equal(t, fsm.UnitStatusFailed, task.Units["u"].Status)
		require.Contains(t, task.Error, noMessage)
	})
}

func TestPermanentRejectionsLookAlikeOnEveryNode(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.within(time.Minute)
		leader := c.leader()
		require.NoError(t, leader.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u", "w"}))
		v := only(t, leader.replica.Tasks(), "x").Version
		require.NoError(t, leader.client.RecordDistributedTaskUnitCompletion(ctx, "x", "a", v, "n1", "u"))
		for name, tc := range map[string]struct {
			do       func(*Client) error
			sentinel error // nil for a rejection that may pass later
		}{
			"no task":       {func(c *Client) error { return c.CancelDistributedTask(ctx, "x", "b", v) }, fsm.ErrTaskDoesNotExist},
			"terminal unit": {func(c *Client) error { return c.RecordDistributedTaskUnitCompletion(ctx, "x", "a", v, "n1", "u") }, fsm.ErrUnitAlreadyTerminal},
			"wrong node":    {func(c *Client) error { return c.RecordDistributedTaskUnitFailure(ctx, "x", "a", v, "n2", "u", "no") }, fsm.ErrUnitWrongNode},
			"bad command":   {func(c *Client) error { return c.AddDistributedTask(ctx, "x", "", nil, []string{"u"}) }, fsm.ErrInvalidCommand},
			"no JSON": {func(c *Client) error {
				return c.UpdateDistributedTaskUnitProgress(ctx, "x", "a", v, "n1", "w", float32(math.NaN()))
			}, fsm.ErrInvalidCommand},
			"already there": {func(c *Client) error { return c.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}) }, nil},
			"no collection": {func(c *Client) error { return c.DropCollection(ctx, "Docs") }, nil},
		} {
			var texts []string
			for _, n := range c.nodes {
				err := tc.do(n.client)
				require.Error(t, err, name)
				require.Equal(t, tc.sentinel != nil, isPermanent(err), "%s on %s: %v", name, n.id, err)
				if tc.sentinel != nil {
					require.ErrorIs(t, err, tc.sentinel, "%s on %s", name, n.id)
				}
				require.NotErrorIs(t, err, ErrAmbiguous)
				texts = append(texts, err.Error())
			}
			require.Equal(t, texts[0], texts[1], name)
			require.Equal(t, texts[0], texts[2], name)
		}
		require.ErrorIs(t, leader.client.CancelDistributedTask(ctx, "x", "b", v), ErrRejected)
	})
}

func TestAnAnswerThatIsLostOnTheWayDoesNotMakeTheCommandApplyTwice(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		follower := c.followers(leader)[0]
		c.isolateLog(follower, leader) // so that it cannot learn the outcome from its own log
		lost := 0
		c.setForwardHook(func(_, _ string, answer []byte, err error) ([]byte, error) {
			if lost++; lost <= 2 {
				return nil, errLost
			}
			return answer, err
		})
		require.NoError(t, follower.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		require.Equal(t, 3, lost)
		committed, effective := leader.commits(api.CommandAddTask)
		require.Equal(t, 1, effective)
		require.LessOrEqual(t, committed, 3)
		c.setForwardHook(nil)
		c.requireAgreement()
	})
}

// isolateLog keeps a follower from receiving the log while it can still forward.
func (c *cluster) isolateLog(follower, leader *node) {
	for _, n := range c.nodes {
		n.transport.Disconnect(follower.transport.LocalAddr())
	}
	_, id := follower.raft.LeaderWithID()
	require.Equal(c.t, leader.id, string(id))
}

func TestTheLogBringsTheOutcomeWhenNoAnswerDoes(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		follower := c.followers(leader)[0]
		c.setForwardHook(func(string, string, []byte, error) ([]byte, error) { return nil, errLost })
		require.NoError(t, follower.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		committed, effective := leader.commits(api.CommandAddTask)
		require.Equal(t, 1, effective)
		require.LessOrEqual(t, committed, 5, "it went on asking after the log had the outcome")
		require.ErrorIs(t, follower.client.CancelDistributedTask(c.within(time.Minute), "x", "nope", 1), fsm.ErrTaskDoesNotExist,
			"a rejection comes the same way")
	})
}

func TestARequestUnderWayOutlivesItsLeader(t *testing.T) {
	for name, through := range map[string]func(c *cluster, leader *node) *node{
		"asked through a follower":        func(c *cluster, leader *node) *node { return c.followers(leader)[0] },
		"asked through the leader itself": func(_ *cluster, leader *node) *node { return leader },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(c *cluster) {
				old := c.leader()
				asked := through(c, old)
				for _, n := range c.nodes {
					n.client.leader.timeout = time.Hour // the loss of leadership ends the wait
				}
				// The old leader takes the command and cannot answer.
				for _, n := range c.followers(old) {
					n.transport.Disconnect(old.transport.LocalAddr())
					old.transport.Disconnect(n.transport.LocalAddr())
				}
				done := make(chan error, 1)
				ctx := c.within(time.Minute)
				go func() { done <- asked.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}) }()
				next := c.leader(old)
				require.NotEqual(t, old, next)
				c.heal()
				require.NoError(t, <-done)
				_, effective := next.commits(api.CommandAddTask)
				require.Equal(t, 1, effective)
				c.requireAgreement()
				only(t, old.replica.Tasks(), "x")
			})
		})
	}
}

func TestALeaderThatIsCutOffCannotKnow(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		require.NoError(t, leader.client.AddDistributedTask(c.within(time.Minute), "x", "first", nil, []string{"u"}))
		c.isolate(leader)
		err := leader.client.AddDistributedTask(c.within(3*time.Second), "x", "a", nil, []string{"u"})
		require.ErrorIs(t, err, ErrAmbiguous)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrNotCommitted)
		require.NotErrorIs(t, err, ErrRejected)
		c.requireAgreement()
	})
}

func TestWithoutALeaderNothingIsCommitted(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		lonely := c.followers(leader)[0]
		c.isolate(lonely)
		ctx, cancel := context.WithCancel(c.t.Context())
		time.AfterFunc(5*time.Second, cancel)
		err := lonely.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"})
		require.ErrorIs(t, err, ErrNotCommitted)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, ErrAmbiguous)
		_, err = lonely.client.ListDistributedTasks(c.within(5 * time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded, "a node that is cut off does not answer from memory")
		c.requireAgreement()
		require.Empty(t, leader.replica.Tasks())
	})
}

func TestARequestWaitsOutAnElection(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		old := c.leader()
		asked := c.followers(old)[0]
		c.isolate(old)
		require.NoError(t, asked.client.AddDistributedTask(c.within(time.Minute), "x", "a", nil, []string{"u"}))
		c.requireAgreement()
	})
}

func TestLeadershipTransferUnderLoad(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.within(5 * time.Minute)
		var done sync.WaitGroup
		for i, n := range c.nodes {
			for k := range 20 {
				done.Go(func() {
					time.Sleep(time.Duration(k*40+i) * time.Millisecond)
					require.NoError(t, n.client.AddDistributedTask(ctx, "x", fmt.Sprintf("%s-%d", n.id, k), nil, []string{"u"}))
				})
			}
		}
		for range 4 {
			time.Sleep(200 * time.Millisecond)
			_ = c.leader().raft.LeadershipTransfer().Error()
		}
		done.Wait()
		require.NoError(t, c.nodes[0].client.catchUp(ctx))
		require.Len(t, c.nodes[0].replica.Tasks()["x"], 60)
		c.requireAgreement()
		_, effective := c.nodes[0].commits(api.CommandAddTask)
		require.Equal(t, 60, effective, "every task was added once")
	})
}

func TestAClientThatTheLogHasForgottenTakesANewName(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		n, ctx := c.nodes[0], c.within(time.Minute)
		require.NoError(t, n.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}))
		n.replica.mu.Lock()
		n.replica.sessions = newSessions(DefaultMaxSessions)
		n.replica.mu.Unlock()
		require.NoError(t, n.client.AddDistributedTask(ctx, "x", "b", nil, []string{"u"}))
		n.mu.Lock()
		defer n.mu.Unlock()
		require.Equal(t, "n1#1~1", n.applied[len(n.applied)-1].req.RequestID.Client)
		require.Len(t, n.replica.Tasks()["x"], 2)
	})
}

func TestAFollowerThatMissesTheLogGetsASnapshotWithItsSessions(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		behind := c.followers(leader)[0]
		ctx := c.within(5 * time.Minute)
		c.isolate(behind)
		for i := range 20 {
			require.NoError(t, leader.client.AddDistributedTask(ctx, "x", fmt.Sprint(i), nil, []string{"u"}))
		}
		require.NoError(t, leader.raft.Snapshot().Error())
		c.heal()
		tasks, err := behind.client.ListDistributedTasks(ctx)
		require.NoError(t, err)
		require.Len(t, tasks["x"], 20)
		behind.mu.Lock()
		replayed := len(behind.applied)
		behind.mu.Unlock()
		require.Less(t, replayed, 20, "it came by the log, the snapshot was not needed")
		c.requireAgreement()
	})
}

func TestAfterShutdownEverythingEnds(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.leader()
		c.isolate(leader)
		results := make(chan error, 4)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { results <- leader.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}) }()
		go func() {
			_, err := leader.client.ListDistributedTasks(ctx)
			results <- err
		}()
		synctest.Wait()
		require.NoError(t, leader.raft.Shutdown().Error())
		kinds := []error{<-results, <-results}
		require.Error(t, kinds[0])
		require.Error(t, kinds[1])
		require.ErrorIs(t, leader.client.AddDistributedTask(ctx, "x", "a", nil, []string{"u"}), ErrNotCommitted)
		_, err := leader.client.ListDistributedTasks(ctx)
		require.ErrorContains(t, err, "shut down")
		require.Equal(t, raft.Shutdown, leader.raft.State())
	})
}

func TestAForwardedCommandOfAnOlderProposerIsAnswered(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		old := addTask(t, "x", "a", payload{}, "u")
		for _, want := range []string{"", "already running"} {
			b, err := c.nodes[0].client.Serve(c.within(time.Minute), "old", forwardRequest{kind: kindPropose, command: api.Encode(&old)}.encode())
			require.NoError(t, err)
			p, err := decodeResponse(b)
			require.NoError(t, err)
			require.Contains(t, p.Message, want)
			require.Equal(t, want == "", p.err() == nil)
		}
		b, err := c.nodes[0].client.Serve(c.within(time.Minute), "odd", []byte{0xff})
		require.NoError(t, err)
		p, err := decodeResponse(b)
		require.NoError(t, err)
		_, err = c.nodes[0].client.classify("n1", p)
		require.ErrorIs(t, err, errFinal)
	})
}
