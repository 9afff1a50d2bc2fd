package plan

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

const (
	// MaxFaults is how many faults a plan may have.
	MaxFaults = 10_000
	million   = 1_000_000
	// maxDrift is the MaxDrift of package sim/clock.
	maxDrift = 500_000
	maxCount = 1_000_000_000
)

func (v *validator) faults() {
	p := v.p
	if p.Quiescence < 0 || p.Quiescence >= p.Duration {
		v.Failf("calm", "%s is not from 0s to below the end of the run (%s)", p.Quiescence, p.Duration)
	}
	if len(p.Faults) > 0 && p.Quiescence == 0 {
		v.Failf("calm", "missing; a plan with faults must have a time of quiescence, at which they end")
	}
	if n := len(p.Faults); n > MaxFaults {
		v.Failf("faults", "%d faults; at most %d are possible", n, MaxFaults)
	}
	if v.Failed() {
		return
	}
	v.members()
	keys := make(map[uint64]int, len(p.Faults))
	for i := range p.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		v.fault(path, &p.Faults[i])
		key := p.FaultKey(i)
		if first, twice := keys[key]; twice {
			v.Failf(path+".key", "%d is the key of faults[%d]", key, first)
		}
		keys[key] = i
		if v.Failed() {
			return
		}
	}
}

func (v *validator) fault(path string, f *Fault) {
	use, own := FaultUse(f.Kind)
	switch {
	case own:
		v.FaultFields(path, f, use)
	case v.p.Application == "" || f.Kind == "":
		OneOf(&v.Checker, path+".kind", f.Kind, FaultKinds())
		return
	}
	v.faultTimes(path, f)
	v.trigger(path+".when", f.When)
	v.faultNodes(path, f)
	v.name(path, f.Op, f.Name, named)
	if f.Rate > million {
		v.Failf(path+".rate", "%d is above %d, which is always", f.Rate, million)
	}
	v.Number(path+".count", f.Count, 0, maxCount)
	if f.Drift < -maxDrift || f.Drift > maxDrift {
		v.Failf(path+".drift", "%d is not from %d to %d", f.Drift, -maxDrift, maxDrift)
	}
}

// members complains about changes of the configuration after which what is left of it could commit
// nothing, not even that they are taken back: one node at a time is no voter, and others may have left
// for good.
func (v *validator) members() {
	gone := v.p.MostGone()
	n := v.p.Cluster.Nodes
	for i, f := range v.p.Faults {
		switch {
		case !ChangesMembers(f.Kind):
		case f.Kind == UserRestore && v.p.Cluster.Raft.BatchApply:
			v.Failf(fmt.Sprintf("faults[%d].kind", i), "%s is not for leaders that take in commands as batches (cluster.raft.batch_apply)", f.Kind)
		case f.Kind == UserRestore && !CanRemove(n, gone):
			v.Failf(fmt.Sprintf("faults[%d].kind", i), "%s may end in the removal of its node, while that is down: of %d nodes, of which the plan lets %d leave for good, the others could not commit it",
				f.Kind, n, gone)
		case f.Kind == Recover:
			if (n-gone)*2 <= n {
				v.Failf(fmt.Sprintf("faults[%d].kind", i), "the plan lets %d of %d nodes leave for good: what is committed may be on no disk that is left", gone, n)
			}
		case n == 1:
			v.Failf(fmt.Sprintf("faults[%d].kind", i), "%s would leave no voter", f.Kind)
		case !CanMiss(n, gone):
			v.Failf(fmt.Sprintf("faults[%d].kind", i), "%s leaves %d voters, of which the plan lets %d leave for good: the others could commit nothing",
				f.Kind, n-1, gone)
		}
	}
}

// CanMiss reports whether a cluster of n nodes can commit something while one of them has no vote and so
// many others have left for good.
func CanMiss(n, gone int) bool { return (n-1-gone)*2 > n-1 }

// CanRemove reports whether a cluster of n nodes can commit the removal of one that is down when so many
// others have left for good.
func CanRemove(n, gone int) bool { return (n-1-gone)*2 > n }

// MostGone returns how many nodes the faults let leave for good at most.
func (p *Plan) MostGone() int {
	gone := 0
	for i := range p.Faults {
		if f := &p.Faults[i]; f.Kind == Leave || f.Kind == Remove {
			gone += p.most(f)
		}
	}
	return gone
}

// most is how many nodes a fault names at most.
func (p *Plan) most(f *Fault) int {
	n := 0
	for _, name := range f.Nodes {
		switch name {
		case Minority:
			n += (p.Cluster.Nodes - 1) / 2
		case Majority:
			n += (p.Cluster.Nodes-1)/2 + 1
		default:
			n++
		}
	}
	return max(n, 1)
}

