package story

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is what the log says of the schema from an index on: the parts of its
// collections. Schemas are values; before is the one that an index before saw.
type schema struct {
	index  uint64
	all    map[string]map[string]string // by folded name of the collection
	by     map[string]map[string]uint64 // the run in whose name a property was changed last, or when a user did
	before *schema
}

// at is the schema up to an index.
func (s *schema) at(index uint64) *schema {
	for s.index > index {
		s = s.before
	}
	return s
}

// parts are the names of all parts, sorted.
func (s *schema) parts() []string {
	if s == nil {
		return nil
	}
	var all []string
	for _, of := range s.all {
		all = slices.AppendSeq(all, maps.Keys(of))
	}
	slices.Sort(all)
	return all
}

func (s *schema) get(part string) string {
	for _, of := range s.all {
		if value, ok := of[part]; ok {
			return value
		}
	}
	return ""
}

// fold takes in an accepted command of the schema.
func (t *teller) fold() {
	c, b := t.command, &t.about
	is := &schema{index: c.Index, all: maps.Clone(t.schema.all), by: maps.Clone(t.schema.by), before: t.schema}
	if is.all == nil {
		is.all, is.by = make(map[string]map[string]string), make(map[string]map[string]uint64)
	}
	key := strings.ToLower(c.Class)
	of, by := maps.Clone(is.all[key]), maps.Clone(is.by[key])
	switch c.Command {
	case createCollection:
		of, by = make(map[string]string), make(map[string]uint64)
		for property, tokenization := range b.Properties {
			of[path("schema", c.Class, property)] = tokenization
		}
	case dropCollection:
		of = nil
	case updateProperty:
		t.update(of, by)
	case deleteTenants:
		for _, tenant := range b.tenants() {
			maps.DeleteFunc(of, func(part, _ string) bool {
				return strings.Count(part, "/") == 3 && strings.HasSuffix(part, "/"+path(tenant))
			})
		}
	}
	if of == nil {
		delete(is.all, key)
		delete(is.by, key)
	} else {
		is.all[key], is.by[key] = of, by
	}
	t.schema = is
	for _, part := range is.before.parts() {
		if is.get(part) == "" {
			t.set(part, "")
		}
	}
	for _, part := range is.parts() {
		t.set(part, is.get(part))
	}
}

// update takes in a new tokenization: a user's or a run's, which end what tenants have
// kept, or that of tenants which have swapped alone. One in the name of an older run
// changes nothing.
func (t *teller) update(of map[string]string, by map[string]uint64) {
	if of == nil {
		return
	}
	c, b := t.command, &t.about
	part := path("schema", c.Class, b.Property)
	tenants := b.tenants()
	forAll := func() {
		maps.DeleteFunc(of, func(p, _ string) bool { return strings.HasPrefix(p, part+"/") })
		of[part] = b.Tokenization
	}
	switch {
	case b.Migration == nil:
		forAll()
		by["user "+part] = c.Index
	case b.Migration.Version <= by["run "+part]:
	case len(tenants) > 0:
		if b.Migration.Version > by["user "+part] {
			for _, tenant := range tenants {
				of[part+"/"+path(tenant)] = b.Tokenization
			}
		}
	default:
		forAll()
		by["run "+part] = b.Migration.Version
	}
}

// tenants reads the names of tenants in a command.
func (b *about) tenants() []string {
	var names []string
	if json.Unmarshal(b.Tenants, &names) != nil {
		return nil
	}
	return names
}
