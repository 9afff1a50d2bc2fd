package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/trace"
)

// operationTimeout is how long an operator waits for an outcome, if nothing else is planned.
const operationTimeout = 20 * time.Second

// operation is an operation of the plan under its number.
type operation struct {
	*taskplan.Operation
	number int64
	// before is the position in the workload that determines which collections there are.
	before int
}

// Operations implements cluster.Instance.
func (r *run) Operations() []cluster.Operation {
	all := make([]cluster.Operation, len(r.plan.Workload))
	for n := range r.plan.Workload {
		all[n] = r.operation(operation{Operation: &r.plan.Workload[n], number: int64(n), before: n})
	}
	return all
}

// Operation implements cluster.Operator.
func (r *run) Operation(fault int) cluster.Operation {
	return r.operation(operation{
		Operation: r.plan.Does(fault), number: int64(len(r.plan.Workload) + fault), before: len(r.plan.Workload),
	})
}

func (r *run) operation(op operation) cluster.Operation {
	return cluster.Operation{
		At: op.At.D(), Node: op.Node,
		Do: func(ctx context.Context, i *cluster.Incarnation) { r.perform(ctx, i, op) },
	}
}

// perform performs an operation, and repeats it as its operator wants it; i is nil if the
// node is down.
func (r *run) perform(ctx context.Context, i *cluster.Incarnation, op operation) {
	call := cluster.Call{Do: string(op.Do), About: aboutOf(op.Operation), Details: detailsOf(op.Operation), Errors: meaning{}}
	if i == nil {
		r.cluster.NotCalled(op.number, call, fmt.Errorf("node %s is down", op.Node))
		return
	}
	p := i.Process().(*process)
	if op.ReadBack {
		defer p.readMeanwhile(ctx)()
	}
	for repeated := 0; ; repeated++ {
		err := p.attempt(ctx, op, call)
		if repeated == op.Retry || !errors.Is(err, replica.ErrAmbiguous) || i.Halt().Err() != nil || ctx.Err() != nil {
			return
		}
		op.number = r.cluster.NextCall()
	}
}

// mostReads is how many lists at most a caller asks for while it waits.
const mostReads = 20

// readMeanwhile begins to list the tasks, one list after the other; the function that it returns lists them
// once more, beside the list that is under way, and waits for both.
func (p *process) readMeanwhile(ctx context.Context) (once func()) {
	list := func() {
		op := operation{Operation: &taskplan.Operation{Do: taskplan.ListTasks}, number: p.run.cluster.NextCall()}
		_ = p.attempt(ctx, op, cluster.Call{Do: string(taskplan.ListTasks), Errors: meaning{}})
	}
	var over atomic.Bool
	var reading sync.WaitGroup
	reading.Go(func() {
		for range mostReads {
			if over.Load() || p.Halt().Err() != nil {
				return
			}
			list()
		}
	})
	return func() {
		over.Store(true)
		if p.Halt().Err() == nil {
			list()
		}
		reading.Wait()
	}
}

// attempt performs an operation once. Its outcome is in the trace.
func (p *process) attempt(ctx context.Context, op operation, call cluster.Call) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(op.Within.D(), operationTimeout))
	defer cancel()
	defer context.AfterFunc(p.Halt(), cancel)()
	// Whatever node sends it, a late call is about what this node knew.
	by := through
	if op.OwnClient {
		by = throughOwn
	}
	call.Send = by(func(ctx context.Context, c Client) error { return p.carryOut(ctx, c, op) })
	return p.Attempt(ctx, op.number, call)
}

// aboutOf names the task that an operation is about.
func aboutOf(op *taskplan.Operation) cluster.About {
	if op.Do == taskplan.AddTask {
		return about(provider.Run{Namespace: string(op.Task.Kind), Task: op.Task.ID}, "")
	}
	return about(provider.Run{Namespace: op.Namespace, Task: op.TaskID}, "")
}

// detailsOf are the details of an operation in the trace.
func detailsOf(op *taskplan.Operation) []trace.Field {
	var c taskevent.Call
	switch op.Do {
	case taskplan.AddTask:
		c = taskevent.Call{Namespace: string(op.Task.Kind), Task: op.Task.ID, Flaw: string(op.Task.Flaw)}
	case taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask:
		c = taskevent.Call{Namespace: op.Namespace, Task: op.TaskID}
	case taskplan.SendStray:
		c = taskevent.Call{Namespace: op.Namespace, Task: op.TaskID, Flaw: string(op.Stray)}
	case taskplan.CreateCollection:
		c = taskevent.Call{Collection: op.Collection.Name}
	case taskplan.UpdateProperty:
		c = taskevent.Call{Collection: op.Target, Property: op.Property, Tokenization: op.Tokenization}
	case taskplan.DropCollection, taskplan.AddTenants, taskplan.FreezeTenants, taskplan.ThawTenants, taskplan.DeleteTenants:
		c = taskevent.Call{Collection: op.Target, Tenants: strings.Join(op.Tenants, ",")}
	}
	return trace.FieldsOf(&c)
}

