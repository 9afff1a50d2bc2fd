package taskplan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// valid returns a plan with a collection, a multi-tenant one, two tasks and two
// promises.
func valid() *taskplan.Plan {
	p := taskplan.Default()
	at := func(s int) plan.Duration { return plan.Duration(time.Duration(s) * time.Second) }
	p.Workload = []taskplan.Operation{
		{At: at(1), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Movies", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2}},
		{At: at(1), Node: "n1", Do: taskplan.CreateCollection, Collection: &taskplan.Collection{
			Name: "Users", Properties: map[string]string{"name": "word"}, Tenants: []string{"amy", "bob"}, Replicas: 1}},
		{At: at(2), Node: "n2", Do: taskplan.AddTask, Task: &taskplan.Task{
			Kind: taskplan.Reindex, ID: "r", Collection: "Movies", Property: "title", Tokenization: "field", Parallel: 1}},
		{At: at(3), Node: "n3", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Cleanup, ID: "c", Files: 3, Parallel: 1}},
		{At: at(4), Node: "n3", Do: taskplan.DeleteTenants, Target: "Users", Tenants: []string{"bob"}},
		{At: at(5), Node: "n1", Do: taskplan.CancelTask, Namespace: "cleanup", TaskID: "c"},
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "r", Status: "FINISHED"},
		{Expect: taskplan.OperationsEnd, Operations: []int{0, 2}, Outcome: "ok"},
		{Expect: taskplan.ShardsAre, Collection: "Users", Property: "name", Tokenization: "word", Tenant: "amy"},
	}
	return &p
}

func TestPossiblePlansAreAccepted(t *testing.T) {
	require.NoError(t, valid().Validate())
	d := taskplan.Default()
	require.NoError(t, d.Validate())
	for name, f := range map[string]func(p *taskplan.Plan){
		"one node":                   func(p *taskplan.Plan) { p.Workload, p.Promises, p.Cluster.Nodes = nil, nil, 1 },
		"nine nodes":                 func(p *taskplan.Plan) { p.Cluster.Nodes = 9 },
		"no latency":                 func(p *taskplan.Plan) { p.Cluster.Network.MinLatency, p.Cluster.Network.MaxLatency = 0, 0 },
		"two operations at one time": func(p *taskplan.Plan) { p.Workload[3].At = p.Workload[2].At },
		"a task's id again":          func(p *taskplan.Plan) { p.Workload[3].Task.ID = "r"; p.Workload[5].TaskID = "r" },
		"a name in another case":     func(p *taskplan.Plan) { p.Workload[2].Task.Collection, p.Workload[4].Target = "MOVIES", "users" },
		"small limits": func(p *taskplan.Plan) {
			p.MaxSessions, p.AttemptTimeout, p.Workload[2].Within = 4, p.SchedulerTick, p.SchedulerTick
		},
		"100,000 files": func(p *taskplan.Plan) { p.Workload[3].Task.Files = 100_000 },
		"a collection of the same name": func(p *taskplan.Plan) {
			p.Workload[1].Collection.Name = "Movies"
			p.Workload[4].Target = "Movies"
			p.Promises[2].Collection = "Movies"
			p.Workload[2].Task.Property = "name"
		},
	} {
		p := valid()
		f(p)
		require.NoError(t, p.Validate(), name)
	}
}

