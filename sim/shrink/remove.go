package shrink

import (
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// family is a kind of element that can be taken away from a plan, numbered from 0.
type family struct {
	name string
	// workload says that the elements are part of the workload, or decide what it means.
	workload bool
	count    func(p *taskplan.Plan) int
	// without returns a copy of the plan that lacks the elements from..to-1 and all that
	// refers to them; nil when there is no such plan.
	without func(p *taskplan.Plan, from, to int) *taskplan.Plan
}

// families is the table of all of them, in the order in which they are tried: what
// takes most away comes first.
var families = []family{
	{
		name:  "faults",
		count: func(p *taskplan.Plan) int { return len(p.Faults) },
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			for range to - from {
				p = p.WithoutFault(from)
			}
			return repaired(clone(p))
		},
	},
	{
		name: "operations", workload: true,
		count: func(p *taskplan.Plan) int { return len(p.Workload) },
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			p = clone(p)
			for range to - from {
				dropOperation(p, from)
			}
			return repaired(p)
		},
	},
	inherited("inherited tasks", func(h *taskplan.Inherited) int { return len(h.Tasks) },
		func(h *taskplan.Inherited, from, to int) { h.Tasks = slices.Delete(h.Tasks, from, to) }),
	inherited("inherited collections", func(h *taskplan.Inherited) int { return len(h.Collections) },
		func(h *taskplan.Inherited, from, to int) { h.Collections = slices.Delete(h.Collections, from, to) }),
	{
		name: "nodes", workload: true,
		count: func(p *taskplan.Plan) int {
			if p.Cluster.Nodes == 1 {
				return 0 // there is no cluster without a node
			}
			return p.Cluster.Nodes
		},
		without: withoutNodes,
	},
	names("shards", true, func(p *taskplan.Plan) (all []*[]string) {
		for _, c := range collections(p) {
			all = append(all, &c.Shards, &c.Tenants)
		}
		return all
	}),
	numbers("files", 1, func(p *taskplan.Plan) (all []*int) {
		for _, t := range tasks(p) {
			all = append(all, &t.Files)
		}
		return all
	}),
	numbers("replicas", 1, func(p *taskplan.Plan) (all []*int) {
		for _, c := range collections(p) {
			all = append(all, &c.Replicas)
		}
		return all
	}),
	properties,
	names("special units", true, func(p *taskplan.Plan) (all []*[]string) {
		for _, t := range tasks(p) {
			all = append(all, &t.SlowUnits, &t.FailUnits)
		}
		return all
	}),
	names("tenants to delete", true, func(p *taskplan.Plan) (all []*[]string) {
		for i := range p.Workload {
			all = append(all, &p.Workload[i].Tenants)
		}
		return all
	}),
	numbers("retries", 0, func(p *taskplan.Plan) (all []*int) {
		for i := range p.Workload {
			all = append(all, &p.Workload[i].Retry)
		}
		return all
	}),
	names("nodes of faults", false, func(p *taskplan.Plan) (all []*[]string) {
		for i := range p.Faults {
			all = append(all, &p.Faults[i].Nodes)
		}
		return all
	}),
	{
		name:  "promises",
		count: func(p *taskplan.Plan) int { return len(p.Promises) },
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			p = clone(p)
			p.Promises = slices.Delete(p.Promises, from, to)
			return repaired(p)
		},
	},
}

// families returns those that may be reduced.
func (s *shrinker) families() []family {
	return slices.DeleteFunc(slices.Clone(families), func(f family) bool { return f.workload && s.promise })
}

// elements counts what could still be removed.
func (s *shrinker) elements() (n int) {
	for _, f := range s.families() {
		n += f.count(s.best)
	}
	return n
}

// remove takes elements away, many at a time and then fewer, until no single one of
// any family can go.
func (s *shrinker) remove() {
	for again := true; again; {
		again = false
		for _, f := range s.families() {
			again = s.thin(f) || again
		}
	}
}

// thin takes elements of one family away. It reports whether any went.
func (s *shrinker) thin(f family) (changed bool) {
	for size := f.count(s.best); size > 0; size /= 2 {
		for at := 0; at < f.count(s.best); {
			i, ok := s.accept(f.name, windows(s.best, f, at, size))
			if !ok {
				break
			}
			changed = true
			at += i * size // what stood there is gone, what was before it must stay
		}
	}
	return changed
}

// windows are the plans without size elements in a row, from position at on.
func windows(p *taskplan.Plan, f family, at, size int) candidates {
	n := f.count(p)
	return func(yield func(*taskplan.Plan) bool) {
		for ; at < n; at += size {
			if !yield(f.without(p, at, min(at+size, n))) {
				return
			}
		}
	}
}

