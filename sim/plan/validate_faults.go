package plan

import (
	"fmt"
	"slices"
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
	if p.Calm < 0 || p.Calm >= p.Duration {
		v.failf("calm", "%s is not from 0s to below the end of the run (%s)", p.Calm, p.Duration)
	}
	if len(p.Faults) > 0 && p.Calm == 0 {
		v.failf("calm", "missing; a plan with faults says when they end")
	}
	if n := len(p.Faults); n > MaxFaults {
		v.failf("faults", "%d faults; at most %d are possible", n, MaxFaults)
	}
	if v.err != nil {
		return
	}
	keys := make(map[uint64]int, len(p.Faults))
	for i := range p.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		v.fault(path, &p.Faults[i])
		key := p.FaultKey(i)
		if first, twice := keys[key]; twice {
			v.failf(path+".key", "%d is the key of faults[%d]", key, first)
		}
		keys[key] = i
		if v.err != nil {
			return
		}
	}
}

func (v *validator) fault(path string, f *Fault) {
	oneOf(v, path+".kind", f.Kind, FaultKinds())
	if v.err != nil {
		return
	}
	use := faultUses[f.Kind]
	v.fields(path, string(f.Kind), use, []present{
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
		{"namespace", f.Namespace != ""},
		{"task_id", f.TaskID != ""},
		{"unit", f.Unit != ""},
		{"do", f.Do != nil},
	})
	v.faultTimes(path, f)
	v.trigger(path+".when", f.When)
	v.faultNodes(path, f)
	if f.Rate > million {
		v.failf(path+".rate", "%d is above %d, which is always", f.Rate, million)
	}
	v.number(path+".count", f.Count, 0, maxCount)
	if f.Drift < -maxDrift || f.Drift > maxDrift {
		v.failf(path+".drift", "%d is not from %d to %d", f.Drift, -maxDrift, maxDrift)
	}
	if f.Op != "" {
		oneOf(v, path+".op", f.Op, use.ops)
	}
	v.ofTask(path, f.Namespace, f.TaskID)
	if f.Unit != "" {
		v.id(path+".unit", f.Unit)
	}
	if f.Do != nil {
		v.does(path+".do", f)
	}
}

// fields complains about a field that the kind needs and that is missing, and about
// one that it has no use for.
func (v *validator) fields(path, who string, use faultUse, there []present) {
	for _, f := range there {
		switch needed := slices.Contains(use.needs, f.field); {
		case needed && !f.is:
			v.failf(path+"."+f.field, "missing; %s needs it", who)
		case f.is && !needed && !slices.Contains(use.may, f.field):
			v.failf(path+"."+f.field, "%s has no use for it", who)
		}
	}
}

// faultTimes complains about what is not within the time of the faults.
func (v *validator) faultTimes(path string, f *Fault) {
	switch calm := v.p.Calm; {
	case f.At < 0:
		v.failf(path+".at", "%s is before the start of the run", f.At)
	case f.At >= calm:
		v.failf(path+".at", "%s is past the beginning of the calm phase (%s)", f.At, calm)
	}
	v.duration(path+".for", f.For, 0, maxSetting)
	v.duration(path+".min", f.Min, 0, maxSetting)
	v.duration(path+".max", f.Max, 0, maxSetting)
	if f.Max < f.Min {
		v.failf(path+".max", "%s is below min (%s)", f.Max, f.Min)
	}
	if f.By < -maxSetting || f.By > maxSetting {
		v.failf(path+".by", "%s is further than %s", f.By, maxSetting)
	}
}

func (v *validator) trigger(path string, t *Trigger) {
	if t == nil {
		return
	}
	oneOf(v, path+".moment", t.Moment, Moments())
	if t.Node != "" {
		oneOf(v, path+".node", t.Node, v.nodes)
	}
	v.number(path+".nth", t.Nth, 0, maxCount)
	v.ofTask(path, t.Namespace, t.TaskID)
}

// faultNodes complains about names that are neither nodes nor roles.
func (v *validator) faultNodes(path string, f *Fault) {
	one := func(path, name string) {
		if name != "" {
			v.nodeOrRole(path, name, f, singleRoles)
		}
	}
	one(path+".node", f.Node)
	one(path+".peer", f.Peer)
	for i, name := range f.Nodes {
		at := fmt.Sprintf("%s.nodes[%d]", path, i)
		v.nodeOrRole(at, name, f, append(slices.Clone(singleRoles), groupRoles...))
		if slices.Contains(f.Nodes[:i], name) {
			v.failf(at, "%q is there twice", name)
		}
	}
	if slices.Contains(faultUses[f.Kind].may, "nodes") && (f.Node == "") == (len(f.Nodes) == 0) {
		v.failf(path+".node", "%s needs either node or nodes", f.Kind)
	}
}

// nodeOrRole complains about a role that cannot be resolved.
func (v *validator) nodeOrRole(path, name string, f *Fault, roles []string) {
	oneOf(v, path, name, append(slices.Clone(v.nodes), roles...))
	switch {
	case name == Here && f.When == nil:
		v.failf(path, "%q is where a moment was reached; the fault has no trigger", name)
	case name == Owner && f.TaskID == "" && (f.When == nil || f.When.TaskID == ""):
		v.failf(path, "%q owns a unit of a task; neither the fault nor its trigger names one", name)
	}
}

// ofTask complains about a task that no operation submits.
func (v *validator) ofTask(path, namespace, id string) {
	switch {
	case id != "" && namespace == "":
		v.failf(path+".namespace", "missing; task_id needs it")
	case id != "":
		v.added(path, namespace, id)
	case namespace != "":
		oneOf(v, path+".namespace", Kind(namespace), kinds)
	}
}

// does complains about an operation that could not be in the workload.
func (v *validator) does(path string, f *Fault) {
	if f.Do.At != 0 {
		v.failf(path+".at", "the fault says when")
	}
	if IsRole(f.Do.Node) {
		v.nodeOrRole(path+".node", f.Do.Node, f, singleRoles)
	} else {
		oneOf(v, path+".node", f.Do.Node, v.nodes)
	}
	v.perform(path, f.Do)
}
