package plan

import (
	"fmt"
	"maps"
	"slices"
)

var actions = []Action{AddTask, CancelTask, FailTask, CleanUpTask, CreateCollection, DropCollection, UpdateProperty, DeleteTenants, ListTasks}

var kinds = []Kind{Cleanup, Repair, Reindex}

// usedBy says which fields of an Operation each action uses; at, node and do are
// used by all.
var usedBy = map[Action][]string{
	AddTask:          {"task"},
	CancelTask:       {"namespace", "task_id"},
	FailTask:         {"namespace", "task_id"},
	CleanUpTask:      {"namespace", "task_id"},
	CreateCollection: {"collection"},
	DropCollection:   {"target"},
	UpdateProperty:   {"target", "property", "tokenization"},
	DeleteTenants:    {"target", "tenants"},
	ListTasks:        {},
}

func (v *validator) operation(i int) {
	o := &v.p.Workload[i]
	path := fmt.Sprintf("workload[%d]", i)
	at := path + ".at"
	switch {
	case o.At < 0:
		v.failf(at, "%s is before the start of the run", o.At)
	case o.At >= v.p.Duration:
		v.failf(at, "%s is past the end of the run (%s)", o.At, v.p.Duration)
	case i > 0 && o.At < v.p.Workload[i-1].At:
		v.failf(at, "%s is before workload[%d].at (%s); operations are sorted by time", o.At, i-1, v.p.Workload[i-1].At)
	}
	oneOf(v, path+".node", o.Node, v.nodes)
	v.perform(path, o)
}

// perform complains about what an operation does.
func (v *validator) perform(path string, o *Operation) {
	oneOf(v, path+".do", o.Do, actions)
	v.number(path+".retry", o.Retry, 0, MaxRetry)
	if v.err != nil {
		return
	}
	v.only(path, string(o.Do), usedBy[o.Do], []present{
		{"task", o.Task != nil},
		{"collection", o.Collection != nil},
		{"namespace", o.Namespace != ""},
		{"task_id", o.TaskID != ""},
		{"target", o.Target != ""},
		{"property", o.Property != ""},
		{"tokenization", o.Tokenization != ""},
		{"tenants", len(o.Tenants) > 0},
	})
	if v.err != nil {
		return
	}
	switch o.Do {
	case AddTask:
		v.task(path+".task", o.Task)
		v.tasks[[2]string{string(o.Task.Kind), o.Task.ID}]++
	case CancelTask, FailTask, CleanUpTask:
		v.added(path, o.Namespace, o.TaskID)
	case CreateCollection:
		v.collection(path+".collection", o.Collection)
		v.collections[o.Collection.Name] = o.Collection
	case DropCollection, UpdateProperty, DeleteTenants:
		c := v.created(path+".target", o.Target)
		if c == nil {
			return
		}
		switch o.Do {
		case UpdateProperty:
			v.propertyOf(path+".property", c, o.Property)
			v.name(path+".tokenization", o.Tokenization)
		case DeleteTenants:
			v.names(path+".tenants", o.Tenants)
			v.allOf(path+".tenants", o.Tenants, c.Tenants, "tenants of "+c.Name)
		}
	}
}

// present says whether a field has a value.
type present struct {
	field string
	is    bool
}

// only complains about a used field that is missing, and about one that is there
// although it has no meaning.
func (v *validator) only(path, who string, used []string, fields []present) {
	for _, f := range fields {
		switch use := slices.Contains(used, f.field); {
		case use && !f.is:
			v.failf(path+"."+f.field, "missing; %s needs it", who)
		case !use && f.is:
			v.failf(path+"."+f.field, "%s has no use for it", who)
		}
	}
}

func (v *validator) collection(path string, c *Collection) {
	v.name(path+".name", c.Name)
	if len(c.Properties) == 0 || len(c.Properties) > MaxNames {
		v.failf(path+".properties", "%d properties; from 1 to %d are possible", len(c.Properties), MaxNames)
		return
	}
	for _, p := range slices.Sorted(maps.Keys(c.Properties)) {
		v.name(path+".properties."+p, p)
		v.name(path+".properties."+p, c.Properties[p])
	}
	switch {
	case len(c.Shards) == 0 && len(c.Tenants) == 0:
		v.failf(path+".shards", "missing; a collection has shards or tenants")
	case len(c.Shards) > 0 && len(c.Tenants) > 0:
		v.failf(path+".tenants", "a collection with shards has no tenants")
	}
	v.names(path+".shards", c.Shards)
	v.names(path+".tenants", c.Tenants)
	v.number(path+".replicas", c.Replicas, 1, v.p.Cluster.Nodes)
	if n := len(c.ShardNames()) * c.Replicas; n > MaxUnits {
		v.failf(path+".replicas", "%d replicas of all shards; at most %d are possible", n, MaxUnits)
	}
}

