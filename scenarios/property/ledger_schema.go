package property

import (
	"maps"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
)

// foldSchema folds an accepted command of the schema in.
func (l *ledger) foldSchema(c *taskevent.Command) {
	key := strings.ToLower(c.Class)
	switch c.Name {
	case createCollection:
		l.collections[key] = newCollection(c)
		l.collections[key].changed = l.here()
		return
	case dropCollection:
		delete(l.collections, key)
		l.dropped[key] = l.here()
		return
	}
	found := l.collections[key]
	if found == nil {
		return
	}
	found.changed = l.here()
	switch c.Name {
	case addTenants:
		for _, spec := range c.NewTenants() {
			found.place(spec.Name, spec.Nodes)
		}
	case deleteTenants:
		for _, name := range c.TenantNames() {
			delete(found.shards, name)
			delete(found.serves, name)
			maps.DeleteFunc(found.alone, func(key [2]string, _ uint64) bool { return key[0] == name })
		}
	case updateProperty:
		l.foldUpdate(c, found)
	}
}

func newCollection(c *taskevent.Command) *collection {
	created := &collection{
		name: c.Class, born: c.Index, properties: maps.Clone(c.Properties),
		flippedBy: make(map[string]uint64), updatedAt: make(map[string]uint64), shards: make(map[string][]string), serves: make(map[string]map[string]string),
	}
	if created.properties == nil {
		created.properties = make(map[string]string)
	}
	for _, spec := range c.Shards {
		created.place(spec.Name, spec.Nodes)
	}
	return created
}

// place adds a shard that serves what the schema says.
func (c *collection) place(shard string, nodes []string) {
	c.shards[shard] = nodes
	c.serves[shard] = maps.Clone(c.properties)
}

// foldUpdate takes in a new tokenization. A user's goes into all shards at once; a
// run's own is about shards that have swapped before.
func (l *ledger) foldUpdate(c *taskevent.Command, found *collection) {
	b := &c.Args
	m := b.Migration
	if m == nil {
		found.together(b.Property)
		found.properties[b.Property] = b.Tokenization
		found.updatedAt[b.Property] = c.Index
		for _, serves := range found.serves {
			serves[b.Property] = b.Tokenization
		}
		return
	}
	if m.Version <= found.flippedBy[b.Property] {
		return
	}
	if tenants := b.TenantNames(); len(tenants) > 0 {
		l.foldTenants(c, found, tenants)
		return
	}
	found.together(b.Property)
	found.properties[b.Property] = b.Tokenization
	found.flippedBy[b.Property] = m.Version
	if r := l.runs[m.Run()]; r != nil {
		r.flips++
		l.flipped = r
	}
}

// foldTenants takes in that tenants keep what a run has made of them.
func (l *ledger) foldTenants(c *taskevent.Command, found *collection, tenants []string) {
	m := c.Migration
	if m.Version <= found.updatedAt[c.Property] {
		return
	}
	l.swappedAlone = l.runs[m.Run()]
	for _, tenant := range tenants {
		serves, key := found.serves[tenant], [2]string{tenant, c.Property}
		if serves == nil || found.alone[key] >= m.Version {
			continue // it was deleted, or what came after it stays
		}
		serves[c.Property] = c.Tokenization
		if found.alone == nil {
			found.alone = make(map[[2]string]uint64)
		}
		found.alone[key] = m.Version
	}
}

// together notes that all tenants serve what the schema says of a property.
func (c *collection) together(property string) {
	maps.DeleteFunc(c.alone, func(key [2]string, _ uint64) bool { return key[1] == property })
}

// settle says what the shards of a run's collection are to serve now that the run
// has finished. The tenants that a run has swapped alone are told as they swap: see
// the package comment of scenarios/tasks/provider.
func (l *ledger) settle(r *run) {
	c := l.collections[strings.ToLower(r.payload.Collection)]
	if c == nil || c.born > r.id.Version || r.payload.Kind != taskplan.Reindex || r.status != finished {
		return
	}
	for _, serves := range c.serves {
		serves[r.payload.Property] = r.payload.Tokenization
	}
}
