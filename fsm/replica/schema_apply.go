package replica

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// applySchema applies a schema command. Every command validates everything, calls
// the guards, and only then changes something; a change replaces the collection.
// The caller holds the lock.
func (r *Replica) applySchema(c *api.ApplyRequest, index uint64) error {
	switch c.Type {
	case CommandCreateCollection:
		return r.createCollection(c, index)
	case CommandDropCollection:
		return r.dropCollection(c)
	case CommandUpdateProperty:
		return r.updateProperty(c, index)
	case CommandAddTenants:
		return r.addTenants(c)
	case CommandUpdateTenants:
		return r.updateTenants(c)
	case CommandDeleteTenants:
		return r.deleteTenants(c)
	}
	return invalid("unknown command %s", CommandName(c.Type))
}

func (r *Replica) createCollection(c *api.ApplyRequest, index uint64) error {
	q, err := decodeCommand[CreateCollectionRequest](c)
	if err != nil {
		return err
	}
	created := &Collection{
		Name: c.Class, Version: index, MultiTenant: q.MultiTenant,
		Properties: make(map[string]Property, len(q.Properties)),
		Shards:     make(map[string]Shard, len(q.Shards)),
	}
	for name, tokenization := range q.Properties {
		created.Properties[name] = Property{Tokenization: tokenization}
	}
	if err := created.place(q.Shards); err != nil {
		return invalid("create: %s", err)
	}
	if err := created.validate(); err != nil {
		return invalid("create: %s", err)
	}
	if old := r.schema[fold(c.Class)]; old != nil {
		return fmt.Errorf("collection %q already exists as %q", c.Class, old.Name)
	}
	r.schema[fold(c.Class)] = created
	return nil
}

// place adds shards that c does not have yet.
func (c *Collection) place(specs []ShardSpec) error {
	for _, spec := range specs {
		if _, twice := c.Shards[spec.Name]; twice {
			return fmt.Errorf("shard %q stands twice in collection %q", spec.Name, c.Name)
		}
		shard := Shard{Nodes: spec.Nodes, Status: ShardHot}
		if err := shard.validate(spec.Name); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
		c.Shards[spec.Name] = shard
	}
	return nil
}

// dropCollection removes a collection and, with it, all its tasks (P12).
func (r *Replica) dropCollection(c *api.ApplyRequest) error {
	collection, err := r.schema.find(c.Class)
	if err != nil {
		return err
	}
	if err := r.manager.CheckClassMutation(collection.Name); err != nil {
		return fmt.Errorf("drop collection %q: %w", collection.Name, err)
	}
	delete(r.schema, fold(collection.Name))
	r.manager.DeleteTasksForCollection(collection.Name)
	return nil
}

func (r *Replica) updateProperty(c *api.ApplyRequest, index uint64) error {
	q, err := decodeCommand[UpdatePropertyRequest](c)
	if err != nil {
		return err
	}
	if q.Property == "" || q.Tokenization == "" {
		return invalid("update of property %q to tokenization %q: one of them is missing", q.Property, q.Tokenization)
	}
	collection, err := r.schema.find(c.Class)
	if err != nil {
		return err
	}
	property, ok := collection.Properties[q.Property]
	if !ok {
		return fmt.Errorf("collection %q has no property %q", collection.Name, q.Property)
	}
	if len(q.Migrated) > 0 && (q.Migration == nil || len(q.Tenants) > 0) {
		return invalid("update of property %q of some shards is not the end of a migration", q.Property)
	}
	if len(q.Tenants) > 0 {
		return r.swapTenants(q, collection, property)
	}
	before := property.Tokenization
	if m := q.Migration; m != nil {
		if err := m.validate(q.Property); err != nil {
			return err
		}
		if m.Version <= property.FlippedBy {
			return nil // it has had its effect, and what came after it stays
		}
		if err := r.checkFlip(*m, collection, q.Property); err != nil {
			return fmt.Errorf("update property %s.%s: %w", collection.Name, q.Property, err)
		}
		property.FlippedBy = m.Version
	} else if err := r.manager.CheckPropertyUpdate(collection.Name, q.Property); err != nil {
		return fmt.Errorf("update property %s.%s: %w", collection.Name, q.Property, err)
	} else {
		property.UpdatedAt = index
	}
	property.Tokenization = q.Tokenization
	changed := collection.clone()
	changed.Properties[q.Property] = property
	migrated := make(map[string]bool, len(q.Migrated))
	for _, name := range q.Migrated {
		migrated[name] = true
	}
	for name, shard := range changed.Shards {
		if len(migrated) == 0 || migrated[name] {
			changed.Shards[name] = shard.withSwap(q.Property, nil)
		} else if shard.Swapped[q.Property].By == 0 {
			changed.Shards[name] = shard.withSwap(q.Property, &TenantSwap{Tokenization: before, By: q.Migration.Version})
		}
	}
	r.schema[fold(collection.Name)] = changed
	return nil
}

