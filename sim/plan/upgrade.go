package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// formatOne is the application of every document of format 1: its part stood flat
// between the fields of the framework, at the top and in the cluster, and what narrows a
// fault or a trigger stood beside its other fields.
const formatOne = "tasks"

// upgraded returns the fields of a document of format 1 as those of one of format 2:
// the fields that the framework does not have are the application's.
func upgraded(top []member) []member {
	var own, part []member
	for _, m := range top {
		switch {
		case m.name == "format":
			m.value = jsontext.Value(fmt.Sprint(Format))
		case m.name == "cluster" && m.value.Kind() == '{':
			cluster, rest := parted(members(m.value), reflect.TypeFor[Cluster]())
			m.value, part = object(cluster), append(part, rest...)
		case m.name == "faults" && m.value.Kind() == '[':
			m.value = upgradedFaults(m.value)
		case !slices.Contains(fieldNames(reflect.TypeFor[Plan]()), m.name):
			part = append(part, m)
			continue
		}
		own = append(own, m)
	}
	return append(own, member{formatOne, object(part)})
}

// parted parts fields into those that a struct has and the others.
func parted(all []member, t reflect.Type) (own, rest []member) {
	names := fieldNames(t)
	for _, m := range all {
		if slices.Contains(names, m.name) {
			own = append(own, m)
		} else {
			rest = append(rest, m)
		}
	}
	return own, rest
}

func upgradedFaults(list jsontext.Value) jsontext.Value {
	b := []byte{'['}
	for i, fault := range elements(list) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, narrowed(fault, reflect.TypeFor[Fault]())...)
	}
	return append(b, ']')
}

// narrowed returns a fault or a trigger whose unknown fields stand in its about.
func narrowed(v jsontext.Value, t reflect.Type) jsontext.Value {
	if v.Kind() != '{' {
		return v // which is refused
	}
	own, about := parted(members(v), t)
	for i := range own {
		if own[i].name == "when" {
			own[i].value = narrowed(own[i].value, reflect.TypeFor[Trigger]())
		}
	}
	if len(about) > 0 {
		own = append(own, member{"about", object(about)})
	}
	return object(own)
}

// flat returns the path in a document of format 1 of what has a path in format 2.
func (d *document) flat(path string) string {
	if rest, ok := strings.CutPrefix(path, formatOne+"."); ok {
		first := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz_"))]
		if _, there := d.keys["cluster."+first]; there {
			return "cluster." + rest
		}
		return rest
	}
	if strings.HasPrefix(path, "faults[") {
		return strings.Replace(path, ".about", "", 1)
	}
	return path
}