// FaultFields requires the fields that a kind of fault needs, and none that it has no
// use for.
func (c *Checker) FaultFields(path string, f *Fault, use Use) {
	c.Fields(path, string(f.Kind), use, []Field{
		{"for", f.For != 0},
		{"node", f.Node != ""},
		{"peer", f.Peer != ""},
		{"nodes", len(f.Nodes) > 0},
		{"rate", f.Rate != 0},
		{"count", f.Count != 0},
		{"min", f.Min != 0},
		{"max", f.Max != 0},
		{"by", f.By != 0},
		{"drift", f.Drift != 0},
		{"op", f.Op != ""},
		{"name", f.Name != ""},
		{"about", len(f.About) > 0},
		{"do", len(f.Do) > 0},
	})
	if f.Op != "" && use.Ops != nil {
		OneOf(c, path+".op", f.Op, use.Ops)
	}
}

// faultTimes complains about what is not within the time of the faults.
func (v *validator) faultTimes(path string, f *Fault) {
	switch quiescence := v.p.Quiescence; {
	case f.At < 0:
		v.Failf(path+".at", "%s is before the start of the run", f.At)
	case f.At >= quiescence:
		v.Failf(path+".at", "%s is past the beginning of quiescence (%s)", f.At, quiescence)
	}
	v.Duration(path+".for", f.For, 0, MaxSetting)
	v.Duration(path+".min", f.Min, 0, MaxSetting)
	v.Duration(path+".max", f.Max, 0, MaxSetting)
	if f.Max < f.Min {
		v.Failf(path+".max", "%s is below min (%s)", f.Max, f.Min)
	}
	if f.By < -MaxSetting || f.By > MaxSetting {
		v.Failf(path+".by", "%s is further than %s", f.By, MaxSetting)
	}
}

func (v *validator) trigger(path string, t *Trigger) {
	if t == nil {
		return
	}
	if v.p.Application == "" || t.Moment == "" {
		OneOf(&v.Checker, path+".moment", t.Moment, Moments())
	}
	if t.Node != "" {
		OneOf(&v.Checker, path+".node", t.Node, v.nodes)
	}
	v.Number(path+".nth", t.Nth, 0, maxCount)
	if slices.Contains(WriteMoments(), t.Moment) {
		if t.Op != "" {
			OneOf(&v.Checker, path+".op", t.Op, Stores())
		}
		v.name(path, t.Op, t.Name, []string{"stable"})
	} else if t.Op != "" || t.Name != "" {
		v.Failf(path+".op", "%s has no use for op and name; the moments of writes have", t.Moment)
	}
}

// name complains about the name of what has none.
func (v *validator) name(path, op, name string, named []string) {
	switch {
	case name == "":
	case !slices.Contains(named, op):
		v.Failf(path+".name", "what is written has a name where op is one of %s", strings.Join(named, ", "))
	default:
		v.ID(path+".name", name)
	}
}

// faultNodes complains about nodes that no run can find.
func (v *validator) faultNodes(path string, f *Fault) {
	if v.p.Application == "" {
		v.FaultRoles(path, f, v.nodes, nil)
	}
	for at, name := range f.names(path) {
		if name == Here && f.When == nil {
			v.Failf(at, "%q is where a moment was reached; the fault has no trigger", name)
		}
	}
	for i, name := range f.Nodes {
		if slices.Contains(f.Nodes[:i], name) {
			v.Failf(fmt.Sprintf("%s.nodes[%d]", path, i), "%q is there twice", name)
		}
	}
	use, _ := FaultUse(f.Kind)
	if slices.Contains(use.May, "nodes") && (f.Node == "") == (len(f.Nodes) == 0) {
		v.Failf(path+".node", "%s needs either node or nodes", f.Kind)
	}
}

// FaultRoles requires that everything a fault names as a node is one of nodes, a role of
// the framework, or one of roles, which are the application's.
func (c *Checker) FaultRoles(path string, f *Fault, nodes, roles []string) {
	one := slices.Concat(nodes, singleRoles, roles)
	for at, name := range f.names(path) {
		allowed := one
		if strings.HasSuffix(at, "]") {
			allowed = slices.Concat(one, groupRoles)
		}
		OneOf(c, at, name, allowed)
	}
}

// names yields what the fault names as nodes, by path.
func (f *Fault) names(path string) iter.Seq2[string, string] {
	return func(yield func(at, name string) bool) {
		if f.Node != "" && !yield(path+".node", f.Node) || f.Peer != "" && !yield(path+".peer", f.Peer) {
			return
		}
		for i, name := range f.Nodes {
			if !yield(fmt.Sprintf("%s.nodes[%d]", path, i), name) {
				return
			}
		}
	}
}
