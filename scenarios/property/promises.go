package property

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// promises holds the end of the run against what the plan promises.
type promises struct{ *findings }

func (c *promises) observe(*trace.Event, *ledger) {}

func (c *promises) finish(l *ledger) {
	for i, p := range l.plan.Promises {
		switch {
		case p.Expect == taskplan.OperationsEnd && !c.profile.Has(OwnPromises):
			continue
		case p.Expect == taskplan.TaskEnds && !c.profile.Has(FailTask) && operated(l.plan, taskplan.FailTask, p.Namespace, p.TaskID):
			continue // it is cancelled instead
		}
		if err := l.kept(p); err != nil {
			c.report(string(p.Expect), "", nil, "promises[%d] is broken: %s", i, err)
		}
	}
}

// kept returns why a promise is broken, or nil.
func (l *ledger) kept(p taskplan.Promise) error {
	switch p.Expect {
	case taskplan.OperationsEnd:
		return l.operationsEnd(p)
	case taskplan.SchemaIs, taskplan.ShardsAre, taskplan.CollectionGone:
		return l.dataAre(p)
	}
	r, err := l.runOf(p)
	if err != nil {
		return err
	}
	switch p.Expect {
	case taskplan.TaskEnds:
		return ends(r, p.Status)
	case taskplan.UnitsOnce:
		return unitsOnce(r)
	case taskplan.CallbacksOnce:
		return callbacksOnce(r, l.plan.Cluster.NodeNames())
	case taskplan.SwapsOnce:
		return swapsOnce(r)
	case taskplan.NoSwap:
		return noSwap(r)
	case taskplan.GroupsEarly:
		return groupsEarly(r)
	case taskplan.TaskStays:
		return l.stays(r)
	case taskplan.RecordGone:
		return l.recordGone(r)
	}
	return fmt.Errorf("there is no check for %q", p.Expect)
}

// runOf returns the run a promise is about.
func (l *ledger) runOf(p taskplan.Promise) (*projection.Run, error) {
	var of []*projection.Run
	for _, r := range l.Order {
		if r.ID.Namespace == p.Namespace && r.ID.Task == p.TaskID {
			of = append(of, r)
		}
	}
	n := p.Run
	if n == 0 {
		n = max(1, len(of))
	}
	if n > len(of) {
		return nil, fmt.Errorf("%s/%s was accepted %d times, run %d is missing", p.Namespace, p.TaskID, len(of), n)
	}
	return of[n-1], nil
}

// operationsEnd: so many of the operations ended so.
func (l *ledger) operationsEnd(p taskplan.Promise) error {
	want := p.Exactly
	if want == 0 {
		want = len(p.Operations)
	}
	var got int
	var others []string
	for _, op := range p.Operations {
		outcome := l.outcomes[int64(op)]
		if outcome == p.Outcome {
			got++
			continue
		}
		if outcome == "" {
			outcome = "without an outcome"
		}
		others = append(others, fmt.Sprintf("workload[%d] is %s", op, outcome))
	}
	if got != want {
		return fmt.Errorf("%d of %d operations are %s, not %d: %s", got, len(p.Operations), p.Outcome, want, strings.Join(others, ", "))
	}
	return nil
}

// dataAre looks at the schema and the shards that the nodes hold at the end.
func (l *ledger) dataAre(p taskplan.Promise) error {
	what := taskevent.RestSchema
	if p.Expect == taskplan.ShardsAre {
		what = taskevent.RestShard
	}
	var seen int
	for i := range l.atRest {
		e := &l.atRest[i]
		if !strings.EqualFold(e.Collection, p.Collection) {
			continue
		}
		if p.Expect == taskplan.CollectionGone {
			return fmt.Errorf("%s still has a %s of it", e.node, e.What)
		}
		if e.What != what || e.Property != p.Property || p.Tenant != "" && e.Shard != p.Tenant {
			continue
		}
		seen++
		if got := e.Tokenization; got != p.Tokenization {
			return fmt.Errorf("on %s the %s %s%s has %s, not %s", e.node, what, p.Collection, at(e.Shard), got, p.Tokenization)
		}
	}
	if want := l.expected(p); seen != want {
		return fmt.Errorf("%d nodes or replicas have %s.%s, not %d", seen, p.Collection, p.Property, want)
	}
	return nil
}

// expected is how many nodes, or replicas, a promise about data is about.
func (l *ledger) expected(p taskplan.Promise) int {
	found := l.Collections[strings.ToLower(p.Collection)]
	switch {
	case p.Expect == taskplan.CollectionGone:
		return 0
	case found == nil:
		// The promise wants it, so its absence is the complaint.
		return 1
	case p.Expect == taskplan.SchemaIs:
		return l.plan.Cluster.Nodes
	}
	var replicas int
	for shard, nodes := range found.Shards {
		if p.Tenant == "" || p.Tenant == shard {
			replicas += len(nodes)
		}
	}
	return max(1, replicas)
}

func at(shard string) string {
	if shard == "" {
		return ""
	}
	return "/" + shard
}

// stays: the run was always in one status, and every node that is up has it on record.
func (l *ledger) stays(r *projection.Run) error {
	if s := r.Last(); len(r.History) > 1 {
		return fmt.Errorf("%s was %s and became %s", r.ID, r.History[0].Status, name(s.Status))
	}
	var have []string
	for i := range l.atRest {
		if e := &l.atRest[i]; e.What == taskevent.RestRecord && e.Run == r.ID && e.Status == r.Status {
			have = append(have, e.node)
		}
	}
	if resting := l.resting(); len(have) != len(resting) || len(have) == 0 {
		return fmt.Errorf("of %d nodes that are up these have %s on record: %s", len(resting), r.ID, strings.Join(have, ", "))
	}
	return nil
}

// recordGone: neither the record nor local state of the run is left.
func (l *ledger) recordGone(r *projection.Run) error {
	if !r.Gone {
		return fmt.Errorf("the record of %s is still there", r.ID)
	}
	for i := range l.atRest {
		e := &l.atRest[i]
		if what := e.What; (what == taskevent.RestRecord || what == taskevent.RestLocal) && e.Run == r.ID {
			return fmt.Errorf("%s still has a %s of %s", e.node, what, r.ID)
		}
	}
	if len(l.atRest) == 0 {
		return errors.New("the trace has no event of what is at rest")
	}
	return nil
}

// groupsEarly: a group ran its callback while the task was STARTED.
func groupsEarly(r *projection.Run) error {
	if slices.ContainsFunc(r.Callbacks, func(c projection.Callback) bool {
		return c.Name == taskevent.GroupCompleted && c.Status == started && c.Err == ""
	}) {
		return nil
	}
	return fmt.Errorf("no group of %s ran its callback while it was STARTED", r.ID)
}
