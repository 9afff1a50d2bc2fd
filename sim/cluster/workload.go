package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// operationTimeout is how long an operator waits for an outcome.
const operationTimeout = 20 * time.Second

// operate performs one operation of the workload on an incarnation; nil is a node
// that is down.
func (c *Cluster) operate(ctx context.Context, i *incarnation, position int) {
	c.perform(ctx, i, operated{Operation: &c.plan.Workload[position], number: int64(position), before: position})
}

// operateFault performs the operation of a fault in a goroutine of its own.
func (c *Cluster) operateFault(f *fault) {
	o := operated{
		Operation: f.do, number: int64(len(c.plan.Workload) + f.index), before: len(c.plan.Workload),
	}
	var i *incarnation
	if n := c.Node(f.nodes[0]); n != nil {
		i = n.running()
	}
	c.behind.Go(func() { c.perform(context.Background(), i, o) })
}

// operated is an operation under its number.
type operated struct {
	*taskplan.Operation
	number int64
	// before is the position in the workload that tells which collections there are.
	before int
}

// perform performs an operation, and again as its operator wants it.
func (c *Cluster) perform(ctx context.Context, i *incarnation, op operated) {
	fields := fieldsOf(op.Operation)
	if i == nil {
		err := fmt.Errorf("node %s is down", op.Node)
		c.emit(trace.Called, append([]trace.Field{trace.Int("op", op.number), trace.Str("do", string(op.Do))}, fields...)...)
		c.emit(trace.Returned, returned(op.number, string(op.Do), err)...)
		return
	}
	for again := 0; ; again++ {
		err := i.attempt(ctx, op, fields)
		if again == op.Retry || !errors.Is(err, replica.ErrAmbiguous) || i.halt.Err() != nil || ctx.Err() != nil {
			return
		}
		op.number = c.ops.Add(1) - 1
	}
}

// attempt performs an operation once. Its outcome is in the trace.
func (i *incarnation) attempt(ctx context.Context, op operated, fields []trace.Field) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	defer context.AfterFunc(i.halt, cancel)()
	k, do := (*caller)(i), string(op.Do)
	r := request{do: do, fields: fields, send: func(ctx context.Context, c Client) error { return i.carryOut(ctx, c, op) }}
	return k.numbered(ctx, op.number, do, fields, func(ctx context.Context) error { return k.spoiled(ctx, r) })
}

// fieldsOf says what an operation is about.
func fieldsOf(op *taskplan.Operation) []trace.Field {
	switch op.Do {
	case taskplan.AddTask:
		fields := []trace.Field{trace.Str("namespace", string(op.Task.Kind)), trace.Str("task", op.Task.ID)}
		if op.Task.Flaw != "" {
			fields = append(fields, trace.Str("flaw", string(op.Task.Flaw)))
		}
		return fields
	case taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask:
		return []trace.Field{trace.Str("namespace", op.Namespace), trace.Str("task", op.TaskID)}
	case taskplan.CreateCollection:
		return []trace.Field{trace.Str("collection", op.Collection.Name)}
	case taskplan.UpdateProperty:
		return []trace.Field{trace.Str("collection", op.Target), trace.Str("property", op.Property), trace.Str("tokenization", op.Tokenization)}
	case taskplan.DropCollection, taskplan.DeleteTenants:
		return []trace.Field{trace.Str("collection", op.Target)}
	}
	return nil
}

