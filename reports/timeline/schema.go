package timeline

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is the schema up to an index of the log: the parts of its collections. It is immutable;
// before is the schema up to an earlier index.
type schema struct {
	index  uint64
	all    map[string]map[string]string // by folded name of the collection
	by     map[string]map[string]uint64 // the run that changed a property last, or the index of a user's change
	before *schema
}

// at returns the schema up to an index.
func (s *schema) at(index uint64) *schema {
	for s.index > index {
		s = s.before
	}
	return s
}

// parts returns the names of all parts, sorted.
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

// fold applies an accepted command to the schema.
func (p *stateProjector) fold() {
	c, b := p.command, &p.body
	is := &schema{index: c.Index, all: maps.Clone(p.schema.all), by: maps.Clone(p.schema.by), before: p.schema}
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
		p.update(of, by)
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
	p.schema = is
	for _, part := range is.before.parts() {
		if is.get(part) == "" {
			p.set(part, "")
		}
	}
	for _, part := range is.parts() {
		p.set(part, is.get(part))
	}
}

// update applies a new tokenization. That of a user or of a whole run replaces what tenants have
// kept; one with tenants applies to these alone. One in the name of an older run changes
// nothing.
func (p *stateProjector) update(of map[string]string, by map[string]uint64) {
	if of == nil {
		return
	}
	c, b := p.command, &p.body
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

// tenants returns the tenants that a command names.
func (b *commandBody) tenants() []string {
	var names []string
	if json.Unmarshal(b.Tenants, &names) != nil {
		return nil
	}
	return names
}
