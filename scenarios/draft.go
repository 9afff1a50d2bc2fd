package scenarios

import (
	"fmt"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
)

// What most scenarios share. A cluster elects its leader within the first two or
// three seconds, so nothing is asked of it before settledStart.
const (
	settledStart  = 4 * time.Second
	schedulerTick = 5 * time.Second
	// settleTicks is how many ticks a task needs beyond the work on its units: each phase
	// is noticed by a wake, at the latest by a tick.
	settleTicks = 5
	settle      = settleTicks * schedulerTick
	// keepRecords is a time to live that no run outlives.
	keepRecords = 24 * time.Hour
)

// The outcomes that are promised of operations.
const (
	ok       = "ok"
	rejected = "rejected"
)

// draft is a plan in the making. Operations are added in the order of their
// times.
type draft struct {
	plan  taskplan.Plan
	draw  keyed.Draw
	fixed int
	now   time.Duration
}

func newDraft(name string, seed uint64, o Options) *draft {
	d := &draft{draw: keyed.New(seed, "scenario").Str(name), fixed: o.Nodes, now: settledStart}
	minLatency := d.duration("min-latency", 500*time.Microsecond, 3*time.Millisecond)
	d.plan = taskplan.Plan{Tasks: taskplan.Tasks{
		SchedulerTick:    plan.Duration(schedulerTick),
		CompletedTaskTTL: plan.Duration(keepRecords),
	}, Plan: plan.Plan{
		Format:      plan.Format,
		Application: taskplan.Application,
		Name:        name,
		Seed:        seed,
		Cluster: plan.Cluster{
			Raft: plan.Raft{
				HeartbeatTimeout:   plan.Duration(time.Second),
				ElectionTimeout:    plan.Duration(time.Second),
				LeaderLeaseTimeout: plan.Duration(500 * time.Millisecond),
				CommitTimeout:      plan.Duration(200 * time.Millisecond),
				SnapshotInterval:   plan.Duration(10 * time.Second),
				SnapshotThreshold:  32,
				TrailingLogs:       16,
			},
			Network: plan.Network{
				MinLatency:  plan.Duration(minLatency),
				MaxLatency:  plan.Duration(minLatency + d.duration("latency-spread", 2*time.Millisecond, 17*time.Millisecond)),
				CallTimeout: plan.Duration(400 * time.Millisecond),
			},
		},
	}}
	d.nodes(3)
	return d
}

// nodes sets the size of the cluster to one of choices, unless the caller has
// fixed it.
func (d *draft) nodes(choices ...int) {
	d.plan.Cluster.Nodes = choices[d.draw.Str("nodes").N(uint64(len(choices)))]
	if d.fixed != 0 {
		d.plan.Cluster.Nodes = d.fixed
	}
}

// replicas is how many nodes hold a shard: n, or as many as there are.
func (d *draft) replicas(n int) int { return max(1, min(n, d.plan.Cluster.Nodes)) }

// number draws a number in [lo, hi].
func (d *draft) number(what string, lo, hi int) int {
	return lo + int(d.draw.Str(what).N(uint64(hi-lo+1)))
}

// duration draws a duration in [lo, hi).
func (d *draft) duration(what string, lo, hi time.Duration) time.Duration {
	return d.draw.Str(what).Duration(lo, hi)
}

// node draws the node that is asked for what.
func (d *draft) node(what string) string {
	return nodeName(int(d.draw.Str("node").Str(what).N(uint64(max(1, d.plan.Cluster.Nodes)))))
}

// nodeName is the name of the i-th node, from 0.
func nodeName(i int) string { return fmt.Sprintf("n%d", i+1) }

// wait lets the time of the next operation pass by something in [lo, hi).
func (d *draft) wait(what string, lo, hi time.Duration) {
	d.now += d.duration("wait/"+what, lo, hi)
}

// do adds an operation at the current time and returns its position. Node and
// time are the draft's unless the operation has them.
func (d *draft) do(op taskplan.Operation) int {
	position := len(d.plan.Workload)
	what := fmt.Sprintf("operation/%d", position)
	if op.Node == "" {
		op.Node = d.node(what)
	}
	d.wait(what, time.Millisecond, 50*time.Millisecond)
	op.At = plan.Duration(d.now)
	d.plan.Workload = append(d.plan.Workload, op)
	return position
}

// create adds the creation of a collection and gives the cluster the time to
// know it.
func (d *draft) create(c *taskplan.Collection) {
	position := d.do(taskplan.Operation{Do: taskplan.CreateCollection, Collection: c})
	d.ends(ok, position)
	d.wait("after-create/"+c.Name, time.Second, 3*time.Second)
}

// add submits a task and promises that it is accepted.
func (d *draft) add(t *taskplan.Task) {
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.AddTask, Task: t}))
}

// promise adds expectations.
func (d *draft) promise(promises ...taskplan.Promise) {
	d.plan.Promises = append(d.plan.Promises, promises...)
}

// ends promises the outcome of operations.
func (d *draft) ends(outcome string, positions ...int) {
	d.promise(taskplan.Promise{Expect: taskplan.OperationsEnd, Operations: positions, Outcome: outcome})
}

// of is a promise about the last run of a task.
func of(t *taskplan.Task, expect taskplan.Expectation) taskplan.Promise {
	return taskplan.Promise{Expect: expect, Namespace: string(t.Kind), TaskID: t.ID}
}

// ending is the promise that the last run of a task ends with status.
func ending(t *taskplan.Task, status string) taskplan.Promise {
	p := of(t, taskplan.TaskEnds)
	p.Status = status
	return p
}

// inRun makes p a promise about the n-th run of its task.
func inRun(n int, p taskplan.Promise) taskplan.Promise {
	p.Run = n
	return p
}

// serves promises the tokenization of a property in the schema and on every
// replica.
func (d *draft) serves(collection, property, tokenization string) {
	d.promise(
		taskplan.Promise{Expect: taskplan.SchemaIs, Collection: collection, Property: property, Tokenization: tokenization},
		taskplan.Promise{Expect: taskplan.ShardsAre, Collection: collection, Property: property, Tokenization: tokenization},
	)
}

// work bounds the time the units of t need when each of the cluster's nodes works
// on at most units of them.
func work(t *taskplan.Task, units int) time.Duration {
	parallel := max(1, t.Parallel)
	longest := max(t.MinUnitTime, t.MaxUnitTime).D() + 500*time.Millisecond
	rounds := time.Duration((units + parallel - 1) / parallel)
	total := rounds * longest
	if len(t.SlowUnits) > 0 {
		total += 10 * longest
	}
	return total
}

// perNode bounds how many replicas of a collection one node holds.
func (d *draft) perNode(c *taskplan.Collection) int {
	nodes := max(1, d.plan.Cluster.Nodes)
	shards := max(len(c.Shards), len(c.Tenants))
	return (shards + nodes - 1) / nodes * c.Replicas
}

// pass lets the time of the next operation pass until t has ended.
func (d *draft) pass(t *taskplan.Task, units int) {
	d.now += work(t, units) + settleTicks*d.plan.SchedulerTick.D()
}

// finish ends the plan a moment after the draft's time, so that every operation has
// its outcome.
func (d *draft) finish() *taskplan.Plan {
	d.plan.Duration = plan.Duration(d.now.Truncate(time.Second) + 3*time.Second)
	return &d.plan
}
