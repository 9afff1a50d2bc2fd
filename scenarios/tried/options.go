package tried

import (
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
)

// option is a setting of the system, or a field of what it is asked for.
type option struct {
	name string
	// classes are the named classes of its values.
	classes []string
	// of returns the classes of the values that a plan has, each as often as it does.
	of func(*taskplan.Plan) []string
}

// classesOf returns the classes that the values of a plan are of, each once.
func (o *option) classesOf(p *taskplan.Plan) []string {
	all := o.of(p)
	slices.Sort(all)
	return slices.Compact(all)
}

func optionRows() []coverage.Possibility {
	var all []coverage.Possibility
	for _, o := range options {
		all = append(all, rows(partOption, o.name, o.classes...)...)
	}
	return all
}

// class is a class of the values up to a bound, the class before it excepted.
type class[N int | uint64 | time.Duration] struct {
	upTo N
	name string
}

// ranged returns an option whose classes are ranges of numbers; what is above the last bound
// belongs to the last class.
func ranged[N int | uint64 | time.Duration](name string, values func(*taskplan.Plan) []N, classes ...class[N]) option {
	o := option{name: name}
	for _, c := range classes {
		o.classes = append(o.classes, c.name)
	}
	o.of = func(p *taskplan.Plan) []string {
		var all []string
		for _, v := range values(p) {
			at := slices.IndexFunc(classes, func(c class[N]) bool { return v <= c.upTo })
			if at < 0 {
				at = len(classes) - 1
			}
			all = append(all, classes[at].name)
		}
		return all
	}
	return o
}

// switched returns an option that is on or off.
func switched(name string, values func(*taskplan.Plan) []bool) option {
	return option{name: name, classes: []string{"off", "on"}, of: func(p *taskplan.Plan) []string {
		var all []string
		for _, v := range values(p) {
			all = append(all, map[bool]string{false: "off", true: "on"}[v])
		}
		return all
	}}
}

// named returns an option whose classes are its values.
func named[S ~string](name string, values func(*taskplan.Plan) []S, classes ...S) option {
	return option{name: name, classes: texts(classes), of: func(p *taskplan.Plan) []string { return texts(values(p)) }}
}

func texts[S ~string](values []S) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// once makes a value of a plan a list.
func once[V any](f func(*taskplan.Plan) V) func(*taskplan.Plan) []V {
	return func(p *taskplan.Plan) []V { return []V{f(p)} }
}

// ofRaft is a setting of the nodes' Raft.
func ofRaft[V any](f func(*plan.Raft) V) func(*taskplan.Plan) []V {
	return once(func(p *taskplan.Plan) V { return f(&p.Cluster.Raft) })
}

// operations are those of the workload and of the operators of faults.
func operations(p *taskplan.Plan) []taskplan.Operation {
	all := slices.Clone(p.Workload)
	for i := range p.Faults {
		if do := p.Does(i); do != nil {
			all = append(all, *do)
		}
	}
	return all
}

// ofOperations is what operations have that an option belongs to.
func ofOperations[V any](f func(*taskplan.Plan, *taskplan.Operation) (V, bool)) func(*taskplan.Plan) []V {
	return func(p *taskplan.Plan) []V {
		var all []V
		for _, o := range operations(p) {
			if v, has := f(p, &o); has {
				all = append(all, v)
			}
		}
		return all
	}
}

// ofTasks is what submissions have.
func ofTasks[V any](f func(*taskplan.Task) V) func(*taskplan.Plan) []V {
	return ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (v V, has bool) {
		if o.Task == nil {
			return v, false
		}
		return f(o.Task), true
	})
}

// ofReindexes is what submissions of tasks have that change the schema.
func ofReindexes[V any](f func(*taskplan.Task) V) func(*taskplan.Plan) []V {
	return ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (v V, has bool) {
		if o.Task == nil || o.Task.Kind != taskplan.Reindex {
			return v, false
		}
		return f(o.Task), true
	})
}

// ofCollections is what creations of collections have.
func ofCollections[V any](f func(*taskplan.Collection) V) func(*taskplan.Plan) []V {
	return ofOperations(func(_ *taskplan.Plan, o *taskplan.Operation) (v V, has bool) {
		if o.Collection == nil {
			return v, false
		}
		return f(o.Collection), true
	})
}

// The classes of names of which several are known.
const (
	nameEmpty  = "empty"
	namePlain  = "plain"
	nameCased  = "differs from another in case"
	nameLong   = "longer than 64 bytes"
	nameOther  = "not of ASCII alone"
	nameSpaced = "with a slash, a dot or a space"
)

var nameClasses = []string{nameEmpty, namePlain, nameCased, nameLong, nameOther, nameSpaced}

// names returns an option that is a name.
func names(name string, values func(*taskplan.Plan) []string) option {
	return option{name: name, classes: nameClasses, of: func(p *taskplan.Plan) []string {
		all := values(p)
		classes := make([]string, len(all))
		for i, v := range all {
			classes[i] = nameClass(v, all)
		}
		return classes
	}}
}

func nameClass(name string, among []string) string {
	switch {
	case name == "":
		return nameEmpty
	case slices.ContainsFunc(among, func(other string) bool { return other != name && strings.EqualFold(other, name) }):
		return nameCased
	case len(name) > 64:
		return nameLong
	case strings.ContainsFunc(name, func(r rune) bool { return r > 127 }):
		return nameOther
	case strings.ContainsAny(name, "/. "):
		return nameSpaced
	}
	return namePlain
}