// checkFlip checks whether a task may change the schema now, and whether it is a task
// of this collection at all.
func (r *Replica) checkFlip(m MigrationRef, collection *Collection, property string) error {
	if _, err := r.taskOf(m, collection); err != nil {
		return err
	}
	return r.manager.CheckOwnPropertyUpdate(m.Namespace, m.ID, m.Version, collection.Name, property)
}

// taskOf returns the record of a migration, which must be one of this collection.
func (r *Replica) taskOf(m MigrationRef, collection *Collection) (*fsm.Task, error) {
	task, err := r.manager.Task(m.Namespace, m.ID, m.Version)
	if err != nil {
		return nil, err
	}
	if bound, ok := r.collectionOf(m.Namespace, task.Payload); ok && !strings.EqualFold(bound, collection.Name) {
		return nil, invalid("task %s/%s/%d belongs to collection %q", m.Namespace, m.ID, m.Version, bound)
	}
	return task, nil
}

// tenants returns the multi-tenant collection that c changes n tenants of.
func (r *Replica) tenants(c *api.ApplyRequest, n int) (*Collection, error) {
	if n == 0 {
		return nil, invalid("%s of collection %q names no tenant", CommandName(c.Type), c.Class)
	}
	collection, err := r.schema.find(c.Class)
	if err != nil {
		return nil, err
	}
	if !collection.MultiTenant {
		return nil, fmt.Errorf("collection %q has no tenants", collection.Name)
	}
	return collection, nil
}

func (r *Replica) addTenants(c *api.ApplyRequest) error {
	q, err := decodeCommand[AddTenantsRequest](c)
	if err != nil {
		return err
	}
	collection, err := r.tenants(c, len(q.Tenants))
	if err != nil {
		return err
	}
	changed := collection.clone()
	if changed.Shards == nil {
		changed.Shards = make(map[string]Shard, len(q.Tenants))
	}
	if err := changed.place(q.Tenants); err != nil {
		return fmt.Errorf("add tenants: %w", err)
	}
	r.schema[fold(collection.Name)] = changed
	return nil
}

func (r *Replica) updateTenants(c *api.ApplyRequest) error {
	q, err := decodeCommand[UpdateTenantsRequest](c)
	if err != nil {
		return err
	}
	if q.Status != ShardHot && q.Status != ShardFrozen {
		return invalid("update tenants: unknown status %q", q.Status)
	}
	collection, err := r.tenants(c, len(q.Tenants))
	if err != nil {
		return err
	}
	changed := collection.clone()
	for _, name := range q.Tenants {
		shard, ok := changed.Shards[name]
		if !ok {
			return fmt.Errorf("collection %q has no tenant %q", collection.Name, name)
		}
		shard.Status = q.Status
		changed.Shards[name] = shard
	}
	if q.Status != ShardHot {
		if err := r.manager.CheckTenantMutation(collection.Name, q.Tenants); err != nil {
			return fmt.Errorf("update tenants of collection %q: %w", collection.Name, err)
		}
	}
	r.schema[fold(collection.Name)] = changed
	return nil
}

func (r *Replica) deleteTenants(c *api.ApplyRequest) error {
	q, err := decodeCommand[DeleteTenantsRequest](c)
	if err != nil {
		return err
	}
	collection, err := r.tenants(c, len(q.Tenants))
	if err != nil {
		return err
	}
	if err := r.manager.CheckTenantMutation(collection.Name, q.Tenants); err != nil {
		return fmt.Errorf("delete tenants of collection %q: %w", collection.Name, err)
	}
	changed := collection.clone()
	for _, name := range q.Tenants {
		delete(changed.Shards, name)
	}
	r.schema[fold(collection.Name)] = changed
	return nil
}

// checkBound refuses a new task of a collection that the schema does not have, so
// that nothing of a dropped collection comes back (P12). The collection may be
// created later: the rejection is not permanent, unless the task could not be added to
// it either (P15).
func (r *Replica) checkBound(c *api.ApplyRequest) error {
	var q struct {
		Namespace string `json:"namespace"`
		Payload   []byte `json:"payload"`
	}
	if len(r.extractors) == 0 || json.Unmarshal(c.SubCommand, &q) != nil {
		return nil // the manager reports what is wrong with it
	}
	bound, ok := r.collectionOf(q.Namespace, q.Payload)
	if !ok || bound == "" {
		return nil
	}
	if _, err := r.schema.find(bound); err != nil {
		return cmp.Or(r.manager.CheckAddTask(c), fmt.Errorf("add task: %w", err))
	}
	return nil
}

// collectionOf calls the extractor of a namespace; a payload that makes it panic is
// bound to nothing (P18).
func (r *Replica) collectionOf(namespace string, payload []byte) (collection string, ok bool) {
	extract := r.extractors[namespace]
	if extract == nil {
		return "", false
	}
	defer func() {
		if p := recover(); p != nil {
			r.logger.WithField("namespace", namespace).WithField("panic", p).Error("collection extractor panicked")
			collection, ok = "", false
		}
	}()
	return extract(payload)
}
