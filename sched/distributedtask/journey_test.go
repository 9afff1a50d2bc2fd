package distributedtask_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sched/distributedtask"
)

// units makes specs of one group.
func units(group string, ids ...string) []distributedtask.UnitSpec {
	var specs []distributedtask.UnitSpec
	for _, id := range ids {
		specs = append(specs, distributedtask.UnitSpec{ID: id, GroupID: group})
	}
	return specs
}

func numbered(format string, n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf(format, i+1))
	}
	return ids
}

// shards are the local shards of every collection.
type shards []string

func (s shards) GetLocalShardNames(string) ([]string, error) { return s, nil }

type (
	statuses = []distributedtask.TaskStatus
	payload  = distributedtask.ShardNoopProviderPayload
)

var (
	straight = statuses{distributedtask.TaskStatusStarted, distributedtask.TaskStatusSwapping, distributedtask.TaskStatusFinished}
	prepared = statuses{
		distributedtask.TaskStatusStarted, distributedtask.TaskStatusPreparing,
		distributedtask.TaskStatusSwapping, distributedtask.TaskStatusFinished,
	}
	failed = statuses{distributedtask.TaskStatusStarted, distributedtask.TaskStatusFailed}
)

// The four journeys of the page, each with and without what it may vary, from
// submission until nothing of the task is left but its markers.
func TestJourneys(t *testing.T) {
	files := numbered("file-%04d", 1000)
	repair := payload{
		Collection:  "Books",
		UnitToShard: map[string]string{"u-0": "shard-S1", "u-1": "shard-S1", "u-2": "shard-S2", "u-3": "shard-S2"},
		UnitToNode:  map[string]string{"u-0": localNode, "u-1": "node-2", "u-2": localNode, "u-3": "node-2"},
	}
	replicas := []string{"u-0", "u-2"} // of this node; node-2's are not part of the task
	tenants := slices.Concat(
		units("tenant-1", "t1__a", "t1__b"),
		units("tenant-2", "t2__a", "t2__b"),
		units("tenant-3", "t3__a"),
	)
	tenantGroups := map[string][]string{"tenant-1": {"t1__a", "t1__b"}, "tenant-2": {"t2__a", "t2__b"}, "tenant-3": {"t3__a"}}

	for name, c := range map[string]struct {
		barrier bool
		payload payload
		shards  distributedtask.ShardLister
		units   []distributedtask.UnitSpec
		path    statuses
		groups  map[string][]string // that OnGroupCompleted was called for, with their units
		failure string
		files   []string // some that are there in the end
	}{
		"journey 1, any node takes any file": {
			payload: payload{MaxConcurrency: 8},
			units:   units("", files...),
			path:    straight,
			groups:  map[string][]string{"": files},
			files: []string{
				".dtm/dtm-process/job/file-0001", ".dtm/dtm-process/job/file-1000",
				".dtm/dtm-finalize/job/file-1000", ".dtm/dtm-complete/job/done-node-1",
			},
		},
		"journey 2, a repair that each shard swaps by itself": {
			payload: repair,
			shards:  shards{"shard-S1", "shard-S2"},
			units:   units("", replicas...),
			path:    straight,
			groups:  map[string][]string{"": replicas},
			files: []string{
				"books/shard-S1/.dtm-process--job--u-0", "books/shard-S2/.dtm-process--job--u-2",
				"books/shard-S1/.dtm-finalize--job--u-0", "books/shard-S2/.dtm-finalize--job--u-2",
				"books/.dtm-complete--job--node-1",
			},
		},
		"journey 3, a change of behaviour": {
			payload: repair,
			shards:  shards{"shard-S1", "shard-S2"},
			units:   units("", replicas...),
			path:    straight,
			groups:  map[string][]string{"": replicas},
		},
		"journey 3, with the preparation barrier": {
			barrier: true,
			payload: repair,
			shards:  shards{"shard-S1", "shard-S2"},
			units:   units("", replicas...),
			path:    prepared,
			groups:  map[string][]string{"": replicas},
			files:   []string{"books/.dtm-complete--job--node-1"},
		},
		"journey 3, with the barrier and a unit that fails": {
			barrier: true,
			payload: payload{FailUnitID: "u-0"},
			units:   units("", replicas...),
			path:    failed,
			groups:  map[string][]string{},
			failure: "u-0",
			files:   []string{".dtm/dtm-complete/job/done-node-1"},
		},
		"journey 4, tenant by tenant": {
			units:  tenants,
			path:   straight,
			groups: tenantGroups,
			files:  []string{".dtm/dtm-finalize/job/tenant-2/t2__b"},
		},
		"journey 4, with the barrier": {
			barrier: true,
			units:   tenants,
			path:    prepared,
			groups:  tenantGroups,
		},
		"journey 4, with a tenant that fails after another has finished": {
			payload: payload{FailUnitID: "t2__b"},
			units:   tenants,
			path:    failed,
			groups:  map[string][]string{"tenant-1": {"t1__a", "t1__b"}, "tenant-2": {"t2__a", "t2__b"}},
			failure: "t2__b",
			files:   []string{".dtm/dtm-finalize/job/tenant-1/t1__a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			inBubble(t, func(t *testing.T) {
				n := startNode(t, c.shards, root)
				desc, err := n.add("job", c.barrier, c.payload, c.units...)
				require.NoError(t, err)
				time.Sleep(2 * tick)

				assert.Equal(t, c.path, n.statuses())
				assert.Equal(t, c.groups, n.provider.GetFinalizedGroups(desc))
				assert.True(t, n.provider.IsTaskCompleted(desc))
				assert.Equal(t, []distributedtask.TaskDescriptor{desc}, n.provider.GetLocalTasks())
				for _, unit := range n.task("job").Units {
					checkUnit(t, n, unit, c.failure)
				}
				for _, file := range c.files {
					assert.FileExists(t, filepath.Join(root, file))
				}

				time.Sleep(ttl)
				assert.Nil(t, n.task("job"), "the record has expired")
				time.Sleep(tick)
				assert.Empty(t, n.provider.GetLocalTasks(), "and after it the local state")
			})
			if c.failure != "" {
				processed, err := filepath.Glob(filepath.Join(root, ".dtm/dtm-process/job", c.failure))
				require.NoError(t, err)
				assert.Empty(t, processed, "a failed unit is not marked as processed")
			}
		})
	}
}

