package taskplan

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/sim/plan"
)

// ShardNames returns the names of the shards: the tenants of a multi-tenant
// collection are shards.
func (c *Collection) ShardNames() []string {
	if len(c.Tenants) > 0 {
		return c.Tenants
	}
	return c.Shards
}

// Owners returns the nodes that hold a replica of shard number s, counted from 0.
func (c *Collection) Owners(s, nodes int) []string {
	owners := make([]string, 0, c.Replicas)
	for r := range c.Replicas {
		owners = append(owners, plan.NodeName(1+(s+r)%nodes))
	}
	return owners
}

// Unit is one unit of a task.
type Unit struct {
	ID string
	// Group is the unit's group: the tenant when the task is PerTenant, else "".
	Group string
	// Shard and Node are the replica that the unit works on; both are empty for the
	// units of a Cleanup task, which any node may claim.
	Shard, Node string
}

// UnitID returns the id of the unit that works on a replica.
func UnitID(shard, node string) string { return shard + "__" + node }

// UnitsOf returns the units of a task in order. Collection is what the task names;
// it is not used, and may be nil, for a Cleanup task.
func UnitsOf(t *Task, c *Collection, nodes int) []Unit {
	var units []Unit
	if t.Kind == Cleanup {
		for i := range t.Files {
			units = append(units, Unit{ID: fmt.Sprintf("file-%04d", i+1)})
		}
		return units
	}
	for s, shard := range c.ShardNames() {
		group := ""
		if t.PerTenant {
			group = shard
		}
		for _, node := range c.Owners(s, nodes) {
			units = append(units, Unit{ID: UnitID(shard, node), Group: group, Shard: shard, Node: node})
		}
	}
	return units
}

// CollectionAt returns the collection of that name, without regard to case, as the last operation before
// position op of the workload creates it, or as it is inherited; nil when neither.
// Drops do not count.
func (p *Plan) CollectionAt(op int, name string) *Collection {
	for _, o := range slices.Backward(p.Workload[:op]) {
		if o.Do == CreateCollection && o.Collection != nil && strings.EqualFold(o.Collection.Name, name) {
			return o.Collection
		}
	}
	return p.Inherited.collection(name)
}

// TaskUnits returns the units of the task that operation op submits.
func (p *Plan) TaskUnits(op int) []Unit {
	t := p.Workload[op].Task
	return UnitsOf(t, p.CollectionAt(op, t.Collection), p.Cluster.Nodes)
}
