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
	"dtsim/sim/plan"
	"dtsim/sim/provider"
	"dtsim/sim/trace"
)

// operationTimeout is how long an operator waits for an outcome.
const operationTimeout = 20 * time.Second

// operate performs one operation of the workload on an incarnation; nil is a node
// that is down.
func (c *Cluster) operate(ctx context.Context, i *incarnation, position int) {
	op := &c.plan.Workload[position]
	if i == nil {
		err := fmt.Errorf("node %s is down", op.Node)
		c.emit(trace.Called, append([]trace.Field{trace.Int("op", int64(position)), trace.Str("do", string(op.Do))}, fieldsOf(op)...)...)
		c.emit(trace.Returned, returned(int64(position), string(op.Do), err)...)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	defer context.AfterFunc(i.halt, cancel)()
	// Its outcome is in the trace.
	_ = (*caller)(i).numbered(ctx, int64(position), string(op.Do), fieldsOf(op), func(ctx context.Context) error {
		return i.perform(ctx, position, op)
	})
}

// fieldsOf says what an operation is about.
func fieldsOf(op *plan.Operation) []trace.Field {
	switch op.Do {
	case plan.AddTask:
		return []trace.Field{trace.Str("namespace", string(op.Task.Kind)), trace.Str("task", op.Task.ID)}
	case plan.CancelTask, plan.FailTask:
		return []trace.Field{trace.Str("namespace", op.Namespace), trace.Str("task", op.TaskID)}
	case plan.CreateCollection:
		return []trace.Field{trace.Str("collection", op.Collection.Name)}
	case plan.UpdateProperty:
		return []trace.Field{trace.Str("collection", op.Target), trace.Str("property", op.Property), trace.Str("tokenization", op.Tokenization)}
	case plan.DropCollection, plan.DeleteTenants:
		return []trace.Field{trace.Str("collection", op.Target)}
	}
	return nil
}

func (i *incarnation) perform(ctx context.Context, position int, op *plan.Operation) error {
	switch op.Do {
	case plan.AddTask:
		return i.addTask(ctx, position, op.Task)
	case plan.CancelTask:
		return i.onCurrent(ctx, op, func(version uint64) error {
			return i.client.CancelDistributedTask(ctx, op.Namespace, op.TaskID, version)
		})
	case plan.FailTask:
		return i.onCurrent(ctx, op, func(version uint64) error {
			return i.client.FailDistributedTask(ctx, op.Namespace, op.TaskID, version, "given up by an operator")
		})
	case plan.CreateCollection:
		return i.client.CreateCollection(ctx, op.Collection.Name, i.cluster.placement(op.Collection))
	case plan.DropCollection:
		return i.client.DropCollection(ctx, op.Target)
	case plan.UpdateProperty:
		return i.client.UpdateProperty(ctx, op.Target, op.Property, op.Tokenization)
	case plan.DeleteTenants:
		return i.client.DeleteTenants(ctx, op.Target, op.Tenants)
	case plan.ListTasks:
		_, err := (*caller)(i).list(ctx, trace.Int("op", int64(position)))
		return err
	}
	return fmt.Errorf("operation %q is unknown", op.Do)
}

// addTask submits a task over the replicas that the node's schema has.
func (i *incarnation) addTask(ctx context.Context, position int, t *plan.Task) error {
	units := i.existing(t.Collection, i.cluster.plan.TaskUnits(position))
	namespace, payload := string(t.Kind), provider.NewPayload(*t, units)
	ids := make([]string, len(units))
	specs := make([]fsm.UnitSpec, len(units))
	for n, u := range units {
		ids[n], specs[n] = u.ID, fsm.UnitSpec{ID: u.ID, GroupID: u.Group}
	}
	switch {
	case t.PerTenant && t.Barrier:
		return i.client.AddDistributedTaskWithGroupsBarrier(ctx, namespace, t.ID, payload, specs)
	case t.PerTenant:
		return i.client.AddDistributedTaskWithGroups(ctx, namespace, t.ID, payload, specs)
	case t.Barrier:
		return i.client.AddDistributedTaskWithBarrier(ctx, namespace, t.ID, payload, ids)
	}
	return i.client.AddDistributedTask(ctx, namespace, t.ID, payload, ids)
}

// existing leaves out the units of tenants that were deleted. Of a collection that
// the node does not know, nothing is left out: it is for the log to refuse.
func (i *incarnation) existing(collection string, units []plan.Unit) []plan.Unit {
	all := i.replica.Collections()
	at := slices.IndexFunc(all, func(c provider.Collection) bool { return collection != "" && strings.EqualFold(c.Name, collection) })
	if at < 0 {
		return units
	}
	return slices.DeleteFunc(units, func(u plan.Unit) bool { return all[at].Replicas[u.Shard] == nil })
}

// onCurrent does something to the run of a task that is on record now.
func (i *incarnation) onCurrent(ctx context.Context, op *plan.Operation, f func(version uint64) error) error {
	tasks, err := i.client.ListDistributedTasks(ctx)
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
func (c *Cluster) placement(of *plan.Collection) replica.CreateCollectionRequest {
	q := replica.CreateCollectionRequest{Properties: of.Properties, MultiTenant: len(of.Tenants) > 0}
	for s, name := range of.ShardNames() {
		q.Shards = append(q.Shards, replica.ShardSpec{Name: name, Nodes: of.Owners(s, c.plan.Cluster.Nodes)})
	}
	return q
}