func (p *process) carryOut(ctx context.Context, c Client, op operation) error {
	switch op.Do {
	case taskplan.AddTask:
		return p.addTask(ctx, c, op)
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
		return c.CreateCollection(ctx, op.Collection.Name, p.run.placement(op.Collection))
	case taskplan.DropCollection:
		return c.DropCollection(ctx, op.Target)
	case taskplan.UpdateProperty:
		return c.UpdateProperty(ctx, op.Target, op.Property, op.Tokenization)
	case taskplan.AddTenants:
		return c.AddTenants(ctx, op.Target, p.run.added(op))
	case taskplan.FreezeTenants:
		return c.UpdateTenants(ctx, op.Target, op.Tenants, replica.ShardFrozen)
	case taskplan.ThawTenants:
		return c.UpdateTenants(ctx, op.Target, op.Tenants, replica.ShardHot)
	case taskplan.SendStray:
		return p.sendStray(ctx, c, op)
	case taskplan.DeleteTenants:
		return c.DeleteTenants(ctx, op.Target, op.Tenants)
	case taskplan.ListTasks:
		tasks, err := p.list(ctx, trace.Some(op.number))
		for _, of := range tasks { // it is the caller's
			provider.Spoil(of)
		}
		clear(tasks)
		return err
	}
	return fmt.Errorf("operation %q is unknown", op.Do)
}

// addTask submits a task over the replicas that the node's schema has.
func (p *process) addTask(ctx context.Context, c Client, op operation) error {
	t := op.Task
	units := p.existing(t, taskplan.UnitsOf(t, p.run.collection(op, t.Collection), p.run.plan.Cluster.Nodes))
	namespace, payload := string(t.Kind), provider.NewPayload(*t, units)
	ids := make([]string, len(units))
	specs := make([]fsm.UnitSpec, len(units))
	for n, u := range units {
		ids[n], specs[n] = u.ID, fsm.UnitSpec{ID: u.ID, GroupID: u.Group}
	}
	switch {
	case t.Flaw != "":
		return p.submitFlawed(ctx, c, t, units)
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
func (r *run) collection(op operation, name string) *taskplan.Collection {
	if found := r.plan.CollectionAt(op.before, name); found != nil {
		return found
	}
	for f := range r.plan.Faults {
		if do := r.plan.Does(f); do != nil && do.Do == taskplan.CreateCollection && strings.EqualFold(do.Collection.Name, name) {
			return do.Collection
		}
	}
	return nil
}

// existing leaves out the units of tenants that were deleted, and adds those of tenants that were
// added. Of a collection that the node does not know, nothing is left out: it is for the log to refuse.
func (p *process) existing(t *taskplan.Task, units []taskplan.Unit) []taskplan.Unit {
	all := p.replica.Collections()
	at := slices.IndexFunc(all, func(c provider.Collection) bool { return t.Collection != "" && strings.EqualFold(c.Name, t.Collection) })
	if at < 0 {
		return units
	}
	planned := make(map[string]bool)
	for _, u := range units {
		planned[u.Shard] = true
	}
	units = slices.DeleteFunc(units, func(u taskplan.Unit) bool { return all[at].Replicas[u.Shard] == nil })
	for _, shard := range slices.Sorted(maps.Keys(all[at].Replicas)) {
		if planned[shard] {
			continue
		}
		group := ""
		if t.PerTenant {
			group = shard
		}
		for _, node := range all[at].Replicas[shard] {
			units = append(units, taskplan.Unit{ID: taskplan.UnitID(shard, node), Group: group, Shard: shard, Node: node})
		}
	}
	return units
}

// added returns where tenants that are added are.
func (r *run) added(op operation) []replica.ShardSpec {
	c := r.collection(op, op.Target)
	var all []replica.ShardSpec
	for n, name := range op.Tenants {
		all = append(all, replica.ShardSpec{Name: name, Nodes: c.Owners(len(c.Tenants)+n, r.plan.Cluster.Nodes)})
	}
	return all
}

// onCurrent does something to the run of a task that is on record now.
func onCurrent(ctx context.Context, c Client, op operation, f func(version uint64) error) error {
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

// placement returns where the shards of a collection are.
func (r *run) placement(of *taskplan.Collection) replica.CreateCollectionRequest {
	q := replica.CreateCollectionRequest{Properties: of.Properties, MultiTenant: len(of.Tenants) > 0}
	for s, name := range of.ShardNames() {
		q.Shards = append(q.Shards, replica.ShardSpec{Name: name, Nodes: of.Owners(s, r.plan.Cluster.Nodes)})
	}
	return q
}
