package projection

import (
	"maps"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
)

// foldSchema folds an accepted command of the schema.
func (l *Log) foldSchema(c *taskevent.Command) {
	key := strings.ToLower(c.Class)
	switch c.Name {
	case taskevent.CommandCreateCollection:
		l.Collections[key] = newCollection(c)
		l.Collections[key].Changed = l.here()
		return
	case taskevent.CommandDropCollection:
		delete(l.Collections, key)
		l.Dropped[key] = l.here()
		return
	}
	found := l.Collections[key]
	if found == nil {
		return
	}
	found.Changed = l.here()
	switch c.Name {
	case taskevent.CommandAddTenants:
		for _, spec := range c.NewTenants() {
			found.place(spec.Name, spec.Nodes)
		}
	case taskevent.CommandDeleteTenants:
		for _, name := range c.TenantNames() {
			delete(found.Shards, name)
			delete(found.Serves, name)
			maps.DeleteFunc(found.Alone, func(key [2]string, _ uint64) bool { return key[0] == name })
		}
	case taskevent.CommandUpdateProperty:
		l.foldUpdate(c, found)
	}
}

func newCollection(c *taskevent.Command) *Collection {
	created := &Collection{
		Name: c.Class, Born: c.Index, Properties: maps.Clone(c.Properties),
		FlippedBy: make(map[string]uint64), UpdatedAt: make(map[string]uint64), Shards: make(map[string][]string), Serves: make(map[string]map[string]string),
	}
	if created.Properties == nil {
		created.Properties = make(map[string]string)
	}
	for _, spec := range c.Shards {
		created.place(spec.Name, spec.Nodes)
	}
	return created
}

// place adds a shard that serves what the schema has.
func (c *Collection) place(shard string, nodes []string) {
	c.Shards[shard] = nodes
	c.Serves[shard] = maps.Clone(c.Properties)
}

// foldUpdate folds a new tokenization. That of a user applies to all shards at once, that of a
// run to shards that have swapped before.
func (l *Log) foldUpdate(c *taskevent.Command, found *Collection) {
	b := &c.Args
	m := b.Migration
	if m == nil {
		found.together(b.Property)
		found.Properties[b.Property] = b.Tokenization
		found.UpdatedAt[b.Property] = c.Index
		for _, serves := range found.Serves {
			serves[b.Property] = b.Tokenization
		}
		return
	}
	if m.Version <= found.FlippedBy[b.Property] {
		return
	}
	if tenants := b.TenantNames(); len(tenants) > 0 {
		l.foldTenants(c, found, tenants)
		return
	}
	migrated := make(map[string]bool, len(b.Migrated))
	for _, shard := range b.Migrated {
		migrated[shard] = true
	}
	for shard := range found.Serves {
		if len(migrated) > 0 && !migrated[shard] { // it was added meanwhile
			if found.Alone[[2]string{shard, b.Property}] == 0 {
				found.keep(shard, b.Property, found.Properties[b.Property], m.Version)
			}
		} else {
			delete(found.Alone, [2]string{shard, b.Property})
		}
	}
	found.Properties[b.Property] = b.Tokenization
	found.FlippedBy[b.Property] = m.Version
	if r := l.Runs[m.Run()]; r != nil {
		r.Flips++
		l.Flipped = r
	}
}

// foldTenants folds the swap of tenants that a run swaps alone.
func (l *Log) foldTenants(c *taskevent.Command, found *Collection, tenants []string) {
	m := c.Migration
	if m.Version <= found.UpdatedAt[c.Property] {
		return
	}
	l.SwappedAlone = l.Runs[m.Run()]
	for _, tenant := range tenants {
		if found.Serves[tenant] == nil || found.Alone[[2]string{tenant, c.Property}] >= m.Version {
			continue // it was deleted, or a newer run has swapped it
		}
		found.keep(tenant, c.Property, c.Tokenization, m.Version)
	}
}

// keep records what a tenant serves of a property that it has swapped alone, in the run of a version.
func (c *Collection) keep(tenant, property, tokenization string, version uint64) {
	c.Serves[tenant][property] = tokenization
	if c.Alone == nil {
		c.Alone = make(map[[2]string]uint64)
	}
	c.Alone[[2]string{tenant, property}] = version
}

// together records that all tenants serve what the schema has for a property.
func (c *Collection) together(property string) {
	maps.DeleteFunc(c.Alone, func(key [2]string, _ uint64) bool { return key[1] == property })
}

// settle sets what the shards of a run's collection are to serve now that the run has
// finished, but for those that were added while it was at work. The tenants that a run has swapped alone are recorded as they swap: see
// the package comment of scenarios/tasks/provider.
func (l *Log) settle(r *Run) {
	c := l.Collections[strings.ToLower(r.Payload.Collection)]
	if c == nil || c.Born > r.ID.Version || r.Payload.Kind != taskplan.Reindex || r.Status != taskevent.Finished {
		return
	}
	for shard, serves := range c.Serves {
		if c.Alone[[2]string{shard, r.Payload.Property}] == 0 {
			serves[r.Payload.Property] = r.Payload.Tokenization
		}
	}
}
