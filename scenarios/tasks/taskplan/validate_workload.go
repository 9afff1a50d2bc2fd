package taskplan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/sim/plan"
)

var actions = []Action{
	AddTask, CancelTask, FailTask, CleanUpTask, CreateCollection, DropCollection, UpdateProperty, AddTenants, FreezeTenants, ThawTenants,
	DeleteTenants, SendStray, ListTasks,
}

var kinds = Kinds()

// usedBy holds which fields of an Operation each action uses; at, node and do are
// used by all.
var usedBy = map[Action][]string{
	AddTask:          {"task"},
	CancelTask:       {"namespace", "task_id"},
	FailTask:         {"namespace", "task_id"},
	CleanUpTask:      {"namespace", "task_id"},
	CreateCollection: {"collection"},
	DropCollection:   {"target"},
	UpdateProperty:   {"target", "property", "tokenization"},
	AddTenants:       {"target", "tenants"},
	FreezeTenants:    {"target", "tenants"},
	ThawTenants:      {"target", "tenants"},
	DeleteTenants:    {"target", "tenants"},
	SendStray:        {"namespace", "task_id", "stray"},
	ListTasks:        {},
}

func (v *validator) operation(i int) {
	o := &v.p.Workload[i]
	path := fmt.Sprintf("tasks.workload[%d]", i)
	at := path + ".at"
	switch {
	case o.At < 0:
		v.Failf(at, "%s is before the start of the run", o.At)
	case o.At >= v.p.Plan.Duration:
		v.Failf(at, "%s is past the end of the run (%s)", o.At, v.p.Plan.Duration)
	case i > 0 && o.At < v.p.Workload[i-1].At:
		v.Failf(at, "%s is before tasks.workload[%d].at (%s); operations are sorted by time", o.At, i-1, v.p.Workload[i-1].At)
	}
	plan.OneOf(&v.Checker, path+".node", o.Node, v.nodes)
	if o.ReadBack && o.Do == ListTasks {
		v.Failf(path+".read_back", "%s reads by itself", o.Do)
	}
	if o.Within != 0 {
		v.Duration(path+".within", o.Within, minSetting, plan.MaxSetting)
	}
	v.perform(path, o)
}

// perform complains about what an operation does.
func (v *validator) perform(path string, o *Operation) {
	plan.OneOf(&v.Checker, path+".do", o.Do, actions)
	v.Number(path+".retry", o.Retry, 0, MaxRetry)
	if v.Failed() {
		return
	}
	v.Fields(path, string(o.Do), plan.Use{Needs: usedBy[o.Do]}, []plan.Field{
		{"task", o.Task != nil},
		{"collection", o.Collection != nil},
		{"namespace", o.Namespace != ""},
		{"task_id", o.TaskID != ""},
		{"target", o.Target != ""},
		{"property", o.Property != ""},
		{"tokenization", o.Tokenization != ""},
		{"tenants", len(o.Tenants) > 0},
		{"stray", o.Stray != ""},
	})
	if v.Failed() {
		return
	}
	switch o.Do {
	case AddTask:
		v.task(path+".task", o.Task)
		v.tasks[[2]string{string(o.Task.Kind), o.Task.ID}]++
	case CancelTask, FailTask, CleanUpTask:
		v.added(path, o.Namespace, o.TaskID)
	case SendStray:
		v.added(path, o.Namespace, o.TaskID)
		if !slices.Contains(Strays(), o.Stray) {
			command, wrong := o.Stray.Parts()
			plan.OneOf(&v.Checker, path+".stray", command, strayCommands)
			v.Failf(path+".stray", "nothing sends %s that is wrong by %q; %s can be wrong by %s", command, wrong, command, strings.Join(wrongs(command), ", "))
		}
	case CreateCollection:
		v.collection(path+".collection", o.Collection)
		v.collections[strings.ToLower(o.Collection.Name)] = o.Collection
	case DropCollection, UpdateProperty, AddTenants, FreezeTenants, ThawTenants, DeleteTenants:
		c := v.created(path+".target", o.Target)
		if c == nil {
			return
		}
		switch o.Do {
		case UpdateProperty:
			v.propertyOf(path+".property", c, o.Property)
			v.Name(path+".tokenization", o.Tokenization)
		case AddTenants:
			v.Names(path+".tenants", o.Tenants)
			if len(c.Tenants) == 0 {
				v.Failf(path+".target", "%s was not created with tenants", c.Name)
			}
		case FreezeTenants, ThawTenants, DeleteTenants:
			v.Names(path+".tenants", o.Tenants)
			v.allOf(path+".tenants", o.Tenants, c.Tenants, "tenants of "+c.Name)
		}
	}
}

