package taskplan

import (
	"fmt"
	"slices"

	"dtsim/sim/plan"
)

var expectations = []Expectation{TaskEnds, UnitsOnce, CallbacksOnce, SwapsOnce, NoSwap, TaskStays, RecordGone,
	OperationsEnd, SchemaIs, ShardsAre, CollectionGone, GroupsEarly}

// terminal are the statuses a task can end with, outcomes what an operation can.
var (
	terminal = []string{"FINISHED", "FAILED", "CANCELLED"}
	outcomes = []string{"ok", "rejected"}
)

// neededBy holds which fields of a Promise each expectation needs; those it may have
// besides are in allowedBy.
var neededBy = map[Expectation][]string{
	TaskEnds:       {"namespace", "task_id", "status"},
	UnitsOnce:      {"namespace", "task_id"},
	CallbacksOnce:  {"namespace", "task_id"},
	SwapsOnce:      {"namespace", "task_id"},
	NoSwap:         {"namespace", "task_id"},
	TaskStays:      {"namespace", "task_id"},
	RecordGone:     {"namespace", "task_id"},
	GroupsEarly:    {"namespace", "task_id"},
	OperationsEnd:  {"operations", "outcome"},
	SchemaIs:       {"collection", "property", "tokenization"},
	ShardsAre:      {"collection", "property", "tokenization"},
	CollectionGone: {"collection"},
}

func (v *validator) promise(i int) {
	p := &v.p.Promises[i]
	path := fmt.Sprintf("tasks.promises[%d]", i)
	plan.OneOf(&v.Checker, path+".expect", p.Expect, expectations)
	if v.Failed() {
		return
	}
	used := neededBy[p.Expect]
	for _, optional := range []struct {
		name  string
		there bool
		fits  bool
	}{
		{"run", p.Run != 0, p.TaskID != ""},
		{"exactly", p.Exactly != 0, p.Expect == OperationsEnd},
		{"tenant", p.Tenant != "", p.Expect == ShardsAre},
	} {
		if optional.there && optional.fits {
			used = append(used[:len(used):len(used)], optional.name)
		}
	}
	v.Fields(path, string(p.Expect), plan.Use{Needs: used}, []plan.Field{
		{"namespace", p.Namespace != ""},
		{"task_id", p.TaskID != ""},
		{"run", p.Run != 0},
		{"status", p.Status != ""},
		{"operations", len(p.Operations) > 0},
		{"outcome", p.Outcome != ""},
		{"exactly", p.Exactly != 0},
		{"collection", p.Collection != ""},
		{"property", p.Property != ""},
		{"tokenization", p.Tokenization != ""},
		{"tenant", p.Tenant != ""},
	})
	if v.Failed() {
		return
	}
	if p.TaskID != "" {
		v.Number(path+".run", p.Run, 0, v.added(path, p.Namespace, p.TaskID))
	}
	if p.Expect == TaskStays && !v.p.Inherited.has(p.Namespace, p.TaskID) {
		v.Failf(path+".task_id", "the task %q of %s is not inherited; no other stays as it is", p.TaskID, p.Namespace)
	}
	if p.Status != "" {
		plan.OneOf(&v.Checker, path+".status", p.Status, terminal)
	}
	if p.Outcome != "" {
		plan.OneOf(&v.Checker, path+".outcome", p.Outcome, outcomes)
		v.operations(path, p)
	}
	if p.Collection == "" || v.Failed() {
		return
	}
	c := v.created(path+".collection", p.Collection)
	if c == nil {
		return
	}
	if p.Property != "" {
		v.propertyOf(path+".property", c, p.Property)
		v.Name(path+".tokenization", p.Tokenization)
	}
	if p.Tenant != "" && !slices.Contains(c.Tenants, p.Tenant) {
		v.Failf(path+".tenant", "%q is not among the tenants of %s", p.Tenant, c.Name)
	}
}

// operations complains about positions that are not in the workload or are there
// twice.
func (v *validator) operations(path string, p *Promise) {
	seen := map[int]bool{}
	for i, op := range p.Operations {
		at := fmt.Sprintf("%s.operations[%d]", path, i)
		if op < 0 || op >= len(v.p.Workload) {
			v.Failf(at, "the workload has no operation %d; it has %d", op, len(v.p.Workload))
		}
		if seen[op] {
			v.Failf(at, "the operation %d is there twice", op)
		}
		seen[op] = true
	}
	v.Number(path+".exactly", p.Exactly, 0, len(p.Operations))
}