// prove takes every single element away once more. It reports whether the violation
// was gone each time; if not, the plan has become smaller.
func (s *shrinker) prove() bool {
	s.skipped = false
	_, smaller := s.accept("proof", func(yield func(*taskplan.Plan) bool) {
		for _, f := range s.families() {
			for c := range windows(s.best, f, 0, 1) {
				if !yield(c) {
					return
				}
			}
		}
	})
	s.minimal = !smaller && !s.skipped
	return !smaller
}

// names makes a family of the entries of lists of names.
func names(name string, workload bool, of func(p *taskplan.Plan) []*[]string) family {
	return family{
		name: name, workload: workload,
		count: func(p *taskplan.Plan) (n int) {
			for _, list := range of(p) {
				n += len(*list)
			}
			return n
		},
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			p = clone(p)
			for _, list := range of(p) {
				n := len(*list)
				lo, hi := min(max(from, 0), n), min(max(to, 0), n)
				*list = slices.Delete(*list, lo, hi)
				from, to = from-n, to-n
			}
			return repaired(p)
		},
	}
}

// numbers makes a family of what numbers of the workload are above a floor.
func numbers(name string, floor int, of func(p *taskplan.Plan) []*int) family {
	return family{
		name: name, workload: true,
		count: func(p *taskplan.Plan) (n int) {
			for _, v := range of(p) {
				n += max(*v-floor, 0)
			}
			return n
		},
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			p = clone(p)
			for _, v := range of(p) {
				n := max(*v-floor, 0)
				*v -= min(max(to, 0), n) - min(max(from, 0), n)
				from, to = from-n, to-n
			}
			return repaired(p)
		},
	}
}

// inherited makes a family of a part of what a plan inherits.
func inherited(name string, count func(h *taskplan.Inherited) int, drop func(h *taskplan.Inherited, from, to int)) family {
	return family{
		name: name, workload: true,
		count: func(p *taskplan.Plan) int {
			if p.Inherited == nil {
				return 0
			}
			return count(p.Inherited)
		},
		without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
			p = clone(p)
			drop(p.Inherited, from, to)
			return repaired(p)
		},
	}
}

// properties are those of all collections.
var properties = family{
	name: "properties", workload: true,
	count: func(p *taskplan.Plan) (n int) {
		for _, c := range collections(p) {
			n += len(c.Properties)
		}
		return n
	},
	without: func(p *taskplan.Plan, from, to int) *taskplan.Plan {
		p = clone(p)
		i := 0
		for _, c := range collections(p) {
			for _, name := range sortedKeys(c.Properties) {
				if from <= i && i < to {
					delete(c.Properties, name)
				}
				i++
			}
		}
		return repaired(p)
	},
}

// withoutNodes takes nodes away. The others move up, and what named one that is gone
// names the one in its place.
func withoutNodes(p *taskplan.Plan, from, to int) *taskplan.Plan {
	left := p.Cluster.Nodes - (to - from)
	if left < 1 {
		return nil
	}
	moved := map[string]string{}
	for i := range p.Cluster.Nodes {
		to := i
		if i >= from {
			to = max(i-(to-from), from)
		}
		moved[plan.NodeName(i+1)] = plan.NodeName(min(to, left-1) + 1)
	}
	p = clone(p)
	p.Cluster.Nodes = left
	node := func(name *string) {
		if to, ok := moved[*name]; ok {
			*name = to
		}
	}
	unit := func(id *string) {
		if shard, name, ok := strings.Cut(*id, "__"); ok {
			node(&name)
			*id = taskplan.UnitID(shard, name)
		}
	}
	distinct := func(list *[]string, rename func(*string)) {
		for i := range *list {
			rename(&(*list)[i])
		}
		var once []string
		for _, name := range *list {
			if !slices.Contains(once, name) {
				once = append(once, name)
			}
		}
		*list = once
	}
	for i := range p.Workload {
		node(&p.Workload[i].Node)
	}
	for _, c := range collections(p) {
		c.Replicas = min(c.Replicas, left)
	}
	for _, t := range tasks(p) {
		distinct(&t.SlowUnits, unit)
		distinct(&t.FailUnits, unit)
	}
	for i := range p.Faults {
		f := &p.Faults[i]
		node(&f.Node)
		node(&f.Peer)
		if id, ok := f.About[taskplan.AboutUnit]; ok {
			unit(&id)
			f.About[taskplan.AboutUnit] = id
		}
		distinct(&f.Nodes, node)
		if f.When != nil {
			node(&f.When.Node)
		}
		if op := p.Does(i); op != nil {
			node(&op.Node)
			f.Do = taskplan.Do(*op)
		}
	}
	return repaired(p)
}