func TestImpossiblePlansAreRefused(t *testing.T) {
	many := make([]taskplan.Operation, taskplan.MaxOperations+1)
	for _, c := range []struct {
		name string
		edit func(p *taskplan.Plan)
		want string
	}{
		{"no format", func(p *taskplan.Plan) { p.Format = 0 }, "format: the format number is missing; this build reads formats 1 and 2"},
		{"another format", func(p *taskplan.Plan) { p.Format = 7 }, "format: format 7 is unknown; this build reads formats 1 and 2"},
		{"no name", func(p *taskplan.Plan) { p.Name = "" }, "name: missing"},
		{"a name of two lines", func(p *taskplan.Plan) { p.Name = "a\nb" }, `name: "a\nb" holds what cannot be printed`},
		{"no time", func(p *taskplan.Plan) { p.Duration = 0 }, "duration: 0s is below 1ms"},
		{"a negative duration", func(p *taskplan.Plan) { p.Duration = -1 }, "duration: -1ns is negative"},
		{"a year", func(p *taskplan.Plan) { p.Duration = plan.Duration(365 * 24 * time.Hour) }, "duration: 8760h0m0s is above 720h0m0s"},
		{"zero nodes", func(p *taskplan.Plan) { p.Cluster.Nodes = 0 }, "cluster.nodes: 0 is not from 1 to 9"},
		{"ten nodes", func(p *taskplan.Plan) { p.Cluster.Nodes = 10 }, "cluster.nodes: 10 is not from 1 to 9"},
		{"no tick", func(p *taskplan.Plan) { p.SchedulerTick = 0 }, "tasks.scheduler_tick: 0s is below 1ms"},
		{"a lease above the heartbeat", func(p *taskplan.Plan) { p.Cluster.Raft.LeaderLeaseTimeout = plan.Duration(2 * time.Second) }, "cluster.raft.leader_lease_timeout: 2s is above heartbeat_timeout (1s)"},
		{"an election below the heartbeat", func(p *taskplan.Plan) { p.Cluster.Raft.ElectionTimeout = plan.Duration(time.Second / 2) }, "cluster.raft.election_timeout: 500ms is below heartbeat_timeout (1s)"},
		{"a heartbeat that raft refuses", func(p *taskplan.Plan) { p.Cluster.Raft.HeartbeatTimeout = 1 }, "cluster.raft.heartbeat_timeout: 1ns is below 5ms"},
		{"no snapshots", func(p *taskplan.Plan) { p.Cluster.Raft.SnapshotThreshold = 0 }, "cluster.raft.snapshot_threshold: 0 is not from 1 to 1000000000"},
		{"endless logs", func(p *taskplan.Plan) { p.Cluster.Raft.TrailingLogs = 1 << 63 }, "cluster.raft.trailing_logs: 9223372036854775808 is above 1000000000"},
		{"latencies the wrong way round", func(p *taskplan.Plan) { p.Cluster.Network.MinLatency = plan.Duration(time.Second) }, "cluster.network.max_latency: 20ms is below min_latency (1s)"},
		{"calls that always time out", func(p *taskplan.Plan) { p.Cluster.Network.CallTimeout = plan.Duration(40 * time.Millisecond) }, "cluster.network.call_timeout: 40ms is no more than twice max_latency (20ms): answers would come too late"},
		{"a lease that no leader can keep", func(p *taskplan.Plan) { p.Cluster.Raft.LeaderLeaseTimeout = plan.Duration(40 * time.Millisecond) }, "cluster.raft.leader_lease_timeout: 40ms is no more than twice max_latency (20ms): no leader could stay"},
		{"a slow disk", func(p *taskplan.Plan) { p.Cluster.Disk.SyncLatency = plan.Duration(time.Second) }, "cluster.disk.sync_latency: 1s is above 250ms"},

		{"fewer sessions than none", func(p *taskplan.Plan) { p.MaxSessions = -1 }, "tasks.max_sessions: -1 is not from 0 to 1000000"},
		{"an attempt without time", func(p *taskplan.Plan) { p.AttemptTimeout = 1 }, "tasks.attempt_timeout: 1ns is below 1ms"},
		{"a caller without patience", func(p *taskplan.Plan) { p.Workload[2].Within = 1 }, "tasks.workload[2].within: 1ns is below 1ms"},

		{"too many operations", func(p *taskplan.Plan) { p.Workload = many }, "tasks.workload: 100001 operations; at most 100000 are possible"},
		{"a time before the start", func(p *taskplan.Plan) { p.Workload[0].At = -1 }, "tasks.workload[0].at: -1ns is before the start of the run"},
		{"a time after the end", func(p *taskplan.Plan) { p.Workload[5].At = plan.Duration(70 * time.Second) }, "tasks.workload[5].at: 1m10s is past the end of the run (1m0s)"},
		{"operations out of order", func(p *taskplan.Plan) { p.Workload[3].At = plan.Duration(time.Second) }, "tasks.workload[3].at: 1s is before tasks.workload[2].at (2s); operations are sorted by time"},
		{"a node that is not there", func(p *taskplan.Plan) { p.Workload[2].Node = "n4" }, `tasks.workload[2].node: "n4" is none of n1, n2, n3`},
		{"no node", func(p *taskplan.Plan) { p.Workload[2].Node = "" }, "tasks.workload[2].node: missing; one of n1, n2, n3"},
		{"an unknown action", func(p *taskplan.Plan) { p.Workload[2].Do = "add" }, `tasks.workload[2].do: "add" is none of add-task, cancel-task, fail-task, clean-up-task, create-collection, drop-collection, update-property, add-tenants, freeze-tenants, thaw-tenants, delete-tenants, send-stray, list-tasks`},
		{"an action without its object", func(p *taskplan.Plan) { p.Workload[2].Task = nil }, "tasks.workload[2].task: missing; add-task needs it"},
		{"an object without its action", func(p *taskplan.Plan) { p.Workload[2].Target = "Movies" }, "tasks.workload[2].target: add-task has no use for it"},
		{"cancelling what was never added", func(p *taskplan.Plan) { p.Workload[5].TaskID = "x" }, `tasks.workload[5].task_id: no operation adds the task "x" of cleanup before this`},
		{"a stray about what was never added", func(p *taskplan.Plan) {
			p.Workload[5].Do, p.Workload[5].TaskID, p.Workload[5].Stray = taskplan.SendStray, "x", "ack-swap/older-run"
		}, `tasks.workload[5].task_id: no operation adds the task "x" of cleanup before this`},
		{"a stray that is none", func(p *taskplan.Plan) {
			p.Workload[5].Do, p.Workload[5].Stray = taskplan.SendStray, "ack-swap/other-unit"
		}, `tasks.workload[5].stray: nothing sends ack-swap that is wrong by "other-unit"; ack-swap can be wrong by older-run, later-run, no-run, other-task, other-case, other-namespace, empty-task`},
		{"tenants of a collection without", func(p *taskplan.Plan) {
			p.Workload[4] = taskplan.Operation{At: p.Workload[4].At, Node: "n3", Do: taskplan.AddTenants, Target: "Movies", Tenants: []string{"eve"}}
		}, "tasks.workload[4].target: Movies was not created with tenants"},
		{"tenants that are offloaded and not there", func(p *taskplan.Plan) {
			p.Workload[4].Do, p.Workload[4].Tenants = taskplan.FreezeTenants, []string{"eve"}
		}, `tasks.workload[4].tenants[0]: "eve" is not among the tenants of Users`},
		{"cancelling in no namespace", func(p *taskplan.Plan) { p.Workload[5].Namespace = "x" }, `tasks.workload[5].namespace: "x" is none of cleanup, repair, reindex, shard-noop`},

		{"an unknown kind", func(p *taskplan.Plan) { p.Workload[2].Task.Kind = "rebuild" }, `tasks.workload[2].task.kind: "rebuild" is none of cleanup, repair, reindex, shard-noop`},
		{"two bad units of the shipped provider", func(p *taskplan.Plan) {
			p.Workload[2].Task = &taskplan.Task{Kind: taskplan.ShardNoop, ID: "x", Collection: p.Workload[0].Collection.Name, Parallel: 1, FailUnits: []string{"a", "b"}}
		}, "tasks.workload[2].task: shard-noop has at most one slow unit and one that fails"},
		{"no id", func(p *taskplan.Plan) { p.Workload[2].Task.ID = "" }, "tasks.workload[2].task.id: missing"},
		{"a long id", func(p *taskplan.Plan) { p.Workload[2].Task.ID = strings.Repeat("x", 201) }, "tasks.workload[2].task.id: longer than 200 bytes"},
		{"an operator who never gives up", func(p *taskplan.Plan) { p.Workload[2].Retry = 101 }, "tasks.workload[2].retry: 101 is not from 0 to 100"},
		{"no work in parallel", func(p *taskplan.Plan) { p.Workload[2].Task.Parallel = 0 }, "tasks.workload[2].task.parallel: 0 is not from 1 to 1000"},
		{"a negative unit time", func(p *taskplan.Plan) { p.Workload[2].Task.MinUnitTime = -5 }, "tasks.workload[2].task.min_unit_time: -5ns is negative"},
		{"unit times the wrong way round", func(p *taskplan.Plan) { p.Workload[2].Task.MinUnitTime, p.Workload[2].Task.MaxUnitTime = 5, 2 }, "tasks.workload[2].task.max_unit_time: 2ns is below min_unit_time (5ns)"},
		{"no files", func(p *taskplan.Plan) { p.Workload[3].Task.Files = 0 }, "tasks.workload[3].task.files: missing; cleanup needs it"},
		{"negative files", func(p *taskplan.Plan) { p.Workload[3].Task.Files = -1 }, "tasks.workload[3].task.files: -1 is not from 1 to 100000"},
		{"too many files", func(p *taskplan.Plan) { p.Workload[3].Task.Files = 100_001 }, "tasks.workload[3].task.files: 100001 is not from 1 to 100000"},
		{"files of a reindex", func(p *taskplan.Plan) { p.Workload[2].Task.Files = 1 }, "tasks.workload[2].task.files: reindex has no use for it"},
		{"tenants of a cleanup", func(p *taskplan.Plan) { p.Workload[3].Task.PerTenant = true }, "tasks.workload[3].task.per_tenant: cleanup has no use for it"},
		{"tacit workers of a cleanup", func(p *taskplan.Plan) { p.Workload[3].Task.Tacit = true }, "tasks.workload[3].task.tacit: cleanup has no use for it"},
		{"an unknown collection", func(p *taskplan.Plan) { p.Workload[2].Task.Collection = "Films" }, `tasks.workload[2].task.collection: no operation creates the collection "Films" before this`},
		{"a collection that comes later", func(p *taskplan.Plan) {
			p.Workload[1], p.Workload[2] = p.Workload[2], p.Workload[1]
			p.Workload[1].Task.Collection = "Users"
			p.Workload[1].At = p.Workload[0].At
			p.Workload[2].At = p.Workload[0].At
		}, `tasks.workload[1].task.collection: no operation creates the collection "Users" before this`},
		{"an unknown property", func(p *taskplan.Plan) { p.Workload[2].Task.Property = "plot" }, `tasks.workload[2].task.property: "plot" is no property of Movies`},
		{"tenants where there are none", func(p *taskplan.Plan) { p.Workload[2].Task.PerTenant = true }, "tasks.workload[2].task.per_tenant: the collection Movies has no tenants"},
		{"a slow unit that is not there", func(p *taskplan.Plan) { p.Workload[2].Task.SlowUnits = []string{"s1__n3"} }, `tasks.workload[2].task.slow_units[0]: the task has no unit "s1__n3"; the first is "s1__n1"`},
		{"a failing unit twice", func(p *taskplan.Plan) { p.Workload[3].Task.FailUnits = []string{"file-0001", "file-0001"} }, `tasks.workload[3].task.fail_units[1]: the unit "file-0001" is there twice`},

		{"a collection without a name", func(p *taskplan.Plan) { p.Workload[0].Collection.Name = "" }, "tasks.workload[0].collection.name: missing"},
		{"a name with a slash", func(p *taskplan.Plan) { p.Workload[0].Collection.Name = "a/b" }, `tasks.workload[0].collection.name: "a/b" is no name: letters, digits and, not in front, any of _ - . (at most 100)`},
		{"no properties", func(p *taskplan.Plan) { p.Workload[0].Collection.Properties = map[string]string{} }, "tasks.workload[0].collection.properties: 0 properties; from 1 to 10000 are possible"},
		{"a property without tokenization", func(p *taskplan.Plan) { p.Workload[0].Collection.Properties["title"] = "" }, "tasks.workload[0].collection.properties.title: missing"},
		{"no shards", func(p *taskplan.Plan) { p.Workload[0].Collection.Shards = nil }, "tasks.workload[0].collection.shards: missing; a collection has shards or tenants"},
		{"shards and tenants", func(p *taskplan.Plan) { p.Workload[0].Collection.Tenants = []string{"amy"} }, "tasks.workload[0].collection.tenants: a collection with shards has no tenants"},
		{"a shard twice, so a unit twice", func(p *taskplan.Plan) { p.Workload[0].Collection.Shards = []string{"s1", "s2", "s1"} }, `tasks.workload[0].collection.shards[2]: "s1" is there twice; the first is tasks.workload[0].collection.shards[0]`},
		{"more replicas than nodes", func(p *taskplan.Plan) { p.Workload[0].Collection.Replicas = 4 }, "tasks.workload[0].collection.replicas: 4 is not from 1 to 3"},
		{"no replicas", func(p *taskplan.Plan) { p.Workload[0].Collection.Replicas = 0 }, "tasks.workload[0].collection.replicas: 0 is not from 1 to 3"},
		{"a tenant that is not there", func(p *taskplan.Plan) { p.Workload[4].Tenants = []string{"amy", "cid"} }, `tasks.workload[4].tenants[1]: "cid" is not among the tenants of Users`},

		{"an unknown expectation", func(p *taskplan.Plan) { p.Promises[0].Expect = "x" }, `tasks.promises[0].expect: "x" is none of task-ends, units-once, callbacks-once, swaps-once, no-swap, task-stays, record-gone, operations-end, schema-is, shards-are, collection-gone, groups-early`},
		{"a promise without its status", func(p *taskplan.Plan) { p.Promises[0].Status = "" }, "tasks.promises[0].status: missing; task-ends needs it"},
		{"a promise with too much", func(p *taskplan.Plan) { p.Promises[0].Outcome = "ok" }, "tasks.promises[0].outcome: task-ends has no use for it"},
		{"an end that is none", func(p *taskplan.Plan) { p.Promises[0].Status = "STARTED" }, `tasks.promises[0].status: "STARTED" is none of FINISHED, FAILED, CANCELLED`},
		{"a task that is not there", func(p *taskplan.Plan) { p.Promises[0].TaskID = "x" }, `tasks.promises[0].task_id: no operation adds the task "x" of reindex before this`},
		{"a second run of one", func(p *taskplan.Plan) { p.Promises[0].Run = 2 }, "tasks.promises[0].run: 2 is not from 0 to 1"},
		{"an operation that is not there", func(p *taskplan.Plan) { p.Promises[1].Operations = []int{0, 6} }, "tasks.promises[1].operations[1]: the workload has no operation 6; it has 6"},
		{"an operation twice", func(p *taskplan.Plan) { p.Promises[1].Operations = []int{1, 1} }, "tasks.promises[1].operations[1]: the operation 1 is there twice"},
		{"more than all", func(p *taskplan.Plan) { p.Promises[1].Exactly = 3 }, "tasks.promises[1].exactly: 3 is not from 0 to 2"},
		{"an outcome that is none", func(p *taskplan.Plan) { p.Promises[1].Outcome = "good" }, `tasks.promises[1].outcome: "good" is none of ok, rejected`},
		{"a promised collection that is not there", func(p *taskplan.Plan) { p.Promises[2].Collection = "x" }, `tasks.promises[2].collection: no operation creates the collection "x" before this`},
		{"a promised property that is not there", func(p *taskplan.Plan) { p.Promises[2].Property = "x" }, `tasks.promises[2].property: "x" is no property of Users`},
		{"a promised tenant that is not there", func(p *taskplan.Plan) { p.Promises[2].Tenant = "x" }, `tasks.promises[2].tenant: "x" is not among the tenants of Users`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := valid()
			c.edit(p)
			require.EqualError(t, p.Validate(), "plan: "+c.want)
			if p.Format != plan.Format || len(p.Workload) > taskplan.MaxOperations {
				return
			}
			_, err := taskplan.Decode(plan.Encode(p.Encode())) // the same from a document, with a place
			require.ErrorContains(t, err, "plan: "+c.want)
			require.Regexp(t, `\(line \d+, column \d+\)$`, err.Error())
		})
	}
}

