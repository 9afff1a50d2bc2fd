package replica

import (
	"fmt"
	"maps"

	"dtsim/fsm"
)

// swapTenants records that tenants have swapped for a task that continues or has failed:
// their replicas keep its result. A replica relies on it once the record of the task is
// gone (P8).
func (r *Replica) swapTenants(q *UpdatePropertyRequest, collection *Collection, property Property) error {
	m := q.Migration
	if m == nil {
		return invalid("update of property %q of some tenants is no task's", q.Property)
	}
	if err := m.validate(q.Property); err != nil {
		return err
	}
	if m.Version <= max(property.FlippedBy, property.UpdatedAt) {
		return nil // what came after it stays
	}
	if err := r.checkTenants(*m, collection, q.Tenants); err != nil {
		return fmt.Errorf("swap %s.%s of tenants: %w", collection.Name, q.Property, err)
	}
	changed := collection.clone()
	for _, name := range q.Tenants {
		shard, ok := changed.Shards[name]
		if !ok || shard.Swapped[q.Property].By >= m.Version {
			continue // it was deleted, or it is done
		}
		changed.Shards[name] = shard.withSwap(q.Property, &TenantSwap{Tokenization: q.Tokenization, By: m.Version})
	}
	r.schema[fold(collection.Name)] = changed
	return nil
}

// checkTenants checks whether each tenant is a group of the task whose units are all
// COMPLETED. Behind the barrier no tenant swaps alone.
func (r *Replica) checkTenants(m MigrationRef, collection *Collection, tenants []string) error {
	task, err := r.taskOf(m, collection)
	if err != nil {
		return err
	}
	if task.NeedsPreparationBarrier {
		return invalid("the groups of task %s/%s/%d swap together", m.Namespace, m.ID, m.Version)
	}
	units, open := make(map[string]int), make(map[string]int)
	for _, u := range task.Units {
		units[u.GroupID]++
		if u.Status != fsm.UnitStatusCompleted {
			open[u.GroupID]++
		}
	}
	for _, tenant := range tenants {
		switch {
		case units[tenant] == 0:
			return invalid("task %s/%s/%d has no group %q", m.Namespace, m.ID, m.Version, tenant)
		case open[tenant] > 0:
			return fmt.Errorf("%d units of group %q of task %s/%s/%d are not completed", open[tenant], tenant, m.Namespace, m.ID, m.Version)
		}
	}
	return nil
}

// withSwap returns the shard with another swap of a property; nil removes it.
func (s Shard) withSwap(property string, swap *TenantSwap) Shard {
	if _, there := s.Swapped[property]; !there && swap == nil {
		return s
	}
	s.Swapped = maps.Clone(s.Swapped)
	switch {
	case swap == nil:
		delete(s.Swapped, property)
	case s.Swapped == nil:
		s.Swapped = map[string]TenantSwap{property: *swap}
	default:
		s.Swapped[property] = *swap
	}
	if len(s.Swapped) == 0 {
		s.Swapped = nil
	}
	return s
}

// SwappedBy returns the version of the task since which a tenant serves something of its own of a
// property, see [TenantSwap]; 0 if it serves what all serve.
func (c *Collection) SwappedBy(tenant, property string) uint64 {
	return c.Shards[tenant].Swapped[property].By
}