// checkUnit checks what holds of each unit once its task is terminal.
func checkUnit(t *testing.T, n *node, unit *distributedtask.Unit, failure string) {
	t.Helper()
	switch {
	case unit.ID == failure:
		assert.Equal(t, distributedtask.UnitStatusFailed, unit.Status, unit.ID)
		assert.Equal(t, "dummy failure", unit.Error, unit.ID)
		assert.Equal(t, 1, n.reported("failure", unit.ID), unit.ID)
	case failure != "" && unit.Status == distributedtask.UnitStatusPending:
		assert.Empty(t, unit.NodeID, unit.ID)
		assert.Zero(t, n.reported("completion", unit.ID), unit.ID)
		return
	default:
		assert.Equal(t, distributedtask.UnitStatusCompleted, unit.Status, unit.ID)
		assert.EqualValues(t, 1, unit.Progress, unit.ID)
		assert.Equal(t, 1, n.reported("completion", unit.ID), unit.ID)
	}
	assert.Equal(t, localNode, unit.NodeID, unit.ID)
	assert.Equal(t, 1, n.reported("progress", unit.ID), unit.ID)
}

func TestATenantIsFinalizedWhileAnotherIsStillAtWork(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		n := startNode(t, nil, "")
		desc, err := n.add("job", false, payload{SlowUnitID: "t2", SlowUnitDelayMs: 600_000},
			slices.Concat(units("tenant-1", "t1"), units("tenant-2", "t2"))...)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		assert.Equal(t, statuses{distributedtask.TaskStatusStarted}, n.statuses())
		assert.Equal(t, map[string][]string{"tenant-1": {"t1"}}, n.provider.GetFinalizedGroups(desc))
		assert.False(t, n.provider.IsTaskCompleted(desc))
		time.Sleep(6 * time.Minute)
		assert.Equal(t, straight, n.statuses())
		assert.Equal(t, []string{"t1", "t2"}, n.provider.GetFinalizedUnits(desc))
	})
}

func TestACancelledTaskStopsAndMayRunAgain(t *testing.T) {
	root := t.TempDir()
	inBubble(t, func(t *testing.T) {
		n := startNode(t, nil, root)
		slow := payload{ProcessingDelayMs: 60_000}
		first, err := n.add("job", false, slow, units("", "u-1", "u-2")...)
		require.NoError(t, err)
		time.Sleep(90 * time.Second)
		_, err = n.add("job", false, slow, units("", "u-1")...)
		require.ErrorContains(t, err, "already running")

		require.NoError(t, n.cancel(first))
		require.ErrorIs(t, n.cancel(first), distributedtask.ErrTaskNotRunning)
		time.Sleep(5 * time.Minute)
		assert.Zero(t, n.reported("completion", "u-2"), "its worker was stopped")
		assert.Equal(t, distributedtask.TaskStatusCancelled, n.task("job").Status)
		assert.Empty(t, n.provider.GetFinalizedUnits(first), "there is nothing to finish")
		assert.True(t, n.provider.IsTaskCompleted(first))

		second, err := n.add("job", false, payload{}, units("", "u-2")...)
		require.NoError(t, err)
		assert.Greater(t, second.Version, first.Version)
		time.Sleep(2 * tick)
		assert.Equal(t, straight, n.statuses())
		assert.Equal(t, []distributedtask.TaskDescriptor{second}, n.provider.GetLocalTasks(), "the first run is cleaned up")
		assert.Equal(t, []string{"u-2"}, n.provider.GetFinalizedUnits(second))
	})
	content, err := os.ReadFile(filepath.Join(root, ".dtm/dtm-complete/job/done-node-1"))
	require.NoError(t, err)
	assert.Contains(t, string(content), "completed by node-1, status=")
}

func TestNothingStartsAfterClose(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		n := startNode(t, nil, "")
		_, err := n.add("job", false, payload{ProcessingDelayMs: 60_000}, units("", "u-1", "u-2")...)
		require.NoError(t, err)
		time.Sleep(time.Second)
		n.scheduler.Close()
		_, err = n.add("late", false, payload{}, units("", "u-3")...)
		require.NoError(t, err)
		n.scheduler.Wake()
		time.Sleep(10 * tick)
		assert.Equal(t, 1, n.reported("progress", "u-1"))
		assert.Zero(t, n.reported("completion", "u-1"), "its worker was stopped")
		assert.Zero(t, n.reported("progress", "u-3"))
	})
}