func TestAPlansUnitsFollowFromThePlacement(t *testing.T) {
	p := valid()
	require.Equal(t, []taskplan.Unit{
		{ID: "s1__n1", Shard: "s1", Node: "n1"}, {ID: "s1__n2", Shard: "s1", Node: "n2"},
		{ID: "s2__n2", Shard: "s2", Node: "n2"}, {ID: "s2__n3", Shard: "s2", Node: "n3"},
	}, p.TaskUnits(2))
	require.Equal(t, []taskplan.Unit{{ID: "file-0001"}, {ID: "file-0002"}, {ID: "file-0003"}}, p.TaskUnits(3))
	tenants := &taskplan.Task{Kind: taskplan.Reindex, PerTenant: true}
	require.Equal(t, []taskplan.Unit{
		{ID: "amy__n1", Group: "amy", Shard: "amy", Node: "n1"}, {ID: "bob__n2", Group: "bob", Shard: "bob", Node: "n2"},
	}, taskplan.UnitsOf(tenants, p.Workload[1].Collection, 3))
	require.Nil(t, p.CollectionAt(1, "Users"))
	require.Equal(t, "Users", p.CollectionAt(2, "Users").Name)

	c := &taskplan.Collection{Shards: []string{"a", "b", "c", "d"}, Replicas: 3}
	require.Equal(t, []string{"n3", "n1", "n2"}, c.Owners(2, 3))
	seen := map[string]bool{}
	for _, u := range taskplan.UnitsOf(&taskplan.Task{Kind: taskplan.Repair}, c, 5) {
		require.False(t, seen[u.ID], u.ID)
		require.Equal(t, fmt.Sprintf("%s__%s", u.Shard, u.Node), u.ID)
		seen[u.ID] = true
	}
	require.Len(t, seen, 12)
}