func (v *validator) task(path string, t *Task) {
	oneOf(v, path+".kind", t.Kind, kinds)
	v.id(path+".id", t.ID)
	v.number(path+".parallel", t.Parallel, 1, MaxParallel)
	v.duration(path+".min_unit_time", t.MinUnitTime, 0, maxSetting)
	v.duration(path+".max_unit_time", t.MaxUnitTime, 0, maxSetting)
	if t.MaxUnitTime != 0 && t.MaxUnitTime < t.MinUnitTime {
		v.failf(path+".max_unit_time", "%s is below min_unit_time (%s)", t.MaxUnitTime, t.MinUnitTime)
	}
	if v.err != nil {
		return
	}
	if t.Flaw != "" {
		oneOf(v, path+".flaw", t.Flaw, Flaws(t.Kind))
	}
	used := []string{"collection"}
	switch t.Kind {
	case Cleanup:
		used = []string{"files"}
	case Reindex:
		used = []string{"collection", "property", "tokenization"}
	}
	if t.PerTenant && t.Kind != Cleanup {
		used = append(used, "per_tenant")
	}
	if t.Barrier {
		used = append(used, "barrier")
	}
	if t.Tacit && t.Kind != Cleanup {
		used = append(used, "tacit")
	}
	v.only(path, string(t.Kind), used, []present{
		{"files", t.Files != 0},
		{"collection", t.Collection != ""},
		{"property", t.Property != ""},
		{"tokenization", t.Tokenization != ""},
		{"per_tenant", t.PerTenant},
		{"barrier", t.Barrier},
		{"tacit", t.Tacit},
	})
	if v.err != nil {
		return
	}
	var c *Collection
	if t.Kind == Cleanup {
		v.number(path+".files", t.Files, 1, MaxUnits)
	} else {
		c = v.created(path+".collection", t.Collection)
		if c == nil {
			return
		}
		if t.Kind == Reindex {
			v.propertyOf(path+".property", c, t.Property)
			v.name(path+".tokenization", t.Tokenization)
		}
		if t.PerTenant && len(c.Tenants) == 0 {
			v.failf(path+".per_tenant", "the collection %s has no tenants", c.Name)
		}
	}
	if v.err != nil {
		return
	}
	units := UnitsOf(t, c, v.p.Cluster.Nodes)
	if v.units += len(units); v.units > MaxAllUnits {
		v.failf(path, "all tasks together have more than %d units", MaxAllUnits)
	}
	if len(t.SlowUnits)+len(t.FailUnits) == 0 {
		return
	}
	ids := make([]string, len(units))
	for i, u := range units {
		ids[i] = u.ID
	}
	slices.Sort(ids)
	v.unitList(path+".slow_units", t.SlowUnits, ids)
	v.unitList(path+".fail_units", t.FailUnits, ids)
}

// unitList complains about a unit that is there twice or that the task lacks.
func (v *validator) unitList(path string, list, ids []string) {
	seen := make(map[string]bool, len(list))
	for i, id := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, ok := slices.BinarySearch(ids, id); !ok {
			v.failf(at, "the task has no unit %q; the first is %q", id, ids[0])
		}
		if seen[id] {
			v.failf(at, "the unit %q is there twice", id)
		}
		seen[id] = true
	}
}

// created returns the collection that exists by that name, as far as the operations
// seen so far tell.
func (v *validator) created(path, name string) *Collection {
	c := v.collections[name]
	if c == nil {
		v.failf(path, "no operation creates the collection %q before this", name)
	}
	return c
}

// added complains about a task that no operation seen so far submits, and returns
// how often it was submitted.
func (v *validator) added(path, namespace, id string) int {
	oneOf(v, path+".namespace", Kind(namespace), kinds)
	n := v.tasks[[2]string{namespace, id}]
	if n == 0 {
		v.failf(path+".task_id", "no operation adds the task %q of %s before this", id, namespace)
	}
	return n
}

// propertyOf complains about a property that the collection lacks.
func (v *validator) propertyOf(path string, c *Collection, property string) {
	if _, ok := c.Properties[property]; !ok {
		v.failf(path, "%q is no property of %s", property, c.Name)
	}
}

// allOf complains about what is not among the names that there are.
func (v *validator) allOf(path string, list, there []string, what string) {
	known := make(map[string]bool, len(there))
	for _, s := range there {
		known[s] = true
	}
	for i, s := range list {
		if !known[s] {
			v.failf(fmt.Sprintf("%s[%d]", path, i), "%q is not among the %s", s, what)
		}
	}
}
