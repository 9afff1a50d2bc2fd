package timeline

import (
	"maps"
	"slices"

	"dtsim/scenarios/projection"
)

// schema is the schema up to an index of the log: the values of its parts. It is immutable;
// before is the schema up to an earlier index.
type schema struct {
	index  uint64
	parts  map[string]string
	before *schema
}

// at returns the schema up to an index.
func (s *schema) at(index uint64) *schema {
	for s.index > index {
		s = s.before
	}
	return s
}

// schemaParts returns the parts of the schema: the properties of collections, and those that a
// tenant has swapped alone.
func schemaParts(l *projection.Log) map[string]string {
	parts := make(map[string]string)
	for _, c := range l.Collections {
		for property, tokenization := range c.Properties {
			parts[path("schema", c.Name, property)] = tokenization
		}
		for of := range c.Alone {
			tenant, property := of[0], of[1]
			parts[path("schema", c.Name, property, tenant)] = c.Serves[tenant][property]
		}
	}
	return parts
}

// foldSchema projects the schema after the newest command.
func (p *stateProjector) foldSchema() {
	parts, was := schemaParts(p.log), p.schema
	if maps.Equal(parts, was.parts) {
		return
	}
	p.schema = &schema{index: p.log.Newest, parts: parts, before: was}
	replaceParts(was.parts, parts, p.set)
}

// replaceParts sets the parts of a schema, and those of the one before that it does not have to none.
func replaceParts(was, is map[string]string, set func(part, value string)) {
	for _, part := range slices.Sorted(maps.Keys(was)) {
		if is[part] == "" {
			set(part, "")
		}
	}
	for _, part := range slices.Sorted(maps.Keys(is)) {
		set(part, is[part])
	}
}