func (i *incarnation) carryOut(ctx context.Context, c Client, op operated) error {
	switch op.Do {
	case taskplan.AddTask:
		return i.addTask(ctx, c, op)
	case taskplan.CancelTask:
		return onCurrent(ctx, c, op, func(version uint64) error {
			return c.CancelDistributedTask(ctx, op.Namespace, op.TaskID, version)
		})
	case taskplan.FailTask:
		return onCurrent(ctx, c, op, func(version uint64) error {
			return c.FailDistributedTask(ctx, op.Namespace, op.TaskID, version, "given up by an operator")
		})
	case taskplan.CleanUpTask:
		return onCurrent(ctx, c, op, func(version uint64) error {
			return c.ForceCleanUpDistributedTask(ctx, op.Namespace, op.TaskID, version)
		})
	case taskplan.CreateCollection:
		return c.CreateCollection(ctx, op.Collection.Name, i.cluster.placement(op.Collection))
	case taskplan.DropCollection:
		return c.DropCollection(ctx, op.Target)
	case taskplan.UpdateProperty:
		return c.UpdateProperty(ctx, op.Target, op.Property, op.Tokenization)
	case taskplan.DeleteTenants:
		return c.DeleteTenants(ctx, op.Target, op.Tenants)
	case taskplan.ListTasks:
		_, err := (*caller)(i).list(ctx, trace.Int("op", op.number))
		return err
	}
	return fmt.Errorf("operation %q is unknown", op.Do)
}

// addTask submits a task over the replicas that the node's schema has.
func (i *incarnation) addTask(ctx context.Context, c Client, op operated) error {
	t, p := op.Task, i.cluster.plan
	units := i.existing(t.Collection, taskplan.UnitsOf(t, i.cluster.collection(op, t.Collection), p.Cluster.Nodes))
	namespace, payload := string(t.Kind), provider.NewPayload(*t, units)
	ids := make([]string, len(units))
	specs := make([]fsm.UnitSpec, len(units))
	for n, u := range units {
		ids[n], specs[n] = u.ID, fsm.UnitSpec{ID: u.ID, GroupID: u.Group}
	}
	switch {
	case t.Flaw != "":
		return i.submitFlawed(ctx, c, t, units)
	case t.PerTenant && t.Barrier:
		return c.AddDistributedTaskWithGroupsBarrier(ctx, namespace, t.ID, payload, specs)
	case t.PerTenant:
		return c.AddDistributedTaskWithGroups(ctx, namespace, t.ID, payload, specs)
	case t.Barrier:
		return c.AddDistributedTaskWithBarrier(ctx, namespace, t.ID, payload, ids)
	}
	return c.AddDistributedTask(ctx, namespace, t.ID, payload, ids)
}

// collection returns what an operation means by a name: the collection as the last
// operation before it creates it, or else a fault.
func (c *Cluster) collection(op operated, name string) *taskplan.Collection {
	if found := c.plan.CollectionAt(op.before, name); found != nil {
		return found
	}
	for _, f := range c.faults.all {
		if f.do != nil && f.do.Do == taskplan.CreateCollection && f.do.Collection.Name == name {
			return f.do.Collection
		}
	}
	return nil
}

// existing leaves out the units of tenants that were deleted. Of a collection that
// the node does not know, nothing is left out: it is for the log to refuse.
func (i *incarnation) existing(collection string, units []taskplan.Unit) []taskplan.Unit {
	all := i.replica.Collections()
	at := slices.IndexFunc(all, func(c provider.Collection) bool { return collection != "" && strings.EqualFold(c.Name, collection) })
	if at < 0 {
		return units
	}
	return slices.DeleteFunc(units, func(u taskplan.Unit) bool { return all[at].Replicas[u.Shard] == nil })
}

// onCurrent does something to the run of a task that is on record now.
func onCurrent(ctx context.Context, c Client, op operated, f func(version uint64) error) error {
	tasks, err := c.ListDistributedTasks(ctx)
	if err != nil {
		return err
	}
	of := tasks[op.Namespace]
	at := slices.IndexFunc(of, func(t *fsm.Task) bool { return t.ID == op.TaskID })
	if at < 0 {
		return errors.Join(replica.ErrRejected, fmt.Errorf("there is no task %s/%s", op.Namespace, op.TaskID))
	}
	return f(of[at].Version)
}

// placement says where the shards of a collection are.
func (c *Cluster) placement(of *taskplan.Collection) replica.CreateCollectionRequest {
	q := replica.CreateCollectionRequest{Properties: of.Properties, MultiTenant: len(of.Tenants) > 0}
	for s, name := range of.ShardNames() {
		q.Shards = append(q.Shards, replica.ShardSpec{Name: name, Nodes: of.Owners(s, c.plan.Cluster.Nodes)})
	}
	return q
}
