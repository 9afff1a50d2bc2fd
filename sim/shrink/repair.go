package shrink

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// clone returns a copy that shares nothing with p.
func clone(p *taskplan.Plan) *taskplan.Plan { return p.Clone() }

// place is where a plan is invalid: an entry of one of its lists, and an entry of a
// list inside of that.
var place = regexp.MustCompile(`^(tasks\.workload|faults|tasks\.promises|tasks\.inherited\.tasks|tasks\.inherited\.collections)\[(\d+)\](?:.*\.(slow_units|fail_units|tenants|nodes)\[(\d+)\])?`)

// repaired drops whatever a plan that lost an element does not allow any more: an
// operation on a collection that is gone, a fault of a task that is gone. It changes
// p and returns it; nil when that makes no valid plan.
func repaired(p *taskplan.Plan) *taskplan.Plan {
	for {
		if h := p.Inherited; h != nil && len(h.Tasks)+len(h.Collections) == 0 {
			p.Inherited = nil
		}
		err := p.Validate()
		if err == nil {
			break
		}
		var e *plan.Error
		if !errors.As(err, &e) || !drop(p, e.Path) {
			return nil
		}
	}
	if len(p.Faults) == 0 {
		p.Calm = 0
	}
	for i := range p.Faults {
		if f := &p.Faults[i]; f.Key == uint64(i)+1 {
			f.Key = 0 // as good, and shorter
		}
	}
	return p
}

// drop removes what a path names, and reports whether it could.
func drop(p *taskplan.Plan, path string) bool {
	m := place.FindStringSubmatch(path)
	if m == nil {
		return false
	}
	i, err := strconv.Atoi(m[2])
	if err != nil {
		return false
	}
	if m[3] != "" {
		n, err := strconv.Atoi(m[4])
		if list := entries(p, m[1], i, m[3]); err == nil && list != nil && n < len(*list) {
			*list = slices.Delete(*list, n, n+1)
			return true
		}
	}
	switch m[1] {
	case "tasks.workload":
		dropOperation(p, i)
	case "faults":
		*p = *p.WithoutFault(i)
	case "tasks.promises":
		p.Promises = slices.Delete(p.Promises, i, i+1)
	case "tasks.inherited.tasks":
		p.Inherited.Tasks = slices.Delete(p.Inherited.Tasks, i, i+1)
	case "tasks.inherited.collections":
		p.Inherited.Collections = slices.Delete(p.Inherited.Collections, i, i+1)
	}
	return true
}

// entries returns a list of names inside an operation or a fault, nil for one whose
// entries cannot go alone.
func entries(p *taskplan.Plan, where string, i int, list string) *[]string {
	switch {
	case where == "faults" && list == "nodes":
		return &p.Faults[i].Nodes
	case where != "tasks.workload":
		return nil
	}
	o := &p.Workload[i]
	switch {
	case list == "slow_units" && o.Task != nil:
		return &o.Task.SlowUnits
	case list == "fail_units" && o.Task != nil:
		return &o.Task.FailUnits
	case list == "tenants" && o.Collection == nil:
		return &o.Tenants
	}
	return nil
}

// dropOperation removes operation i, and the promises about it; the others' positions
// are put right.
func dropOperation(p *taskplan.Plan, i int) {
	p.Workload = slices.Delete(p.Workload, i, i+1)
	p.Promises = slices.DeleteFunc(p.Promises, func(q taskplan.Promise) bool { return slices.Contains(q.Operations, i) })
	for _, q := range p.Promises {
		for n, op := range q.Operations {
			if op > i {
				q.Operations[n]--
			}
		}
	}
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

// inheritedTasks are those of the tasks that nobody submits.
func inheritedTasks(p *taskplan.Plan) (all []*taskplan.Task) {
	if p.Inherited != nil {
		for i := range p.Inherited.Tasks {
			all = append(all, &p.Inherited.Tasks[i].Task)
		}
	}
	return all
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
