package shrink

import (
	"iter"
	"slices"

	"dtsim/sim/plan"
)

// families returns all families in the order in which they are tried: what takes most away
// comes first.
func families(a Application) []Family {
	first, rest := a.Families()
	return slices.Concat([]Family{stalls, faults}, first, []Family{nodes}, rest, []Family{nodesOfFaults})
}

// families returns those that may be reduced.
func (s *shrinker) families() []Family {
	return slices.DeleteFunc(families(s.app), func(f Family) bool { return f.Workload && s.promise })
}

// Elements yields each single element of a plan: the name of its family, and a valid plan
// without it, nil if there is none.
func Elements(a Application, of Subject) iter.Seq2[string, Subject] {
	return func(yield func(string, Subject) bool) {
		for _, f := range families(a) {
			for less := range windows(of, f, 0, 1) {
				if !yield(f.Name, less) {
					return
				}
			}
		}
	}
}

var (
	faults = Family{
		Name:  "faults",
		Count: func(s Subject) int { return len(s.Base().Faults) },
		Without: func(s Subject, from, to int) {
			for range to - from {
				*s.Base() = *s.Base().WithoutFault(from)
			}
		},
	}
	nodes = Family{
		Name: "nodes", Workload: true,
		Count: func(s Subject) int {
			if n := s.Base().Cluster.Nodes; n > 1 {
				return n
			}
			return 0 // there is no cluster without a node
		},
		Without: withoutNodes,
	}
	nodesOfFaults = Names("nodes of faults", false, func(s Subject) (all []*[]string) {
		p := s.Base()
		for i := range p.Faults {
			all = append(all, &p.Faults[i].Nodes)
		}
		return all
	})
)

// without returns a valid plan without some elements of a family, nil if there is none.
func without(s Subject, f Family, from, to int) Subject {
	s = s.Clone()
	f.Without(s, from, to)
	return repaired(s)
}

// elements counts what could still be removed.
func (s *shrinker) elements() (n int) {
	for _, f := range s.families() {
		n += f.Count(s.best)
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
func (s *shrinker) thin(f Family) (changed bool) {
	for size := f.Count(s.best); size > 0; size /= 2 {
		for at := 0; at < f.Count(s.best); {
			i, ok := s.accept(f.Name, windows(s.best, f, at, size))
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
func windows(s Subject, f Family, at, size int) candidates {
	n := f.Count(s)
	return func(yield func(Subject) bool) {
		for ; at < n; at += size {
			if !yield(without(s, f, at, min(at+size, n))) {
				return
			}
		}
	}
}

// prove takes every single element away once more. It reports whether the violation
// was gone each time; if not, the plan has become smaller.
func (s *shrinker) prove() bool {
	s.skipped = false
	_, smaller := s.accept("proof", func(yield func(Subject) bool) {
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

// Names makes a family of the entries of lists of names.
func Names(name string, workload bool, of func(s Subject) []*[]string) Family {
	return Family{
		Name: name, Workload: workload,
		Count: func(s Subject) (n int) {
			for _, list := range of(s) {
				n += len(*list)
			}
			return n
		},
		Without: func(s Subject, from, to int) {
			for _, list := range of(s) {
				n := len(*list)
				lo, hi := min(max(from, 0), n), min(max(to, 0), n)
				*list = slices.Delete(*list, lo, hi)
				from, to = from-n, to-n
			}
		},
	}
}

// Numbers makes a family of what numbers of the workload are above a floor.
func Numbers(name string, floor int, of func(s Subject) []*int) Family {
	return Family{
		Name: name, Workload: true,
		Count: func(s Subject) (n int) {
			for _, v := range of(s) {
				n += max(*v-floor, 0)
			}
			return n
		},
		Without: func(s Subject, from, to int) {
			for _, v := range of(s) {
				n := max(*v-floor, 0)
				*v -= min(max(to, 0), n) - min(max(from, 0), n)
				from, to = from-n, to-n
			}
		},
	}
}

// withoutNodes takes nodes away. The others move up, and what named one that is gone
// names the one in its place. Of all nodes, one stays.
func withoutNodes(s Subject, from, to int) {
	p := s.Base()
	left := max(p.Cluster.Nodes-(to-from), 1)
	moved := map[string]string{}
	for i := range p.Cluster.Nodes {
		at := i
		if i >= from {
			at = max(i-(to-from), from)
		}
		moved[plan.NodeName(i+1)] = plan.NodeName(min(at, left-1) + 1)
	}
	rename := func(name string) string {
		if to, ok := moved[name]; ok {
			return to
		}
		return name
	}
	p.Cluster.Nodes = left
	for i := range p.Faults {
		f := &p.Faults[i]
		f.Node, f.Peer = rename(f.Node), rename(f.Peer)
		f.Nodes = Distinct(f.Nodes, rename)
		if f.When != nil {
			f.When.Node = rename(f.When.Node)
		}
	}
	if p.Stalls != nil {
		p.Stalls.Node = rename(p.Stalls.Node)
		for i := range p.Stalls.Held {
			p.Stalls.Held[i].Node = rename(p.Stalls.Held[i].Node)
		}
	}
	s.WithoutNodes(rename)
}

// Distinct returns what names become, each once.
func Distinct(names []string, rename func(string) string) (once []string) {
	for _, name := range names {
		if name = rename(name); !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}