func (v *validator) collection(path string, c *Collection) {
	v.Name(path+".name", c.Name)
	if len(c.Properties) == 0 || len(c.Properties) > plan.MaxNames {
		v.Failf(path+".properties", "%d properties; from 1 to %d are possible", len(c.Properties), plan.MaxNames)
		return
	}
	for _, p := range slices.Sorted(maps.Keys(c.Properties)) {
		v.Name(path+".properties."+p, p)
		v.Name(path+".properties."+p, c.Properties[p])
	}
	switch {
	case len(c.Shards) == 0 && len(c.Tenants) == 0:
		v.Failf(path+".shards", "missing; a collection has shards or tenants")
	case len(c.Shards) > 0 && len(c.Tenants) > 0:
		v.Failf(path+".tenants", "a collection with shards has no tenants")
	}
	v.Names(path+".shards", c.Shards)
	v.Names(path+".tenants", c.Tenants)
	v.Number(path+".replicas", c.Replicas, 1, v.p.Cluster.Nodes)
	if n := len(c.ShardNames()) * c.Replicas; n > MaxUnits {
		v.Failf(path+".replicas", "%d replicas of all shards; at most %d are possible", n, MaxUnits)
	}
}

func (v *validator) task(path string, t *Task) {
	plan.OneOf(&v.Checker, path+".kind", t.Kind, kinds)
	v.ID(path+".id", t.ID)
	v.Number(path+".parallel", t.Parallel, 1, MaxParallel)
	v.Duration(path+".min_unit_time", t.MinUnitTime, 0, plan.MaxSetting)
	v.Duration(path+".max_unit_time", t.MaxUnitTime, 0, plan.MaxSetting)
	if t.MaxUnitTime != 0 && t.MaxUnitTime < t.MinUnitTime {
		v.Failf(path+".max_unit_time", "%s is below min_unit_time (%s)", t.MaxUnitTime, t.MinUnitTime)
	}
	if v.Failed() {
		return
	}
	if t.Flaw != "" {
		plan.OneOf(&v.Checker, path+".flaw", t.Flaw, Flaws(t.Kind))
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
	if t.Tacit && t.Kind != Cleanup && t.Kind != ShardNoop {
		used = append(used, "tacit")
	}
	v.Fields(path, string(t.Kind), plan.Use{Needs: used}, []plan.Field{
		{"files", t.Files != 0},
		{"collection", t.Collection != ""},
		{"property", t.Property != ""},
		{"tokenization", t.Tokenization != ""},
		{"per_tenant", t.PerTenant},
		{"barrier", t.Barrier},
		{"tacit", t.Tacit},
	})
	if v.Failed() {
		return
	}
	var c *Collection
	if t.Kind == Cleanup {
		v.Number(path+".files", t.Files, 1, MaxUnits)
	} else {
		c = v.created(path+".collection", t.Collection)
		if c == nil {
			return
		}
		if t.Kind == Reindex {
			v.propertyOf(path+".property", c, t.Property)
			v.Name(path+".tokenization", t.Tokenization)
		}
		if t.PerTenant && len(c.Tenants) == 0 {
			v.Failf(path+".per_tenant", "the collection %s has no tenants", c.Name)
		}
	}
	if v.Failed() {
		return
	}
	if t.Kind == ShardNoop && (len(t.SlowUnits) > 1 || len(t.FailUnits) > 1) {
		v.Failf(path, "%s has at most one slow unit and one that fails", t.Kind)
		return
	}
	units := UnitsOf(t, c, v.p.Cluster.Nodes)
	if v.units += len(units); v.units > MaxAllUnits {
		v.Failf(path, "all tasks together have more than %d units", MaxAllUnits)
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

// unitList complains about a unit that is there twice or is not in the task.
func (v *validator) unitList(path string, list, ids []string) {
	seen := make(map[string]bool, len(list))
	for i, id := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, ok := slices.BinarySearch(ids, id); !ok {
			v.Failf(at, "the task has no unit %q; the first is %q", id, ids[0])
		}
		if seen[id] {
			v.Failf(at, "the unit %q is there twice", id)
		}
		seen[id] = true
	}
}

// created returns the collection that exists by that name, as far as the operations
// seen so far show.
func (v *validator) created(path, name string) *Collection {
	c := v.collections[strings.ToLower(name)]
	if c == nil {
		v.Failf(path, "no operation creates the collection %q before this", name)
	}
	return c
}

// added complains about a task that no operation seen so far submits, and returns
// how often it was submitted.
func (v *validator) added(path, namespace, id string) int {
	plan.OneOf(&v.Checker, path+".namespace", Kind(namespace), kinds)
	n := v.tasks[[2]string{namespace, id}]
	if n == 0 {
		v.Failf(path+".task_id", "no operation adds the task %q of %s before this", id, namespace)
	}
	return n
}

// propertyOf complains about a property that the collection does not have.
func (v *validator) propertyOf(path string, c *Collection, property string) {
	if _, ok := c.Properties[property]; !ok {
		v.Failf(path, "%q is no property of %s", property, c.Name)
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
			v.Failf(fmt.Sprintf("%s[%d]", path, i), "%q is not among the %s", s, what)
		}
	}
}
