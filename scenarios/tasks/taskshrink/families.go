package taskshrink

import (
	"maps"
	"slices"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/shrink"
)

func (application) Families() (first, rest []shrink.Family) {
	first = []shrink.Family{
		{
			Name: "operations", Workload: true,
			Count: func(s shrink.Subject) int { return len(of(s).Workload) },
			Without: func(s shrink.Subject, from, to int) {
				for range to - from {
					dropOperation(of(s), from)
				}
			},
		},
		inherited("inherited tasks", func(h *taskplan.Inherited) int { return len(h.Tasks) },
			func(h *taskplan.Inherited, from, to int) { h.Tasks = slices.Delete(h.Tasks, from, to) }),
		inherited("inherited collections", func(h *taskplan.Inherited) int { return len(h.Collections) },
			func(h *taskplan.Inherited, from, to int) { h.Collections = slices.Delete(h.Collections, from, to) }),
	}
	rest = []shrink.Family{
		shrink.Names("shards", true, func(s shrink.Subject) (all []*[]string) {
			for _, c := range collections(of(s)) {
				all = append(all, &c.Shards, &c.Tenants)
			}
			return all
		}),
		shrink.Numbers("files", 1, func(s shrink.Subject) (all []*int) {
			for _, t := range tasks(of(s)) {
				all = append(all, &t.Files)
			}
			return all
		}),
		shrink.Numbers("replicas", 1, func(s shrink.Subject) (all []*int) {
			for _, c := range collections(of(s)) {
				all = append(all, &c.Replicas)
			}
			return all
		}),
		properties,
		shrink.Names("special units", true, func(s shrink.Subject) (all []*[]string) {
			for _, t := range tasks(of(s)) {
				all = append(all, &t.SlowUnits, &t.FailUnits)
			}
			return all
		}),
		shrink.Names("tenants to delete", true, func(s shrink.Subject) (all []*[]string) {
			for i := range of(s).Workload {
				all = append(all, &of(s).Workload[i].Tenants)
			}
			return all
		}),
		shrink.Numbers("retries", 0, func(s shrink.Subject) (all []*int) {
			for i := range of(s).Workload {
				all = append(all, &of(s).Workload[i].Retry)
			}
			return all
		}),
		{
			Name:  "promises",
			Count: func(s shrink.Subject) int { return len(of(s).Promises) },
			Without: func(s shrink.Subject, from, to int) {
				of(s).Promises = slices.Delete(of(s).Promises, from, to)
			},
		},
	}
	return first, rest
}

// inherited makes a family of a part of what a plan inherits.
func inherited(name string, count func(h *taskplan.Inherited) int, drop func(h *taskplan.Inherited, from, to int)) shrink.Family {
	return shrink.Family{
		Name: name, Workload: true,
		Count: func(s shrink.Subject) int {
			if of(s).Inherited == nil {
				return 0
			}
			return count(of(s).Inherited)
		},
		Without: func(s shrink.Subject, from, to int) { drop(of(s).Inherited, from, to) },
	}
}

// properties are those of all collections.
var properties = shrink.Family{
	Name: "properties", Workload: true,
	Count: func(s shrink.Subject) (n int) {
		for _, c := range collections(of(s)) {
			n += len(c.Properties)
		}
		return n
	},
	Without: func(s shrink.Subject, from, to int) {
		i := 0
		for _, c := range collections(of(s)) {
			for _, name := range slices.Sorted(maps.Keys(c.Properties)) {
				if from <= i && i < to {
					delete(c.Properties, name)
				}
				i++
			}
		}
	},
}

// collections returns the collections that are inherited, and those that the workload
// creates.
func collections(p *taskplan.Plan) (all []*taskplan.Collection) {
	if p.Inherited != nil {
		for i := range p.Inherited.Collections {
			all = append(all, &p.Inherited.Collections[i])
		}
	}
	for i := range p.Workload {
		if c := p.Workload[i].Collection; c != nil {
			all = append(all, c)
		}
	}
	return all
}

// tasks returns the tasks that are inherited, and those that the workload submits.
func tasks(p *taskplan.Plan) (all []*taskplan.Task) {
	all = inheritedTasks(p)
	for i := range p.Workload {
		if t := p.Workload[i].Task; t != nil {
			all = append(all, t)
		}
	}
	return all
}

// inheritedTasks are those of the tasks that no operation submits.
func inheritedTasks(p *taskplan.Plan) (all []*taskplan.Task) {
	if p.Inherited != nil {
		for i := range p.Inherited.Tasks {
			all = append(all, &p.Inherited.Tasks[i].Task)
		}
	}
	return all
}
