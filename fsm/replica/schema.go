package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ShardStatus is whether a shard serves.
type ShardStatus string

const (
	// ShardHot: the shard is available on its nodes.
	ShardHot ShardStatus = "HOT"
	// ShardFrozen: the tenant is offloaded, its shard is not available.
	ShardFrozen ShardStatus = "FROZEN"
)

// Schema is a copy of the replicated schema.
type Schema struct {
	// Collections are sorted by name.
	Collections []*Collection
}

// Collection returns the collection of that name, without regard to case, or nil.
func (s Schema) Collection(name string) *Collection {
	for _, c := range s.Collections {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// Collection is a set of objects, cut into shards. Collections inside a Replica are
// immutable: every change makes a new one.
type Collection struct {
	// Name is unique without regard to case.
	Name string `json:"name"`
	// Version is the log index of the command that created the collection; one that
	// was dropped and created again has a higher one.
	Version uint64 `json:"version"`
	// MultiTenant reports whether each shard is a tenant, which can be added and deleted.
	MultiTenant bool                `json:"multiTenant,omitempty"`
	Properties  map[string]Property `json:"properties,omitempty"`
	Shards      map[string]Shard    `json:"shards,omitempty"`
}

// Property is a property of a collection.
type Property struct {
	Tokenization string `json:"tokenization"`
	// FlippedBy is the version of the newest task whose migration has set
	// Tokenization; 0 if none has. A flip of this or an older version has had its
	// effect, and has none when it comes again (P8).
	FlippedBy uint64 `json:"flippedBy,omitempty"`
	// UpdatedAt is the log index at which a user last set Tokenization, rather than a
	// task; 0 if none has. Shards follow a user at once, and a task by swapping.
	UpdatedAt uint64 `json:"updatedAt,omitempty"`
}

// Shard is a part of a collection, held by one or more nodes.
type Shard struct {
	// Nodes hold a replica each, in the order of the placement.
	Nodes  []string    `json:"nodes"`
	Status ShardStatus `json:"status"`
	// Swapped are the properties, of a tenant, that a task has migrated for this
	// tenant alone, or for all others: it was added while the task was at work, and keeps what it
	// had. They end with the next change of the property for all tenants. The
	// map of a shard inside a Replica is never written to.
	Swapped map[string]TenantSwap `json:"swapped,omitempty"`
}

// TenantSwap is what one tenant serves of a property when it is not what the others serve.
type TenantSwap struct {
	Tokenization string `json:"tokenization"`
	// By is the version of the task since which that is so: it has migrated this tenant and not the
	// others, or the others and not this one.
	By uint64 `json:"by"`
}

// clone copies what a change of c may modify; the node lists are shared, as they are never
// modified.
func (c *Collection) clone() *Collection {
	d := *c
	d.Properties = maps.Clone(c.Properties)
	d.Shards = maps.Clone(c.Shards)
	return &d
}

// copy is a copy that shares nothing with c.
func (c *Collection) copy() *Collection {
	d := c.clone()
	for name, s := range d.Shards {
		s.Nodes, s.Swapped = slices.Clone(s.Nodes), maps.Clone(s.Swapped)
		d.Shards[name] = s
	}
	return d
}

// schema holds the collections by folded name.
type schema map[string]*Collection

// fold is the key of a collection. Names are ASCII, for which lower case is the
// same as strings.EqualFold.
func fold(name string) string { return strings.ToLower(name) }

// find returns the collection, or the rejection that it is not there. It may be
// created later, so the rejection is not permanent.
func (s schema) find(name string) (*Collection, error) {
	if c := s[fold(name)]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("collection %q does not exist", name)
}

// capture lists the collections sorted by folded name, without copying them.
func (s schema) capture() []*Collection {
	list := make([]*Collection, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		list = append(list, s[key])
	}
	return list
}

// restoreSchema validates what capture wrote.
func restoreSchema(list []*Collection) (schema, error) {
	s := make(schema, len(list))
	for i, c := range list {
		if c == nil {
			return nil, fmt.Errorf("schema[%d] is null", i)
		}
		if err := c.validate(); err != nil {
			return nil, fmt.Errorf("schema[%d]: %w", i, err)
		}
		if _, twice := s[fold(c.Name)]; twice {
			return nil, fmt.Errorf("schema[%d]: collection %q stands there twice", i, c.Name)
		}
		s[fold(c.Name)] = c
	}
	return s, nil
}

// validate checks everything about a collection that does not depend on others.
func (c *Collection) validate() error {
	if err := validName(c.Name); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Properties)) {
		if name == "" || c.Properties[name].Tokenization == "" {
			return fmt.Errorf("collection %q: property %q with tokenization %q: missing name or tokenization",
				c.Name, name, c.Properties[name].Tokenization)
		}
	}
	if len(c.Shards) == 0 && !c.MultiTenant {
		return fmt.Errorf("collection %q has no shards", c.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Shards)) {
		if err := c.Shards[name].validate(name); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	return nil
}

func (s Shard) validate(name string) error {
	if name == "" {
		return fmt.Errorf("shard without a name")
	}
	if s.Status != ShardHot && s.Status != ShardFrozen {
		return fmt.Errorf("shard %q: unknown status %q", name, s.Status)
	}
	if len(s.Nodes) == 0 {
		return fmt.Errorf("shard %q is on no node", name)
	}
	for i, node := range s.Nodes {
		if node == "" || slices.Contains(s.Nodes[:i], node) {
			return fmt.Errorf("shard %q: nodes[%d] %q is empty or stands there twice", name, i, node)
		}
	}
	for _, property := range slices.Sorted(maps.Keys(s.Swapped)) {
		if t := s.Swapped[property]; property == "" || t.Tokenization == "" || t.By == 0 {
			return fmt.Errorf("shard %q: swapped property %q with tokenization %q by task version %d", name, property, t.Tokenization, t.By)
		}
	}
	return nil
}

// maxNameLength bounds the names of collections, in bytes.
const maxNameLength = 256

// validName accepts ASCII letters, digits, '_' and '-', beginning with a letter.
func validName(name string) error {
	if name == "" || len(name) > maxNameLength {
		return fmt.Errorf("collection name of %d bytes, want 1 to %d", len(name), maxNameLength)
	}
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || !('0' <= r && r <= '9' || r == '_' || r == '-')) {
			return fmt.Errorf("collection name %q: character %d (%q) is not allowed", name, i, r)
		}
	}
	return nil
}
