package taskplan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/sim/plan"
)

// Bounds of what a plan may ask for.
const (
	MaxOperations = 100_000
	MaxUnits      = 100_000 // of one task
	MaxAllUnits   = 1_000_000
	MaxParallel   = 1_000
	MaxRetry      = 100
)

// minSetting is the least that a duration that is a setting can be.
const minSetting = plan.Duration(time.Millisecond)

// Validate returns the first thing that makes the plan impossible to run, as a
// [*plan.Error] without line and column, or nil.
func (p *Plan) Validate() error {
	own := p.Plan
	own.Application, own.Part = Application, nil
	if err := own.Validate(); err != nil {
		return err
	}
	v := &validator{p: p, nodes: p.Cluster.NodeNames(), tasks: map[[2]string]int{}, collections: map[string]*Collection{}}
	v.plan()
	return v.Err()
}

type validator struct {
	plan.Checker
	p     *Plan
	nodes []string
	// What is inherited, and what the operations looked at so far have made.
	units       int                    // of all tasks
	tasks       map[[2]string]int      // submissions by namespace and id
	collections map[string]*Collection // the last of each name
}

func (v *validator) plan() {
	v.Duration("tasks.scheduler_tick", v.p.SchedulerTick, minSetting, plan.MaxSetting)
	v.Duration("tasks.completed_task_ttl", v.p.CompletedTaskTTL, minSetting, plan.MaxSetting)
	v.Number("tasks.max_sessions", v.p.MaxSessions, 0, 1_000_000)
	if v.p.AttemptTimeout != 0 {
		v.Duration("tasks.attempt_timeout", v.p.AttemptTimeout, minSetting, plan.MaxSetting)
	}
	v.inherited()
	if n := len(v.p.Workload); n > MaxOperations {
		v.Failf("tasks.workload", "%d operations; at most %d are possible", n, MaxOperations)
	}
	for i := range v.p.Workload {
		if v.Failed() {
			return
		}
		v.operation(i)
	}
	for i := range v.p.Promises {
		v.promise(i)
	}
	for i := range v.p.Faults {
		if v.Failed() {
			return
		}
		v.fault(fmt.Sprintf("faults[%d]", i), &v.p.Faults[i])
	}
}

// fault complains about what the framework leaves to the application.
func (v *validator) fault(path string, f *plan.Fault) {
	plan.OneOf(&v.Checker, path+".kind", f.Kind, FaultKinds())
	v.FaultRoles(path, f, v.nodes, []string{Owner})
	about := ofUnit // for the framework's faults; those that have no about, it has refused
	for _, row := range faultTable {
		if row.kind == f.Kind {
			v.FaultFields(path, f, row.use)
			about = row.about
		}
	}
	if plan.IsCall(f.Kind) && f.Op != "" {
		plan.OneOf(&v.Checker, path+".op", f.Op, callOps)
	}
	v.about(path+".about", f.About, string(f.Kind), about)
	if f.When != nil {
		plan.OneOf(&v.Checker, path+".when.moment", f.When.Moment, Moments())
		v.about(path+".when.about", f.When.About, "a trigger", ofTask)
	}
	for _, name := range slices.Concat([]string{f.Node, f.Peer}, f.Nodes) {
		v.owner(path, name, f)
	}
	if f.Do != nil {
		v.does(path+".do", f)
	}
}

// owner complains about an owner that cannot be resolved.
func (v *validator) owner(path, name string, f *plan.Fault) {
	if name == Owner && f.About[AboutTask] == "" && (f.When == nil || f.When.About[AboutTask] == "") {
		v.Failf(path+".node", "%q owns a unit of a task; neither the fault nor its trigger names one", name)
	}
}

// about complains about what a fault or a trigger cannot be narrowed to.
func (v *validator) about(path string, about map[string]string, who string, keys []string) {
	for _, key := range slices.Sorted(maps.Keys(about)) {
		switch {
		case !slices.Contains(ofUnit, key):
			v.Failf(path+"."+key, "unknown; known are %s", strings.Join(ofUnit, ", "))
		case !slices.Contains(keys, key):
			v.Failf(path+"."+key, "%s has no use for it", who)
		}
	}
	namespace, id := about[AboutNamespace], about[AboutTask]
	switch {
	case id != "" && namespace == "":
		v.Failf(path+"."+AboutNamespace, "missing; %s needs it", AboutTask)
	case id != "":
		v.added(path, namespace, id)
	case namespace != "":
		plan.OneOf(&v.Checker, path+"."+AboutNamespace, Kind(namespace), kinds)
	}
	if unit := about[AboutUnit]; unit != "" {
		v.ID(path+"."+AboutUnit, unit)
	}
}

// does complains about an operation that could not be in the workload.
func (v *validator) does(path string, f *plan.Fault) {
	var o Operation
	if err := plan.Unmarshal(f.Do, path, &o); err != nil {
		v.Fail(err)
		return
	}
	if o.At != 0 {
		v.Failf(path+".at", "the time is that of the fault")
	}
	plan.OneOf(&v.Checker, path+".node", o.Node, slices.Concat(v.nodes, plan.SingleRoles(), []string{Owner}))
	if o.Node == plan.Here && f.When == nil {
		v.Failf(path+".node", "%q is where a moment was reached; the fault has no trigger", o.Node)
	}
	v.owner(path, o.Node, f)
	v.perform(path, &o)
}
